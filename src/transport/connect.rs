//! From a [`Remote`] to a session: settings, link, authentication, and what to do when one way is closed: another
//! login, or the system's `ssh`. Every connection is made at most once; nothing is probed.

use super::auth::{Refused, authenticate};
use super::config::{Settings, resolve};
use super::host_key::Known;
use super::keys::offers;
use super::link::{Handshake, Link, tcp};
use super::ssh2::Ssh2;
use super::{Asker, Broken, Login, Remote, Session};
use crate::diag::Diagnostic;

pub(super) fn connect(remote: &Remote, ask: &dyn Asker) -> Result<Box<dyn Session>, Broken> {
    let denied = match attempt(remote, &remote.login, ask, "") {
        Ok(session) => return Ok(session),
        Err(Closed::Broken(broken)) => return Err(broken),
        Err(Closed::Denied(diagnostic)) => diagnostic,
    };
    let Some(fallback) = &remote.fallback else { return Err(Broken::Unreachable(denied)) };
    let name = fallback.user.as_deref().unwrap_or("the bootstrap login");
    match attempt(remote, fallback, ask, &format!(", as {name} (bootstrap login)")) {
        Ok(session) => Ok(session),
        Err(Closed::Broken(broken)) => Err(broken),
        Err(Closed::Denied(second)) => {
            let both = Diagnostic { fact: format!("{}; {}", denied.fact, second.fact), ..*denied };
            Err(Broken::Unreachable(Box::new(both)))
        }
    }
}

/// Why one login has no session.
enum Closed {
    Broken(Broken),
    /// The server answered, and does not want this login.
    Denied(Box<Diagnostic>),
}

impl From<Broken> for Closed {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

fn attempt(remote: &Remote, login: &Login, ask: &dyn Asker, note: &str) -> Result<Box<dyn Session>, Closed> {
    let settings = resolve(remote, login.user.as_deref())?;
    let known = known_keys(remote, &settings)?;
    let limit = remote.timeouts.connect;
    let socket = tcp(&settings.host, settings.port, &settings.name, limit)?;
    let link = match Link::handshake(socket, &known, &settings.name, limit) {
        Ok(link) => link,
        Err(Handshake::Broken(broken)) => return Err(Closed::Broken(broken)),
        Err(Handshake::NoCommonMethod(why)) => {
            return Err(Closed::Broken(super::link::unreachable(&settings.name, &why)));
        }
    };
    let offers = offers(&settings);
    match authenticate(&link, &settings, &offers, ask, limit) {
        Ok(()) => {}
        Err(Refused::Broken(broken)) => return Err(Closed::Broken(broken)),
        Err(Refused::Denied { diagnostic, .. }) => return Err(Closed::Denied(diagnostic)),
    }
    let login = Login { user: Some(settings.user), sudo: login.sudo.clone() };
    Ok(Box::new(Ssh2::new(link, settings.name, login, remote.timeouts, note.to_owned())))
}

fn known_keys(remote: &Remote, settings: &Settings) -> Result<Known, Broken> {
    let alias = settings.alias.as_deref();
    Known::gather(&remote.host_keys, &settings.known_hosts, &settings.host, settings.port, alias)
        .map_err(Broken::Unreachable)
}
