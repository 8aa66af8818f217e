//! A service that somebody adds: what they typed becomes values, what is missing is named, and the inventory's files are
//! edited in memory. Nothing is given back unless the whole inventory still compiles.
//!
//! Takes an inventory and its modules, gives new texts of files; asks nobody and writes nothing.

use serde_json::{Map, Value};

use crate::compile::compile;
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::edit::{Files, Rewrite};
use crate::inventory::{Inventory, Selection};
use crate::modules::Library;

pub mod needs;
pub mod values;

/// A service as it shall stand in the inventory.
#[derive(Debug, Clone)]
pub struct NewService {
    pub name: String,
    pub module: String,
    /// Hosts, groups, patterns.
    pub on: Vec<String>,
    /// The hosts that these mean.
    pub hosts: Vec<String>,
    pub params: Map<String, Value>,
    /// By need, the service that meets it.
    pub needs: Map<String, Value>,
    /// What it keeps may be lost, so it needs no backup.
    pub trial: bool,
}

impl NewService {
    pub fn entry(&self) -> Value {
        let mut entry = Map::new();
        entry.insert("module".into(), self.module.as_str().into());
        let on = match &self.on[..] {
            [only] => only.as_str().into(),
            several => several.to_vec().into(),
        };
        entry.insert("on".into(), on);
        for (key, given) in [("params", &self.params), ("needs", &self.needs)] {
            if !given.is_empty() {
                entry.insert(key.into(), given.clone().into());
            }
        }
        if self.trial {
            entry.insert("backup".into(), false.into());
        }
        entry.into()
    }
}

/// An addition that holds.
#[derive(Debug)]
pub struct Added {
    /// The inventory with the services.
    pub after: Inventory,
    /// Its files that change.
    pub rewrites: Vec<Rewrite>,
    /// New warnings, and mistakes that were there before: of others' making.
    pub remarks: Diagnostics,
}

/// Edits the inventory. A mistake that was not there before refuses the addition.
pub fn add(inventory: &Inventory, library: &Library, services: &[NewService]) -> Result<Added, Diagnostics> {
    let mut files = Files::read(&inventory.dir)?;
    for service in services {
        files.put(&["services", &service.name], &service.entry(), "hosts")?;
    }
    let (after, rewrites) = files.finish()?;
    let before = mistakes(inventory, library);
    let now = mistakes(&after, library);
    let is_new = |it: &&Diagnostic| !before.0.iter().any(|old| old.fact == it.fact);
    let errors: Vec<Diagnostic> =
        now.0.iter().filter(is_new).filter(|it| it.severity == Severity::Error).cloned().collect();
    if !errors.is_empty() {
        return Err(Diagnostics(errors));
    }
    let is_remark = |it: &Diagnostic| it.severity == Severity::Error || is_new(&it);
    let remarks = Diagnostics(now.0.into_iter().filter(is_remark).collect());
    Ok(Added { after, rewrites, remarks })
}

fn mistakes(inventory: &Inventory, library: &Library) -> Diagnostics {
    let all = Selection { hosts: inventory.hosts.keys().cloned().collect(), services: None };
    compile(inventory, library, &all).1
}

#[cfg(test)]
mod tests;
