//! Which modules change, by what `steward.lock` records: versions, the notes of those between, and the text where both
//! are here.

use similar::TextDiff;

use super::Side;
use super::side::Version;
use crate::modules::lock::Locked;
use crate::plan::diff::PATIENCE;
use crate::said::Said;
use crate::texts;

/// A module that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleChange {
    pub name: String,
    /// `version 1 becomes 2`.
    pub what: Said,
    /// What the module says of the versions that are new here.
    pub notes: Vec<String>,
    /// Unified; empty where there is nothing to compare.
    pub diff: String,
}

/// By name. Without a base there is nothing to compare with.
pub(super) fn modules(base: Option<&Side>, head: &Side) -> Vec<ModuleChange> {
    let Some(base) = base else { return Vec::new() };
    let mut changes = Vec::new();
    for (name, new) in &head.modules {
        let Some(text) = base.modules.get(name) else {
            let what = texts::module_new(new.number);
            changes.push(ModuleChange { name: name.clone(), what, notes: Vec::new(), diff: String::new() });
            continue;
        };
        let old = base.locked.get(name).cloned().unwrap_or(Locked { version: text.number, hash: text.hash.clone() });
        if old.hash != new.hash {
            changes.push(changed(name, &old, text, new));
        }
    }
    for (name, old) in base.modules.iter().filter(|(name, _)| !head.modules.contains_key(*name)) {
        let what = texts::module_gone(old.number);
        changes.push(ModuleChange { name: name.clone(), what, notes: Vec::new(), diff: String::new() });
    }
    changes
}

fn changed(name: &str, old: &Locked, text: &Version, new: &Version) -> ModuleChange {
    let mut what = if old.version == new.number {
        texts::module_within(new.number)
    } else {
        texts::module_becomes(old.version, new.number)
    };
    let is_here = text.hash == old.hash;
    if !is_here {
        what = texts::module_not_here(&what);
    }
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(&text.text, &new.text);
    let diff = if is_here { diff.unified_diff().header(name, name).to_string() } else { String::new() };
    let since = new.notes.iter().filter(|(version, _)| **version > old.version);
    let notes = since.map(|(version, note)| format!("{version}: {}", note.replace('\n', " "))).collect();
    ModuleChange { name: name.to_owned(), what, notes, diff }
}
