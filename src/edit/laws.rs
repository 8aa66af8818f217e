//! Laws of every edit, over random files with comments, quotes and blank lines in all styles: what was not meant to change
//! is byte for byte what it was.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A person as somebody may have written them, under `indent` blanks; every line ends with a comment that names its owner.
fn person(name: &str, style: u8, indent: usize) -> String {
    let blanks = " ".repeat(indent);
    match style % 5 {
        0 => format!("{blanks}{name}: {{ name: '{name}, {{x', role: reader }} # of {name}\n"),
        1 => format!(
            "{blanks}{name}: # of {name}\n{blanks}  name: \"{name} # no\" # of {name}\n{blanks}  role: reader # of {name}\n"
        ),
        2 => format!(
            "{blanks}\"{name}\":\n{blanks}  name: >-\n{blanks}     {name}\n\n{blanks}     # text of {name}\n{blanks}  role: reader # of {name}\n"
        ),
        3 => format!(
            "{blanks}{name}:\n{blanks}  role: reader # of {name}\n{blanks}  ssh: # of {name}\n{blanks}  - a # of {name}\n{blanks}  - 'b: c' # of {name}\n"
        ),
        _ => format!("{blanks}{name}: {{ role: reader, # of {name}\n{blanks}    name: it's {name} }} # of {name}\n"),
    }
}

fn between(kind: u8, indent: usize) -> String {
    match kind % 4 {
        0 => String::new(),
        1 => "\n".to_owned(),
        2 => format!("{}# between\n", " ".repeat(indent)),
        _ => format!("\n\n{}# between, with {{ [ \" '\n", " ".repeat(indent)),
    }
}

const NAMES: [&str; 5] = ["ana", "bea", "cem", "dia", "eva"];

fn file(people: &[(u8, u8)], indent: usize) -> String {
    let mut text = "# top\nid: x # id\npeople: # section\n".to_owned();
    for ((style, gap), name) in people.iter().zip(NAMES) {
        write!(text, "{}{}", between(*gap, indent), person(name, *style, indent)).unwrap();
    }
    text.push_str("\n# about hosts\nhosts: {} # none\n# end\n");
    text
}

proptest! {
    #[test]
    fn removing_takes_exactly_the_lines_of_the_entry(
        people in prop::collection::vec((0_u8..5, 0_u8..4), 2..6), indent in 1_usize..5, which in 0_usize..5,
    ) {
        let which = which % people.len();
        let (text, name) = (file(&people, indent), NAMES[which]);
        let mut document = Document::new("t.yaml", &text).unwrap();
        document.remove(&["people", name]).unwrap();
        prop_assert_eq!(document.text(), text.replace(&person(name, people[which].0, indent), ""));
    }

    #[test]
    fn adding_only_adds(people in prop::collection::vec((0_u8..5, 0_u8..4), 1..5), indent in 1_usize..5) {
        let text = file(&people, indent);
        let mut document = Document::new("t.yaml", &text).unwrap();
        document.put(&["people", "zoe"], &json!({ "name": "Zoë", "role": "no" })).unwrap();
        let added: Vec<&str> = document.text().lines().filter(|line| !text.lines().any(|it| it == *line)).collect();
        let mut left = document.text().to_owned();
        for line in &added {
            left = left.replacen(&format!("{line}\n"), "", 1);
        }
        prop_assert_eq!(&left, &text);
        document.remove(&["people", "zoe"]).unwrap();
        prop_assert_eq!(document.text(), text);
    }

    #[test]
    fn changing_a_field_changes_one_place(
        people in prop::collection::vec((0_u8..5, 0_u8..4), 1..6), indent in 1_usize..5, which in 0_usize..5,
    ) {
        let which = which % people.len();
        let text = file(&people, indent);
        let mut document = Document::new("t.yaml", &text).unwrap();
        document.put(&["people", NAMES[which], "role"], &json!("maintainer")).unwrap();
        let own = person(NAMES[which], people[which].0, indent);
        prop_assert_eq!(document.text(), text.replace(&own, &own.replace("role: reader", "role: maintainer")));
    }
}
