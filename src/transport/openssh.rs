//! A session by the system's `ssh`, for what libssh2 cannot: security keys, `ProxyCommand`, certificate authorities. One
//! master connection (`ControlMaster`) in a private directory; each exchange is one `ssh` over it. Never asks on the
//! terminal, and never trusts `ssh`'s exit status: 255 may be the command's own.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::child::{Stop, converse};
use super::config::Settings;
use super::host_key::Known;
use super::pump::{last_lines, lost, seconds};
use super::{Broken, Conversation, Login, Remote, Session};
use crate::diag::Diagnostic;

pub(super) struct OpenSsh {
    /// Options and, behind `--`, the host.
    arguments: Vec<OsString>,
    name: String,
    login: Login,
    why: String,
    exchanges: usize,
    /// Holds the control socket, and the pinned keys.
    directory: tempfile::TempDir,
}

/// Why there is no master connection.
pub(super) enum Failed {
    Broken(Broken),
    /// The server answered, and does not want this login.
    Denied(Box<Diagnostic>),
}

impl OpenSsh {
    /// Connects and authenticates; `why`: what libssh2 cannot do here. No command is executed.
    pub(super) fn connect(
        remote: &Remote,
        settings: &Settings,
        known: &Known,
        login: Login,
        why: &str,
    ) -> Result<Self, Failed> {
        let broken = |fact: String| Failed::Broken(unreachable(fact, "look at that directory's rights and room"));
        let directory =
            directory().map_err(|error| broken(format!("no directory for ssh's control socket: {error}")))?;
        let keys = directory.path().join("known_hosts");
        let pinned = known.as_known_hosts(ALIAS);
        if let Some(text) = &pinned {
            std::fs::write(&keys, text).map_err(|error| broken(format!("{}: {error}", keys.display())))?;
        }
        let arguments = arguments(remote, settings, directory.path(), pinned.is_some());
        let why = why.to_owned();
        let session = Self { arguments, name: settings.name.clone(), login, why, exchanges: 0, directory };
        session.start_master(remote.timeouts.connect)?;
        Ok(session)
    }

    /// Over the master or not at all: without one, `ssh` would connect anew by the proxy command, which fails.
    fn ssh(&self) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-o", "ProxyCommand=false", "-o", "ControlMaster=no"]).args(&self.arguments);
        ssh
    }

    /// `ssh -f -N` returns when it is authenticated, and leaves the master behind.
    fn start_master(&self, limit: Duration) -> Result<(), Failed> {
        let name = &self.name;
        let errors = self.directory.path().join("errors");
        let log = std::fs::File::create(&errors).map_err(|error| {
            Failed::Broken(unreachable(format!("{}: {error}", errors.display()), "look at the room on that disk"))
        })?;
        let mut ssh = Command::new("ssh");
        ssh.args(["-f", "-N"]).args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = ssh.spawn().map_err(|error| {
            let fact =
                format!("{name}: the system's ssh is needed because {}, and cannot be started: {error}", self.why);
            Failed::Broken(unreachable(fact, "install openssh-client"))
        })?;
        // Connection, handshake and authentication have the limit each.
        let deadline = Instant::now() + limit * 3;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
                _ => break None,
            }
        };
        let said = last_lines(&std::fs::read(&errors).unwrap_or_default());
        match status {
            Some(status) if status.success() => Ok(()),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                let fact = format!("{name} cannot be reached: ssh was not done after {} s", seconds(limit * 3));
                Err(Failed::Broken(unreachable(fact, &format!("try `ssh {name} true` by hand"))))
            }
            Some(_) => {
                let fact = format!("{name}: ssh says {}", quoted(&said));
                let remedy = format!("try `ssh {name} true` by hand until it works without asking anything");
                if said.contains("Permission denied") {
                    return Err(Failed::Denied(Box::new(Diagnostic::error(fact).remedy(remedy))));
                }
                Err(Failed::Broken(unreachable(fact, &remedy)))
            }
        }
    }

    /// Asks the master on this machine, not the host.
    fn master(&self, request: &str) -> bool {
        let mut ssh = Command::new("ssh");
        ssh.args(["-O", request]).args(&self.arguments);
        ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        ssh.status().is_ok_and(|status| status.success())
    }
}

impl Session for OpenSsh {
    fn exchange(&mut self, command: &str, talk: &mut dyn Conversation, silence: Duration) -> Result<(), Broken> {
        self.exchanges += 1;
        let mut ssh = self.ssh();
        ssh.arg(command);
        converse(&self.name, &mut ssh, talk, silence, true).map_err(|stop| match stop {
            // 255 is ssh's own, or the command's: then the master is still there.
            Stop::Ended(_, Some(255)) if !self.master("check") => lost(&self.name, "ssh lost it"),
            Stop::Ended(broken, _) | Stop::Broken(broken) => broken,
        })
    }

    fn login(&self) -> &Login {
        &self.login
    }

    fn exchanges(&self) -> usize {
        self.exchanges
    }

    fn description(&self) -> String {
        format!("system ssh, because {}", self.why)
    }
}

impl Drop for OpenSsh {
    fn drop(&mut self) {
        self.master("exit");
    }
}

/// The name under which pinned keys are written, whatever the address.
const ALIAS: &str = "steward-pinned";

/// Pure: everything between `ssh` and the command.
fn arguments(remote: &Remote, settings: &Settings, directory: &Path, pinned: bool) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut option = |text: String| arguments.extend(["-o".into(), OsString::from(text)]);
    for text in [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "ControlMaster=auto",
        "ControlPersist=60",
        "ServerAliveInterval=5",
        "ServerAliveCountMax=3",
        "ClearAllForwardings=yes",
        "ForwardAgent=no",
        "ForwardX11=no",
        "PermitLocalCommand=no",
        "RemoteCommand=none",
        "RequestTTY=no",
        "EscapeChar=none",
        "LogLevel=ERROR",
    ] {
        option(text.to_owned());
    }
    option(format!("ControlPath={}", directory.join("c").display()));
    option(format!("ConnectTimeout={}", remote.timeouts.connect.as_secs().max(1)));
    option(format!("User={}", settings.user));
    option(format!("Port={}", settings.port));
    if let Some(agent) = &settings.agent {
        option(format!("IdentityAgent={}", agent.display().to_string().replace('%', "%%")));
    }
    if pinned {
        option(format!("HostKeyAlias={ALIAS}"));
        option(format!("UserKnownHostsFile={}", directory.join("known_hosts").display()));
        option("GlobalKnownHostsFile=/dev/null".to_owned());
        option("KnownHostsCommand=none".to_owned());
        option("CheckHostIP=no".to_owned());
    }
    if !remote.jumps.is_empty() {
        let jumps: Vec<&str> = remote.jumps.iter().map(|jump| jump.to.as_str()).collect();
        option(format!("ProxyJump={}", jumps.join(",")));
    }
    if !remote.identities.is_empty() {
        option("IdentitiesOnly=yes".to_owned());
        for identity in &settings.identities {
            arguments.extend(["-i".into(), identity.clone().into_os_string()]);
        }
    }
    if !remote.config {
        arguments.extend(["-F".into(), "none".into()]);
    }
    arguments.extend(["-T".into(), "--".into(), OsString::from(&remote.address)]);
    arguments
}

/// A private directory with a short name: a socket's path has 104 bytes on some systems.
fn directory() -> std::io::Result<tempfile::TempDir> {
    let usual = std::env::temp_dir();
    let place = if usual.as_os_str().len() > 40 { Path::new("/tmp") } else { &usual };
    tempfile::Builder::new().prefix("steward-").tempdir_in(place)
}

fn quoted(lines: &str) -> String {
    if lines.is_empty() { "nothing".to_owned() } else { format!("`{}`", lines.replace('\n', "`, `")) }
}

fn unreachable(fact: String, remedy: &str) -> Broken {
    Broken::Unreachable(Box::new(Diagnostic::error(fact).remedy(remedy)))
}

#[cfg(test)]
mod tests {
    use super::super::sshd::{login, settings};
    use super::*;

    #[test]
    fn what_is_given_wins_over_the_configuration_and_nothing_can_be_taken_for_an_option() {
        let remote = Remote { identities: vec!["/k".into()], ..Remote::new("web1", login("ana")) };
        let settings = Settings { identities: vec!["/k".into()], user: "ana".into(), port: 2222, ..settings() };
        let words = arguments(&remote, &settings, Path::new("/d"), true);
        let line = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        for part in ["User=ana", "Port=2222", "-o IdentitiesOnly=yes", "-i /k", "UserKnownHostsFile=/d/known_hosts"] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(line.ends_with(" -T -- web1"), "{line}");
    }
}
