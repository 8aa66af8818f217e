//! `for_each:` and `when:`: how often something is declared, and with which `item` and `key`.

use std::sync::Arc;

use minijinja::Value as Computed;

use crate::diag::{Diagnostic, Diagnostics};
use crate::modules::Repeat;
use crate::template::{Expressions, Scope, to_value};
use crate::yaml::{Node, Value};

/// One scope for every time, none if there is nothing to repeat or `when` is false. `None`: a mistake was reported.
pub(super) fn scopes<'a>(
    expressions: &Expressions<'_, 'a>,
    repeat: &'a Repeat,
    scope: &Arc<Scope>,
    mistakes: &mut Diagnostics,
) -> Option<Vec<Arc<Scope>>> {
    let all = match &repeat.for_each {
        None => vec![Arc::clone(scope)],
        Some(for_each) => {
            let evaluated = expressions.evaluate(for_each, scope, mistakes)?;
            let pairs = mistakes.keep(pairs(&evaluated))?;
            let within = |(key, item): (Computed, &Node)| {
                let item = expressions.veil().over(to_value(item));
                Arc::new(Scope::within(scope).with("key", key).with("item", item))
            };
            pairs.into_iter().map(within).collect()
        }
    };
    let Some(when) = &repeat.when else { return Some(all) };
    let mut kept = Vec::new();
    for scope in all {
        if condition(expressions, when, &scope, mistakes)? {
            kept.push(scope);
        }
    }
    Some(kept)
}

fn pairs(node: &Node) -> Result<Vec<(Computed, &Node)>, Box<Diagnostic>> {
    match &node.value {
        Value::List(items) => {
            Ok(items.iter().enumerate().map(|(index, item)| (Computed::from(index), item)).collect())
        }
        Value::Map(map) => Ok(map.iter().map(|(key, entry)| (Computed::from(key.as_str()), &entry.node)).collect()),
        _ => Err(Box::new(
            Diagnostic::error(format!("`for_each` must be a list or a map, not {}", node.description()))
                .at(&node.place)
                .remedy("write a list, or one expression that gives one: \"{{ offers.sites }}\""),
        )),
    }
}

/// The truth of a `when`; `None`: a mistake was reported.
pub(super) fn condition<'a>(
    expressions: &Expressions<'_, 'a>,
    when: &'a Node,
    scope: &Arc<Scope>,
    mistakes: &mut Diagnostics,
) -> Option<bool> {
    let value = expressions.evaluate(when, scope, mistakes)?;
    value.as_bool().or_else(|| {
        mistakes.push(
            Diagnostic::error(format!("`when` must be true or false, not {}", value.description()))
                .at(&value.place)
                .remedy("write one expression that compares, such as \"{{ source != '' }}\""),
        );
        None
    })
}
