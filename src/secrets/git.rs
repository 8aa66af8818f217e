//! The system's `git`, as the hook and the merge driver ask it. Takes arguments, gives what git printed. Unlike `revision`
//! it stands where git itself started Steward and leaves git's own variables (index, directory) as they are.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// `Err` says what git said.
pub(super) fn git(dir: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = command(dir, arguments).stdin(Stdio::null()).output().map_err(|error| unusable(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// The same, as one line of text.
pub(super) fn line(dir: &Path, arguments: &[&str]) -> Result<String, String> {
    git(dir, arguments).map(|output| String::from_utf8_lossy(&output).trim_end_matches('\n').to_owned())
}

pub(super) fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(["-c", "core.fsmonitor=false"]).args(arguments).current_dir(dir);
    command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    command
}

pub(super) fn unusable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "git is not installed".to_owned(),
        _ => format!("git: {error}"),
    }
}
