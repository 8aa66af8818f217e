//! What was given by options: `--param KEY=VALUE` and `--need NEED=SERVICE`, each taken once.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diagnostics};

/// Values by key, and which of them nobody asked for yet.
#[derive(Debug, Default)]
pub(super) struct Given {
    option: &'static str,
    values: BTreeMap<String, String>,
    asked: Vec<String>,
}

impl Given {
    pub(super) fn read(option: &'static str, words: &[String]) -> Result<Self, Diagnostics> {
        let mut mistakes = Diagnostics::default();
        let mut values = BTreeMap::new();
        for word in words {
            let Some((key, value)) = word.split_once('=').filter(|(key, _)| !key.is_empty()) else {
                let fact = format!("`{option} {}` has no `=`", word.escape_debug());
                mistakes.push(Diagnostic::error(fact).remedy(format!("write `{option} KEY=VALUE`")));
                continue;
            };
            if values.insert(key.to_owned(), value.to_owned()).is_some() {
                let fact = format!("`{}` is given twice", key.escape_debug());
                mistakes.push(Diagnostic::error(fact).remedy("keep one of the two"));
            }
        }
        if mistakes.has_errors() { Err(mistakes) } else { Ok(Self { option, values, asked: Vec::new() }) }
    }

    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        self.asked.push(key.to_owned());
        self.values.remove(key)
    }

    /// What nobody asked for is a mistake: it would have no effect.
    pub(super) fn rest(&self, mistakes: &mut Diagnostics) {
        for key in self.values.keys() {
            let fact = format!("nothing asks for `{} {}`", self.option, key.escape_debug());
            mistakes.push(Diagnostic::error(fact).suggest(key, self.asked.iter().map(String::as_str)));
        }
    }
}
