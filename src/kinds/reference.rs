//! The reference of all kinds as Markdown, made from what reads them: their schemas, doc comments and examples.

use std::fmt::Write as _;

use serde_json::Value;

use super::{ALL, Kind};

const HEAD: &str = "\
# The kinds of resources

Made from the code by `cargo test kinds::reference` (set `UPDATE_REFERENCE=1` to write it); do not edit.

A resource stands in a module as `- KIND: { field: value }`, with `when:`, `for_each:` and `data:` beside the kind. Fields in **bold**
must be given. Kinds that work in a directory also work on a host with `root:`.
";

/// One section a kind, in the order of the table of kinds.
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for kind in ALL {
        section(&mut text, *kind);
    }
    text
}

fn section(text: &mut String, kind: &dyn Kind) {
    let schema = Value::from(kind.schema());
    let _ = write!(text, "\n## {}\n\n{}\n", kind.name(), kind.summary());
    if let Some(field) = kind.short_field() {
        let _ = write!(text, "\n`- {}: x` is short for `{{ {field}: x }}`.\n", kind.name());
    }
    if kind.works_in_directory() {
        text.push_str("\nIt works in a directory.\n");
    }
    if kind.merges() {
        text.push_str("\nIdentical declarations of several services are one resource, which all of them own.\n");
    }
    if kind.provides() {
        text.push_str("\nIt may bring what later resources are made of: those are decided during apply.\n");
    }
    text.push_str("\n| field | meaning |\n|---|---|\n");
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let name = if required.contains(&name.as_str()) { format!("**`{name}`**") } else { format!("`{name}`") };
        let meaning = field["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(text, "| {name} | {meaning} |");
    }
    text.push_str("\n```yaml\n");
    for example in kind.examples() {
        let _ = writeln!(text, "- {}: {}", kind.name(), example.trim());
    }
    text.push_str("```\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_says_what_the_code_does() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/kinds.md");
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(path, reference()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == reference(),
            "docs/kinds.md is out of date: run `UPDATE_REFERENCE=1 cargo test kinds::reference`"
        );
    }

    #[test]
    fn every_field_of_every_kind_says_what_it_means() {
        let mut silent = Vec::new();
        for kind in ALL {
            let schema = Value::from(kind.schema());
            for (name, field) in schema["properties"].as_object().unwrap() {
                if field["description"].as_str().unwrap_or_default().is_empty() {
                    silent.push(format!("{}.{name}", kind.name()));
                }
            }
        }
        assert!(silent.is_empty(), "without a doc comment: {silent:?}");
    }
}
