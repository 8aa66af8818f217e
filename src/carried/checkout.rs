//! What one commit of a repository holds, by the system's `git`: fetched into a bare repository that is thrown away. No
//! work tree, so that no hook, filter or attribute of theirs has an effect. Takes an address and a commit, gives entries.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Seek as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

use super::unpack::{Entries, Node, checked};
use crate::vendor::fetch::git_command;

/// The files of `commit`; `branch`: where to look for it, if a server gives no commits by name.
pub fn checkout(url: &str, commit: &str, branch: Option<&str>) -> Result<Entries, String> {
    let dir = TempDir::with_prefix("steward-git-").map_err(|error| error.to_string())?;
    let is_local = url.starts_with('/') || url.starts_with("file:///");
    let git = |arguments: &[&str]| run(dir.path(), is_local, arguments, None);
    git(&["init", "--quiet", "--bare", "--template=", "."])?;
    let start = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-commit-graph"];
    let fetch = |what: &[&str]| git(&[&start, what].concat());
    if let Err(why) = fetch(&["--depth=1", "--", url, commit]) {
        let all = ["--", url, "+refs/heads/*:refs/h/*", "+refs/tags/*:refs/t/*"];
        let one = branch.map(|branch| format!("+refs/heads/{branch}:refs/h/{branch}"));
        let rest = one.as_deref().map_or_else(|| fetch(&all), |one| fetch(&["--", url, one]));
        rest.map_err(|_| why)?;
    }
    let list = git(&["ls-tree", "-r", "-z", "--full-tree", &format!("{commit}^{{commit}}")])
        .map_err(|_| format!("it has no commit {commit}"))?;
    let mut wanted = Vec::new();
    for entry in list.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let tab = entry.iter().position(|byte| *byte == b'\t').ok_or("git gave an unreadable list")?;
        let about = String::from_utf8_lossy(entry.get(..tab).unwrap_or_default()).into_owned();
        let path = PathBuf::from(OsString::from_vec(entry.get(tab + 1..).unwrap_or_default().to_vec()));
        let [mode, _, id] = about.split(' ').collect::<Vec<_>>()[..] else {
            return Err("git gave an unreadable list".into());
        };
        if mode == "160000" {
            let path = path.display().to_string();
            return Err(format!(
                "`{}` is a submodule; declare it beside this, as a `git` of its own",
                path.escape_debug()
            ));
        }
        wanted.push((mode.to_owned(), id.to_owned(), path));
    }
    let blobs = blobs(dir.path(), is_local, &wanted)?;
    let mut entries = Entries::new();
    for (mode, id, path) in wanted {
        let bytes = blobs.get(&id).cloned().ok_or_else(|| format!("it lacks the object {id}"))?;
        let node = match mode.as_str() {
            "120000" => Node::Link { target: PathBuf::from(OsString::from_vec(bytes)) },
            _ => Node::File { bytes, executable: mode == "100755" },
        };
        entries.insert(path, node);
    }
    if entries.is_empty() {
        return Err("that commit holds no files".into());
    }
    checked(entries)
}

fn blobs(
    dir: &Path,
    is_local: bool,
    wanted: &[(String, String, PathBuf)],
) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut ask = tempfile::tempfile().map_err(|error| error.to_string())?;
    let lines: String = wanted.iter().map(|(_, id, _)| format!("{id}\n")).collect();
    ask.write_all(lines.as_bytes()).and_then(|()| ask.rewind()).map_err(|error| error.to_string())?;
    let answer = run(dir, is_local, &["cat-file", "--batch"], Some(ask))?;
    let mut blobs = BTreeMap::new();
    let mut rest = &answer[..];
    while !rest.is_empty() {
        let unreadable = || "git gave an unreadable object".to_owned();
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(unreadable)?;
        let head = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let [id, "blob", size] = head.split(' ').collect::<Vec<_>>()[..] else { return Err(unreadable()) };
        let size: usize = size.parse().map_err(|_| unreadable())?;
        let bytes = rest.get(end + 1..).and_then(|rest| rest.get(..size)).ok_or_else(unreadable)?;
        blobs.insert(id.to_owned(), bytes.to_vec());
        rest = rest.get(end + 1 + size + 1..).unwrap_or_default();
    }
    Ok(blobs)
}

fn run(dir: &Path, is_local: bool, arguments: &[&str], input: Option<std::fs::File>) -> Result<Vec<u8>, String> {
    let mut command = git_command(dir, is_local);
    command.args(arguments).stdin(input.map_or_else(Stdio::null, Stdio::from));
    let output = command.output().map_err(|error| format!("git: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(if said.is_empty() { format!("git ended with {}", output.status) } else { said })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(dir: &Path, script: &str) -> String {
        let mut command = std::process::Command::new("sh");
        let output = command.args(["-ec", script]).current_dir(dir).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    const MAKE: &str = "export HOME=$PWD GIT_CONFIG_NOSYSTEM=1; git init -q -b main . && git config user.email a@b.example && \
        git config user.name A && ";

    #[test]
    fn a_commit_is_what_its_tree_says_whatever_attributes_filters_and_hooks_say() {
        let dir = tempfile::tempdir().unwrap();
        let commit = sh(
            dir.path(),
            &format!(
                "{MAKE} mkdir bin && printf 'echo\\n' >bin/run && chmod +x bin/run && ln -s bin/run start && \
                 printf '$Id$' >id && echo 'id export-subst ident\nbin export-ignore\n* filter=evil' >.gitattributes && \
                 git add . && git commit -qm one && git rev-parse HEAD"
            ),
        );
        sh(dir.path(), "echo later >id && git commit -qam two");
        let url = dir.path().to_str().unwrap();
        let entries = checkout(url, &commit, None).unwrap();
        let file = |path: &str| entries.get(Path::new(path)).cloned();
        assert_eq!(file("id"), Some(Node::File { bytes: b"$Id$".to_vec(), executable: false }));
        assert_eq!(file("bin/run"), Some(Node::File { bytes: b"echo\n".to_vec(), executable: true }));
        assert_eq!(file("start"), Some(Node::Link { target: "bin/run".into() }));
        assert_eq!(file(".git"), None);
        let missing = "0123456789abcdef0123456789abcdef01234567";
        assert!(checkout(url, missing, Some("main")).is_err());
    }

    #[test]
    fn a_commit_with_a_link_that_leads_out_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let commit = sh(
            dir.path(),
            &format!("{MAKE} ln -s /etc/passwd x && git add . && git commit -qm one && git rev-parse HEAD"),
        );
        let said = checkout(dir.path().to_str().unwrap(), &commit, None).unwrap_err();
        assert!(said.contains("leads out"), "{said}");
    }
}
