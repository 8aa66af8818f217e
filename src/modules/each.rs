//! Secrets of which a service has one for each item of a list: `each: users` makes `calendar/password-ana` of `password`.
//! The list is what the service, or else its module, says under that parameter, written out: who reads which secrets must be
//! known without evaluating anything.

use super::Module;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::secret::SecretName;
use crate::secret_declaration::{Generate, SecretDeclaration};
use crate::template::is_expression;
use crate::yaml::{Map, Node, Value};

/// One secret of a service, as it is kept.
pub struct Kept {
    pub name: SecretName,
    /// Its name in the module.
    pub declared_as: String,
    /// Of which item it is.
    pub item: Option<String>,
    pub declaration: SecretDeclaration,
}

/// All secrets of a service of this module; `params` are those that the service gives.
pub fn secrets_of(module: &Module, service: &str, params: &Map) -> Vec<Kept> {
    let mut all = Vec::new();
    for (name, declaration) in &module.secrets {
        let kept = |stored: &str, item: Option<String>, declaration| {
            let name = name.clone();
            Some(Kept { name: SecretName::new(service, stored)?, declared_as: name, item, declaration })
        };
        match &declaration.each {
            None => all.extend(kept(name, None, declaration.clone())),
            Some(param) => {
                let items = list(module, params, &param.value).map(items).unwrap_or_default();
                let each = items.iter().filter_map(|item| {
                    let stored = format!("{name}-{}", item.0);
                    kept(&stored, Some(item.0.clone()), of_item(declaration, &item.0))
                });
                all.extend(each);
            }
        }
    }
    all
}

/// What is wrong with the lists of a service that name secrets.
pub fn check_lists(module: &Module, service: &str, params: &Map, mistakes: &mut Diagnostics) {
    for (secret, declaration) in &module.secrets {
        let Some(param) = &declaration.each else { continue };
        let Some(node) = list(module, params, &param.value) else { continue };
        let written = match &node.value {
            Value::String(text) => !is_expression(text),
            _ => true,
        };
        if !written {
            let fact = format!("`{}` names secrets of `{service}`, so it must be written out", param.value);
            mistakes
                .push(Diagnostic::error(fact).at(&node.place).remedy("write the list itself, without expressions"));
            continue;
        }
        for (item, place) in items(node) {
            if is_expression(&item) || SecretName::new(service, &format!("{secret}-{item}")).is_none() {
                let fact = format!("`{}` cannot be a part of the name of a secret", item.escape_debug());
                let remedy = "use letters, digits, dashes, dots and underscores";
                mistakes.push(Diagnostic::error(fact).at(&place).remedy(remedy));
            }
        }
    }
}

/// The items, or the keys of a map.
fn items(node: &Node) -> Vec<(String, Place)> {
    match &node.value {
        Value::List(items) => {
            items.iter().filter_map(|item| Some((item.as_str()?.to_owned(), item.place.clone()))).collect()
        }
        Value::Map(map) => map.iter().map(|(key, entry)| (key.clone(), entry.key.clone())).collect(),
        _ => Vec::new(),
    }
}

fn list<'n>(module: &'n Module, params: &'n Map, param: &str) -> Option<&'n Node> {
    let own = params.get(param).map(|entry| &entry.node).filter(|node| !node.is_null());
    own.or_else(|| module.params.get(param)?.default.as_ref())
}

/// A form is of the same item's secret, and a `htpasswd` line has its name.
fn of_item(declaration: &SecretDeclaration, item: &str) -> SecretDeclaration {
    let mut own = declaration.clone();
    if let Some(Generate::Derived { from, user, .. }) = &mut own.generate {
        from.value = format!("{}-{item}", from.value);
        user.get_or_insert_with(|| item.to_owned());
    }
    own
}
