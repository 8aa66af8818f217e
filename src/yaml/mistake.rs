//! One mistake that decoding found, in words a volunteer understands; serde's own are for programmers.

use std::fmt;

use super::decode::{Key, Skipped};
use super::{Entry, Node, Value};
use crate::diag::{Diagnostic, Place, closest};

/// What decoding found, first without a place, then [`within`](Mistake::within) the innermost value it concerns.
#[derive(Debug)]
pub(super) struct Mistake {
    kind: Kind,
    found: Option<Found>,
}

#[derive(Debug)]
enum Kind {
    Expected(String),
    /// A key or word that is not one of those known.
    Unknown(String, &'static [&'static str]),
    Missing(&'static str),
    Said(String),
}

#[derive(Debug)]
struct Found {
    /// The value to leave out, so that the rest can be looked at.
    culprit: *const Node,
    /// `None` for what follows from a mistake that was reported before.
    diagnostic: Option<Box<Diagnostic>>,
}

impl Mistake {
    pub(super) fn expected(what: &str) -> Self {
        Self { kind: Kind::Expected(what.to_owned()), found: None }
    }

    pub(super) fn unknown(word: &str, known: &'static [&'static str]) -> Self {
        Self { kind: Kind::Unknown(word.to_owned(), known), found: None }
    }

    pub(super) fn missing(key: &'static str) -> Self {
        Self { kind: Kind::Missing(key), found: None }
    }

    pub(super) fn said(text: String) -> Self {
        Self { kind: Kind::Said(text), found: None }
    }

    /// The mistake is the key itself, not what stands under it.
    pub(super) fn of_key(self, name: &str, entry: &Entry) -> Self {
        if self.found.is_some() {
            return self;
        }
        let diagnostic = match &self.kind {
            Kind::Unknown(word, known) => {
                Diagnostic::error(format!("unknown key `{word}`")).suggest(word, known.iter().copied())
            }
            Kind::Said(text) => said(text),
            Kind::Expected(what) => Diagnostic::error(format!("the key `{name}` is not {}", plain(what))),
            Kind::Missing(key) => Diagnostic::error(format!("`{name}` lacks the key `{key}`")),
        };
        self.found(&entry.node, Some(diagnostic.at(&entry.key)))
    }

    /// The mistake concerns this value, unless it was already found further inside.
    pub(super) fn within(self, node: &Node, key: Option<Key<'_>>, skipped: &Skipped) -> Self {
        if self.found.is_some() {
            return self;
        }
        let diagnostic = match &self.kind {
            Kind::Expected(what) => Some(wrong_type(node, key, plain(what))),
            Kind::Unknown(word, known) => Some(unknown_word(word, known, key)),
            Kind::Missing(missing) => {
                // Also when it was only misspelt: `adress` was reported, with the remedy.
                let meant = |name: &str| closest(name, &[missing]).is_some();
                let left_out = node
                    .as_map()
                    .is_some_and(|map| map.iter().any(|(name, entry)| skipped.contains(&entry.node) && meant(name)));
                (!left_out).then(|| lacks(missing, key))
            }
            Kind::Said(text) => Some(said(text)),
        };
        let place: &Place = match (&self.kind, key) {
            (Kind::Missing(_), Some(key)) => &key.entry.key,
            _ => &node.place,
        };
        self.found(node, diagnostic.map(|diagnostic| diagnostic.at(place)))
    }

    fn found(self, culprit: &Node, diagnostic: Option<Diagnostic>) -> Self {
        let found = Found { culprit: std::ptr::from_ref(culprit), diagnostic: diagnostic.map(Box::new) };
        Self { found: Some(found), ..self }
    }

    /// The value to leave out and what to report. `root` is blamed for what nothing else is.
    pub(super) fn finish(self, root: &Node) -> (*const Node, Option<Diagnostic>) {
        match self.found {
            Some(found) => (found.culprit, found.diagnostic.map(|diagnostic| *diagnostic)),
            None => {
                let diagnostic = Diagnostic::error(self.to_string()).at(&root.place);
                (std::ptr::from_ref(root), Some(diagnostic))
            }
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Expected(what) => write!(f, "this must be {}", plain(what)),
            Kind::Unknown(word, _) => write!(f, "unknown word `{word}`"),
            Kind::Missing(key) => write!(f, "the key `{key}` is missing"),
            Kind::Said(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Mistake {}

fn wrong_type(node: &Node, key: Option<Key<'_>>, expected: &str) -> Diagnostic {
    let subject = key.map_or_else(|| "this".to_owned(), |key| format!("`{}`", key.name));
    let mistake = Diagnostic::error(format!("{subject} must be {expected}, not {}", node.description()));
    let written = node.place.source.text.get(node.place.span.clone()).unwrap_or_default();
    match (&node.value, expected) {
        (Value::Int(_) | Value::Float(_) | Value::Bool(_), "text") => {
            mistake.remedy(format!("write it in quotes: \"{written}\""))
        }
        (Value::String(text), "true or false") => match text.to_lowercase().as_str() {
            "yes" | "on" | "y" => mistake.remedy("write `true`"),
            "no" | "off" | "n" => mistake.remedy("write `false`"),
            _ => mistake.remedy("write `true` or `false`, without quotes"),
        },
        (Value::String(text), _) if expected.contains("number") && text.trim().parse::<f64>().is_ok() => {
            mistake.remedy(format!("write it without quotes: {}", text.trim()))
        }
        (Value::String(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_), "a list") => {
            mistake.remedy(format!("write it in brackets: [{written}]"))
        }
        (Value::Null, _) => mistake.remedy("write a value after the colon, or remove the key"),
        _ => mistake,
    }
}

fn unknown_word(word: &str, known: &[&str], key: Option<Key<'_>>) -> Diagnostic {
    let fact = match key {
        Some(key) => format!("`{}` cannot be `{word}`", key.name),
        None => format!("unknown word `{word}`"),
    };
    match closest(word, known) {
        Some(near) => Diagnostic::error(fact).remedy(format!("did you mean `{near}`?")),
        None => Diagnostic::error(fact).remedy(format!("write one of: {}", known.join(", "))),
    }
}

fn lacks(missing: &str, key: Option<Key<'_>>) -> Diagnostic {
    let fact = match key {
        Some(key) => format!("`{}` lacks the key `{missing}`", key.name),
        None => format!("the key `{missing}` is missing here"),
    };
    Diagnostic::error(fact).remedy(format!("add `{missing}:`"))
}

/// Text of a type's own error: the fact, and on a second line the remedy.
fn said(text: &str) -> Diagnostic {
    match text.split_once('\n') {
        Some((fact, remedy)) => Diagnostic::error(fact).remedy(remedy),
        None => Diagnostic::error(text),
    }
}

/// Serde's words for a type in the words of people who write YAML.
fn plain(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "str" | "string" => "text",
        "a sequence" => "a list",
        "unit" => "empty",
        _ if expected.starts_with("struct ") => "a map",
        _ if expected.starts_with("tuple") => "a list",
        _ if expected.starts_with("enum ") || expected.starts_with("variant ") => "a word",
        "a nonzero u16" => "a whole number from 1 to 65535",
        _ if expected.starts_with("a nonzero") => "a whole number, 1 or more",
        _ => expected,
    }
}
