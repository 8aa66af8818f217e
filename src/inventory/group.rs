//! Hosts that have something in common.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::yaml::{Map, Placed};

/// Hosts that have something in common: values, or services placed on all of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The key of the group in the inventory.
    #[serde(skip)]
    pub name: String,
    /// Values for the hosts of this group; a host's own are stronger.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub vars: Map,
    /// People or roles who also read the secrets of the services placed on its hosts.
    #[serde(default)]
    pub readers: Vec<Placed<String>>,
    /// Members, besides the hosts that name this group in their `groups`.
    #[serde(default)]
    pub hosts: Vec<Placed<String>>,
}
