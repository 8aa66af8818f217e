//! Whether a checkout holds what a host had applied last: a stale one must not undo a colleague's work. Takes the
//! inventory's directory and the revision that the host remembers, which is taken for nothing but a name of a commit.

use std::path::Path;

use crate::revision;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ancestry {
    /// What is checked out contains it.
    Contained,
    /// Git knows it, and what is checked out does not contain it.
    Newer,
    /// Git does not know it here, or the host remembers no name of a commit.
    Unknown,
    /// The inventory is in no git repository, so nothing can be compared.
    NoRepository,
}

/// `applied` may end in `+dirty`: then somebody applied more than the commit, which no commit holds.
pub fn ancestry(dir: &Path, applied: &str) -> Ancestry {
    let commit = applied.strip_suffix("+dirty").unwrap_or(applied);
    if revision::top(dir).is_err() {
        return Ancestry::NoRepository;
    }
    let is_name = matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_name || revision::commit(dir, commit).is_err() {
        return Ancestry::Unknown;
    }
    let contained = revision::git(dir, &["merge-base", "--is-ancestor", commit, "HEAD"]).is_ok();
    if contained { Ancestry::Contained } else { Ancestry::Newer }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(dir: &Path, words: &[&str]) -> String {
        let identity = ["-c", "user.name=T", "-c", "user.email=t@test.example"];
        revision::git(dir, &[&identity, words].concat()).unwrap().trim().to_owned()
    }

    #[test]
    fn only_what_is_contained_is_contained() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        git(dir, &["init", "--quiet", "--initial-branch=main"]);
        let commit = || {
            git(dir, &["commit", "--quiet", "--allow-empty", "-m", "x"]);
            git(dir, &["rev-parse", "HEAD"])
        };
        let (first, second) = (commit(), commit());
        for contained in [first.clone(), second.clone(), format!("{second}+dirty")] {
            assert_eq!(ancestry(dir, &contained), Ancestry::Contained, "{contained}");
        }
        git(dir, &["checkout", "--quiet", "--detach", &first]);
        assert_eq!(ancestry(dir, &second), Ancestry::Newer);
        assert_eq!(ancestry(dir, &format!("{second}+dirty")), Ancestry::Newer);
        let branch = ["--help", "HEAD", "main", "", "+dirty", "HEAD~1", &"0".repeat(40), &"a".repeat(39)];
        for unknown in branch {
            assert_eq!(ancestry(dir, unknown), Ancestry::Unknown, "{unknown}");
        }
        let outside = tempfile::tempdir().unwrap();
        assert_eq!(ancestry(outside.path(), &first), Ancestry::NoRepository);
    }
}
