//! What is about to be committed: the blobs staged in git, searched for plaintext below `secrets/` and for private keys
//! anywhere. Takes a directory of the repository, gives a mistake per finding; decrypts nothing, shows no content.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use super::git::{command, git, unusable};
use super::{Header, crypt};
use crate::diag::{Diagnostic, Diagnostics, Result};

/// All that must not be committed, in the order of git's index.
pub fn staged(here: &Path) -> Result<Diagnostics> {
    let failed = |why: String| {
        let fact = format!("git cannot say what is staged: {why}");
        Box::new(Diagnostic::error(fact).remedy("run this inside the chapter's repository"))
    };
    let top = super::git::line(here, &["rev-parse", "--show-toplevel"]).map_err(failed)?;
    let blobs = blobs(here).map_err(failed)?;
    let mut found = Diagnostics::default();
    let mut read = |path: &str, content: &[u8]| {
        for (what, remedy) in findings(Path::new(&top), path, content) {
            found.push(Diagnostic::error(format!("{path} {what}")).remedy(remedy));
        }
    };
    contents(here, &blobs, &mut read).map_err(failed)?;
    Ok(found)
}

/// Object and path of what differs from the last commit and is still there; no submodules.
fn blobs(here: &Path) -> std::result::Result<Vec<(String, String)>, String> {
    let arguments = ["diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=ACMT"];
    let raw = git(here, &arguments)?;
    let mut fields = raw.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let mut blobs = Vec::new();
    // `:MODE MODE OBJECT OBJECT LETTER`, then the path
    while let (Some(change), Some(path)) = (fields.next(), fields.next()) {
        if let [_, mode, _, object, _] = change.split(' ').collect::<Vec<_>>().as_slice()
            && *mode != "160000"
        {
            blobs.push(((*object).to_owned(), path.into_owned()));
        }
    }
    Ok(blobs)
}

/// Reads them one after the other from one process.
fn contents(
    here: &Path,
    blobs: &[(String, String)],
    read: &mut dyn FnMut(&str, &[u8]),
) -> std::result::Result<(), String> {
    let mut child = command(here, &["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| unusable(&error))?;
    let (Some(mut ask), Some(answer)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("it takes no input".to_owned());
    };
    let mut answer = BufReader::new(answer);
    let mut one = |object: &str| -> std::io::Result<Vec<u8>> {
        writeln!(ask, "{object}")?;
        ask.flush()?;
        let mut header = String::new();
        answer.read_line(&mut header)?;
        let size = header.trim().rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
        let size = size.ok_or_else(|| std::io::Error::other(format!("no object {object}")))?;
        let mut content = vec![0; size + 1];
        answer.read_exact(&mut content)?;
        content.truncate(size);
        Ok(content)
    };
    for (object, path) in blobs {
        read(path, &one(object).map_err(|error| error.to_string())?);
    }
    drop(ask);
    child.wait().map_err(|error| error.to_string())?;
    Ok(())
}

/// What is wrong with a file, and what to do.
fn findings(top: &Path, path: &str, content: &[u8]) -> Vec<(&'static str, String)> {
    let unstage = format!("`git restore --staged -- '{path}'`");
    let mut found = Vec::new();
    if let Some(name) = in_store(top, path) {
        let what = match name.rsplit_once('.') {
            Some((_, "age")) if crypt::is_age_file(content) => None,
            Some((_, "age")) => Some("is no age file: it may be a secret in plaintext"),
            Some((_, "recipients")) => {
                let whole = std::str::from_utf8(content).is_ok_and(|text| Header::parse(text).is_ok());
                (!whole).then_some("is not what Steward writes beside a secret")
            }
            Some((_, "pub")) => None,
            _ if name.starts_with(".git") => None,
            _ => Some("is below secrets/ and not encrypted"),
        };
        if let Some(what) = what {
            let remedy = format!("{unstage}; `steward secrets set` encrypts a value, other files belong elsewhere");
            found.push((what, remedy));
        }
    }
    for what in keys_in(content) {
        found.push((what, format!("{unstage} and keep it outside; if it was ever pushed, make a new key")));
    }
    found
}

/// The file's name, if it is in a chapter's store: `secrets/` of the repository, or beside a chapter's own files.
fn in_store<'a>(top: &Path, path: &'a str) -> Option<&'a str> {
    let is_chapter =
        |dir: &Path| ["chapter.yaml", "steward.lock", "inventories"].iter().any(|it| dir.join(it).exists());
    let directories = path.match_indices('/').map(|(at, _)| at);
    let holds = |at: usize| {
        let dir = Path::new(path.get(..at)?);
        let above = dir.parent()?;
        let is = dir.file_name()? == "secrets" && (above.as_os_str().is_empty() || is_chapter(&top.join(above)));
        is.then_some(())
    };
    directories.into_iter().find_map(holds)?;
    path.rsplit('/').next()
}

/// Private keys by their marks. A mark alone, as manuals have it, is none; a PEM header always is.
fn keys_in(content: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(content);
    let follows = |mark: &str, least: usize| {
        text.match_indices(mark).any(|(at, _)| {
            let rest = text.get(at + mark.len()..).unwrap_or_default();
            // the name of a plugin, then the data
            let data = if mark.ends_with('1') { rest } else { rest.split_once("-1").map_or("", |(_, data)| data) };
            let data = data.bytes().take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            data.count() >= least
        })
    };
    let pem = text.match_indices("-----BEGIN ").any(|(at, _)| {
        let line = text.get(at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        line.split_once("PRIVATE KEY").is_some_and(|(_, rest)| rest.contains("-----"))
    });
    let mut found = Vec::new();
    if follows("AGE-SECRET-KEY-1", 40) || follows("AGE-SECRET-KEY-PQ-1", 40) {
        found.push("holds an age identity, which decrypts secrets");
    }
    if follows("AGE-PLUGIN-", 6) {
        found.push("holds the identity of an age plugin");
    }
    if pem {
        found.push("holds a private key");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_and_talk_of_keys_is_not() {
        let key = format!("x AGE-SECRET-KEY-1{}", "Q".repeat(58));
        assert_eq!(keys_in(key.as_bytes()).len(), 1);
        assert_eq!(keys_in(format!("AGE-PLUGIN-YUBIKEY-1{}", "Q".repeat(20)).as_bytes()).len(), 1);
        for kind in ["", "OPENSSH ", "RSA ", "ENCRYPTED "] {
            let pem = format!("  key: |\n    -----BEGIN {kind}PRIVATE KEY-----\n    abc\n");
            assert_eq!(keys_in(pem.as_bytes()), ["holds a private key"], "{kind}");
        }
        for talk in ["AGE-SECRET-KEY-1…", "AGE-PLUGIN-NAME-1…", "-----BEGIN PUBLIC KEY-----", "PRIVATE KEY", ""] {
            assert!(keys_in(talk.as_bytes()).is_empty(), "{talk}");
        }
    }

    #[test]
    fn only_a_chapters_own_directory_is_the_store() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("ours")).unwrap();
        std::fs::write(dir.path().join("ours/chapter.yaml"), "").unwrap();
        assert_eq!(in_store(dir.path(), "secrets/wiki/db.age"), Some("db.age"));
        assert_eq!(in_store(dir.path(), "ours/secrets/wiki/db"), Some("db"));
        for path in ["src/secrets/mod.rs", "secrets", "ours/x", "ours/nosecrets/x"] {
            assert_eq!(in_store(dir.path(), path), None, "{path}");
        }
    }
}
