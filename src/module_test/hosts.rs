//! Throw-away hosts, from a command that understands `start PID`, `up`, `reset`, `kill`, `boot`, `sh` and `down`, and keeps
//! address and keys of its hosts in the directory that `start` prints. Steward brings one, `tests/hosts`; its head is the
//! manual. Takes names, gives running hosts; what it made ends with this process.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::diag::{Diagnostic, Result};

const TOOL: &str = include_str!("../../tests/hosts");

/// A run of the command: some hosts and the key that opens them.
#[derive(Debug)]
pub struct Hosts {
    command: PathBuf,
    run: PathBuf,
    keep: bool,
    /// Holds the command, if it is Steward's own.
    _own: Option<TempDir>,
}

impl Hosts {
    /// Begins a run. `keep`: it ends with whoever started this process, not with this process.
    pub fn start(command: Option<&Path>, keep: bool) -> Result<Self> {
        let (command, own) = match command {
            Some(command) => (command.to_path_buf(), None),
            None => {
                let dir = write().map_err(|why| {
                    let fact = format!("the command that boots hosts cannot be written: {why}");
                    Diagnostic::error(fact).remedy("make room in the temporary directory, or name another by TMPDIR")
                })?;
                (dir.path().join("hosts"), Some(dir))
            }
        };
        let owner = if keep { std::os::unix::process::parent_id() } else { std::process::id() };
        let output = call(&command, None, &["start", &owner.to_string()])?;
        let run = PathBuf::from(output.trim());
        if !run.join("id").is_file() {
            let fact = format!("{} started no run of hosts: it printed `{}`", command.display(), output.trim());
            return Err(Diagnostic::error(fact)
                .remedy("look at the head of Steward's `tests/hosts` for what it must do")
                .into());
        }
        let own = match (own, keep) {
            // what goes on without this process needs its text
            (Some(dir), true) => {
                let _ = dir.keep();
                None
            }
            (own, _) => own,
        };
        Ok(Self { command, run, keep, _own: own })
    }

    /// Makes this host anew, and waits until it answers.
    pub fn fresh(&self, name: &str) -> Result<()> {
        let verb = if self.run.join("hosts").join(name).exists() { "reset" } else { "up" };
        self.call(&[verb, name]).map(drop)
    }

    /// Cuts the power of these, and boots them.
    pub fn cut_power(&self, names: &[&str]) -> Result<()> {
        self.call(&[&["kill"], names].concat())?;
        self.call(&[&["boot"], names].concat()).map(drop)
    }

    /// What a shell command prints there, as root.
    pub fn sh(&self, name: &str, command: &str) -> Result<String> {
        self.call(&["sh", name, command])
    }

    pub fn address(&self, name: &str) -> Result<String> {
        self.says(name, "address")
    }

    /// The line of its public host key.
    pub fn host_key(&self, name: &str) -> Result<String> {
        self.says(name, "host_key")
    }

    /// The private key that its user `admin` accepts.
    pub fn key(&self) -> PathBuf {
        self.run.join("id")
    }

    /// How somebody gets in who wants to look.
    pub fn way_in(&self, name: &str) -> String {
        format!("STEWARD_TEST_RUN={} {} sh {name} bash", self.run.display(), self.command.display())
    }

    fn says(&self, name: &str, what: &str) -> Result<String> {
        let path = self.run.join("hosts").join(name).join(what);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let fact =
                format!("{} does not say the {what} of {name}: {}: {error}", self.command.display(), path.display());
            Diagnostic::error(fact).remedy("look at the head of Steward's `tests/hosts` for what it must do")
        })?;
        Ok(text.trim().to_owned())
    }

    fn call(&self, words: &[&str]) -> Result<String> {
        call(&self.command, Some(&self.run), words)
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        if !self.keep {
            // what fails here is torn down by the command itself once this process ended
            let _ = self.call(&["down"]);
        }
    }
}

fn write() -> std::io::Result<TempDir> {
    let dir = TempDir::with_prefix("steward-hosts-")?;
    let file = dir.path().join("hosts");
    std::fs::write(&file, TOOL)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700))?;
    Ok(dir)
}

fn call(command: &Path, run: Option<&Path>, words: &[&str]) -> Result<String> {
    let failed = |why: &str| {
        let fact = format!("the test host: `{} {}`: {}", command.display(), words.join(" "), why.trim());
        Box::new(
            Diagnostic::error(fact)
                .remedy("mend what it says; it needs root, and systemd-nspawn or a `--hosts` of your own"),
        )
    };
    let mut call = Command::new(command);
    call.args(words).stdin(Stdio::null()).env_remove("STEWARD_TEST_RUN");
    if let Some(run) = run {
        call.env("STEWARD_TEST_RUN", run);
    }
    let Output { status, stdout, stderr } = call.output().map_err(|error| failed(&error.to_string()))?;
    if !status.success() {
        return Err(failed(&format!("{}\n{}", String::from_utf8_lossy(&stderr), String::from_utf8_lossy(&stdout))));
    }
    Ok(String::from_utf8_lossy(&stdout).into_owned())
}
