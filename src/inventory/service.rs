//! A module with parameters, placed on hosts.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::yaml::{self, Map, Placed};

/// A module with parameters, placed on hosts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The key of the service in the inventory.
    #[serde(skip)]
    pub name: String,
    /// The module that this service is, such as `static-site`.
    pub module: Placed<String>,
    /// Where it runs: a host, a group, `all`, or a list of these; `*` and `?` match, `!` in front excludes.
    #[serde(deserialize_with = "yaml::one_or_many")]
    #[schemars(schema_with = "yaml::one_or_many_schema::<String>")]
    pub on: Vec<Placed<String>>,
    /// What the module asks for. `steward module show MODULE` lists its parameters.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub params: Map,
    /// Which services meet the module's needs, where there is more than one: `postgres: { service: db }`.
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub needs: Map,
    /// People or roles who read its secrets besides maintainers; without it, operators do.
    #[serde(default)]
    pub readers: Option<Vec<Placed<String>>>,
    /// The version of the module up to which its `breaking` changes are agreed to, on all hosts of the service.
    #[serde(default)]
    pub accept_upgrade: Option<i64>,
    /// False: what it keeps may be lost, as while it is only tried, so data that is not public needs no backup.
    #[serde(default = "yes")]
    pub backup: bool,
    /// The hosts that `on` means, in inventory order. Filled by loading.
    #[serde(skip)]
    pub hosts: Vec<String>,
}

fn yes() -> bool {
    true
}
