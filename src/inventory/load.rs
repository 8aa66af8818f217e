//! Files to [`Inventory`]: reads all `*.yaml` and `*.yml` files of a directory (not of its subdirectories, which hold
//! modules, templates, secrets and contents; not hidden ones), merges them by top-level key and decodes each entry.
//!
//! A mistake in one entry never hides those in others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use indexmap::map;
use serde::de::DeserializeOwned;

use super::inside::{read_inside, root_of};
use super::{Chapter, Former, Group, Host, Inventory, Locale, Person, Service, check, retire};
use crate::diag::{Diagnostic, Diagnostics, Place, Source, shown};
use crate::kinds::Fate;
use crate::secret_declaration::read_secrets;
use crate::yaml::{self, Entry, Map, Node, Placed, Value};

/// The keys that may stand at the top of a file.
const SECTIONS: [&str; 10] =
    ["id", "chapter", "vars", "people", "former", "hosts", "groups", "services", "secrets", "retire"];

/// Sections that are a map of names, so that several files may each add to them.
const SHARED: [&str; 9] = ["chapter", "vars", "people", "former", "hosts", "groups", "services", "secrets", "retire"];

/// Reads the inventory in `dir`. With mistakes, what remains is still given as far as it can be understood: commands
/// other than `validate` must stop if there are errors.
pub fn load(dir: &Path) -> (Option<Inventory>, Diagnostics) {
    let mut mistakes = Diagnostics::default();
    let sources = read(dir, &mut mistakes);
    let (inventory, more) = from_sources(dir, sources);
    mistakes.0.extend(more.0);
    (inventory, mistakes)
}

/// The same from texts that need not be on the disk, such as those of an edit.
pub fn from_sources(dir: &Path, sources: Vec<Arc<Source>>) -> (Option<Inventory>, Diagnostics) {
    let mut mistakes = Diagnostics::default();
    let mut merged = Map::new();
    for source in &sources {
        if let Some(node) = yaml::readable(source, &mut mistakes) {
            merge(&mut merged, node, &mut mistakes);
        }
    }
    if sources.is_empty() {
        return (None, mistakes);
    }
    let inventory = assemble(dir, sources, &merged, &mut mistakes);
    (Some(inventory), mistakes)
}

fn read(dir: &Path, mistakes: &mut Diagnostics) -> Vec<Arc<Source>> {
    let paths = match files(dir) {
        Ok(paths) => paths,
        Err(error) => {
            mistakes.push(
                Diagnostic::error(format!("cannot read the inventory {}: {error}", shown(dir)))
                    .remedy("name an inventory by `-i DIR`, or make one by `steward init DIR`"),
            );
            return Vec::new();
        }
    };
    if paths.is_empty() {
        mistakes.push(
            Diagnostic::error(format!("{} holds no inventory: it has no *.yaml file", shown(dir)))
                .remedy("name an inventory by `-i DIR`, or make one by `steward init DIR`"),
        );
    }
    let root = root_of(dir);
    paths.iter().filter_map(|path| mistakes.keep(read_file(&root, path))).collect()
}

/// The YAML files of an inventory directory, sorted.
pub fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        // a link is read, or said to lead nowhere: it is not as if it were not there
        if yaml && !hidden && (path.is_file() || path.is_symlink()) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read_file(root: &Path, path: &Path) -> crate::diag::Result<Arc<Source>> {
    let bytes = read_inside(root, path)?;
    // A byte order mark means nothing in UTF-8, and would shift the first line's columns.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes);
    String::from_utf8(bytes).map(|text| Source::new(shown(path), text)).map_err(|error| {
        let (good, bad) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
        let source = Source::new(shown(path), String::from_utf8_lossy(good));
        let byte = bad.first().copied().unwrap_or_default();
        let end = source.text.len();
        Box::new(
            Diagnostic::error(format!("the file is not UTF-8: it has the byte 0x{byte:02x} here"))
                .at(&Place::new(&source, end..end))
                .remedy("save it as UTF-8 in your editor"),
        )
    })
}

/// Adds a file's sections to what the files before it said.
fn merge(merged: &mut Map, file: Node, mistakes: &mut Diagnostics) {
    let Value::Map(top) = file.value else {
        mistakes.push(
            Diagnostic::error(format!("the file must be a map, not {}", file.description()))
                .at(&file.place)
                .remedy(format!("begin it with one of: {}", SECTIONS.join(", "))),
        );
        return;
    };
    for (section, entry) in top {
        if !SECTIONS.contains(&section.as_str()) {
            mistakes.push(
                Diagnostic::error(format!("unknown key `{section}`")).at(&entry.key).suggest(&section, SECTIONS),
            );
            continue;
        }
        // `hosts:` with nothing below it is what remains when the last host is removed.
        if entry.node.is_null() && SHARED.contains(&section.as_str()) {
            continue;
        }
        if SHARED.contains(&section.as_str()) && entry.node.as_map().is_none() {
            let fact = format!("`{section}` must be a map, not {}", entry.node.description());
            mistakes.push(Diagnostic::error(fact).at(&entry.node.place).remedy("write `name: { … }` lines below it"));
            continue;
        }
        match merged.entry(section) {
            map::Entry::Vacant(vacant) => {
                vacant.insert(entry);
            }
            map::Entry::Occupied(mut first) => {
                let section = first.key().clone();
                extend(&section, first.get_mut(), entry, mistakes);
            }
        }
    }
}

fn extend(section: &str, first: &mut Entry, more: Entry, mistakes: &mut Diagnostics) {
    let (Value::Map(known), Value::Map(added)) = (&mut first.node.value, more.node.value) else {
        if section == "id" {
            mistakes.push(
                Diagnostic::error("the key `id` appears twice")
                    .at(&more.key)
                    .related(&first.key, "first given here")
                    .remedy("keep the one that git knows longest"),
            );
        }
        return;
    };
    for (name, entry) in added {
        match known.entry(name) {
            map::Entry::Vacant(vacant) => {
                vacant.insert(entry);
            }
            map::Entry::Occupied(first) => mistakes.push(
                Diagnostic::error(format!("`{}` appears twice in `{section}`", first.key()))
                    .at(&entry.key)
                    .related(&first.get().key, "first given here")
                    .remedy("keep one of the two, or rename one"),
            ),
        }
    }
}

fn assemble(dir: &Path, sources: Vec<Arc<Source>>, merged: &Map, mistakes: &mut Diagnostics) -> Inventory {
    let section = |name: &str| merged.get(name).and_then(|entry| entry.node.as_map());
    let nothing = Map::new();
    let names = Names {
        people: section("people").unwrap_or(&nothing),
        hosts: section("hosts").unwrap_or(&nothing),
        groups: section("groups").unwrap_or(&nothing),
        services: section("services").unwrap_or(&nothing),
    };
    let mut inventory = Inventory {
        dir: dir.to_path_buf(),
        id: id(merged, &sources, mistakes),
        chapter: chapter(merged, &sources, mistakes),
        vars: section("vars").cloned().unwrap_or_default(),
        people: entries(section("people"), mistakes, |person: &mut Person, name| person.id = name),
        former: entries(section("former"), mistakes, |former: &mut Former, name| former.id = name),
        hosts: entries(section("hosts"), mistakes, |host: &mut Host, name| host.name = name),
        groups: entries(section("groups"), mistakes, |group: &mut Group, name| group.name = name),
        services: entries(section("services"), mistakes, |service: &mut Service, name| service.name = name),
        retire: entries(section("retire"), mistakes, |_: &mut Fate, _| {}),
        secrets: section("secrets").map(|map| read_secrets(map, true, mistakes)).unwrap_or_default(),
        sources,
    };
    check::names(merged, mistakes);
    check::references(&mut inventory, &names, mistakes);
    check::values(&inventory, mistakes);
    retire::check(&inventory, mistakes);
    inventory
}

/// The names that are declared, also where what stands under them is wrong: naming those is no second mistake.
pub(super) struct Names<'a> {
    pub(super) people: &'a Map,
    pub(super) hosts: &'a Map,
    pub(super) groups: &'a Map,
    pub(super) services: &'a Map,
}

fn entries<T: DeserializeOwned>(
    section: Option<&Map>,
    mistakes: &mut Diagnostics,
    mut christen: impl FnMut(&mut T, String),
) -> IndexMap<String, Placed<T>> {
    let decoded = section.into_iter().flatten().filter_map(|(name, entry)| {
        let mut value: T = entry.decode(name, mistakes)?;
        christen(&mut value, name.clone());
        Some((name.clone(), Placed::new(value, &entry.key)))
    });
    decoded.collect()
}

fn id(merged: &Map, sources: &[Arc<Source>], mistakes: &mut Diagnostics) -> Placed<String> {
    let start = start(sources);
    match merged.get("id") {
        Some(entry) => match entry.decode::<Placed<String>>("id", mistakes) {
            Some(id) if check::is_id(&id) => id,
            Some(id) => {
                let fact = "the inventory's `id` is not 32 hexadecimal digits";
                mistakes.push(Diagnostic::error(fact).at(&id.place).remedy("restore it from git: hosts know it"));
                id
            }
            None => Placed::new(String::new(), &entry.key),
        },
        None => {
            let made = super::new_id().unwrap_or_else(|_| "…".to_owned());
            mistakes.push(
                Diagnostic::error("the inventory has no `id`")
                    .at(&start)
                    .remedy(format!("if it never had one, add the line `id: {made}`; else restore it from git")),
            );
            Placed::new(String::new(), &start)
        }
    }
}

fn chapter(merged: &Map, sources: &[Arc<Source>], mistakes: &mut Diagnostics) -> Chapter {
    let start = start(sources);
    let decoded = merged.get("chapter").map(|entry| entry.decode::<Chapter>("chapter", mistakes));
    if decoded.is_none() {
        mistakes.push(
            Diagnostic::error("the inventory has no `chapter`")
                .at(&start)
                .remedy("add `chapter: { name: Our Chapter, domain: chapter.example }`"),
        );
    }
    let unnamed = || Placed::new(String::new(), &start);
    decoded.flatten().unwrap_or_else(|| Chapter {
        name: unnamed(),
        domain: unnamed(),
        locale: Locale::default(),
        readers: Vec::new(),
        min_readers: None,
    })
}

fn start(sources: &[Arc<Source>]) -> Place {
    sources.first().map_or_else(|| Place::file(&Source::new("inventory", "")), Place::file)
}
