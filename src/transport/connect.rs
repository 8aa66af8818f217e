//! From a [`Remote`] to a session: settings, link, authentication, and what to do when one way is closed: another
//! login, or the system's `ssh`. Every connection is made at most once; nothing is probed.

use super::auth::{Person, Refused, authenticate};
use super::config::{Settings, parse_jump, resolve};
use super::host_key::Known;
use super::jump::tunnel;
use super::keys::offers;
use super::link::{Handshake, Link, tcp};
use super::openssh::{self, OpenSsh};
use super::ssh2::Ssh2;
use super::{Asker, Broken, Jump, Login, Remote, Session, Sudo};
use crate::diag::Diagnostic;

pub(super) fn connect(remote: &Remote, ask: &dyn Asker) -> Result<Box<dyn Session>, Broken> {
    let first = Person { ask, passwords: remote.fallback.is_none() };
    let denied = match attempt(remote, &remote.login, &first, "") {
        Ok(session) => return Ok(session),
        Err(Closed::Broken(broken)) => return Err(broken),
        Err(Closed::Denied(diagnostic)) => diagnostic,
    };
    let Some(fallback) = &remote.fallback else { return Err(Broken::Unreachable(denied)) };
    let name = fallback.user.as_deref().unwrap_or("the bootstrap login");
    match attempt(remote, fallback, &Person { ask, passwords: true }, &format!(", as {name} (bootstrap login)")) {
        Ok(session) => Ok(session),
        Err(Closed::Broken(broken)) => Err(broken),
        Err(Closed::Denied(second)) => {
            let both = Diagnostic { fact: format!("{}; {}", denied.fact, second.fact), ..*denied };
            Err(Broken::Unreachable(Box::new(both)))
        }
    }
}

/// Why one login has no session.
pub(super) enum Closed {
    Broken(Broken),
    /// The server answered, and does not want this login.
    Denied(Box<Diagnostic>),
}

impl From<Broken> for Closed {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<openssh::Failed> for Closed {
    fn from(failed: openssh::Failed) -> Self {
        match failed {
            openssh::Failed::Broken(broken) => Self::Broken(broken),
            openssh::Failed::Denied(diagnostic) => Self::Denied(diagnostic),
        }
    }
}

fn attempt(remote: &Remote, login: &Login, person: &Person<'_>, note: &str) -> Result<Box<dyn Session>, Closed> {
    let settings = resolve(remote, login.user.as_deref())?;
    let known = known_keys(remote, &settings)?;
    let login = Login { user: Some(settings.user.clone()), sudo: login.sudo.clone() };
    let system = |why: &str| -> Result<Box<dyn Session>, Closed> {
        let why = format!("{why}{note}");
        Ok(Box::new(OpenSsh::connect(remote, &settings, &known, login.clone(), &why)?))
    };
    let link = match link(remote, &settings, &known, person) {
        Ok(link) => link,
        Err(NoLink::System(why)) => return system(&why),
        Err(NoLink::Closed(closed)) => return Err(closed),
    };
    Ok(Box::new(Ssh2::new(link, settings.name.clone(), login, remote.timeouts, note.to_owned())))
}

/// Why libssh2 has no authenticated connection.
pub(super) enum NoLink {
    Closed(Closed),
    /// The system's `ssh` may have one: libssh2 cannot, because of this.
    System(String),
}

impl From<Broken> for NoLink {
    fn from(broken: Broken) -> Self {
        Self::Closed(Closed::Broken(broken))
    }
}

/// An authenticated connection, through jump hosts if there are any.
pub(super) fn link(remote: &Remote, settings: &Settings, known: &Known, person: &Person<'_>) -> Result<Link, NoLink> {
    if let Some(why) = &settings.system {
        return Err(NoLink::System(why.clone()));
    }
    if known.authority {
        return Err(NoLink::System("known_hosts trusts a certificate authority for this host".to_owned()));
    }
    let offers = offers(settings);
    if let (true, Some(key)) = (offers.list.is_empty(), &offers.security_key) {
        return Err(NoLink::System(security_key(key)));
    }
    let limit = remote.timeouts.connect;
    let (name, host, port) = (&settings.name, &settings.host, settings.port);
    let shaken = match behind(remote, &settings.jumps, person)? {
        None => Link::handshake(tcp(host, port, name, limit)?, known, name, limit),
        Some(jump) => Link::handshake(tunnel(jump, host, port, name, limit)?, known, name, limit),
    };
    let link = match shaken {
        Ok(link) => link,
        Err(Handshake::Broken(broken)) => return Err(broken.into()),
        Err(Handshake::NoCommonMethod(why)) => {
            return Err(NoLink::System(format!("libssh2 and the server have no method in common ({why})")));
        }
    };
    match authenticate(&link, settings, &offers, person, limit) {
        Ok(()) => Ok(link),
        Err(Refused::Broken(broken)) => Err(broken.into()),
        Err(Refused::Denied { diagnostic, methods }) => Err(match &offers.security_key {
            Some(key) => NoLink::System(security_key(key)),
            None if settings.gssapi && methods.contains("gssapi-with-mic") && has_ticket() => {
                NoLink::System("the server takes Kerberos tickets, and no key".to_owned())
            }
            None => NoLink::Closed(Closed::Denied(diagnostic)),
        }),
    }
}

/// The connection to the last jump host, through those before it.
fn behind(remote: &Remote, jumps: &[Jump], person: &Person<'_>) -> Result<Option<Link>, NoLink> {
    let Some((last, before)) = jumps.split_last() else { return Ok(None) };
    let (user, host, port) = parse_jump(&last.to);
    let login = Login { user: user.map(str::to_owned), sudo: Sudo::None };
    let hop = Remote {
        port,
        host_keys: last.host_keys.clone(),
        jumps: before.to_vec(),
        identities: remote.identities.clone(),
        timeouts: remote.timeouts,
        config: remote.config,
        ..Remote::new(host, login)
    };
    let mut settings = resolve(&hop, user)?;
    // What the configuration says of the way to a jump host counts only for the first of them, as in ssh.
    settings.jumps = if before.is_empty() { settings.jumps } else { before.to_vec() };
    let known = known_keys(&hop, &settings)?;
    link(&hop, &settings, &known, person).map(Some).map_err(|no_link| match no_link {
        NoLink::System(why) => NoLink::System(format!("of the jump host {host}: {why}")),
        closed @ NoLink::Closed(_) => closed,
    })
}

fn security_key(key: &str) -> String {
    format!("{key} is a security key")
}

/// Whether there is something to show to a server that takes Kerberos tickets.
fn has_ticket() -> bool {
    let usual = format!("/tmp/krb5cc_{}", rustix::process::getuid().as_raw());
    std::env::var_os("KRB5CCNAME").is_some() || std::path::Path::new(&usual).exists()
}

pub(super) fn known_keys(remote: &Remote, settings: &Settings) -> Result<Known, Broken> {
    let alias = settings.alias.as_deref();
    Known::gather(&remote.host_keys, &settings.known_hosts, &settings.host, settings.port, alias)
        .map_err(Broken::Unreachable)
}
