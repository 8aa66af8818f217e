//! Modules of other chapters: fetched once, kept in the chapter's own repository, and bound to what somebody agreed that
//! they may do. Takes an address and a library, gives files to write; asks nobody.

use std::path::PathBuf;

use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::modules::Library;
use crate::secrets::journal::Write;

mod abilities;
pub mod fetch;
pub mod record;

use fetch::{Fetched, Origin};
use record::Record;

/// A module that is about to be taken over.
#[derive(Debug)]
pub struct Vendoring {
    pub name: String,
    pub version: i64,
    pub record: Record,
    /// What was recorded before.
    pub old: Option<Record>,
    /// True if Steward brings a module of this name, which it replaces.
    pub replaces: bool,
    pub writes: Vec<Write>,
}

impl Vendoring {
    /// What it may do that nobody agreed to yet.
    pub fn more(&self) -> Vec<&str> {
        let known = self.old.as_ref().map(|old| old.abilities.as_slice()).unwrap_or_default();
        self.record.abilities.iter().filter(|it| !known.contains(it)).map(String::as_str).collect()
    }

    /// What it no longer does.
    pub fn gone(&self) -> Vec<&str> {
        let old = self.old.iter().flat_map(|old| &old.abilities);
        old.filter(|it| !self.record.abilities.contains(it)).map(String::as_str).collect()
    }
}

/// Decides everything about one module, before anything is written. `library` is that of the chapter as it is.
pub fn vendoring(library: &Library, origin: &Origin, fetched: Fetched) -> Result<Vendoring, Diagnostics> {
    let Fetched { name, revision, module: text, templates } = fetched;
    let root = library.root();
    let mut records = record::read(root)?;
    let (file, below) = (root.join("modules").join(format!("{name}.yaml")), root.join("templates").join(&name));
    for dir in [root.join("modules"), root.join("templates"), below.clone(), file.clone()] {
        if dir.is_symlink() {
            let fact = format!("{} is a symbolic link", shown(&dir));
            return Err(Diagnostic::error(fact)
                .remedy("replace it by what it points to; nothing was written")
                .into());
        }
    }
    let old = records.shift_remove(&name);
    match &old {
        Some(old) => record::is_as_recorded(library, &name, old)?,
        None if file.exists() || below.exists() => {
            let fact = format!("there is a module `{name}` of your own ({})", shown(&file));
            return Err(Diagnostic::error(fact)
                .remedy("rename it with its templates first; nothing was written")
                .into());
        }
        None => {}
    }
    let mut mistakes = Diagnostics::default();
    let borrowed: Vec<(&str, &str)> = templates.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let theirs = Library::of(&[(&name, &text)], &borrowed, root, &mut mistakes);
    let Some(module) = theirs.get(&name).filter(|_| !mistakes.has_errors()) else { return Err(mistakes) };
    let record = Record {
        origin: origin.url.clone(),
        asked: origin.rev.clone(),
        revision,
        hash: format!("sha256:{}", theirs.hash(module)),
        abilities: abilities::abilities(module).into_iter().collect(),
    };
    let replaces = old.is_none() && library.get(&name).is_some_and(|module| module.embedded);
    let version = module.version;
    let stays = |path: &str| templates.iter().any(|(new, _)| new == path);
    let template = |path: &str| -> PathBuf { root.join("templates").join(path) };
    let mut writes: Vec<Write> = library
        .templates_of(&name)
        .filter(|(path, _)| !stays(path) && template(path).exists())
        .map(|(path, _)| (template(path), None))
        .collect();
    writes.push((file, Some(text.clone().into_bytes())));
    writes.extend(templates.iter().map(|(path, text)| (template(path), Some(text.clone().into_bytes()))));
    let mut all: indexmap::IndexMap<String, Record> =
        records.into_iter().map(|(name, record)| (name, record.value)).collect();
    all.insert(name.clone(), record.clone());
    all.sort_keys();
    writes.push((record::path(root), Some(record::text(&all).into_bytes())));
    Ok(Vendoring { name, version, record, old: old.map(|old| old.value), replaces, writes })
}
