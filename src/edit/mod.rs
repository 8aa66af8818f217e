//! Edits of YAML that people wrote: an entry is added, changed or removed, and every other byte (comments, order, quoting,
//! blank lines) stays as it is. Takes files, gives their new texts; never writes one.
//!
//! Each edit replaces a few places of the text and is then read again: unless exactly the intended difference happened, it
//! is refused. So a style of YAML that this module does not know costs a message, never a wrong file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::diag::{Diagnostic, Diagnostics, Place, Result, Source, shown};
use crate::inventory::{self, Inventory};
use crate::yaml::{self, Node};

mod flow;
mod splice;
mod write;

/// One YAML file while it is edited.
#[derive(Debug, Clone)]
pub struct Document {
    source: Arc<Source>,
    node: Node,
}

impl Document {
    /// `name` is how messages call it.
    pub fn new(name: &str, text: &str) -> std::result::Result<Self, Diagnostics> {
        let source = Source::new(name, text);
        let node = yaml::parse(&source)?;
        Ok(Self { source, node })
    }

    pub fn text(&self) -> &str {
        &self.source.text
    }

    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Gives the key at `path` this value; keys above it that are missing are added, and a new key comes last.
    pub fn put(&mut self, path: &[&str], value: &Value) -> Result<()> {
        let mut wanted = self.node.to_json();
        set(&mut wanted, path, value.clone());
        self.become_as(splice::put(&self.node, path, value), &wanted, path)
    }

    /// Removes the key at `path` with all that belongs to it. Comments above it stay.
    pub fn remove(&mut self, path: &[&str]) -> Result<()> {
        let mut wanted = self.node.to_json();
        if let Some((last, above)) = path.split_last()
            && let Some(map) = at(&mut wanted, above).and_then(Value::as_object_mut)
        {
            map.shift_remove(*last);
        }
        self.become_as(splice::remove(&self.node, path), &wanted, path)
    }

    /// Takes a word out of the list at `path`.
    pub fn remove_word(&mut self, path: &[&str], word: &str) -> Result<()> {
        let mut wanted = self.node.to_json();
        if let Some(list) = at(&mut wanted, path).and_then(Value::as_array_mut) {
            list.retain(|item| item.as_str() != Some(word));
        }
        while self.node_at(path).and_then(Node::as_list).is_some_and(|items| has(items, word)) {
            let mut once = self.node_at(path).map(Node::to_json).unwrap_or_default();
            if let Some(list) = once.as_array_mut()
                && let Some(first) = list.iter().position(|item| item.as_str() == Some(word))
            {
                list.remove(first);
            }
            let mut next = self.node.to_json();
            set(&mut next, path, once);
            self.become_as(splice::remove_word(&self.node, path, word), &next, path)?;
        }
        if self.node.to_json() == wanted { Ok(()) } else { Err(self.refusal(path)) }
    }

    fn node_at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(&self.node, |node, key| node.get(key))
    }

    fn become_as(&mut self, splices: Option<Vec<splice::Splice>>, wanted: &Value, path: &[&str]) -> Result<()> {
        let Some(text) = splices.and_then(|splices| splice::apply(&self.source.text, splices)) else {
            return Err(self.refusal(path));
        };
        match Self::new(&self.source.name, &text) {
            Ok(next) if same(&next.node.to_json(), wanted) => {
                *self = next;
                Ok(())
            }
            _ => Err(self.refusal(path)),
        }
    }

    /// The text is written in a way that this module does not know.
    fn refusal(&self, path: &[&str]) -> Box<Diagnostic> {
        let deepest = (0..=path.len()).rev().find_map(|depth| self.node_at(path.get(..depth)?));
        let place = deepest.map_or_else(|| Place::file(&self.source), |node| node.place.clone());
        Box::new(
            Diagnostic::error(format!(
                "`{}` cannot be changed here without risk to the rest of the file",
                path.join(".")
            ))
            .at(&place)
            .remedy("change it by hand, or write this part as plain lines `key: value`; nothing was written"),
        )
    }
}

/// A whole file in block style; `None` for what is no map.
pub fn to_yaml(value: &Value) -> Option<String> {
    Some(value.as_object()?.iter().map(|(key, value)| write::block(key, value, 0, "\n")).collect())
}

fn has(items: &[Node], word: &str) -> bool {
    items.iter().any(|item| item.as_str() == Some(word))
}

fn at<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, key| value.get_mut(*key))
}

fn set(value: &mut Value, path: &[&str], new: Value) {
    match path.split_first() {
        None => *value = new,
        Some((key, rest)) => {
            if !value.is_object() {
                *value = Value::Object(serde_json::Map::new());
            }
            if let Some(map) = value.as_object_mut() {
                set(map.entry(*key).or_insert(Value::Null), rest, new);
            }
        }
    }
}

/// Equal, in the same order too: a map that is compared by its keys alone would hide that an entry moved.
fn same(one: &Value, other: &Value) -> bool {
    serde_json::to_vec(one).ok() == serde_json::to_vec(other).ok()
}

/// The files of an inventory while they are edited.
#[derive(Debug, Clone)]
pub struct Files {
    dir: PathBuf,
    files: Vec<File>,
}

#[derive(Debug, Clone)]
struct File {
    path: PathBuf,
    /// As it is on the disk.
    before: Vec<u8>,
    document: Document,
}

/// A file and what it shall hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    pub path: PathBuf,
    pub content: Vec<u8>,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Files {
    /// Reads all YAML files of an inventory directory.
    pub fn read(dir: &Path) -> std::result::Result<Self, Diagnostics> {
        let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
            Diagnostic::error(format!("cannot read {}: {error}", shown(path))).remedy("check the file's permissions")
        };
        let mut files = Vec::new();
        for path in inventory::files(dir).map_err(|error| unreadable(dir, &error))? {
            let before = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
            let text = before.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&before);
            let text = std::str::from_utf8(text).map_err(|error| unreadable(&path, &error))?;
            let document = Document::new(&shown(&path), text)?;
            files.push(File { path, before, document });
        }
        Ok(Self { dir: dir.to_path_buf(), files })
    }

    /// [`Document::put`] in the file that holds the section; if none does, in the one that holds the section `beside`, or
    /// else in the first one.
    pub fn put(&mut self, path: &[&str], value: &Value, beside: &str) -> Result<()> {
        match self.holder(path, beside) {
            Some(file) => file.document.put(path, value),
            None => Err(self.nothing()),
        }
    }

    /// [`Document::remove`] in whichever file has it; nothing to do if none has.
    pub fn remove(&mut self, path: &[&str]) -> Result<()> {
        self.files
            .iter_mut()
            .filter(|file| file.document.node_at(path).is_some())
            .try_for_each(|file| file.document.remove(path))
    }

    /// Takes a word out of the list `field` of every entry of these sections.
    pub fn remove_word(&mut self, sections: &[&str], field: &str, word: &str) -> Result<()> {
        for file in &mut self.files {
            for section in sections {
                let Some(entries) = file.document.node_at(&[section]).and_then(Node::as_map) else { continue };
                let holds = |entry: &yaml::Entry| {
                    entry.node.get(field).and_then(Node::as_list).is_some_and(|it| has(it, word))
                };
                let names: Vec<String> =
                    entries.iter().filter(|(_, entry)| holds(entry)).map(|(name, _)| name.clone()).collect();
                for name in names {
                    file.document.remove_word(&[section, &name, field], word)?;
                }
            }
        }
        Ok(())
    }

    /// What is to be written, and the inventory that was loaded from it in memory. An edit that brings a mistake is refused.
    pub fn finish(self) -> std::result::Result<(Inventory, Vec<Rewrite>), Diagnostics> {
        let sources = self.files.iter().map(|file| Arc::clone(&file.document.source)).collect();
        let (after, mistakes) = inventory::from_sources(&self.dir, sources);
        match after {
            Some(after) if !mistakes.has_errors() => Ok((after, self.rewrites())),
            _ => Err(mistakes),
        }
    }

    fn rewrites(self) -> Vec<Rewrite> {
        let rewrite = |file: File| {
            let mark = if file.before.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK } else { &[] };
            let content = [mark, file.document.text().as_bytes()].concat();
            (content != file.before).then_some(Rewrite { path: file.path, content })
        };
        self.files.into_iter().filter_map(rewrite).collect()
    }

    /// The file that has the most of the path; of several the one with entries, of those the last.
    fn holder(&mut self, path: &[&str], beside: &str) -> Option<&mut File> {
        let entries = |file: &File, depth: usize| entries_of(file, path.get(..depth)?);
        let rank = |file: &File| {
            let depth = (0..=path.len()).rev().find(|depth| entries(file, *depth).is_some()).unwrap_or(0);
            (depth, entries(file, depth) == Some(true) && depth > 0)
        };
        let best = self.files.iter().map(rank).max()?;
        if best.0 == 0 {
            let near = self.files.iter().rposition(|file| entries_of(file, &[beside]) == Some(true)).unwrap_or(0);
            return self.files.get_mut(near);
        }
        self.files.iter_mut().rev().find(|file| rank(file) == best)
    }

    fn nothing(&self) -> Box<Diagnostic> {
        Box::new(
            Diagnostic::error(format!("{} holds no inventory", shown(&self.dir)))
                .remedy("name an inventory by `-i DIR`"),
        )
    }
}

/// Whether a file has the section at `path`, and whether it has entries there.
fn entries_of(file: &File, path: &[&str]) -> Option<bool> {
    file.document.node_at(path).map(|node| node.as_map().is_some_and(|map| !map.is_empty()))
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
