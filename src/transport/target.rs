//! What to connect to, and as whom: plain data that the inventory and the command line fill in.
//! Nothing here connects, reads a file or looks at the environment.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// Where commands run.
#[derive(Debug, Clone)]
pub enum Target {
    /// On this machine, by `sh -c`, without SSH.
    Local(Login),
    /// On another machine, over SSH.
    Ssh(Box<Remote>),
}

impl Target {
    /// The same, as this login and no other.
    #[must_use]
    pub fn only(&self, login: &Login) -> Target {
        match self {
            Self::Local(_) => Self::Local(login.clone()),
            Self::Ssh(remote) => {
                Self::Ssh(Box::new(Remote { login: login.clone(), fallback: None, ..(**remote).clone() }))
            }
        }
    }
}

/// A machine that SSH reaches.
#[derive(Debug, Clone)]
pub struct Remote {
    /// A name or address, or an alias of `~/.ssh/config`.
    pub address: String,
    /// `None`: what `~/.ssh/config` says, else 22.
    pub port: Option<u16>,
    /// Whom to log in as.
    pub login: Login,
    /// The login that the hosting gave, tried on a new connection when `login` cannot authenticate.
    pub fallback: Option<Login>,
    /// OpenSSH public key lines (`ssh-ed25519 AAAA…`). If there is any, only these are accepted.
    pub host_keys: Vec<String>,
    /// In order, the nearest to us first. Empty: what `~/.ssh/config` says (`ProxyJump`).
    pub jumps: Vec<Jump>,
    /// Private key files to offer. Empty: what `~/.ssh/config` says, the agent's keys and the usual files.
    pub identities: Vec<PathBuf>,
    pub timeouts: Timeouts,
    /// Whether to ask `ssh -G` for what `~/.ssh/config` says of this address.
    pub config: bool,
}

impl Remote {
    /// With nothing but an address and a login; everything else as it usually is.
    pub fn new(address: impl Into<String>, login: Login) -> Self {
        Self {
            address: address.into(),
            port: None,
            login,
            fallback: None,
            host_keys: Vec::new(),
            jumps: Vec::new(),
            identities: Vec::new(),
            timeouts: Timeouts::default(),
            config: true,
        }
    }
}

/// A machine to go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jump {
    /// `[user@]host[:port]`, as `ProxyJump` has it.
    pub to: String,
    /// As for [`Remote::host_keys`]. Empty: what `known_hosts` says.
    pub host_keys: Vec<String>,
}

/// A user of the host, and how that user becomes root.
#[derive(Debug, Clone)]
pub struct Login {
    /// `None`: what `~/.ssh/config` says, else the name of the user who runs Steward.
    pub user: Option<String>,
    pub sudo: Sudo,
}

/// How a command gets root's rights.
#[derive(Debug, Clone)]
pub enum Sudo {
    /// The login is root, or root is not needed.
    None,
    /// `sudo -n`: never asks.
    Passwordless,
    /// `sudo -S`, with this password on standard input.
    Password(SecretString),
    /// The login is for reader keys: the host runs one program as root, whatever it is asked to run.
    Reader,
}

/// How long to wait before a host is taken for dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TCP connection, and again for the handshake and authentication, each.
    pub connect: Duration,
    /// How long a host may say nothing while it should answer at once: opening a channel, starting a command.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), silence: Duration::from_secs(30) }
    }
}
