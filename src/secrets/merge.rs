//! A merge driver for `NAME.age`, `NAME.previous.age` and `NAME.recipients`. Git merges each file alone, so each decides by
//! the same thing, the ids of the value on both sides and before, and all files of a secret end on the same side.
//!
//! An encrypted file does not hold the id of its value. It is found by content: the commit, of any that this repository
//! knows, that holds exactly this file has its `.recipients` beside it. So a merge, a rebase and a cherry-pick are alike.

use std::fs;
use std::path::Path;

use super::Header;
use super::git::{git, line};
use crate::diag::{Diagnostic, Result, shown};

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// The value is the same on both sides; ours is kept, for its readers.
    SameValue,
    /// Only one side has a new value, and it is taken.
    NewValue,
    /// Both sides have a new value, or nobody knows; ours stays, for somebody to decide.
    Conflict,
}

/// The three versions that git gives, and the path of the file in the repository.
pub struct Versions<'a> {
    pub base: &'a Path,
    pub ours: &'a Path,
    pub theirs: &'a Path,
    pub path: &'a str,
}

/// Leaves the result in `ours`, as git wants it.
pub fn merge(versions: &Versions) -> Result<Merged> {
    let ids = [versions.base, versions.ours, versions.theirs].map(|file| id(file, versions.path));
    let (merged, takes_theirs) = decide(&ids);
    if takes_theirs {
        let copied = fs::read(versions.theirs).and_then(|content| fs::write(versions.ours, content));
        copied.map_err(|error| {
            let fact = format!("{} cannot be written: {error}", shown(versions.ours));
            Box::new(Diagnostic::error(fact).remedy("look at permissions and space, then merge again"))
        })?;
    }
    Ok(merged)
}

/// By the ids before, ours and theirs. True: theirs is taken.
fn decide([base, ours, theirs]: &[Option<String>; 3]) -> (Merged, bool) {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours == theirs => (Merged::SameValue, false),
        (Some(ours), Some(_)) if base.as_ref() == Some(ours) => (Merged::NewValue, true),
        (Some(_), Some(theirs)) if base.as_ref() == Some(theirs) => (Merged::NewValue, false),
        _ => (Merged::Conflict, false),
    }
}

/// The id of the value in this version of a file.
fn id(file: &Path, path: &str) -> Option<String> {
    if path.ends_with(".recipients") {
        return Header::parse(&fs::read_to_string(file).ok()?).ok().map(|header| header.id);
    }
    let beside = recipients_of(path)?;
    let here = Path::new(".");
    let object = line(here, &["hash-object", "--no-filters", "--", file.to_str()?]).ok()?;
    let commits = commits(path)?;
    let has = |commit: &&str| line(here, &["rev-parse", "--verify", "--quiet", &format!("{commit}:{path}")]);
    let holds = commits.lines().find(|commit| has(commit).is_ok_and(|found| found == object))?;
    let text = git(here, &["cat-file", "blob", &format!("{holds}:{beside}")]).ok()?;
    Header::parse(&String::from_utf8(text).ok()?).ok().map(|header| header.id)
}

/// Every commit that changed the file, newest first: of branches, of what is merged now, and of what was left behind.
fn commits(path: &str) -> Option<String> {
    let mut arguments = vec!["rev-list", "--full-history", "--all", "--reflog", "HEAD"];
    // what `git merge` merges, also where no branch of this repository leads to it
    let merging: Vec<String> = std::env::vars()
        .filter_map(|(name, _)| name.strip_prefix("GITHEAD_").map(str::to_owned))
        .filter(|commit| commit.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .collect();
    arguments.extend(merging.iter().map(String::as_str));
    arguments.extend(["--", path]);
    line(Path::new("."), &arguments).ok()
}

/// `secrets/wiki/db.recipients`, for both encrypted files of that secret.
fn recipients_of(path: &str) -> Option<String> {
    let stem = path.strip_suffix(".age")?;
    Some(format!("{}.recipients", super::stem_of(stem)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_new_value_wins_over_rekeying_and_two_are_a_conflict() {
        let some = |[base, ours, theirs]: [&str; 3]| {
            decide(&[base, ours, theirs].map(|id| (!id.is_empty()).then(|| id.to_owned())))
        };
        assert_eq!(some(["a", "a", "a"]), (Merged::SameValue, false));
        assert_eq!(some(["a", "b", "b"]), (Merged::SameValue, false));
        assert_eq!(some(["a", "a", "b"]), (Merged::NewValue, true));
        assert_eq!(some(["a", "b", "a"]), (Merged::NewValue, false));
        for unclear in [["a", "b", "c"], ["", "a", "b"], ["a", "", "b"], ["a", "a", ""], ["", "", ""]] {
            assert_eq!(some(unclear), (Merged::Conflict, false), "{unclear:?}");
        }
    }

    #[test]
    fn both_encrypted_files_belong_to_the_same_recipients() {
        for file in ["secrets/wiki/db.age", "secrets/wiki/db.previous.age"] {
            assert_eq!(recipients_of(file).as_deref(), Some("secrets/wiki/db.recipients"));
        }
        assert_eq!(recipients_of("secrets/wiki/db"), None);
    }
}
