//! What one look at a host said, in the terms of the catalog. Made by `probe`, read by `plan`. Pure data.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::Seen;
use crate::backups::Backups;
use crate::ledger::Records;
use crate::resource::Observation;

#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// One for each resource of the catalog, in its order.
    pub resources: Vec<Observation>,
    pub facts: Facts,
    /// Reactions that an earlier run still owes.
    pub debts: Vec<Debt>,
    /// What another run still does, or what became of a change that may have locked everybody out, unless it was confirmed.
    pub pending: Option<Pending>,
    /// A run was interrupted and left something behind, and none is at work now: the next one clears it.
    pub interrupted: bool,
    /// Revision of the last completed apply; `None`: unknown.
    pub applied: Option<String>,
    pub ledger: Arc<Ledger>,
    /// How the backups of its services went; `None` where that was not asked.
    pub backups: Option<Backups>,
    /// Who made what there.
    pub records: Records,
    /// Who can get in; `None` where that was not asked.
    pub access: Option<Seen>,
    /// What a reader key finds there; `None`: none is installed.
    pub reader: Option<Installed>,
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
    /// What it is able to do, see `abilities`; `None`: it did not say.
    pub abilities: Option<Vec<String>>,
}

/// A reaction that is owed, by the name of its record: `reload.nginx`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debt {
    pub name: String,
    pub reason: String,
}

/// What is not settled on a host. `holder`: whose run it is, since when, which revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    /// A run is at work.
    AtWork { holder: String },
    /// A change that may have locked everybody out, and nobody confirmed it yet; the host undoes it unless somebody does.
    Waits { holder: String },
    /// Nobody confirmed such a change, so the host undid it.
    RolledBack { holder: String, why: String },
}

impl Pending {
    /// Who is still at it, or may be: what is seen now may be another thing in a moment.
    pub fn holder(&self) -> Option<&str> {
        match self {
            Self::AtWork { holder } | Self::Waits { holder } => Some(holder),
            Self::RolledBack { .. } => None,
        }
    }
}

impl std::fmt::Display for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtWork { holder } => write!(f, "a run is changing this host right now ({holder})"),
            Self::Waits { holder } => {
                write!(f, "a change waits to be confirmed ({holder}); the host undoes it unless it is")
            }
            Self::RolledBack { holder, why } => {
                write!(f, "the last change that could lock everybody out was rolled back ({holder}): {why}")
            }
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    pub nonce: String,
    pub request: Vec<u8>,
    /// SHA-256 of everything the look printed.
    pub digest: String,
}

/// Why a guard is unknown to a look by a reader key. It says nothing about the host.
pub const NOT_RUN: &str = "`unless` is not run with a reader key";

/// Digests of what is installed for reader keys; empty: not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    pub program: String,
    pub sudoers: String,
    pub keys: String,
    /// The list of what may be answered, of this inventory.
    pub readable: String,
}
