//! Text for people, in the languages it was written in.

use indexmap::IndexMap;

use crate::diag::{Diagnostic, Diagnostics};
use crate::yaml::{Node, Value};

/// Text by language (`en`, `es`). A plain string is English.
#[derive(Debug, Clone, Default)]
pub struct Text {
    by_language: IndexMap<String, Node>,
}

impl Text {
    pub(super) fn read(node: &Node, mistakes: &mut Diagnostics) -> Self {
        let mut text = Self::default();
        match &node.value {
            Value::String(_) => {
                text.by_language.insert("en".to_owned(), node.clone());
            }
            Value::Map(map) => {
                for (language, entry) in map {
                    let is_code = language.len() == 2 && language.chars().all(|c| c.is_ascii_lowercase());
                    if !is_code {
                        mistakes.push(
                            Diagnostic::error(format!("`{language}` is not the code of a language"))
                                .at(&entry.key)
                                .remedy("write two letters, such as `en` or `es`"),
                        );
                    } else if entry.node.as_str().is_none() {
                        let fact = format!("`{language}` must be text, not {}", entry.node.description());
                        mistakes.push(Diagnostic::error(fact).at(&entry.node.place));
                    } else {
                        text.by_language.insert(language.clone(), entry.node.clone());
                    }
                }
            }
            _ => mistakes.push(
                Diagnostic::error(format!("this must be text, not {}", node.description()))
                    .at(&node.place)
                    .remedy("write text, or text by language: { en: …, es: … }"),
            ),
        }
        text
    }

    /// In this language, else in English, else in whatever there is; empty if there is nothing.
    pub fn in_language(&self, code: &str) -> &str {
        self.by_language
            .get(code)
            .or_else(|| self.by_language.get("en"))
            .or_else(|| self.by_language.values().next())
            .and_then(Node::as_str)
            .unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.by_language.is_empty()
    }

    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.by_language.keys().map(String::as_str)
    }

    /// Every version, with its place: they may hold expressions.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.by_language.values()
    }
}
