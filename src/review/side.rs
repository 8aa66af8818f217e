//! One revision, compiled from its files alone: what [`super::review`] compares. Reads the directory of an inventory and
//! the repository around it; runs nothing, decrypts nothing, writes nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::catalog::Catalog;
use crate::compile;
use crate::diag::Diagnostics;
use crate::inventory::{self, Inventory, Selection};
use crate::modules::lock::Locked;
use crate::modules::{Library, Module, lock, root_of};
use crate::secrets::claims::{Claims, IdsOnly, claims};
use crate::secrets::{Declared, declared};
use crate::template::Limits;

/// One revision.
#[derive(Debug)]
pub struct Side {
    pub inventory: Inventory,
    pub catalog: Catalog,
    /// The modules in use, by name.
    pub modules: BTreeMap<String, Version>,
    /// What `steward.lock` says of them.
    pub locked: IndexMap<String, Locked>,
    /// Which secrets there should be, and who is to read them.
    pub declared: Vec<Declared>,
    /// What the files beside the secrets claim.
    pub claims: Arc<Claims>,
    /// What `validate` says of it.
    pub complaints: Diagnostics,
}

/// A module as it is in use.
#[derive(Debug)]
pub struct Version {
    pub number: i64,
    /// Its hash as it would be recorded.
    pub hash: String,
    /// Its own text and its templates'.
    pub text: String,
    /// What it says of its versions, in the chapter's language.
    pub notes: BTreeMap<i64, String>,
}

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// What is compared with. It may be recorded with modules of an older Steward, whose text this one does not have.
    Base,
    /// What would be deployed: all of it has to be right.
    Head,
}

impl Side {
    /// Compiles the inventory in `dir`. `Err`: its mistakes.
    pub fn read(dir: &Path, which: Which) -> Result<Self, Diagnostics> {
        let (inventory, mut mistakes) = inventory::load(dir);
        let Some(inventory) = inventory else { return Err(mistakes) };
        let library = Library::load(&inventory.dir, &mut mistakes);
        if which == Which::Head {
            mistakes.0.extend(crate::vendor::record::check(&library).0);
            mistakes.0.extend(lock::check(&inventory, &library).0);
        }
        if mistakes.has_errors() {
            mistakes.0.extend(compile::further_mistakes(&inventory, &library).0);
            return Err(mistakes);
        }
        let selection = Selection { hosts: inventory.hosts.keys().cloned().collect(), services: None };
        let claims = Arc::new(claims(&root_of(&inventory.dir)));
        let ids = Arc::new(IdsOnly(Arc::clone(&claims)));
        let (catalog, more) = compile::compile_within(&inventory, &library, &selection, ids, Limits::STRANGERS);
        mistakes.0.extend(more.0);
        let Some(catalog) = catalog.filter(|_| !mistakes.has_errors()) else { return Err(mistakes) };
        Ok(Self {
            modules: modules(&inventory, &library),
            locked: lock::recorded(&inventory.dir).unwrap_or_default(),
            declared: declared(&inventory, &library),
            claims,
            complaints: mistakes,
            inventory,
            catalog,
        })
    }
}

fn modules(inventory: &Inventory, library: &Library) -> BTreeMap<String, Version> {
    let language = inventory.chapter.locale.code();
    let version = |module: &Module| Version {
        number: module.version,
        hash: format!("sha256:{}", library.hash(module)),
        text: text(library, module),
        notes: module.notes.iter().map(|(of, note)| (*of, note.in_language(language).trim().to_owned())).collect(),
    };
    let used = inventory.services.values().filter_map(|service| library.get(&service.module.value));
    used.map(|module| (module.name.clone(), version(module))).collect()
}

fn text(library: &Library, module: &Module) -> String {
    let templates = library.templates_of(&module.name).map(|(path, source)| format!("# {path}\n{}", source.text));
    module.source.text.clone() + &templates.collect::<String>()
}
