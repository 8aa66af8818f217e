//! JSON Schema of inventory files, from the very structs that read them, so that editors complete and check while a
//! volunteer types. What a module asks for in `params` is free here: only the module knows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::Value;

use super::{Chapter, Former, Group, Host, Person, Service};
use crate::kinds::Fate;
use crate::secret_declaration::SecretEntry;

/// A file of a Steward inventory. The files of a directory are merged; every key may stand in any of them.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[schemars(deny_unknown_fields, title = "Steward inventory")]
struct InventoryFile {
    /// Written once by `steward init`; hosts file what they remember under it. Never change it.
    #[schemars(regex(pattern = "^[0-9a-fA-F]{32}$"))]
    id: Option<String>,
    /// Who runs these servers.
    chapter: Option<Chapter>,
    /// Values for all hosts. A parameter takes one only by naming it: `"{{ vars.timezone }}"`.
    vars: Option<BTreeMap<String, Value>>,
    /// The volunteers, by login.
    people: Option<BTreeMap<String, Person>>,
    /// Those who left. `steward people remove` writes this, and hosts close their accounts.
    former: Option<BTreeMap<String, Former>>,
    /// The servers, by name.
    hosts: Option<BTreeMap<String, Host>>,
    /// Hosts that have something in common, by name.
    groups: Option<BTreeMap<String, Group>>,
    /// What runs where, by name.
    services: Option<BTreeMap<String, Service>>,
    /// What becomes of what is no longer declared, by identity (`directory:/srv/wiki`) or service (`wiki`): `archive` moves
    /// data away on its host, `destroy` deletes it, `remove` removes packages. Else data and packages stay.
    retire: Option<BTreeMap<String, Fate>>,
    /// Secrets of the chapter itself, by name: `inventory/NAME` in the store.
    secrets: Option<BTreeMap<String, SecretEntry>>,
}

/// The schema of one inventory file, JSON Schema draft 2020-12.
pub fn schema() -> Value {
    schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<InventoryFile>()
        .to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_explained_and_unknown_ones_are_refused() {
        let schema = schema();
        let mut seen = 0;
        let structs = schema["$defs"].as_object().into_iter().flatten().map(|(name, part)| (name.as_str(), part));
        for (name, part) in structs.chain([("the file", &schema)]) {
            let Some(properties) = part["properties"].as_object() else { continue };
            assert_eq!(part["additionalProperties"], false, "{name} accepts unknown keys");
            for (key, property) in properties {
                assert!(property["description"].is_string(), "{name}.{key} has no description: {property}");
                seen += 1;
            }
        }
        assert!(seen > 25, "only {seen} keys were looked at");
    }

    #[test]
    fn the_schema_names_no_key_that_loading_does_not_know() {
        let schema = schema();
        let keys =
            |name: &str| schema["$defs"][name]["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys("Service"), ["module", "on", "params", "needs", "readers", "accept_upgrade", "backup"]);
        assert!(!keys("Host").contains(&"name".to_owned()));
        assert_eq!(schema["$defs"]["Service"]["required"], serde_json::json!(["module", "on"]));
    }
}
