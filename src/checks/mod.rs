//! Whether a service works, as whoever uses it meets it. A check is declared by a module; some are done from here, over
//! the network, some by the host itself, all of those in one exchange. Each is tried again until it passes or its time
//! is over: what was just started needs a moment.
//!
//! A check changes nothing that matters, and what it cannot find out is *unknown*, never passed.

use std::time::Duration;

use crate::diag::Place;

mod curl;
mod declared;
mod inside;
mod network;
pub mod report;
mod round;
mod smtp;
mod spoken;
mod tls;

pub use declared::{KINDS, is_known, read, schema};
pub use round::{Verified, verify};

/// One declared check of a service on one host.
#[derive(Debug, Clone)]
pub struct Check {
    pub service: String,
    pub place: Place,
    /// As people know it: `http https://wiki.chapter.example/`.
    pub name: String,
    /// How long it is tried again.
    pub within: Duration,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    Http(curl::Http),
    Tcp(network::Tcp),
    Tls(tls::Tls),
    Dns(network::Dns),
    Smtp(smtp::Smtp),
    Matrix(spoken::Matrix),
    Xmlrpc(spoken::Xmlrpc),
    Caldav(spoken::Caldav),
    /// What the host itself finds out.
    Inside(inside::Inside),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    /// It does not work; how that shows.
    Failed(String),
    /// It could not be found out; why.
    Unknown(String),
}

impl Verdict {
    /// With another text: how it shows, or why it is not known.
    #[must_use]
    pub fn saying(self, text: impl Fn(&str) -> String) -> Self {
        match self {
            Self::Passed => Self::Passed,
            Self::Failed(how) => Self::Failed(text(&how)),
            Self::Unknown(why) => Self::Unknown(text(&why)),
        }
    }

    fn of(result: Result<(), String>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

#[cfg(test)]
mod tests;
