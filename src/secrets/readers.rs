//! Which secrets there should be, and who reads each, with the reason: inventory and modules to [`Declared`]s.
//!
//! Maintainers read everything. A service's secrets are read by operators too, unless the service names `readers`; then
//! by maintainers and those. The `readers` of a group or host are added for every service placed there. The chapter's
//! own secrets are read by maintainers and the `readers` of their declaration. Pure: no file is read here.

use std::collections::BTreeMap;

use super::recipient::{Recipient, keys_of};
use crate::diag::Place;
use crate::inventory::{Inventory, Person, Role};
use crate::modules::{Library, secrets_of};
use crate::secret::SecretName;
use crate::secret_declaration::{INVENTORY, SecretDeclaration};

/// A secret that should be in the store.
#[derive(Debug, Clone)]
pub struct Declared {
    pub name: SecretName,
    pub declaration: SecretDeclaration,
    /// Sorted by person.
    pub readers: Vec<Reader>,
    /// Where its service is placed; empty for the chapter's own.
    pub hosts: Vec<String>,
    /// Further hosts, of services that its service needs by name: it may hand the secret to them.
    pub reaches: Vec<String>,
    /// The service in the inventory, or the declaration of a secret of the chapter's own.
    pub place: Place,
}

/// Somebody who is meant to read a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The key of the person in the inventory.
    pub person: String,
    /// Sorted. Empty: the person has no key that age can encrypt to.
    pub recipients: Vec<Recipient>,
    /// SSH key types of the person that age cannot encrypt to, where there is no age key.
    pub unsupported: Vec<String>,
    /// "ana is a maintainer", "service wiki names operator".
    pub why: Vec<String>,
}

/// All secrets that the inventory and its modules declare, in the order of the inventory.
pub fn declared(inventory: &Inventory, library: &Library) -> Vec<Declared> {
    let mut all = Vec::new();
    for (name, declaration) in &inventory.secrets {
        let Some(name) = SecretName::new(INVENTORY, name) else { continue };
        let mut readers = Readers::of(inventory);
        for word in &declaration.readers {
            readers.add(&word.value, &format!("secret {name} names {}", word.value));
        }
        let place = declaration.place.clone();
        let readers = readers.sorted();
        all.push(Declared {
            name,
            declaration: declaration.clone(),
            readers,
            hosts: Vec::new(),
            reaches: Vec::new(),
            place,
        });
    }
    for service in inventory.services.values() {
        let Some(module) = library.get(&service.module.value).filter(|module| !module.secrets.is_empty()) else {
            continue;
        };
        let readers = readers_of_service(inventory, &service.value);
        let needed =
            service.needs.values().filter_map(|entry| entry.node.as_str().or(entry.node.get("service")?.as_str()));
        let reaches: Vec<String> =
            needed.filter_map(|name| inventory.services.get(name)).flat_map(|it| it.hosts.clone()).collect();
        for kept in secrets_of(module, &service.name, &service.params) {
            all.push(Declared {
                name: kept.name,
                declaration: kept.declaration,
                readers: readers.clone(),
                hosts: service.hosts.clone(),
                reaches: reaches.clone(),
                place: service.place.clone(),
            });
        }
    }
    all
}

/// Who should read a secret that nothing declares: maintainers, and who reads its service if there is one.
pub fn undeclared(inventory: &Inventory, name: &SecretName) -> Vec<Reader> {
    match inventory.services.get(&name.service) {
        Some(service) => readers_of_service(inventory, &service.value),
        None => Readers::of(inventory).sorted(),
    }
}

fn readers_of_service(inventory: &Inventory, service: &crate::inventory::Service) -> Vec<Reader> {
    let mut readers = Readers::of(inventory);
    match &service.readers {
        None => readers.add(Role::Operator.name(), "operators read the secrets of services"),
        Some(named) => {
            for word in named {
                readers.add(&word.value, &format!("service {} names {}", service.name, word.value));
            }
        }
    }
    for host in service.hosts.iter().filter_map(|host| inventory.hosts.get(host)) {
        for word in &host.readers {
            readers.add(&word.value, &format!("host {} names {}", host.name, word.value));
        }
        for group in inventory.groups.values().filter(|group| host.is_in(&group.name)) {
            for word in &group.readers {
                readers.add(&word.value, &format!("group {} names {}", group.name, word.value));
            }
        }
    }
    readers.sorted()
}

struct Readers<'a> {
    inventory: &'a Inventory,
    why: BTreeMap<&'a str, (&'a Person, Vec<String>)>,
}

impl<'a> Readers<'a> {
    /// Maintainers, who read everything.
    fn of(inventory: &'a Inventory) -> Self {
        let mut readers = Self { inventory, why: BTreeMap::new() };
        readers.add(Role::Maintainer.name(), "maintainers read everything");
        readers
    }

    /// `word`: a person or a role.
    fn add(&mut self, word: &str, why: &str) {
        for (id, person) in &self.inventory.people {
            if id == word || person.role.name() == word {
                let reasons = &mut self.why.entry(id).or_insert((&person.value, Vec::new())).1;
                if !reasons.iter().any(|reason| reason == why) {
                    reasons.push(why.to_owned());
                }
            }
        }
    }

    fn sorted(self) -> Vec<Reader> {
        let reader = |(id, (person, why)): (&str, (&Person, Vec<String>))| {
            let (recipients, unsupported) = keys_of(person);
            Reader { person: id.to_owned(), recipients, unsupported, why }
        };
        self.why.into_iter().map(reader).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;
    use crate::inventory::from_sources;

    const INVENTORY: &str = "id: 0123456789abcdef0123456789abcdef
chapter: { name: X, domain: x.example }
people:
  ana: { name: Ana, role: maintainer, age: [age1lfj49efwqcurqzxd84chv976ntj7jmp20un3sxvsf4s47ylmp97qwa3w0h] }
  bea: { name: Bea, role: operator }
  cem: { name: Cem, role: reader }
  dia: { name: Dia, role: reader }
hosts:
  web1: { address: 192.0.2.1, groups: [web], readers: [dia] }
  web2: { address: 192.0.2.2 }
groups: { web: { readers: [cem, dia] } }
secrets: { bank: {}, door: { readers: [operator] } }
services:
  open: { module: x, on: web2 }
  shut: { module: x, on: web2, readers: [dia] }
  wiki: { module: x, on: web1 }
";

    fn readers(of: &str) -> Vec<String> {
        let path = std::path::Path::new(".");
        let inventory = from_sources(path, vec![Source::new("a.yaml", INVENTORY)]).0.unwrap();
        let name = SecretName::parse(of).unwrap();
        let own = declared(&inventory, &Library::default());
        let found = own.into_iter().find(|it| it.name == name).map(|it| it.readers);
        let readers = found.unwrap_or_else(|| undeclared(&inventory, &name));
        readers.into_iter().map(|reader| format!("{}: {}", reader.person, reader.why.join(", "))).collect()
    }

    #[test]
    fn maintainers_read_everything_and_others_what_they_are_named_for() {
        let ana = "ana: maintainers read everything";
        assert_eq!(readers("inventory/bank"), [ana]);
        assert_eq!(readers("inventory/door"), [ana, "bea: secret inventory/door names operator"]);
        assert_eq!(readers("open/db"), [ana, "bea: operators read the secrets of services"]);
        assert_eq!(readers("shut/db"), [ana, "dia: service shut names dia"], "instead of operators");
        assert_eq!(
            readers("wiki/db"),
            [
                ana,
                "bea: operators read the secrets of services",
                "cem: group web names cem",
                "dia: host web1 names dia, group web names dia",
            ]
        );
        assert_eq!(readers("gone/db"), [ana], "of a service that is no more");
    }
}
