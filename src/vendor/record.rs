//! `vendor.lock`, beside `modules/`: where each module of another chapter came from, what it was, and what it may do. Work
//! goes on without its origin; a module that is not what was recorded stops `validate`, `plan` and `apply`.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::abilities::abilities;
use crate::diag::{Diagnostic, Diagnostics, Result, Source, shown};
use crate::modules::Library;
use crate::yaml::{self, Placed};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    modules: IndexMap<String, Placed<Record>>,
}

/// A module that was taken over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The repository.
    pub origin: String,
    /// The branch, tag or commit that was asked for.
    pub asked: String,
    /// The commit that it was.
    pub revision: String,
    /// Of module and templates, as in `steward.lock`.
    pub hash: String,
    /// What somebody agreed to, sorted.
    pub abilities: Vec<String>,
}

/// By module.
pub type Records = IndexMap<String, Placed<Record>>;

pub fn path(root: &Path) -> PathBuf {
    root.join("vendor.lock")
}

/// A missing file is an empty one.
pub fn read(root: &Path) -> std::result::Result<Records, Diagnostics> {
    let path = path(root);
    let name = shown(&path);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Records::new()),
        Err(error) => return Err(Diagnostic::error(format!("cannot read {name}: {error}")).into()),
    };
    let node = yaml::parse(&Source::new(name, text))?;
    let mut mistakes = Diagnostics::default();
    match node.decode::<File>(&mut mistakes) {
        Some(file) if !mistakes.has_errors() => Ok(file.modules),
        _ => Err(mistakes),
    }
}

/// Every vendored module that is not what was recorded, or does more. Nothing is written.
pub fn check(library: &Library) -> Diagnostics {
    let mut mistakes = Diagnostics::default();
    let records = match read(library.root()) {
        Ok(records) => records,
        Err(wrong) => return wrong,
    };
    for (name, record) in &records {
        if let Err(wrong) = is_as_recorded(library, name, record) {
            mistakes.push(*wrong);
        }
    }
    mistakes
}

/// Also used before a newer version takes the place of an older: what people edited here must not be lost.
pub fn is_as_recorded(library: &Library, name: &str, record: &Placed<Record>) -> Result<()> {
    let again = format!("`steward module vendor {}@{} {name}`", record.origin, record.revision);
    let Some(module) = library.get(name) else {
        if library.knows(name) {
            return Ok(()); // its own mistakes were said
        }
        let fact = format!("the module `{name}`, vendored from {}, is missing", record.origin);
        let remedy = format!("restore it from git or by {again}, or delete its entry here");
        return Err(Box::new(Diagnostic::error(fact).at(&record.place).remedy(remedy)));
    };
    if format!("sha256:{}", library.hash(module)) != record.hash {
        let fact = format!("the module `{name}` was changed since it was vendored from {}", record.origin);
        let remedy =
            format!("restore it from git, or delete its entry here to make it your own; {again} fetches it anew");
        return Err(Box::new(Diagnostic::error(fact).at(&record.place).remedy(remedy)));
    }
    let more: Vec<String> = abilities(module).into_iter().filter(|it| !record.abilities.contains(it)).collect();
    if !more.is_empty() {
        let fact = format!("the module `{name}` does what nobody agreed to: {}", more.join("; "));
        let remedy = format!("look at it, and record it by {again}");
        return Err(Box::new(Diagnostic::error(fact).at(&record.place).remedy(remedy)));
    }
    Ok(())
}

/// The whole file.
pub fn text(records: &IndexMap<String, Record>) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let mut all = String::from(
        "# Written by `steward module vendor`; commit it. Where modules of other chapters came from, and what they may do.\nmodules:\n",
    );
    for (name, record) in records {
        let Record { origin, asked, revision, hash, abilities } = record;
        all.push_str(&format!("  {name}:\n"));
        for (key, value) in [("origin", origin), ("asked", asked), ("revision", revision), ("hash", hash)] {
            all.push_str(&format!("    {key}: {}\n", quoted(value)));
        }
        if abilities.is_empty() {
            all.push_str("    abilities: []\n");
        } else {
            all.push_str("    abilities:\n");
        }
        all.extend(abilities.iter().map(|it| format!("      - {}\n", quoted(it))));
    }
    all
}
