//! Many files replaced in one step: what is to be written lies complete in a journal before the first file changes, and
//! whoever comes next finishes what an interrupted run began. So after any crash everything is old or everything is new.

use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::diag::{Diagnostic, Result, shown};

/// A file below the root and what it shall hold; `None`: it is removed.
pub type Write = (PathBuf, Option<Vec<u8>>);

#[derive(Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    /// False: it is removed.
    there: bool,
}

const INDEX: &str = "index.json";

/// Complete, and to be finished.
fn journal(root: &Path) -> PathBuf {
    root.join("secrets/.journal")
}

/// Not complete yet, or finished: of no meaning.
fn scratch(root: &Path) -> PathBuf {
    root.join("secrets/.journal.tmp")
}

/// Writes all of these files below `root`, or none.
pub fn commit(root: &Path, writes: &[Write]) -> Result<()> {
    let all = || -> io::Result<()> {
        let _lock = locked(root)?;
        // what another run left between our start and now
        recovered(root)?;
        prepare(root, writes)?;
        finish(root)
    };
    all().map_err(|error| failure(root, &error))
}

/// Finishes what an interrupted run began. To be called before anything below `root` is read.
pub fn recover(root: &Path) -> Result<()> {
    if !journal(root).is_dir() && !scratch(root).is_dir() {
        return Ok(());
    }
    let finished = || -> io::Result<()> {
        let _lock = locked(root)?;
        recovered(root)
    };
    finished().map_err(|error| failure(root, &error))
}

fn recovered(root: &Path) -> io::Result<()> {
    if journal(root).is_dir() {
        finish(root)?;
    }
    if scratch(root).is_dir() {
        fs::remove_dir_all(scratch(root))?;
    }
    Ok(())
}

/// One run at a time: waits for another that is writing. The lock is on the directory itself, so no file is left behind.
fn locked(root: &Path) -> io::Result<File> {
    let dir = root.join("secrets");
    fs::create_dir_all(&dir)?;
    let dir = File::open(dir)?;
    rustix::fs::flock(&dir, rustix::fs::FlockOperation::LockExclusive)?;
    Ok(dir)
}

fn failure(root: &Path, error: &io::Error) -> Box<Diagnostic> {
    let remedy = if journal(root).is_dir() {
        "make room or permissions right, then run any command: it finishes what was begun"
    } else {
        "nothing was changed; check permissions and space"
    };
    Box::new(Diagnostic::error(format!("cannot write below {}: {error}", shown(root))).remedy(remedy))
}

fn prepare(root: &Path, writes: &[Write]) -> io::Result<()> {
    let dir = scratch(root);
    fs::create_dir_all(&dir)?;
    let mut index = Vec::new();
    for (number, (path, content)) in writes.iter().enumerate() {
        let path = std::path::absolute(path)?;
        let path = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
        if !is_below(&path) {
            return Err(io::Error::other(format!("{} is not below it", path.display())));
        }
        if let Some(content) = content {
            fs::write(dir.join(number.to_string()), content)?;
        }
        index.push(Entry { path, there: content.is_some() });
    }
    fs::write(dir.join(INDEX), serde_json::to_vec(&index)?)?;
    sync(root)?;
    fs::rename(&dir, journal(root))?;
    sync(root)
}

fn finish(root: &Path) -> io::Result<()> {
    let dir = journal(root);
    let index: Vec<Entry> = serde_json::from_slice(&fs::read(dir.join(INDEX))?)?;
    if let Some(entry) = index.iter().find(|entry| !is_below(&entry.path) || crosses_link(root, &entry.path)) {
        let fact =
            format!("{} names {}, which is none of Steward's files; remove it", dir.display(), entry.path.display());
        return Err(io::Error::other(fact));
    }
    for (number, Entry { path, there }) in index.iter().enumerate() {
        let path = root.join(path);
        if !there {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => continue,
            }
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // beside the target, so that the rename is one step; the journal keeps its copy until all is done
        let copy = dir.join(format!("{number}.new"));
        fs::copy(dir.join(number.to_string()), &copy)?;
        if let Ok(before) = fs::metadata(&path) {
            fs::set_permissions(&copy, before.permissions())?;
        }
        fs::rename(copy, &path)?;
    }
    sync(root)?;
    let done = scratch(root);
    if done.is_dir() {
        fs::remove_dir_all(&done)?;
    }
    fs::rename(&dir, &done)?;
    fs::remove_dir_all(done)
}

/// A journal may have come with a stranger's repository: it must not write elsewhere, least of all into `.git`.
fn is_below(path: &Path) -> bool {
    let plain = |component: Component<'_>| matches!(component, Component::Normal(name) if !name.to_string_lossy().starts_with('.'));
    path.components().count() > 0 && path.components().all(plain)
}

/// True if a directory on the way is a symbolic link, which may lead out of the root.
fn crosses_link(root: &Path, path: &Path) -> bool {
    let above = path.ancestors().skip(1).filter(|part| !part.as_os_str().is_empty());
    above.map(|part| root.join(part)).any(|dir| dir.is_symlink())
}

fn sync(root: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(root)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(root: &Path, path: &str) -> Option<String> {
        fs::read_to_string(root.join(path)).ok()
    }

    #[test]
    fn an_interrupted_commit_is_finished_and_an_unfinished_preparation_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::write(root.join("a"), "old").unwrap();
        fs::write(root.join("gone"), "old").unwrap();
        let writes = [
            (root.join("a"), Some(b"new".to_vec())),
            (root.join("deep/b"), Some(b"b".to_vec())),
            (root.join("gone"), None),
        ];
        fs::create_dir_all(scratch(root)).unwrap();
        recover(root).unwrap();
        assert_eq!(read(root, "a").as_deref(), Some("old"));
        prepare(root, &writes).unwrap();
        assert_eq!(read(root, "a").as_deref(), Some("old"), "not begun");
        fs::write(root.join("a"), "half").unwrap();
        recover(root).unwrap();
        recover(root).unwrap();
        assert_eq!(
            (read(root, "a").as_deref(), read(root, "deep/b").as_deref(), read(root, "gone")),
            (Some("new"), Some("b"), None)
        );
        assert_eq!(fs::read_dir(root.join("secrets")).unwrap().count(), 0);
    }

    #[test]
    fn two_at_once_do_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::thread::scope(|scope| {
            for word in ["one", "two"] {
                scope.spawn(move || {
                    for _ in 0..20 {
                        let writes = ["a", "b", "c"].map(|name| (root.join(name), Some(word.as_bytes().to_vec())));
                        commit(root, &writes).unwrap();
                        recover(root).unwrap();
                    }
                });
            }
        });
        let now = read(root, "a");
        assert!(now.is_some() && read(root, "b") == now && read(root, "c") == now);
        assert_eq!(fs::read_dir(root.join("secrets")).unwrap().count(), 0);
    }

    #[test]
    fn a_journal_that_came_with_a_repository_writes_neither_into_git_nor_through_links() {
        for (path, link) in [(".git/config", false), ("secrets/../.git/config", false), ("out/config", true)] {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path().join("root");
            for made in ["root/.git", "elsewhere", "root/secrets/.journal"] {
                fs::create_dir_all(dir.path().join(made)).unwrap();
            }
            if link {
                std::os::unix::fs::symlink(dir.path().join("elsewhere"), root.join("out")).unwrap();
            }
            let index = serde_json::json!([{ "path": path, "there": true }]).to_string();
            fs::write(root.join("secrets/.journal/index.json"), index).unwrap();
            fs::write(root.join("secrets/.journal/0"), "[core] fsmonitor = evil").unwrap();
            let refused = recover(&root).unwrap_err();
            assert!(refused.fact.contains("none of Steward's files"), "{refused}");
            assert!(!root.join(".git/config").exists() && !dir.path().join("elsewhere/config").exists(), "{path}");
        }
    }

    #[test]
    fn nothing_outside_is_written() {
        let dir = tempfile::tempdir().unwrap();
        assert!(commit(&dir.path().join("root"), &[(dir.path().join("other"), Some(Vec::new()))]).is_err());
        assert!(!dir.path().join("other").exists());
    }
}
