//! Which value a var has on a host, and where it comes from: chapter < group < host.

use std::collections::BTreeSet;
use std::fmt;

use indexmap::IndexMap;

use super::{Host, Inventory};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::yaml::{Entry, Map, Node};

/// A var as one host sees it.
#[derive(Debug, Clone)]
pub struct Var {
    pub value: Node,
    /// The place of the key.
    pub key: Place,
    pub origin: Origin,
    /// Weaker values that this one hides, strongest first.
    pub hidden: Vec<(Origin, Place)>,
}

/// Who gave a value, from the weakest to the strongest. Vars come from the chapter, a group or the host; parameters
/// from the module's default or the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Module(String),
    Chapter,
    Group(String),
    Host(String),
    Service(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(name) => write!(f, "default of module {name}"),
            Self::Chapter => f.write_str("chapter vars"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::Host(name) => write!(f, "host {name}"),
            Self::Service(name) => write!(f, "service {name}"),
        }
    }
}

impl Inventory {
    /// All vars of a host, in the order chapter, groups, host. Empty for an unknown host.
    pub fn vars_for(&self, host: &str) -> IndexMap<String, Var> {
        let mut vars = IndexMap::new();
        let Some(host) = self.hosts.get(host) else { return vars };
        lay(&mut vars, &self.vars, &Origin::Chapter);
        for group in &host.groups {
            if let Some(group) = self.groups.get(&group.value) {
                lay(&mut vars, &group.vars, &Origin::Group(group.name.clone()));
            }
        }
        lay(&mut vars, &host.vars, &Origin::Host(host.name.clone()));
        vars
    }

    /// Vars that no parameter of any service takes: an error each, since it is nearly always a typing error.
    /// `used` are the names that were looked up, whether they were found or not.
    pub fn unused_vars(&self, used: &BTreeSet<String>) -> Diagnostics {
        let mut mistakes = Diagnostics::default();
        let groups = self.groups.values().map(|group| &group.vars);
        let hosts = self.hosts.values().map(|host| &host.vars);
        for (name, entry) in std::iter::once(&self.vars).chain(groups).chain(hosts).flatten() {
            if !used.contains(name) {
                mistakes.push(unused(name, entry, used));
            }
        }
        mistakes
    }

    /// Two groups that give one host different values, where the host does not decide.
    pub(super) fn var_conflicts(&self, mistakes: &mut Diagnostics) {
        for host in self.hosts.values() {
            self.var_conflicts_of(host, mistakes);
        }
    }

    fn var_conflicts_of(&self, host: &Host, mistakes: &mut Diagnostics) {
        let mut seen: IndexMap<&str, (&str, &Entry)> = IndexMap::new();
        let groups = host.groups.iter().filter_map(|name| self.groups.get(&name.value));
        for (group, (name, entry)) in groups.flat_map(|group| group.vars.iter().map(move |var| (group, var))) {
            if host.vars.contains_key(name) {
                continue;
            }
            let Some((first, other)) = seen.get(name.as_str()) else {
                seen.insert(name, (&group.name, entry));
                continue;
            };
            if !other.node.same_value(&entry.node) {
                mistakes.push(
                    Diagnostic::error(format!(
                        "host `{}` gets different values of `{name}` from its groups `{first}` and `{}`",
                        host.name, group.name
                    ))
                    .at(&entry.key)
                    .related(&other.key, format!("the value of group `{first}`"))
                    .remedy(format!("decide it for the host: add `{name}` to its `vars`")),
                );
            }
        }
    }
}

fn lay(vars: &mut IndexMap<String, Var>, layer: &Map, origin: &Origin) {
    for (name, entry) in layer {
        let mut hidden = Vec::new();
        if let Some(weaker) = vars.get_mut(name) {
            hidden.push((weaker.origin.clone(), weaker.key.clone()));
            hidden.append(&mut weaker.hidden);
        }
        let var = Var { value: entry.node.clone(), key: entry.key.clone(), origin: origin.clone(), hidden };
        vars.insert(name.clone(), var);
    }
}

fn unused(name: &str, entry: &Entry, used: &BTreeSet<String>) -> Diagnostic {
    let mistake = Diagnostic::error(format!("nothing uses the var `{name}`")).at(&entry.key);
    let known: Vec<&str> = used.iter().map(String::as_str).collect();
    match crate::diag::closest(name, &known) {
        Some(near) => mistake.remedy(format!("did you mean `{near}`?")),
        None => mistake.remedy(format!("remove it, or take it in a service's params: \"{{{{ vars.{name} }}}}\"")),
    }
}
