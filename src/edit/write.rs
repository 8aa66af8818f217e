//! Values as YAML that reads back as the same value, quoted only where it must be.

use serde_json::Value;

/// A whole entry of a block map, its lines indented by `indent` blanks, each ended by `newline`.
pub(super) fn block(key: &str, value: &Value, indent: usize, newline: &str) -> String {
    let blanks = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let inner: String = map.iter().map(|(key, value)| block(key, value, indent + 2, newline)).collect();
            format!("{blanks}{}:{newline}{inner}", name(key))
        }
        Value::Array(items) if items.len() > 1 && flow(value).len() > 100 => {
            let lines: String = items.iter().map(|item| format!("{blanks}  - {}{newline}", flow(item))).collect();
            format!("{blanks}{}:{newline}{lines}", name(key))
        }
        _ => format!("{blanks}{}: {}{newline}", name(key), flow(value)),
    }
}

/// On one line.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", name(key), flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        _ => value.to_string(),
    }
}

/// A text, plain if every reader of YAML takes it for that text.
pub(super) fn word(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { Value::from(text).to_string() }
}

/// A key. `on` is one of the inventory's own, which people write as it is.
fn name(key: &str) -> String {
    if key == "on" { key.to_owned() } else { word(key) }
}

/// What YAML 1.1 or 1.2 would take for something else, in lower case.
const WORDS: &[&str] = &["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"];

fn is_plain(text: &str) -> bool {
    let harmless = |c: char| c.is_alphanumeric() || " ._@/+=-".contains(c);
    let (first, last) = (text.chars().next(), text.chars().next_back());
    first.is_some_and(char::is_alphabetic)
        && last.is_some_and(|c| c != ' ')
        && text.chars().all(harmless)
        && !WORDS.contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::diag::Source;

    fn read(text: &str) -> Value {
        crate::yaml::parse(&Source::new("t", text)).unwrap().to_json()
    }

    #[test]
    fn what_needs_no_quotes_has_none() {
        let value =
            json!({ "name": "José Ñ", "country": "no", "count": 3, "ssh": ["ssh-ed25519 AAAA+/= a@b"], "x": "1e3" });
        assert_eq!(
            block("ana", &value, 2, "\n"),
            "  ana:\n    name: José Ñ\n    country: \"no\"\n    count: 3\n    ssh: [ssh-ed25519 AAAA+/= a@b]\n    x: \"1e3\"\n"
        );
        assert_eq!(
            flow(&value),
            "{ name: José Ñ, country: \"no\", count: 3, ssh: [ssh-ed25519 AAAA+/= a@b], x: \"1e3\" }"
        );
    }

    #[test]
    fn long_lists_stand_on_lines_of_their_own() {
        let value = json!(["a".repeat(60), "b".repeat(60)]);
        assert_eq!(block("k", &value, 0, "\n").lines().count(), 3);
    }

    proptest! {
        #[test]
        fn every_text_reads_back_as_itself(text in "\\PC{0,20}", key in "[a-z#:'\"{} -]{1,6}") {
            let value = json!({ key.clone(): { "a": text.clone(), "b": [text.clone(), { "c": text }] } });
            prop_assert_eq!(read(&block("top", &value, 0, "\n")), json!({ "top": value.clone() }));
            prop_assert_eq!(read(&format!("top: {}\n", flow(&value))), json!({ "top": value }));
        }
    }
}
