//! Text to [`Node`], by serde-saphyr with the guesses of YAML 1.1 turned off.
//!
//! Takes a [`Source`], gives a tree or every mistake that could be told apart. Duplicate keys and keys that are not
//! text are found here, not in the parser, so that all of them are reported, each with both places.

use std::fmt;
use std::sync::Arc;

use indexmap::map;
use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, MergeKeyPolicy, Spanned};

use super::{Entry, Map, Node, Value};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};

/// The most nested lists and maps; the inventory needs about eight.
const DEPTH: usize = 48;

const TOO_DEEP: &str = "too many nested lists and maps";

/// One YAML document. An empty file is an empty map.
pub fn parse(source: &Arc<Source>) -> Result<Node, Diagnostics> {
    let mut mistakes = Diagnostics::default();
    match readable(source, &mut mistakes) {
        Some(node) if !mistakes.has_errors() => Ok(node),
        _ => Err(mistakes),
    }
}

/// The same for who looks for more mistakes after those of the text: of equal keys the first counts. `None` if the text
/// is no YAML at all.
pub fn readable(source: &Arc<Source>, mistakes: &mut Diagnostics) -> Option<Node> {
    match serde_saphyr::from_str_with_options::<Option<Spanned<Raw>>>(source.text.as_str(), options()) {
        Ok(None) => Some(Node::empty(source)),
        Ok(Some(raw)) => Some(placed(raw, source, mistakes)),
        Err(error) => {
            mistakes.push(refusal(&error, source));
            None
        }
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        emit_comments: false,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            flow_nesting_limit: DEPTH,
            max_nodes: 1_000_000,
            max_events: 3_000_000,
            max_documents: 4,
            max_aliases: 10_000,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 20_000 },
    }
}

/// What serde hands over, before duplicate keys are looked at.
enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number beyond 64 bits with sign.
    Huge(u64),
    Float(f64),
    String(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(flag))
    }

    fn visit_i64<E>(self, whole: i64) -> Result<Raw, E> {
        Ok(Raw::Int(whole))
    }

    fn visit_u64<E>(self, whole: u64) -> Result<Raw, E> {
        Ok(i64::try_from(whole).map_or(Raw::Huge(whole), Raw::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Raw, E> {
        Ok(Raw::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

fn placed(raw: Spanned<Raw>, source: &Arc<Source>, mistakes: &mut Diagnostics) -> Node {
    let mut place = place(raw.defined, source);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(flag) => Value::Bool(flag),
        Raw::Int(whole) => Value::Int(whole),
        Raw::Huge(whole) => {
            mistakes.push(too_large(&whole.to_string(), &place));
            Value::Null
        }
        Raw::Float(number) => {
            let written = source.text.get(place.span.clone()).unwrap_or_default();
            if written.chars().all(|c| c.is_ascii_digit() || c == '-') {
                mistakes.push(too_large(written, &place));
            }
            Value::Float(number)
        }
        Raw::String(text) => Value::String(text),
        Raw::List(items) => Value::List(items.into_iter().map(|item| placed(item, source, mistakes)).collect()),
        Raw::Map(entries) => Value::Map(unique(entries, source, mistakes)),
    };
    // A list or map reports an empty or one-character span at its start; anything beyond the text is cut.
    place.span.end = place.span.end.min(source.text.len());
    Node { value, place, sealed: None }
}

/// Digits beyond 64 bits would silently become a rounded float.
fn too_large(written: &str, place: &Place) -> Diagnostic {
    Diagnostic::error(format!("the number {written} is too large"))
        .at(place)
        .remedy(format!("if it is an identifier, write it in quotes: \"{written}\""))
}

fn unique(entries: Vec<(Spanned<Raw>, Spanned<Raw>)>, source: &Arc<Source>, mistakes: &mut Diagnostics) -> Map {
    let mut map = Map::with_capacity(entries.len());
    for (key, value) in entries {
        let key_place = place(key.defined, source);
        let node = placed(value, source, mistakes);
        let written = match key.value {
            Raw::String(text) => text,
            other => {
                mistakes.push(key_mistake(&other, &key_place));
                continue;
            }
        };
        match map.entry(written) {
            map::Entry::Vacant(vacant) => {
                vacant.insert(Entry { key: key_place, node });
            }
            map::Entry::Occupied(first) => mistakes.push(
                Diagnostic::error(format!("the key `{}` appears twice", first.key()))
                    .at(&key_place)
                    .related(&first.get().key, "first given here")
                    .remedy("keep one of the two"),
            ),
        }
    }
    map
}

fn key_mistake(key: &Raw, place: &Place) -> Diagnostic {
    let written = place.source.text.get(place.span.clone()).unwrap_or_default().trim();
    let mistake = Diagnostic::error("a key must be text").at(place);
    match key {
        Raw::List(_) | Raw::Map(_) => {
            mistake.remedy("write a plain word as key; an expression such as {{ x }} needs quotes around it")
        }
        _ if written.is_empty() => mistake.remedy("write a word before the colon"),
        _ => mistake.remedy(format!("write it in quotes: \"{written}\"")),
    }
}

fn place(location: Location, source: &Arc<Source>) -> Place {
    let (span, length) = (location.span(), source.text.len());
    let start =
        span.byte_offset().and_then(|at| usize::try_from(at).ok()).unwrap_or_else(|| offset(location, source));
    let width = span.byte_len().and_then(|width| usize::try_from(width).ok()).unwrap_or(0);
    Place::new(source, start.min(length)..start.saturating_add(width).min(length))
}

/// From line and column, for the mistakes that the scanner reports without a byte offset.
fn offset(location: Location, source: &Source) -> usize {
    let line = usize::try_from(location.line()).unwrap_or(1).saturating_sub(1);
    let column = usize::try_from(location.column()).unwrap_or(1).saturating_sub(1);
    let start: usize = source.text.split_inclusive('\n').take(line).map(str::len).sum();
    let within = source.text.get(start..).unwrap_or_default();
    start + within.char_indices().nth(column).map_or(within.len(), |(at, _)| at)
}

/// The parser's refusal in our words, at its place.
fn refusal(error: &Error, source: &Arc<Source>) -> Diagnostic {
    let error = error.without_snippet();
    let at = error.location().map_or_else(|| Place::file(source), |location| place(location, source));
    let mistake = |fact: &str, remedy: &str| Diagnostic::error(fact).at(&at).remedy(remedy);
    let line = source.text.get(..at.span.start).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
    if let Error::AliasError { error, .. } = error {
        return refusal(error, source);
    }
    match error {
        Error::Budget { breach: serde_saphyr::budget::BudgetBreach::Depth { .. }, .. } => {
            mistake(TOO_DEEP, "48 levels are the limit; look for a bracket that is never closed")
        }
        // Brackets are counted by the scanner, which has only words for it.
        Error::ExternalMessage { msg, .. } if msg.contains("recursion limit") => {
            mistake(TOO_DEEP, "48 levels are the limit; look for a bracket that is never closed")
        }
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::RecursiveReferencesRequireWeakTypes { .. } => mistake(
            "the file is too large, or its aliases (`*name`) expand to too much",
            "write the values out, without aliases",
        ),
        Error::MultipleDocuments { .. } => {
            mistake("the file holds more than one YAML document", "remove the line `---`, or split the file in two")
        }
        Error::MergeKeyNotAllowed { .. } => mistake(
            "merge keys (`<<`) are not part of YAML 1.2",
            "write the values out, or use group or chapter `vars`",
        ),
        Error::UnknownAnchor { .. } => mistake(
            "the alias points at an anchor that does not exist above it",
            "define it by `&name`, or put the value in quotes if it should begin with `*`",
        ),
        Error::NonFiniteFloat { value, .. } => {
            mistake(&format!("`{value}` is not a finite number"), "if text was meant, write it in quotes")
        }
        Error::TaggedScalarCannotDeserializeIntoString { .. } => {
            mistake("tags (`!name`) are not supported", "put the value in quotes if it should begin with `!`")
        }
        _ if line.contains('\t') || source.text.get(at.span.start..).is_some_and(|rest| rest.starts_with('\t')) => {
            mistake("a tab stands where YAML needs spaces", "indent with spaces")
        }
        other => {
            let text = serde_saphyr::UserMessageFormatter;
            let fact = serde_saphyr::MessageFormatter::format_message(&text, other).trim_end_matches('.').to_owned();
            Diagnostic::error(fact)
                .at(&at)
                .remedy("compare the indentation, quotes and brackets here with the lines above")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn node(text: &str) -> Node {
        parse(&Source::new("t.yaml", text)).expect("this parses")
    }

    fn refused(text: &str) -> String {
        let mistakes = parse(&Source::new("t.yaml", text)).expect_err("this must be refused");
        mistakes.0.iter().map(|mistake| format!("{mistake}\n")).collect()
    }

    #[test]
    fn what_yaml_1_1_would_guess_is_text() {
        let node = node(
            "a: no\nb: 0644\nc: 1_000\nd: on\ne: true\nf: 22\ng: 12:30:45\nh: 2024-01-01\ni: 1.5\nj: ~\nk: 'null'\n",
        );
        let json = r#"{"a":"no","b":"0644","c":"1_000","d":"on","e":true,"f":22,"g":"12:30:45","h":"2024-01-01","i":1.5,"j":null,"k":"null"}"#;
        assert_eq!(node.to_json().to_string(), json);
    }

    #[test]
    fn every_value_and_key_knows_its_place() {
        let node = node("hosts:\n  zürich: { port: 22 }\n  b:\n    groups:\n      - web\n      - \"db\"\n");
        let at = |node: &Node| node.place.to_string();
        let hosts = node.get("hosts").unwrap();
        assert_eq!(hosts.as_map().unwrap()["zürich"].key.to_string(), "t.yaml:2:3");
        assert_eq!(at(hosts.get("zürich").unwrap()), "t.yaml:2:11");
        let port = hosts.get("zürich").unwrap().get("port").unwrap();
        assert_eq!(at(port), "t.yaml:2:19");
        assert_eq!(&port.place.source.text[port.place.span.clone()], "22");
        let groups = hosts.get("b").unwrap().get("groups").unwrap().as_list().unwrap();
        assert_eq!((at(&groups[0]), at(&groups[1])), ("t.yaml:5:9".to_owned(), "t.yaml:6:9".to_owned()));
    }

    #[test]
    fn an_empty_file_is_an_empty_map() {
        for text in ["", "\n", "# only a comment\n", "---\n", "\u{feff}"] {
            assert_eq!(node(text).to_json(), serde_json::json!({}), "{text:?}");
        }
    }

    #[test]
    fn line_endings_and_a_byte_order_mark_do_not_shift_places() {
        let windows = node("\u{feff}a: 1\r\nb: 2\r\n");
        let b = windows.get("b").unwrap();
        assert_eq!(&b.place.source.text[b.place.span.clone()], "2");
        assert_eq!(b.place.line_column(), (2, 4));
    }

    #[test]
    fn all_duplicate_keys_are_reported_with_both_places() {
        let mistakes = parse(&Source::new("t.yaml", "a: 1\nb: {c: 1, c: 2}\na: 3\n")).unwrap_err();
        let shown: Vec<String> = mistakes.0.iter().map(|m| format!("{m} / {}", m.related[0].0)).collect();
        assert_eq!(
            shown,
            [
                "t.yaml:2:11: the key `c` appears twice; keep one of the two / t.yaml:2:5",
                "t.yaml:3:1: the key `a` appears twice; keep one of the two / t.yaml:1:1",
            ]
        );
    }

    #[test]
    fn keys_that_are_not_text_are_refused_with_a_remedy() {
        assert_eq!(refused("1: x\n"), "t.yaml:1:1: a key must be text; write it in quotes: \"1\"\n");
        assert_eq!(refused("a:\n  true: x\n"), "t.yaml:2:3: a key must be text; write it in quotes: \"true\"\n");
        assert!(refused("a: {{ x }}\n").contains("an expression such as {{ x }} needs quotes"));
    }

    #[test]
    fn several_documents_in_one_file_are_refused() {
        assert_eq!(
            refused("a: 1\n---\nb: 2\n"),
            "t.yaml:3:1: the file holds more than one YAML document; remove the line `---`, or split the file in two\n"
        );
    }

    #[test]
    fn tags_merge_keys_and_unknown_aliases_are_refused_in_plain_words() {
        for (text, words) in [
            ("a: !vault x\n", "tag"),
            ("a: &x {b: 1}\nc:\n  <<: *x\n", "merge keys"),
            ("a: *nowhere\n", "anchor that does not exist"),
            ("a: .nan\n", "not a finite number"),
            ("a: 99999999999999999999\n", "too large"),
            ("a:\n\tb: 1\n", "tab"),
            ("a: [1, 2\n", "t.yaml:"),
            ("a: \"x\n", "t.yaml:"),
        ] {
            assert!(refused(text).contains(words), "{text:?}: {}", refused(text));
        }
    }

    #[test]
    fn an_anchor_may_be_used_and_points_at_what_it_names() {
        let node = node("a: &x [1]\nb: *x\n");
        assert_eq!(node.get("b").unwrap().to_json(), serde_json::json!([1]));
    }

    #[test]
    fn too_deep_nesting_says_so() {
        for text in ["[".repeat(60) + &"]".repeat(60), "[".repeat(60), "- ".repeat(60), "{a: ".repeat(60)] {
            assert!(refused(&text).contains("too many nested lists and maps"), "{}", refused(&text));
        }
    }

    #[test]
    fn bombs_and_deep_nesting_are_refused_in_milliseconds() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..20 {
            let inner = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        let brackets = "[".repeat(200_000);
        let dashes = "- ".repeat(100_000);
        for text in [bomb, brackets, dashes, "a: &a [*a]\n".to_owned(), "---\n".repeat(100_000)] {
            let start = Instant::now();
            let shown = refused(&text);
            // Built for release it is 40 ms at most; a debug build on a busy machine gets some patience.
            assert!(start.elapsed() < Duration::from_secs(3), "{shown}");
        }
    }
}
