//! Each style in which people write a section, and what it is after an edit, whole.

use serde_json::json;

use super::*;

fn edited(text: &str, edit: impl FnOnce(&mut Document) -> Result<()>) -> String {
    let mut document = Document::new("t.yaml", text).unwrap();
    edit(&mut document).unwrap();
    document.text().to_owned()
}

fn put(text: &str) -> String {
    edited(text, |document| document.put(&["people", "bea"], &json!({ "name": "Bea", "role": "reader" })))
}

fn remove(text: &str) -> String {
    edited(text, |document| document.remove(&["people", "ana"]))
}

#[test]
fn an_entry_is_added_in_the_style_of_its_section() {
    for (before, after) in [
        ("id: x\n", "id: x\n\npeople:\n  bea:\n    name: Bea\n    role: reader\n"),
        ("", "people:\n  bea:\n    name: Bea\n    role: reader\n"),
        ("id: x", "id: x\n\npeople:\n  bea:\n    name: Bea\n    role: reader\n"),
        ("id: x\n...\n", "id: x\n\npeople:\n  bea:\n    name: Bea\n    role: reader\n...\n"),
        ("people: {}  # nobody\nid: x\n", "people:  # nobody\n  bea:\n    name: Bea\n    role: reader\nid: x\n"),
        ("people:\n\n# x\nid: x\n", "people:\n  bea:\n    name: Bea\n    role: reader\n\n# x\nid: x\n"),
        ("people:\n  # example\nid: x\n", "people:\n  # example\n  bea:\n    name: Bea\n    role: reader\nid: x\n"),
        (
            "people:\n    ana:\n        name: A # a\n\n# h\nhosts:\n",
            "people:\n    ana:\n        name: A # a\n    bea:\n      name: Bea\n      role: reader\n\n# h\nhosts:\n",
        ),
        (
            "people:\n  ana: { name: A } # a\nid: x\n",
            "people:\n  ana: { name: A } # a\n  bea: { name: Bea, role: reader }\nid: x\n",
        ),
        (
            "people: { ana: { name: A } } # a\nid: x\n",
            "people: { ana: { name: A }, bea: { name: Bea, role: reader } } # a\nid: x\n",
        ),
        (
            "people: {\n  ana: { name: \"}\" }, # a\n}\n",
            "people: {\n  ana: { name: \"}\" }, # a\n  bea: { name: Bea, role: reader },\n}\n",
        ),
        (
            "people: {\n  ana: { name: A } # a\n}\n",
            "people: {\n  ana: { name: A }, # a\n  bea: { name: Bea, role: reader }\n}\n",
        ),
        ("{ id: x }\n", "{ id: x, people: { bea: { name: Bea, role: reader } } }\n"),
        ("{ people: {} }\n", "{ people: { bea: { name: Bea, role: reader } } }\n"),
        (
            "id: x\r\npeople:\r\n  ana: {}\r\n",
            "id: x\r\npeople:\r\n  ana: {}\r\n  bea: { name: Bea, role: reader }\r\n",
        ),
        ("people:\n  ana:\n    name: A", "people:\n  ana:\n    name: A\n  bea:\n    name: Bea\n    role: reader\n"),
    ] {
        assert_eq!(put(before), after, "{before}");
    }
}

#[test]
fn an_entry_is_removed_with_what_is_its_own_and_nothing_else() {
    for (before, after) in [
        (
            "people:\n  # first\n  ana:\n    name: |\n      x\n      # not a comment\n    # hers\n\n  # second\n  bea: {}\n",
            "people:\n  # first\n\n  # second\n  bea: {}\n",
        ),
        (
            "people:\n  bea: {}\n  ana:\n    ssh:\n    - a\n    - b\n# h\nhosts:\n",
            "people:\n  bea: {}\n# h\nhosts:\n",
        ),
        ("people:\n  ana: {}\n  # nobody\nid: x\n", "people: {}\n  # nobody\nid: x\n"),
        ("people:\n  ana: {}", "people: {}\n"),
        ("people: { ana: {}, bea: {} } # x\n", "people: { bea: {} } # x\n"),
        ("people: { bea: {}, ana: { a: [1, 2] } } # x\n", "people: { bea: {} } # x\n"),
        ("people: {\n  ana: {}, # a\n  bea: {} # b\n}\n", "people: {\n  bea: {} # b\n}\n"),
        ("people: {\n  bea: {}, # b\n  ana: {} # a\n}\n", "people: {\n  bea: {}, # b\n}\n"),
        ("people: { ana: {} }\n", "people: { }\n"),
        ("people: { \"ana\": {}, bea: {} }\n", "people: { bea: {} }\n"),
        ("people:\n  'ana': {}\n  bea: {}\n", "people:\n  bea: {}\n"),
    ] {
        assert_eq!(remove(before), after, "{before}");
    }
}

#[test]
fn a_value_is_changed_where_it_stands() {
    for (before, after) in [
        ("a:\n  role: reader # r\n  x: 1\n", "a:\n  role: operator # r\n  x: 1\n"),
        ("a:\n  role: 'reader' # r\n", "a:\n  role: operator # r\n"),
        ("a:\n  x: 1 # x\nb: 2\n", "a:\n  x: 1 # x\n  role: operator\nb: 2\n"),
        ("a: { role: reader, x: 1 }\n", "a: { role: operator, x: 1 }\n"),
        ("a:\n  role:\n  x: 1\n", "a:\n  role: operator\n  x: 1\n"),
        ("a:\n  role: |\n    reader\n  x: 1\n", "a:\n  role: operator\n  x: 1\n"),
        ("a:\n  role: [a,\n    b] # r\n", "a:\n  role: operator # r\n"),
        ("a:\n  role:\n  - a\n  - b\n  # x\n", "a:\n  role: operator\n  # x\n"),
    ] {
        let is = edited(before, |document| document.put(&["a", "role"], &json!("operator")));
        assert_eq!(is, after, "{before}");
    }
}

#[test]
fn a_word_is_taken_out_of_a_list() {
    for (before, after) in [
        ("readers: [ana, bea] # r\n", "readers: [bea] # r\n"),
        ("readers: [bea, ana]\n", "readers: [bea]\n"),
        ("readers: [ana]\n", "readers: []\n"),
        ("readers: [ana, bea, ana]\n", "readers: [bea]\n"),
        ("readers:\n  # why\n  - ana # hers\n  - bea # b\nx: 1\n", "readers:\n  # why\n  - bea # b\nx: 1\n"),
        ("readers:\n- bea\n- ana\n\n# x\nx: 1\n", "readers:\n- bea\n\n# x\nx: 1\n"),
        ("readers: # r\n- ana\nx: 1\n", "readers: [] # r\nx: 1\n"),
    ] {
        let is = edited(before, |document| document.remove_word(&["readers"], "ana"));
        assert_eq!(is, after, "{before}");
    }
}

#[test]
fn what_others_rely_on_is_refused_and_left_as_it_is() {
    let text = "people:\n  ana: &a { name: A }\n  bea: *a\n";
    let mut document = Document::new("t.yaml", text).unwrap();
    let refusal = document.remove(&["people", "ana"]).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "t.yaml:2:11: `people.ana` cannot be changed here without risk to the rest of the file; change it by hand, or \
         write this part as plain lines `key: value`; nothing was written"
    );
    assert!(document.put(&["people", "bea", "name"], &json!("B")).is_err(), "an alias is not its own");
    assert_eq!(document.text(), text);
}

#[test]
fn the_file_that_has_people_gets_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("a.yaml", "id: 0123456789abcdef0123456789abcdef\nchapter: { name: X, domain: x.example }\npeople: {}\n");
    write("b.yaml", "\u{feff}people:\n  ana: { name: A, role: maintainer }\n");
    write("c.yaml", "hosts: {}\n");
    let mut files = Files::read(dir.path()).unwrap();
    files.put(&["people", "bea"], &json!({ "name": "B", "role": "reader" }), "chapter").unwrap();
    let (after, rewrites) = files.finish().unwrap();
    assert_eq!(after.people.keys().collect::<Vec<_>>(), ["ana", "bea"]);
    let [Rewrite { path, content }] = rewrites.as_slice() else { panic!("{rewrites:?}") };
    assert_eq!(*path, dir.path().join("b.yaml"));
    let text = "\u{feff}people:\n  ana: { name: A, role: maintainer }\n  bea: { name: B, role: reader }\n";
    assert_eq!(std::str::from_utf8(content).unwrap(), text);
}

#[test]
fn an_edit_that_breaks_the_inventory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let text = "id: 0123456789abcdef0123456789abcdef\nchapter: { name: X, domain: x.example }\n";
    std::fs::write(dir.path().join("a.yaml"), text).unwrap();
    let mut files = Files::read(dir.path()).unwrap();
    files.put(&["people", "bea"], &json!({ "name": "B", "role": "boss" }), "chapter").unwrap();
    assert!(files.finish().unwrap_err().0[0].fact.contains("`role` cannot be `boss`"));
}
