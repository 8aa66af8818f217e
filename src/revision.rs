//! Which commit an inventory is at, by the system's `git`. Outside a repository there is none, and that is no mistake.

use std::path::Path;
use std::process::{Command, Stdio};

/// The commit of the tree that holds `dir`, with `+dirty` if the tree differs from it.
pub fn revision(dir: &Path) -> Option<String> {
    // one process: the branch header of porcelain v2 names the commit
    let status = git(dir, &["status", "--porcelain=v2", "--branch", "--untracked-files=normal", "."])?;
    let commit = status.lines().find_map(|line| line.strip_prefix("# branch.oid "))?;
    if !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let dirty = status.lines().any(|line| !line.starts_with('#'));
    Some(format!("{commit}{}", if dirty { "+dirty" } else { "" }))
}

fn git(dir: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        // a repository from elsewhere must not run a command of its own here
        .args(["-c", "core.fsmonitor=false"])
        .arg("-C")
        .arg(dir)
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
