//! A volunteer with SSH and age keys.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgeRecipient, Login, SshKey};
use crate::yaml::Placed;

/// A volunteer: what they may do, and the public halves of their keys.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The key of the person in the inventory.
    #[serde(skip)]
    pub id: String,
    /// The name as others know it.
    pub name: Placed<String>,
    /// What the person may do.
    pub role: Role,
    /// The account on the hosts, if it is not the person's key in this file.
    #[serde(default)]
    pub login: Option<Placed<Login>>,
    /// SSH public keys, one line each, as in `~/.ssh/id_ed25519.pub`.
    #[serde(default)]
    pub ssh: Vec<Placed<SshKey>>,
    /// age recipients (`age1…`), to which secrets are encrypted. The SSH keys serve where there are none.
    #[serde(default)]
    pub age: Vec<Placed<AgeRecipient>>,
}

impl Person {
    /// The account name on the hosts.
    pub fn login(&self) -> &str {
        self.login.as_ref().map_or(&self.id, |login| login.as_str())
    }
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Logs in everywhere with full sudo, applies, reads every secret, adds and removes people.
    Maintainer,
    /// Logs in everywhere with full sudo and applies; reads the secrets of services, not those of the inventory itself.
    Operator,
    /// May look at what is, by a key that can only run the probe; reads no secret.
    Reader,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Maintainer, Self::Operator, Self::Reader];

    /// The role that is written so.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == word)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Maintainer => "maintainer",
            Self::Operator => "operator",
            Self::Reader => "reader",
        }
    }
}
