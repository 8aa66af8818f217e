//! `people audit`: who has access to what, as declared, host by host and secret by secret; beside each host stands what it
//! was found to have that nothing declares. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::listing::hosts;
use crate::catalog::Catalog;
use crate::inventory::Inventory;
use crate::secrets::Declared;

/// A person who reads a secret, and why.
pub type Reads = (String, Vec<String>);

/// Who has access to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub hosts: Vec<HostAccess>,
    /// Each secret and the people who read it, with why.
    pub secrets: Vec<(String, Vec<Reads>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAccess {
    pub host: String,
    /// The login that the hosting gave; whoever holds its key has it still.
    pub bootstrap: String,
    /// People whose account is declared there.
    pub people: Vec<String>,
    /// What the host has and nothing declares, a sentence each.
    pub undeclared: Vec<String>,
}

/// `found`: by host, what it has and nothing declares.
pub fn access(
    inventory: &Inventory,
    catalog: Option<&Catalog>,
    secrets: &[Declared],
    found: &BTreeMap<String, Vec<String>>,
) -> Access {
    let declared_on = |login: &str| catalog.map(|catalog| hosts(catalog, login)).unwrap_or_default();
    let accounts: Vec<(&str, Vec<String>)> =
        inventory.people.values().map(|person| (person.id.as_str(), declared_on(person.login()))).collect();
    let host = |host: &std::sync::Arc<crate::catalog::HostCatalog>| {
        let here = accounts.iter().filter(|(_, hosts)| hosts.contains(&host.host));
        HostAccess {
            host: host.host.clone(),
            bootstrap: inventory.hosts.get(&host.host).map(|it| it.user.to_string()).unwrap_or_default(),
            people: here.map(|(id, _)| (*id).to_owned()).collect(),
            undeclared: found.get(&host.host).cloned().unwrap_or_default(),
        }
    };
    let secret = |secret: &Declared| {
        let readers = secret.readers.iter().map(|reader| (reader.person.clone(), reader.why.clone()));
        (secret.name.to_string(), readers.collect())
    };
    Access {
        hosts: catalog.into_iter().flat_map(|catalog| &catalog.hosts).map(host).collect(),
        secrets: secrets.iter().map(secret).collect(),
    }
}

impl Access {
    pub fn text(&self) -> String {
        let mut text = String::new();
        for host in &self.hosts {
            let people =
                if host.people.is_empty() { "no declared account".to_owned() } else { host.people.join(", ") };
            let _ = writeln!(text, "{}: {people}; login of the hosting: {}", host.host, host.bootstrap);
            for line in &host.undeclared {
                let _ = writeln!(text, "  ! {line}");
            }
        }
        for (name, readers) in &self.secrets {
            let readers: Vec<&str> = readers.iter().map(|(person, _)| person.as_str()).collect();
            let _ = writeln!(text, "{name}: read by {}", readers.join(", "));
        }
        text
    }

    pub fn json(&self) -> Value {
        let host = |host: &HostAccess| json!({ "host": host.host, "bootstrap": host.bootstrap, "people": host.people, "undeclared": host.undeclared });
        let reader = |(person, why): &Reads| json!({ "person": person, "why": why });
        let secret = |(name, readers): &(String, Vec<Reads>)| json!({ "name": name, "readers": readers.iter().map(reader).collect::<Vec<_>>() });
        json!({
            "format": 1,
            "hosts": self.hosts.iter().map(host).collect::<Vec<_>>(),
            "secrets": self.secrets.iter().map(secret).collect::<Vec<_>>(),
        })
    }
}
