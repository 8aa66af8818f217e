//! All modules and templates there are: those of this program, replaced or joined by the chapter's own.
//!
//! A chapter's repository holds `modules/`, `templates/` and `inventories/NAME/`; an inventory that does not stand in
//! such an `inventories/` directory is its own repository. Nothing outside the repository is read, whatever symbolic
//! links say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use indexmap::IndexMap;

use super::{Module, read};
use crate::diag::{Diagnostic, Diagnostics, Source, shown};
use crate::inventory::inside::{LARGEST, root_of};
use crate::resource::digest;

static MODULES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/modules");
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// Modules by name and templates by path (`nginx/site.conf.j2`), alphabetically.
#[derive(Debug, Default)]
pub struct Library {
    modules: BTreeMap<String, Module>,
    templates: BTreeMap<String, Arc<Source>>,
    /// Modules that exist but could not be read.
    broken: Vec<String>,
    /// The chapter's repository; empty for the program's own library alone.
    root: PathBuf,
}

impl Library {
    /// The modules of this program alone.
    pub fn embedded(mistakes: &mut Diagnostics) -> Self {
        let mut library = Self::default();
        library.add_embedded();
        let sources = embedded_modules();
        library.add(sources.into_iter().map(|(name, source)| (name, (source, true))).collect(), mistakes);
        library
    }

    /// For the inventory in this directory.
    pub fn load(inventory: &Path, mistakes: &mut Diagnostics) -> Self {
        let root = root_of(inventory);
        let mut library = Self { root: root.clone(), ..Self::default() };
        library.add_embedded();
        for (name, source) in own_files(&root, "templates", mistakes) {
            library.templates.insert(name, source);
        }
        let mut sources: BTreeMap<String, (Arc<Source>, bool)> =
            embedded_modules().into_iter().map(|(name, source)| (name, (source, true))).collect();
        for (path, source) in own_files(&root, "modules", mistakes) {
            if let Some(name) = path.strip_suffix(".yaml").filter(|name| !name.contains('/')) {
                // The same text is the same module: Steward's own repository holds what is embedded.
                let same = sources.get(name).is_some_and(|(embedded, _)| embedded.text == source.text);
                sources.insert(name.to_owned(), (source, same));
            }
        }
        library.add(sources, mistakes);
        library
    }

    /// Of these texts alone: modules by name, templates by path.
    pub fn of(modules: &[(&str, &str)], templates: &[(&str, &str)], root: &Path, mistakes: &mut Diagnostics) -> Self {
        let named = |kind: &str, name: &str, text: &str| Source::new(format!("{kind}/{name}"), text);
        let templates = templates.iter().map(|(name, text)| ((*name).to_owned(), named("templates", name, text)));
        let mut library = Self { templates: templates.collect(), root: root.to_path_buf(), ..Self::default() };
        let modules = modules
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (named("modules", &format!("{name}.yaml"), text), false)));
        library.add(modules.collect(), mistakes);
        library
    }

    fn add_embedded(&mut self) {
        for (name, source) in embedded(&TEMPLATES, "templates") {
            self.templates.insert(name, source);
        }
    }

    fn add(&mut self, sources: BTreeMap<String, (Arc<Source>, bool)>, mistakes: &mut Diagnostics) {
        for (name, (source, embedded)) in sources {
            match read(&name, &source, embedded, mistakes) {
                Some(module) => {
                    self.modules.insert(name, module);
                }
                None => self.broken.push(name),
            }
        }
    }

    pub fn get(&self, name: &str) -> Option<&Module> {
        self.modules.get(name)
    }

    /// True if there is such a module, though it may have too many mistakes to be used.
    pub fn knows(&self, name: &str) -> bool {
        self.modules.contains_key(name) || self.broken.iter().any(|broken| broken == name)
    }

    pub fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.values()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().map(String::as_str)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The templates in `templates/NAME/`, by their whole path.
    pub fn templates_of<'l>(&'l self, module: &str) -> impl Iterator<Item = (&'l str, &'l Arc<Source>)> {
        let prefix = format!("{module}/");
        self.templates
            .iter()
            .filter(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, source)| (path.as_str(), source))
    }

    /// SHA-256 over the module and its templates, with their names and lengths.
    pub fn hash(&self, module: &Module) -> String {
        let mut bytes = Vec::new();
        let mut feed = |name: &str, text: &str| {
            bytes.extend_from_slice(format!("{} {} {name}\n", name.len(), text.len()).as_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        feed("module", &module.source.text);
        for (path, source) in self.templates_of(&module.name) {
            feed(path, &source.text);
        }
        digest(&bytes)
    }

    /// What modules gather, and what the program itself looks at: the names of all offers.
    pub fn offer_names(&self) -> Vec<&str> {
        let gathered = self.modules.values().flat_map(|module| module.gathers.keys());
        let mut names: Vec<&str> = gathered.map(String::as_str).chain(["backups", "checks", "ports"]).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn embedded_modules() -> IndexMap<String, Arc<Source>> {
    embedded(&MODULES, "modules")
        .into_iter()
        .filter_map(|(path, source)| Some((path.strip_suffix(".yaml")?.to_owned(), source)))
        .collect()
}

fn embedded(dir: &Dir<'_>, kind: &str) -> Vec<(String, Arc<Source>)> {
    let mut found = Vec::new();
    for file in dir.files() {
        let path = file.path().to_string_lossy().into_owned();
        if let Some(text) = file.contents_utf8() {
            found.push((path.clone(), Source::new(format!("embedded:{kind}/{path}"), text)));
        }
    }
    for inner in dir.dirs() {
        found.extend(embedded(inner, kind));
    }
    found
}

/// Bytes of all modules, and of all templates.
const TOTAL: u64 = 64 << 20;

fn too_much(path: &Path, unit: &str, limit: u64) -> Diagnostic {
    Diagnostic::error(format!("{} has more than {limit} {unit}", shown(path)))
        .remedy("contents of files belong into `source:`, beside `modules/` and `templates/`")
}

/// The text files below a directory of the chapter's repository, by path, sorted. Hidden files are left out.
fn own_files(root: &Path, kind: &str, mistakes: &mut Diagnostics) -> Vec<(String, Arc<Source>)> {
    let top = root.join(kind);
    let mut found = Vec::new();
    let mut total = 0;
    let is_directory = top.symlink_metadata().is_ok_and(|about| about.is_dir());
    let mut next = if is_directory { vec![PathBuf::new()] } else { Vec::new() };
    while let Some(below) = next.pop() {
        let Ok(entries) = std::fs::read_dir(top.join(&below)) else { continue };
        let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        names.sort();
        for name in names.iter().filter(|name| !name.to_string_lossy().starts_with('.')) {
            let path = below.join(name);
            let whole = top.join(&path);
            match whole.symlink_metadata() {
                Ok(about) if about.is_dir() => next.push(path),
                Ok(about) if about.len() > LARGEST => mistakes.push(too_much(&whole, "MiB", LARGEST >> 20)),
                Ok(_) if total > TOTAL => {
                    mistakes.push(too_much(&top, "MiB", TOTAL >> 20));
                    return found;
                }
                Ok(about) if about.is_file() => match std::fs::read_to_string(&whole) {
                    Ok(text) => {
                        total += text.len() as u64;
                        found.push((path.to_string_lossy().into_owned(), Source::new(shown(&whole), text)));
                    }
                    Err(error) => mistakes.push(Diagnostic::error(format!("cannot read {}: {error}", shown(&whole)))),
                },
                _ => mistakes.push(
                    Diagnostic::error(format!("{} is not a plain file", shown(&whole)))
                        .remedy("modules and templates are plain files; replace the link by what it points to"),
                ),
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}
