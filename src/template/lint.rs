//! What is wrong with an expression whatever the values are: its syntax, and names that nobody gives.

use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::Value as Computed;

use super::expression::{Expressions, Parsed};
use super::mistake::{inside, undefined_path};
use super::{Origin, Scope, is_expression, mistake};
use crate::diag::{Diagnostics, Place};
use crate::yaml::{Node, Value};

impl<'a> Expressions<'_, 'a> {
    /// Looks at every string of the tree. `known` are the names that it may use.
    pub fn check(&self, node: &'a Node, known: &[&str], mistakes: &mut Diagnostics) {
        match &node.value {
            Value::String(text) if is_expression(text) => self.check_string(text, &node.place, known, mistakes),
            Value::List(items) => items.iter().for_each(|item| self.check(item, known, mistakes)),
            Value::Map(map) => map.values().for_each(|entry| self.check(&entry.node, known, mistakes)),
            _ => {}
        }
    }

    fn check_string(&self, text: &'a str, place: &Place, known: &[&str], mistakes: &mut Diagnostics) {
        let scope = known.iter().fold(Scope::new(), |scope, name| scope.with(*name, Computed::from(())));
        let parsed = self.parsed(text);
        let names: BTreeSet<String> = match &*parsed {
            Parsed::Native(expression, _) => expression.undeclared_variables(false).into_iter().collect(),
            Parsed::Text(template) => template.undeclared_variables(false).into_iter().collect(),
            Parsed::Refused(error) => {
                let origin = Origin { place, inline: Some((text, 0)), templates: &self.templates, scope: &scope };
                mistakes.push(*mistake(error, &origin));
                return;
            }
        };
        let scope = Arc::new(scope);
        for name in names {
            if scope.get(&name).is_none() && !["range", "dict", "namespace", "loop"].contains(&name.as_str()) {
                let start = word(text, &name).unwrap_or(0);
                let at = inside(place, text, start..start + name.len());
                mistakes.push(undefined_path(&name, &scope).at(&at));
            }
        }
    }
}

/// Where a name stands as a word of its own, in the first expression that has it.
fn word(text: &str, name: &str) -> Option<usize> {
    let begin = text.find('{')?;
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.get(begin..)?.match_indices(name).map(|(at, _)| at + begin).find(|at| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(|c| is_part(c) || c == '.') && !after.is_some_and(is_part)
    })
}
