//! A server, and how it is reached.

use std::num::NonZeroU16;

use schemars::JsonSchema;
use serde::Deserialize;

use super::names::ssh_port;
use super::{Address, HostKey, Login};
use crate::yaml::{self, Map, Placed};

/// A server: how it is reached, what it is, and the groups it belongs to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The key of the host in the inventory.
    #[serde(skip)]
    pub name: String,
    /// A name or IP address to connect to, or `local` for the machine that runs Steward.
    pub address: Placed<Address>,
    /// The port of the SSH server; 22 if not given.
    #[serde(default = "ssh_port")]
    #[schemars(with = "u16", range(min = 1))]
    pub port: NonZeroU16,
    /// The login that the hosting gave (bootstrap); `root` if not given. Steward logs in as the operator's own account
    /// once that exists.
    #[serde(default = "Login::root")]
    pub user: Login,
    /// The host's public keys, one or a list, as `ssh-keyscan` prints them without the address. Pins the host.
    #[serde(default, deserialize_with = "yaml::one_or_many")]
    #[schemars(schema_with = "yaml::one_or_many_schema::<HostKey>")]
    pub host_key: Vec<Placed<HostKey>>,
    /// The operating system, such as `debian-12`. Declared here, verified on the host before any change.
    #[serde(default)]
    pub os: Option<Placed<String>>,
    /// The processor architecture as `uname -m` says it, such as `x86_64` or `aarch64`; verified like `os`.
    #[serde(default)]
    pub arch: Option<Placed<String>>,
    /// The groups this host belongs to. Groups may list their hosts instead; after loading, both stand here.
    #[serde(default)]
    pub groups: Vec<Placed<String>>,
    /// Values for this host, stronger than those of its groups and of the chapter.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub vars: Map,
    /// People or roles who also read the secrets of the services placed on it.
    #[serde(default)]
    pub readers: Vec<Placed<String>>,
    /// Another host of this inventory through which this one is reached.
    #[serde(default)]
    pub jump: Option<Placed<String>>,
    /// Only with `address: local`: a directory that stands for `/`, for trying things without root.
    #[serde(default)]
    pub root: Option<Placed<String>>,
}

impl Host {
    /// True for the machine that runs Steward.
    pub fn is_local(&self) -> bool {
        self.address.is_local()
    }

    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|of| of.value == group)
    }
}
