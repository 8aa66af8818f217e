//! Content for resources: templates, and files and trees of the chapter's repository.
//!
//! A path is looked for in the inventory's directory, then in the repository. Nothing outside is ever read, whatever
//! symbolic links say: an inventory may come from a stranger.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::diag::{Diagnostic, Place, Result};
use crate::kinds::{Files, Rendered, TreeEntry, TreeNode};
use crate::template::{Budget, Expressions, Scope};

/// What was read, so that a file for 300 hosts is read once.
pub(super) struct Sources {
    /// The inventory's directory, and the repository; canonical.
    tops: Vec<PathBuf>,
    files: BTreeMap<PathBuf, Arc<[u8]>>,
    trees: BTreeMap<PathBuf, Vec<TreeEntry>>,
    budget: Rc<Budget>,
}

impl Sources {
    pub(super) fn new(inventory: &Path, root: &Path, budget: &Rc<Budget>) -> Self {
        let mut tops: Vec<PathBuf> = [inventory, root].iter().filter_map(|top| top.canonicalize().ok()).collect();
        tops.dedup();
        Self { tops, files: BTreeMap::new(), trees: BTreeMap::new(), budget: Rc::clone(budget) }
    }

    /// Where the path leads, links resolved, if that is inside.
    fn find(&self, path: &str, place: &Place) -> Result<PathBuf> {
        let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if path.is_empty() || !plain {
            let fact = format!("`{}` is not a path inside the repository", path.escape_debug());
            let remedy = "write it relative to the inventory or the repository, without `..`";
            return Err(Box::new(Diagnostic::error(fact).at(place).remedy(remedy)));
        }
        let Some(found) = self.tops.iter().find_map(|top| top.join(path).canonicalize().ok()) else {
            let fact = format!("there is no `{}` in the repository", path.escape_debug());
            let tops: Vec<String> = self.tops.iter().map(|top| crate::diag::shown(top)).collect();
            let remedy = format!("it was looked for in {}", tops.join(" and "));
            return Err(Box::new(Diagnostic::error(fact).at(place).remedy(remedy)));
        };
        let inside = self.tops.iter().find_map(|top| found.strip_prefix(top).ok());
        // what git keeps for itself may hold the password of a remote
        if inside.is_some_and(|below| below.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git"))) {
            let fact = format!("`{}` belongs to git, not to the chapter's files", path.escape_debug());
            return Err(Box::new(Diagnostic::error(fact).at(place).remedy("name a file of the repository")));
        }
        if inside.is_some() {
            return Ok(found);
        }
        let fact = format!("`{}` leads out of the repository", path.escape_debug());
        Err(Box::new(Diagnostic::error(fact).at(place).remedy("replace the symbolic link by what it points to")))
    }

    fn file(&mut self, path: &str, place: &Place) -> Result<Arc<[u8]>> {
        let found = self.find(path, place)?;
        if let Some(bytes) = self.files.get(&found) {
            return Ok(Arc::clone(bytes));
        }
        let about = found.metadata().map_err(|error| unreadable(path, &error, place))?;
        if !about.is_file() {
            let fact = format!("`{}` is not a plain file", path.escape_debug());
            return Err(Box::new(
                Diagnostic::error(fact).at(place).remedy("name a file; for a directory there is `tree`"),
            ));
        }
        self.budget.spend(about.len(), place)?;
        let bytes: Arc<[u8]> = std::fs::read(&found).map_err(|error| unreadable(path, &error, place))?.into();
        self.files.insert(found, Arc::clone(&bytes));
        Ok(bytes)
    }

    fn tree(&mut self, path: &str, place: &Place) -> Result<Vec<TreeEntry>> {
        let top = self.find(path, place)?;
        if let Some(entries) = self.trees.get(&top) {
            return Ok(entries.clone());
        }
        let mut entries = Vec::new();
        let mut next = vec![PathBuf::new()];
        while let Some(below) = next.pop() {
            let inner = std::fs::read_dir(top.join(&below)).map_err(|error| unreadable(path, &error, place))?;
            for entry in inner {
                let entry = entry.map_err(|error| unreadable(path, &error, place))?;
                // What git keeps for itself is no content, least of all on a website.
                if entry.file_name().eq_ignore_ascii_case(".git") {
                    continue;
                }
                let relative = below.join(entry.file_name());
                self.budget.spend(entry.metadata().map_or(0, |about| about.len()), place)?;
                let what = node(&top, &relative, place)?;
                if what == TreeNode::Directory {
                    next.push(relative.clone());
                }
                entries.push(TreeEntry { path: relative, what });
            }
        }
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        self.trees.insert(top, entries.clone());
        Ok(entries)
    }
}

fn node(top: &Path, relative: &Path, place: &Place) -> Result<TreeNode> {
    let whole = top.join(relative);
    let failed = |error: std::io::Error| unreadable(&relative.to_string_lossy(), &error, place);
    let about = whole.symlink_metadata().map_err(failed)?;
    if about.is_dir() {
        Ok(TreeNode::Directory)
    } else if about.is_file() {
        let executable = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o100 != 0;
        Ok(TreeNode::File { bytes: std::fs::read(&whole).map_err(failed)?.into(), executable })
    } else if about.is_symlink() {
        let target = std::fs::read_link(&whole).map_err(failed)?;
        if stays_inside(relative, &target) {
            return Ok(TreeNode::Link { target });
        }
        let fact = format!("the link `{}` leads out of its tree", relative.to_string_lossy().escape_debug());
        Err(Box::new(Diagnostic::error(fact).at(place).remedy("replace it by what it points to")))
    } else {
        let fact = format!("`{}` is no file, directory or link", relative.to_string_lossy().escape_debug());
        Err(Box::new(Diagnostic::error(fact).at(place).remedy("remove it from the tree")))
    }
}

fn stays_inside(link: &Path, target: &Path) -> bool {
    let mut depth = link.components().count().saturating_sub(1);
    target.components().all(|part| match part {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => depth.checked_sub(1).map(|less| depth = less).is_some(),
        Component::RootDir | Component::Prefix(_) => false,
    })
}

fn unreadable(path: &str, error: &std::io::Error, place: &Place) -> Diagnostic {
    Diagnostic::error(format!("cannot read `{}`: {error}", path.escape_debug())).at(place)
}

/// Content for one resource.
pub(super) struct Content<'c, 'e, 'a> {
    pub(super) sources: &'c mut Sources,
    pub(super) expressions: &'c Expressions<'e, 'a>,
    pub(super) scope: &'c Arc<Scope>,
}

impl Files for Content<'_, '_, '_> {
    fn template(&mut self, name: &str, place: &Place) -> Result<Rendered> {
        let (text, sealed) = self.expressions.render(name, place, self.scope)?;
        Ok(Rendered { text, name: format!("templates/{name}"), sealed })
    }

    fn source(&mut self, path: &str, place: &Place) -> Result<Arc<[u8]>> {
        self.sources.file(path, place)
    }

    fn tree(&mut self, path: &str, place: &Place) -> Result<Vec<TreeEntry>> {
        self.sources.tree(path, place)
    }
}
