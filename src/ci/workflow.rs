//! Ready workflows: review on pull requests, plan on the trusted branch, drift by schedule. Writes new files only.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::diag::{Diagnostic, Result, shown};

/// What runs the workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum System {
    Github,
    Gitlab,
    Forgejo,
    Woodpecker,
}

impl System {
    /// Where it looks for workflows, from the repository's top; and the workflow.
    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Github => (".github/workflows/steward.yml", include_str!("github.yml")),
            Self::Gitlab => (".gitlab-ci.yml", include_str!("gitlab.yml")),
            Self::Forgejo => (".forgejo/workflows/steward.yml", include_str!("forgejo.yml")),
            Self::Woodpecker => (".woodpecker/steward.yml", include_str!("woodpecker.yml")),
        }
    }
}

/// Writes the workflow for an inventory. `install`: the shell command by which a runner gets Steward; which program that
/// is, only the chapter can say.
pub fn write(system: System, inventory: &Path, install: &str) -> Result<PathBuf> {
    if install.trim().is_empty() {
        return Err(Box::new(
            Diagnostic::error("the workflow must be told how a runner gets Steward")
                .remedy("give a shell command by `--install COMMAND`"),
        ));
    }
    let inventory = std::path::absolute(inventory).unwrap_or_else(|_| inventory.to_path_buf());
    let top = crate::revision::top(&inventory).unwrap_or_else(|_| inventory.clone());
    let below = inventory.canonicalize().ok().and_then(|dir| dir.strip_prefix(&top).ok().map(Path::to_path_buf));
    let below = below.map(|below| below.display().to_string()).filter(|below| !below.is_empty());
    let (path, template) = system.file();
    let text = template
        .replace("@inventory@", &quoted(below.as_deref().unwrap_or(".")))
        .replace("@install@", &quoted(install));
    let path = top.join(path);
    create(&path, &text).map_err(|error| {
        let diagnostic = match error.kind() {
            std::io::ErrorKind::AlreadyExists => Diagnostic::error(format!("{} exists already", shown(&path)))
                .remedy("move it away first, and merge the two by hand; workflows are never overwritten"),
            _ => Diagnostic::error(format!("cannot write {}: {error}", shown(&path)))
                .remedy("check the directory's permissions and space"),
        };
        Box::new(diagnostic)
    })?;
    Ok(path)
}

fn create(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// JSON strings are YAML strings, whatever they hold.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [System; 4] = [System::Github, System::Gitlab, System::Forgejo, System::Woodpecker];

    #[test]
    fn no_placeholder_stays_and_values_are_quoted() {
        for system in ALL {
            let dir = tempfile::tempdir().unwrap();
            let file = write(system, dir.path(), "echo \"it's: # here\" && true").unwrap();
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains("@install@") && !text.contains("@inventory@"), "{text}");
            assert!(text.contains(r#""echo \"it's: # here\" && true""#), "{text}");
            assert!(write(system, dir.path(), "true").unwrap_err().fact.ends_with("exists already"));
            assert!(write(system, dir.path(), " ").is_err());
        }
    }

    #[test]
    fn whatever_looks_at_servers_does_it_with_a_reader_key() {
        for system in ALL {
            let (_, text) = system.file();
            for command in ["steward plan", "steward drift"] {
                let all = text.matches(command).count();
                assert_eq!((all, text.matches(&format!("{command} --reader")).count()), (1, 1), "{text}");
            }
        }
    }

    #[test]
    fn pull_requests_get_no_secrets_and_no_more_rights_than_a_comment_needs() {
        for system in ALL {
            let (_, text) = system.file();
            assert!(!text.contains("pull_request_target"), "{text}");
            let review = text.split("What follows looks at the servers").next().unwrap();
            assert!(!review.contains("secrets.") && !review.contains("from_secret"), "{review}");
        }
        let (_, github) = System::Github.file();
        assert!(github.contains("\npermissions:\n  contents: read\n"));
        assert_eq!(github.matches(": write").count(), 1);
        assert_eq!(github.matches("persist-credentials: false").count(), github.matches("actions/checkout").count());
    }
}
