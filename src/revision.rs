//! Which commit an inventory is at, and the files of another one, by the system's `git`. Takes directories and names of
//! revisions; writes only temporary files outside the repository, and runs nothing that a repository brings along.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use crate::diag::{Diagnostic, Diagnostics, Place, Result, Source, shown};

/// The commit of the tree that holds `dir`, with `+dirty` if the tree differs from it. Outside a repository there is
/// none, and that is no mistake.
pub fn revision(dir: &Path) -> Option<String> {
    state(dir, Vec::new())
}

/// The same for a repository that may be a stranger's: the filters that its attributes name are not run, so that a file
/// that only they would make the same counts as changed.
pub fn strangers_revision(dir: &Path) -> Option<String> {
    let names = git(dir, &["config", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$"]);
    state(dir, names.unwrap_or_default().lines().map(|name| format!("{name}=")).collect())
}

fn state(dir: &Path, settings: Vec<String>) -> Option<String> {
    let mut status = command(dir);
    for setting in settings {
        status.args(["-c", &setting]);
    }
    // one process: the branch header of porcelain v2 names the commit
    status.args([
        "status",
        "--porcelain=v2",
        "--branch",
        "--untracked-files=normal",
        "--ignore-submodules=dirty",
        ".",
    ]);
    let status = run(&mut status).ok()?;
    let commit = status.lines().find_map(|line| line.strip_prefix("# branch.oid "))?;
    if !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let dirty = status.lines().any(|line| !line.starts_with('#'));
    Some(format!("{commit}{}", if dirty { "+dirty" } else { "" }))
}

/// The files of a revision, in a temporary directory that goes when this value does.
#[derive(Debug)]
pub struct Extracted {
    /// The whole name of the commit.
    pub commit: String,
    /// The inventory's directory inside; it need not exist there.
    pub dir: PathBuf,
    /// The top of the repository.
    tree: PathBuf,
    _whole: TempDir,
}

impl Extracted {
    /// The mistakes with the names that files have in the repository, not in a directory that is soon gone.
    pub fn named(&self, mistakes: Diagnostics) -> Diagnostics {
        let canonical = self.tree.canonicalize().unwrap_or_else(|_| self.tree.clone());
        let tops = [canonical, self.tree.clone()].map(|top| top.display().to_string());
        let plain = |text: &str| {
            tops.iter().fold(text.to_owned(), |text, top| {
                text.replace(&format!("{top}/"), "").replace(top, "the repository")
            })
        };
        let mut known: BTreeMap<String, Arc<Source>> = BTreeMap::new();
        let mut moved = |place: Place| {
            let source = known.entry(place.source.name.clone());
            let source = source.or_insert_with(|| Source::new(plain(&place.source.name), place.source.text.clone()));
            Place { source: Arc::clone(source), span: place.span }
        };
        let renamed = |mistake: Diagnostic| Diagnostic {
            severity: mistake.severity,
            fact: plain(&mistake.fact),
            place: mistake.place.map(&mut moved),
            related: mistake.related.into_iter().map(|(place, why)| (moved(place), plain(&why))).collect(),
            remedy: mistake.remedy.map(|remedy| plain(&remedy)),
        };
        Diagnostics(mistakes.0.into_iter().map(renamed).collect())
    }
}

/// Writes the files of `rev`, as the repository that holds the inventory `dir` knows it, into a temporary directory.
///
/// All of them: the `export-ignore` of a `.gitattributes`, which `git archive` obeys, must not hide what is deployed.
pub fn extracted(dir: &Path, rev: &str) -> Result<Extracted> {
    let commit = commit(dir, rev)?;
    let failed = |why: String| {
        let fact = format!("the files of {commit} cannot be read: {why}");
        Box::new(Diagnostic::error(fact).remedy("look at what `git status` says there"))
    };
    let top = top(dir)?;
    let below = dir.canonicalize().ok().and_then(|dir| dir.strip_prefix(&top).ok().map(Path::to_path_buf));
    let below = below.ok_or_else(|| failed(format!("{} is not below {}", shown(dir), shown(&top))))?;
    let whole = TempDir::with_prefix("steward-revision-").map_err(|error| failed(error.to_string()))?;
    let tree = whole.path().join("tree");
    std::fs::create_dir(&tree).map_err(|error| failed(error.to_string()))?;
    write_all(&top, &commit, &tree).map_err(failed)?;
    Ok(Extracted { dir: tree.join(below), commit, tree, _whole: whole })
}

/// What a revision may hold, so that a stranger's cannot fill the disk.
const FILES: usize = 50_000;
const BYTES: u64 = 256 << 20;

/// Writes the blobs as they are: no attribute, filter or line ending of anybody's configuration has a say. Links come
/// last, so that nothing is ever written through one.
fn write_all(top: &Path, commit: &str, tree: &Path) -> std::result::Result<(), String> {
    let list = run(command(top).args(["ls-tree", "-r", "-l", "-z", commit]))?;
    let (mut entries, mut total) = (Vec::new(), 0_u64);
    for line in list.split_terminator('\0') {
        let (about, path) = line.split_once('\t').ok_or("git gave an unreadable list")?;
        let [mode, kind, id, size] = about.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err("git gave an unreadable list".to_owned());
        };
        let plain = Path::new(path).components().all(|part| match part {
            Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
            _ => false,
        });
        if !plain || path.is_empty() {
            return Err(format!("it holds a file named `{}`", path.escape_debug()));
        }
        if kind == "blob" {
            total = total.saturating_add(size.parse().unwrap_or(u64::MAX));
            entries.push((mode.to_owned(), id.to_owned(), path.to_owned()));
        }
    }
    if entries.len() > FILES || total > BYTES {
        return Err(format!("it has more than {FILES} files or {} MiB", BYTES >> 20));
    }
    entries.sort_by_key(|(mode, ..)| mode == "120000");
    let mut git = command(top);
    git.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = git.spawn().map_err(|error| error.to_string())?;
    let written = copy(&mut child, &entries, tree);
    drop(child.stdin.take());
    drop(child.stdout.take());
    let ended = child.wait().map_err(|error| error.to_string())?;
    written.map_err(|error| error.to_string())?;
    if ended.success() { Ok(()) } else { Err("git cat-file failed".to_owned()) }
}

fn copy(child: &mut Child, entries: &[(String, String, String)], tree: &Path) -> io::Result<()> {
    let (Some(ask), Some(answer)) = (child.stdin.as_mut(), child.stdout.as_mut()) else {
        return Err(io::Error::other("git has no pipes"));
    };
    let mut answer = io::BufReader::new(answer);
    for (mode, id, path) in entries {
        writeln!(ask, "{id}")?;
        let mut head = String::new();
        answer.read_line(&mut head)?;
        let size = head.split_whitespace().nth(2).and_then(|size| size.parse().ok());
        let mut bytes = vec![0; size.ok_or_else(|| io::Error::other(format!("{path}: missing in git")))?];
        answer.read_exact(&mut bytes)?;
        answer.read_exact(&mut [0])?;
        let whole = tree.join(path);
        if let Some(parent) = whole.parent() {
            std::fs::create_dir_all(parent)?;
        }
        if mode == "120000" {
            std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(&bytes), &whole)?;
            continue;
        }
        let bits = if mode == "100755" { 0o755 } else { 0o644 };
        OpenOptions::new().write(true).create_new(true).mode(bits).open(&whole)?.write_all(&bytes)?;
    }
    Ok(())
}

/// The whole name of a commit.
pub fn commit(dir: &Path, rev: &str) -> Result<String> {
    top(dir)?;
    let name = format!("{rev}^{{commit}}");
    match git(dir, &["rev-parse", "--verify", "--quiet", "--end-of-options", &name]) {
        Ok(commit) if !commit.trim().is_empty() => Ok(commit.trim().to_owned()),
        _ => Err(Box::new(
            Diagnostic::error(format!("git knows no revision `{}` here", rev.escape_debug()))
                .remedy("fetch it (`git fetch origin`; in CI: with the whole history), or correct its name"),
        )),
    }
}

/// The directory of the whole repository.
pub fn top(dir: &Path) -> Result<PathBuf> {
    git(dir, &["rev-parse", "--show-toplevel"])
        .map(|top| PathBuf::from(top.trim_end_matches('\n')))
        .ok()
        .filter(|top| top.is_absolute())
        .ok_or_else(|| {
            let fact = format!("{} is in no git repository", shown(dir));
            Box::new(Diagnostic::error(fact).remedy("only git knows other revisions: `git init` and commit it"))
        })
}

pub(crate) fn git(dir: &Path, arguments: &[&str]) -> std::result::Result<String, String> {
    run(command(dir).args(arguments))
}

/// The files below these folders of `dir` that are not as in that revision, or are new, relative to `dir`.
pub fn changed_since(dir: &Path, name: &str, folders: &[&str]) -> Result<Vec<String>> {
    let failed = |why: String| {
        let fact = format!("what changed since `{}` cannot be found out: {why}", name.escape_debug());
        Box::new(
            Diagnostic::error(fact).remedy("name a commit, branch or tag of the repository that holds the modules"),
        )
    };
    let commit = commit(dir, name)?;
    let listed = |words: &[&str]| git(dir, &[words, &["--"], folders].concat()).map_err(failed);
    let mut changed =
        listed(&["diff", "--name-only", "--relative", "-z", "--no-ext-diff", "--no-textconv", &commit])?;
    changed.push_str(&listed(&["ls-files", "--others", "--exclude-standard", "-z"])?);
    Ok(changed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new("git");
    // a repository from elsewhere must not run a command of its own here
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]).arg("-C").arg(dir);
    command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C").stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> std::result::Result<String, String> {
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "git is not installed".to_owned(),
        _ => format!("git: {error}"),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A repository with an inventory below it, and two commits.
    fn repository() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let inventory = dir.path().join("inventories/ours");
        fs::create_dir_all(&inventory).unwrap();
        fs::write(inventory.join("chapter.yaml"), "old\n").unwrap();
        fs::write(dir.path().join(".gitattributes"), "* export-ignore\n").unwrap();
        std::os::unix::fs::symlink("chapter.yaml", inventory.join("link.yaml")).unwrap();
        made(dir.path(), &["init", "--quiet", "--initial-branch=main"]);
        commit_all(dir.path());
        fs::write(inventory.join("chapter.yaml"), "new\n").unwrap();
        commit_all(dir.path());
        (dir, inventory)
    }

    fn commit_all(dir: &Path) {
        made(dir, &["add", "--all"]);
        made(dir, &["-c", "user.name=T", "-c", "user.email=t@test.example", "commit", "--quiet", "-m", "x"]);
    }

    fn made(dir: &Path, arguments: &[&str]) {
        git(dir, arguments).unwrap();
    }

    #[test]
    fn the_files_of_another_revision_are_all_there_and_go_again() {
        let (_dir, inventory) = repository();
        let old = extracted(&inventory, "HEAD~1").unwrap();
        assert_eq!(fs::read_to_string(old.dir.join("chapter.yaml")).unwrap(), "old\n");
        assert!(old.dir.join("link.yaml").is_symlink());
        assert_eq!(old.commit, commit(&inventory, "main~1").unwrap());
        assert_eq!(fs::read_to_string(inventory.join("chapter.yaml")).unwrap(), "new\n");
        assert!(!revision(&inventory).unwrap().ends_with("+dirty"));
        let gone = old.dir.clone();
        drop(old);
        assert!(!gone.exists());
    }

    #[test]
    fn hooks_and_the_index_of_the_repository_are_left_alone() {
        let (dir, inventory) = repository();
        let hook = dir.path().join(".git/hooks/post-index-change");
        fs::create_dir_all(hook.parent().unwrap()).unwrap();
        fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", dir.path().join("ran").display())).unwrap();
        fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let before = fs::read(dir.path().join(".git/index")).unwrap();
        extracted(&inventory, "HEAD~1").unwrap();
        assert!(!dir.path().join("ran").exists());
        assert_eq!(fs::read(dir.path().join(".git/index")).unwrap(), before);
    }

    #[test]
    fn what_git_does_not_know_is_a_mistake_with_a_remedy() {
        let (_dir, inventory) = repository();
        for rev in ["nowhere", "--output=x", "", "HEAD:inventories"] {
            let wrong = extracted(&inventory, rev).unwrap_err();
            assert!(wrong.fact.contains("git knows no revision"), "{rev}: {wrong}");
        }
        let outside = tempfile::tempdir().unwrap();
        let wrong = extracted(outside.path(), "HEAD").unwrap_err();
        assert!(wrong.fact.ends_with("is in no git repository"), "{wrong}");
    }
}
