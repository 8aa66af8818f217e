//! `steward.lock`: which modules the inventory was last reviewed with, by version and content. A new Steward, or an
//! edited module, changes a server only after somebody recorded it here and others saw the diff.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;

use super::{Library, Module};
use crate::diag::{Diagnostic, Diagnostics, Place, Result, Source, shown};
use crate::inventory::Inventory;
use crate::inventory::inside::{read_inside, root_of};
use crate::yaml::{self, Placed};

const REMEDY: &str = "look at the change and record it: `steward module update`";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    modules: IndexMap<String, Placed<Locked>>,
}

/// What a module was when it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    pub version: i64,
    /// `sha256:` and 64 hexadecimal digits.
    pub hash: String,
}

/// What an update recorded about one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    pub module: String,
    /// `None`: it was not recorded before.
    pub old: Option<Locked>,
    /// `None`: no service uses it any more.
    pub new: Option<Locked>,
}

pub fn path(inventory: &Path) -> PathBuf {
    inventory.join("steward.lock")
}

/// What is recorded for the inventory in this directory.
pub fn recorded(inventory: &Path) -> Result<IndexMap<String, Locked>> {
    let (_, file) = read(inventory)?;
    Ok(file.modules.into_iter().map(|(name, locked)| (name, locked.value)).collect())
}

/// Every module in use that is not what was recorded. Nothing is written.
pub fn check(inventory: &Inventory, library: &Library) -> Diagnostics {
    let mut mistakes = Diagnostics::default();
    let Some((source, file)) = mistakes.keep(read(&inventory.dir)) else { return mistakes };
    if file.modules.is_empty() && !used(inventory, library).is_empty() {
        mistakes.push(Diagnostic::error(format!("no module is recorded in {} yet", source.name)).remedy(REMEDY));
        return mistakes;
    }
    for module in used(inventory, library) {
        let now = locked(library, module);
        match file.modules.get(&module.name) {
            None => mistakes.push(
                Diagnostic::error(format!("the module `{}` is not recorded in {}", module.name, source.name))
                    .remedy(REMEDY),
            ),
            Some(was) if was.value != now => mistakes.push(changed(&module.name, was, &now)),
            Some(_) => {}
        }
    }
    mistakes
}

fn changed(name: &str, was: &Placed<Locked>, now: &Locked) -> Diagnostic {
    let fact = if was.version == now.version {
        format!("the module `{name}` is not what was recorded: its content changed within version {}", now.version)
    } else {
        format!("the module `{name}` is not what was recorded: version {} became {}", was.version, now.version)
    };
    Diagnostic::error(fact).at(&was.place).remedy(REMEDY)
}

/// Records the modules in use as they are now, or only one of them. Gives what changed; writes only then.
pub fn update(inventory: &Inventory, library: &Library, only: Option<&str>) -> Result<Vec<Update>> {
    let old = recorded(&inventory.dir)?;
    let mut new: IndexMap<String, Locked> =
        used(inventory, library).into_iter().map(|module| (module.name.clone(), locked(library, module))).collect();
    if let Some(only) = only {
        let kept = new.shift_remove(only).ok_or_else(|| {
            let fact = format!("no service of this inventory uses the module `{only}`");
            Box::new(Diagnostic::error(fact).suggest(only, new.keys().map(String::as_str)))
        })?;
        new.clone_from(&old);
        new.insert(only.to_owned(), kept);
    }
    new.sort_keys();
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let updates: Vec<Update> = names
        .into_iter()
        .map(|name| Update { module: name.clone(), old: old.get(name).cloned(), new: new.get(name).cloned() })
        .filter(|update| update.old != update.new)
        .collect();
    if !updates.is_empty() || !path(&inventory.dir).exists() {
        write(&path(&inventory.dir), &new)?;
    }
    Ok(updates)
}

/// The modules that services name, in alphabetical order.
fn used<'l>(inventory: &Inventory, library: &'l Library) -> Vec<&'l Module> {
    let is_used = |module: &&Module| inventory.services.values().any(|service| service.module.value == module.name);
    library.modules().filter(is_used).collect()
}

fn locked(library: &Library, module: &Module) -> Locked {
    Locked { version: module.version, hash: format!("sha256:{}", library.hash(module)) }
}

/// A missing file is an empty one.
fn read(inventory: &Path) -> Result<(Arc<Source>, File)> {
    let path = path(inventory);
    let name = shown(&path);
    let is_there = path.symlink_metadata().is_ok();
    let bytes = if is_there { read_inside(&root_of(inventory), &path)? } else { Vec::new() };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let source = Source::new(name.clone(), text);
    let mut mistakes = Diagnostics::default();
    let file = yaml::parse(&source).map_err(|more| mistakes.0.extend(more.0)).ok();
    let file = file.and_then(|node| node.decode::<File>(&mut mistakes));
    match (mistakes.0.into_iter().next(), file) {
        (None, Some(file)) => Ok((source, file)),
        (mistake, _) => {
            let fact =
                mistake.as_ref().map_or_else(|| "it is not readable".to_owned(), |mistake| mistake.fact.clone());
            let place = mistake.and_then(|mistake| mistake.place).unwrap_or_else(|| Place::file(&source));
            let mistake = Diagnostic::error(format!("{name} is damaged: {fact}")).at(&place);
            Err(Box::new(mistake.remedy("restore it from git, or delete it and run `steward module update`")))
        }
    }
}

fn write(path: &Path, modules: &IndexMap<String, Locked>) -> Result<()> {
    let mut text = String::from(
        "# Written by `steward module update`; commit it. It records what each module was when its effect was reviewed.\n\
         modules:\n",
    );
    if modules.is_empty() {
        text = text.replace("modules:\n", "modules: {}\n");
    }
    for (name, locked) in modules {
        text.push_str(&format!("  {name}: {{ version: {}, hash: \"{}\" }}\n", locked.version, locked.hash));
    }
    let failed = |error: std::io::Error| {
        Box::new(Diagnostic::error(format!("cannot write {}: {error}", shown(path))).remedy("check its permissions"))
    };
    let directory = path.parent().unwrap_or(path);
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    let public = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(public).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
