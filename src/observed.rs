//! What one look at a host said, in the terms of the catalog. Made by `probe`, read by `plan`. Pure data.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::Seen;
use crate::resource::Observation;

#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// One for each resource of the catalog, in its order.
    pub resources: Vec<Observation>,
    pub facts: Facts,
    /// Reactions that an earlier run still owes.
    pub debts: Vec<Debt>,
    /// A run was interrupted and left something behind, and none is at work now: the next one clears it.
    pub interrupted: bool,
    /// Revision of the last completed apply; `None`: unknown.
    pub applied: Option<String>,
    pub ledger: Arc<Ledger>,
    /// Who can get in; `None` where that was not asked.
    pub access: Option<Seen>,
    /// The request that was asked, and the digest of all that the host answered: a change looks again and compares.
    pub look: Look,
}

/// What the host remembers of resources that hold secrets, by identity. Nothing in it is secret: the host compares
/// contents itself, by a key that it alone has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger(pub BTreeMap<String, Kept>);

/// What was written when a resource with secrets was last applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// See [`Sealed::stamp`](crate::secret::Sealed).
    pub stamp: String,
    /// The ids of the values, by name: `wiki/db`.
    pub ids: BTreeMap<String, String>,
}

/// What the host is, in the words the inventory uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `debian-12`
    pub os: String,
    /// `x86_64`, as `uname -m` says.
    pub architecture: String,
    pub is_root: bool,
    pub has_systemd: bool,
}

/// A reaction that is owed, by the name of its record: `reload.nginx`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debt {
    pub name: String,
    pub reason: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    pub nonce: String,
    pub request: Vec<u8>,
    /// SHA-256 of everything the look printed.
    pub digest: String,
}
