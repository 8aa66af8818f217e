//! How Steward reaches a host. A [`Session`] runs commands over one connection; each call of
//! [`Session::exchange`] is one *exchange*. Nothing here knows what the bytes mean: success is decided by the
//! framed end record of the script (see `script`), never by an exit status.

mod auth;
mod child;
mod config;
mod connect;
mod host_key;
mod jump;
mod keys;
mod link;
mod local;
mod openssh;
pub mod privilege;
mod pump;
#[cfg(test)]
mod script;
mod ssh2;
#[cfg(test)]
mod sshd;
mod target;

use std::time::Duration;

use secrecy::SecretString;

use crate::diag::Diagnostic;

pub use target::{Jump, Login, Remote, Sudo, Target, Timeouts};

/// What the operator's side says next on the command's standard input.
#[derive(Debug)]
pub enum Input {
    /// Send these bytes.
    Bytes(Vec<u8>),
    /// Nothing to say now; ask again within a second (heartbeats, or waiting for an answer).
    Wait,
    /// Close standard input. Not asked again.
    End,
}

/// The two directions of one exchange. Called from one thread; none of the calls may block.
pub trait Conversation {
    /// Asked whenever the link can take more, and at least once a second.
    fn input(&mut self) -> Input;
    /// Bytes from standard output, as they arrive.
    fn output(&mut self, bytes: &[u8]);
    /// Bytes from standard error, as they arrive.
    fn errors(&mut self, bytes: &[u8]);
    /// True once the end record was read: the exchange ends then, whatever the link does afterwards.
    fn finished(&self) -> bool;
}

/// Why an exchange did not come to its end record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// No usable connection: refused, no route, timeout, host key, authentication. Exit code 4.
    Unreachable(Box<Diagnostic>),
    /// The connection was lost or silent while the command ran; what the host did is not known here.
    Lost(Box<Diagnostic>),
    /// The command ended, or closed its output, without an end record (sudo refused, no `sh`).
    Ended(Box<Diagnostic>),
}

/// Answers what only a person knows. The ui implements it: nothing here prints or reads the terminal.
pub trait Asker: Send + Sync {
    /// A passphrase or password; `None` when nobody is there to answer. `question` ends in a colon.
    fn secret(&self, question: &str) -> Option<SecretString>;

    /// Something to do meanwhile, such as touching a key.
    fn tell(&self, _message: &str) {}

    /// A yes or no; `None` when nobody is there to answer.
    fn confirm(&self, _question: &str) -> Option<bool> {
        None
    }
}

/// Nobody is there to answer.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Asker for Nobody {
    fn secret(&self, _question: &str) -> Option<SecretString> {
        None
    }
}

/// One connection to one host. Commands run one after the other (`MaxSessions 1` is enough).
pub trait Session: Send {
    /// Runs `command` by the login shell, whatever that is: it may hold only what sh, csh and fish read alike.
    /// `silence`: how long the host may say nothing at all before it is taken for frozen.
    fn exchange(&mut self, command: &str, talk: &mut dyn Conversation, silence: Duration) -> Result<(), Broken>;

    /// Who we are on the host and how to become root there: the wanted login, or the fallback if only that one works.
    fn login(&self) -> &Login;

    /// How many commands were executed over this session; the `exchanges` of the contract.
    fn exchanges(&self) -> usize;

    /// What people should know of the connection: "ssh2", "system ssh, because …".
    fn description(&self) -> String;
}

/// Connects, verifies who answers, and authenticates. `Err` is always [`Broken::Unreachable`].
pub fn connect(target: &Target, ask: &dyn Asker) -> Result<Box<dyn Session>, Broken> {
    match target {
        Target::Local(login) => Ok(Box::new(local::Local::new(login.clone()))),
        Target::Ssh(remote) => connect::connect(remote, ask),
    }
}

#[cfg(test)]
#[path = "../../tests/it/support/proxy.rs"]
mod proxy;
#[cfg(test)]
mod tests;
