//! What no single entry can tell: names, references between entries, and values that must differ.
//!
//! Takes the decoded inventory, completes it (groups of hosts, hosts of services), and adds every mistake it finds.

use std::collections::BTreeMap;

use super::names::{host_name_mistake, is_login, is_name};
use super::select::{ALL, check_placement};
use super::{Inventory, Role, load::Names};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::secret_declaration::INVENTORY;
use crate::yaml::{Map, Node, Placed};

/// 128 bits in hexadecimal, as `init` writes them.
pub(super) fn is_id(id: &str) -> bool {
    id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit())
}

/// The names themselves.
pub(super) fn names(merged: &Map, mistakes: &mut Diagnostics) {
    let section = |name: &str| merged.get(name).and_then(|entry| entry.node.as_map()).into_iter().flatten();
    for (kind, name_of) in [("hosts", "host"), ("groups", "group"), ("services", "service")] {
        for (name, entry) in section(kind) {
            if name == INVENTORY && kind == "services" {
                mistakes.push(
                    Diagnostic::error(
                        "`inventory` is where the chapter's own secrets are kept; it cannot be a service",
                    )
                    .at(&entry.key)
                    .remedy("choose another name"),
                );
            } else if name == ALL {
                let remedy = if kind == "groups" {
                    "values for all hosts belong in the top-level `vars`"
                } else {
                    "choose another name"
                };
                mistakes.push(
                    Diagnostic::error("`all` means every host; it cannot be a name").at(&entry.key).remedy(remedy),
                );
            } else if !is_name(name) {
                mistakes.push(
                    Diagnostic::error(format!("`{}` cannot be the name of a {name_of}", name.escape_debug()))
                        .at(&entry.key)
                        .remedy("use letters, digits, dots, dashes and underscores, beginning and ending with a letter or digit"),
                );
            }
        }
    }
    for (name, entry) in section("groups") {
        if let Some((_, host)) = section("hosts").find(|(host, _)| *host == name) {
            mistakes.push(
                Diagnostic::error(format!("`{name}` is the name of a host and of a group"))
                    .at(&entry.key)
                    .related(&host.key, "the host")
                    .remedy("rename one of them"),
            );
        }
    }
    for (name, entry) in section("vars").chain(layers(merged)) {
        if !is_identifier(name) {
            mistakes.push(
                Diagnostic::error(format!("`{}` cannot be the name of a var", name.escape_debug()))
                    .at(&entry.key)
                    .remedy("use letters, digits and underscores, beginning with a letter"),
            );
        }
    }
}

fn layers(merged: &Map) -> impl Iterator<Item = (&String, &crate::yaml::Entry)> {
    ["groups", "hosts"]
        .into_iter()
        .filter_map(|section| merged.get(section)?.node.as_map())
        .flat_map(|section| section.values())
        .filter_map(|entry| entry.node.get("vars")?.as_map())
        .flatten()
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Resolves what entries say about each other. Names are looked for in what was written, so that an entry which could
/// not be decoded hides nothing.
pub(super) fn references(inventory: &mut Inventory, names: &Names<'_>, mistakes: &mut Diagnostics) {
    for host in names.hosts.values() {
        for (group, place) in words(host.node.get("groups")).filter(|(group, _)| !names.groups.contains_key(*group)) {
            mistakes.push(unknown_group(group, place, names));
        }
        for (jump, place) in words(host.node.get("jump")).filter(|(jump, _)| !names.hosts.contains_key(*jump)) {
            mistakes.push(unknown_host(jump, place, names));
        }
    }
    for group in names.groups.values() {
        for (member, place) in words(group.node.get("hosts")).filter(|(name, _)| !names.hosts.contains_key(*name)) {
            mistakes.push(unknown_host(member, place, names));
        }
    }
    for service in names.services.values() {
        for (word, place) in words(service.node.get("on")) {
            check_placement(word, place, names, mistakes);
        }
    }
    readers(inventory, names, mistakes);
    memberships(inventory);
    circles(inventory, mistakes);
    let placed: Vec<Vec<String>> =
        inventory.services.values().map(|service| inventory.placement(service, mistakes)).collect();
    for (service, hosts) in inventory.services.values_mut().zip(placed) {
        service.value.hosts = hosts;
    }
}

/// A word, or the words of a list; what is no text was reported when it was decoded.
fn words(node: Option<&Node>) -> impl Iterator<Item = (&str, &Place)> {
    let items = node.map_or(&[][..], |node| node.as_list().unwrap_or(std::slice::from_ref(node)));
    items.iter().filter_map(|item| item.as_str().map(|word| (word, &item.place)))
}

fn unknown_group(name: &str, place: &Place, names: &Names<'_>) -> Diagnostic {
    let mistake = Diagnostic::error(format!("there is no group `{}`", name.escape_debug())).at(place);
    if names.groups.is_empty() {
        mistake.remedy(format!("add `groups: {{ {}: {{}} }}`", name.escape_debug()))
    } else {
        mistake.suggest(name, names.groups.keys().map(String::as_str))
    }
}

fn unknown_host(name: &str, place: &Place, names: &Names<'_>) -> Diagnostic {
    Diagnostic::error(format!("there is no host `{}`", name.escape_debug()))
        .at(place)
        .suggest(name, names.hosts.keys().map(String::as_str))
}

/// Those who are named to read secrets are people or roles.
fn readers(inventory: &Inventory, names: &Names<'_>, mistakes: &mut Diagnostics) {
    let groups = inventory.groups.values().flat_map(|group| &group.readers);
    let hosts = inventory.hosts.values().flat_map(|host| &host.readers);
    let services = inventory.services.values().flat_map(|service| service.readers.iter().flatten());
    let own = inventory.secrets.values().flat_map(|secret| &secret.readers);
    for reader in groups.chain(hosts).chain(services).chain(own) {
        if Role::named(reader).is_none() && !names.people.contains_key(&reader.value) {
            let known = names.people.keys().map(String::as_str).chain(Role::ALL.iter().map(|role| role.name()));
            mistakes.push(
                Diagnostic::error(format!("`{}` is neither a person nor a role", reader.escape_debug()))
                    .at(&reader.place)
                    .suggest(reader, known),
            );
        }
    }
    for person in inventory.people.values().filter(|person| Role::named(&person.id).is_some()) {
        mistakes.push(
            Diagnostic::error(format!("`{}` is a role; it cannot be a person", person.id))
                .at(&person.place)
                .remedy("choose another name"),
        );
    }
}

/// After this, every host names all its groups.
fn memberships(inventory: &mut Inventory) {
    for group in inventory.groups.values() {
        for member in &group.hosts {
            if let Some(host) = inventory.hosts.get_mut(&member.value).filter(|host| !host.is_in(&group.name)) {
                host.value.groups.push(Placed::new(group.name.clone(), &member.place));
            }
        }
    }
}

/// The way through jump hosts must end.
fn circles(inventory: &Inventory, mistakes: &mut Diagnostics) {
    for host in inventory.hosts.values() {
        let Some(jump) = &host.jump else { continue };
        let mut way = vec![host.name.as_str()];
        let mut next = Some(jump);
        while let Some(hop) = next.map(|hop| hop.as_str()) {
            let came_back = way.contains(&hop);
            way.push(hop);
            if came_back {
                break;
            }
            next = inventory.hosts.get(hop).and_then(|host| host.jump.as_ref());
        }
        if way.len() > 1 && way.last() == way.first() {
            mistakes.push(
                Diagnostic::error(format!("the way to `{}` goes in a circle: {}", host.name, way.join(" → ")))
                    .at(&jump.place)
                    .remedy("let one of these hosts be reached directly"),
            );
        }
    }
}

/// Values that exclude each other.
pub(super) fn values(inventory: &Inventory, mistakes: &mut Diagnostics) {
    inventory.var_conflicts(mistakes);
    chapter(inventory, mistakes);
    addresses(inventory, mistakes);
    logins(inventory, mistakes);
    former(inventory, mistakes);
    reader_keys(inventory, mistakes);
    for host in inventory.hosts.values() {
        if let Some(root) = host.root.as_ref().filter(|_| !host.is_local()) {
            mistakes.push(
                Diagnostic::error(format!("`{}` has a `root`, but its address is not `local`", host.name))
                    .at(&root.place)
                    .remedy("remove `root`, or write `address: local`"),
            );
        }
    }
}

fn chapter(inventory: &Inventory, mistakes: &mut Diagnostics) {
    let domain = &inventory.chapter.domain;
    if let Some(why) = host_name_mistake(domain).filter(|_| !domain.is_empty()) {
        mistakes.push(
            Diagnostic::error(format!("`{}` is not a domain: {why}", domain.escape_debug()))
                .at(&domain.place)
                .remedy("give a name such as chapter.example, without https:// and without a path"),
        );
    }
}

fn addresses(inventory: &Inventory, mistakes: &mut Diagnostics) {
    let mut seen: BTreeMap<(String, u16), (&str, &Place)> = BTreeMap::new();
    for host in inventory.hosts.values() {
        let root = host.root.as_ref().map(|root| root.value.clone()).unwrap_or_default();
        let address = format!("{}{root}", host.address.as_str().to_lowercase());
        match seen.get(&(address.clone(), host.port.get())) {
            Some((first, place)) => mistakes.push(
                Diagnostic::warning(format!("`{}` and `{first}` have the same address", host.name))
                    .at(&host.address.place)
                    .related(place, format!("the address of `{first}`"))
                    .remedy("if they are one server, declare it once"),
            ),
            None => {
                seen.insert((address, host.port.get()), (&host.name, &host.address.place));
            }
        }
    }
}

/// Who left is nobody's account and nobody's key: a host cannot close what it is to open.
fn former(inventory: &Inventory, mistakes: &mut Diagnostics) {
    for left in inventory.former.values() {
        let place = left.login.as_ref().map_or(&left.place, |login| &login.place);
        if !is_login(left.login()) || left.login() == "root" {
            mistakes.push(
                Diagnostic::error(format!("`{}` cannot be the account of a person", left.login().escape_debug()))
                    .at(place)
                    .remedy("give the `login` that the person had"),
            );
        }
        for person in inventory.people.values() {
            if person.id == left.id || person.login() == left.login() {
                mistakes.push(
                    Diagnostic::error(format!("`{}` is in `people` and in `former`", left.login()))
                        .at(place)
                        .related(&person.place, "who is here")
                        .remedy("take them out of one; `steward people add` brings somebody back"),
                );
            }
            let own = person.ssh.iter().find(|own| left.ssh.iter().any(|key| key.key() == own.key()));
            let ages = person.age.iter().find(|own| left.age.iter().any(|key| key.value == own.value));
            if let Some(place) = own.map(|key| &key.place).or(ages.map(|key| &key.place)) {
                mistakes.push(
                    Diagnostic::error(format!("`{}` has a key of `{}`, who left", person.id, left.id))
                        .at(place)
                        .related(&left.place, "who left")
                        .remedy("give everybody a key of their own"),
                );
            }
        }
    }
}

/// A key that may only look must be nobody's: whoever holds a person's key can do more, and who left could still look.
fn reader_keys(inventory: &Inventory, mistakes: &mut Diagnostics) {
    for (at, key) in inventory.chapter.readers.iter().enumerate() {
        let here = inventory.people.values().flat_map(|person| person.ssh.iter().map(move |own| (&person.id, own)));
        let gone = inventory.former.values().flat_map(|person| person.ssh.iter().map(move |own| (&person.id, own)));
        if let Some((id, own)) = here.chain(gone).find(|(_, own)| own.key() == key.key()) {
            mistakes.push(
                Diagnostic::error(format!("a key in `readers` is also a key of `{id}`"))
                    .at(&key.place)
                    .related(&own.place, format!("the key of `{id}`"))
                    .remedy("make a key for this purpose alone: `ssh-keygen -t ed25519 -f reader`"),
            );
        }
        if let Some(first) = inventory.chapter.readers.iter().take(at).find(|other| other.key() == key.key()) {
            mistakes.push(
                Diagnostic::error("a key stands twice in `readers`")
                    .at(&key.place)
                    .related(&first.place, "first here")
                    .remedy("keep one of them"),
            );
        }
    }
}

fn logins(inventory: &Inventory, mistakes: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, (&str, &Place)> = BTreeMap::new();
    for person in inventory.people.values() {
        let place = person.login.as_ref().map_or(&person.place, |login| &login.place);
        if person.login.is_none() && !is_login(&person.id) {
            mistakes.push(
                Diagnostic::error(format!("`{}` cannot be the name of an account", person.id.escape_debug()))
                    .at(&person.place)
                    .remedy("rename the person (a-z, 0-9, _ and -, beginning with a letter), or give a `login`"),
            );
        } else if person.login() == "root" {
            mistakes.push(
                Diagnostic::error("a person's account cannot be root").at(place).remedy("choose another `login`"),
            );
        }
        if let Some((first, other)) = seen.insert(person.login(), (&person.id, place)) {
            mistakes.push(
                Diagnostic::error(format!("`{}` and `{first}` have the same login `{}`", person.id, person.login()))
                    .at(place)
                    .related(other, format!("the login of `{first}`"))
                    .remedy("give one of them another `login`"),
            );
        }
    }
}
