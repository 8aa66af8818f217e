//! What git shall do for a chapter's secrets: hooks before a commit and before a merge is one, and a merge driver for the files of a secret. Takes the
//! chapter's directory; writes the hooks, `.gitattributes` and the repository's own configuration, and overwrites nothing.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::git::{git, line};
use crate::diag::{Diagnostic, Diagnostics, Result, shown};
use crate::revision;

/// The line that a hook needs.
const CHECK: &str = "steward secrets check --staged";
/// git runs `pre-commit` for a commit, and for a merge without conflicts only the other.
const HOOKS: &[&str] = &["pre-commit", "pre-merge-commit"];
const DRIVER: &str = "steward secrets merge %O %A %B %P";
const ATTRIBUTES: &[&str] = &["/secrets/*/*.age merge=steward", "/secrets/*/*.recipients merge=steward"];

/// Sets up both in the repository that holds `root`; gives what was done, a line each.
pub fn install(root: &Path) -> std::result::Result<Vec<String>, Diagnostics> {
    let top = revision::top(root)?;
    let mut done = Vec::new();
    done.extend(driver(root)?);
    for name in HOOKS {
        done.extend(hook(root, &top, name)?);
    }
    Ok(done)
}

fn driver(root: &Path) -> Result<Option<String>> {
    let path = root.join(".gitattributes");
    let failed = |why: String| {
        let fact = format!("the merge driver cannot be set up in {}: {why}", shown(root));
        Box::new(Diagnostic::error(fact).remedy("look at the permissions of the repository"))
    };
    // what cannot be read is not taken for empty, and so not overwritten
    let mut text = match fs::read_to_string(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error.to_string())),
        read => read.unwrap_or_default(),
    };
    let missing: Vec<&str> =
        ATTRIBUTES.iter().copied().filter(|wanted| !text.lines().any(|line| line.trim() == *wanted)).collect();
    if !missing.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.extend(missing.iter().map(|line| format!("{line}\n")));
        fs::write(&path, text).map_err(|error| failed(error.to_string()))?;
    }
    if line(root, &["config", "--local", "merge.steward.driver"]).is_ok_and(|now| now == DRIVER) && missing.is_empty()
    {
        return Ok(None);
    }
    for (key, value) in [("merge.steward.name", "the files of a secret"), ("merge.steward.driver", DRIVER)] {
        git(root, &["config", "--local", key, value]).map_err(failed)?;
    }
    let commit = if missing.is_empty() { "" } else { "; commit its lines" };
    Ok(Some(format!("git merges secrets by Steward, by {}{commit}", shown(&path))))
}

fn hook(root: &Path, top: &Path, name: &str) -> Result<Option<String>> {
    let (Some(dir), Some(own)) = (path(root, "--git-path", "hooks"), path(root, "--git-common-dir", "")) else {
        return Err(Box::new(Diagnostic::error("git names no directory for hooks").remedy(add(None))));
    };
    let file = dir.join(name);
    if let Ok(text) = fs::read_to_string(&file) {
        if text.contains(CHECK) {
            return Ok(None);
        }
        let fact = format!("{} is there already and is not Steward's", shown(&file));
        return Err(Box::new(Diagnostic::error(fact).remedy(add(Some(&file)))));
    }
    if !dir.starts_with(&own) && !dir.starts_with(top) {
        let fact = format!("the hooks of this repository are in {}, which others may share", shown(&dir));
        return Err(Box::new(Diagnostic::error(fact).remedy(add(Some(&file)))));
    }
    let text = format!(
        "#!/bin/sh\n# Refuses to commit a secret in plaintext or a private key.\n\
         command -v steward >/dev/null || {{ echo '{name}: steward is not in PATH' >&2; exit 1; }}\n{CHECK}\n"
    );
    let write = || {
        fs::create_dir_all(&dir)?;
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&file)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|error| {
        let fact = format!("cannot write {}: {error}", shown(&file));
        Box::new(Diagnostic::error(fact).remedy("look at its permissions"))
    })?;
    let moment = if name == "pre-commit" { "each commit" } else { "each merge is committed" };
    Ok(Some(format!("git looks for plaintext and private keys before {moment}, by {}", shown(&file))))
}

fn add(file: Option<&PathBuf>) -> String {
    let into = file.map_or_else(|| "the `pre-commit` hook".to_owned(), |file| shown(file));
    format!("add this line to {into}: `{CHECK} || exit 1`")
}

/// A path by `git rev-parse`, made absolute.
fn path(root: &Path, what: &str, of: &str) -> Option<PathBuf> {
    let arguments: Vec<&str> = ["rev-parse", what, of].into_iter().filter(|word| !word.is_empty()).collect();
    let dir = root.join(line(root, &arguments).ok()?);
    Some(dir.canonicalize().unwrap_or(dir))
}
