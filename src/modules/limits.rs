//! What a module says of the limits of what it makes: how private its data is, and where it can work at all.

use serde::Deserialize;

use super::{Class, DataClass, Supported, Text};
use crate::abilities::{ABILITIES, ability};
use crate::diag::{Diagnostic, Diagnostics};
use crate::yaml::{Node, Placed, Value};

const CLASSES: [(&str, Class); 4] = [
    ("public", Class::Public),
    ("internal", Class::Internal),
    ("personal", Class::Personal),
    ("sensitive", Class::Sensitive),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawClass {
    class: Placed<String>,
    backup: Option<bool>,
}

/// `{ class: personal }`, with `backup: false` for what can be made again.
pub(super) fn read_class(node: &Node, mistakes: &mut Diagnostics) -> Option<DataClass> {
    if !matches!(node.value, Value::Map(_)) {
        let remedy = "write `data: { class: personal }`";
        mistakes.push(Diagnostic::error("`data` must say a class").at(&node.place).remedy(remedy));
        return None;
    }
    let raw: RawClass = node.decode(mistakes)?;
    let found = CLASSES.iter().find(|(word, _)| *word == raw.class.value);
    let Some((_, class)) = found else {
        let word = &raw.class.value;
        let fact = format!("`{}` is no class of data", word.escape_debug());
        mistakes
            .push(Diagnostic::error(fact).at(&raw.class.place).suggest(word, CLASSES.iter().map(|(word, _)| *word)));
        return None;
    };
    Some(DataClass { class: *class, backup: raw.backup.unwrap_or(true) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSupported {
    #[serde(default)]
    needs: Vec<Placed<String>>,
    when: Option<Node>,
    because: Option<Node>,
}

pub(super) fn read_supported(node: &Node, mistakes: &mut Diagnostics) -> Option<Supported> {
    let raw: RawSupported = node.decode(mistakes)?;
    let mut abilities = Vec::new();
    for word in &raw.needs {
        match ability(&word.value) {
            Some((known, _)) => abilities.push(known),
            None => {
                let fact = format!("`{}` is no ability of a host", word.value.escape_debug());
                let known = ABILITIES.iter().map(|(word, _)| *word);
                mistakes.push(Diagnostic::error(fact).at(&word.place).suggest(&word.value, known));
            }
        }
    }
    if raw.needs.is_empty() && raw.when.is_none() {
        let remedy = "add `needs: [ABILITY]` or `when: EXPRESSION`";
        mistakes.push(Diagnostic::error("`supported` asks for nothing").at(&node.place).remedy(remedy));
    }
    let because = raw.because.map(|because| Text::read(&because, mistakes)).unwrap_or_default();
    Some(Supported { when: raw.when, abilities, because })
}
