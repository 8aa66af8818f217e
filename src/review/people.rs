//! Who gains and who loses access, and to what: accounts on hosts as modules declare them, secrets as the inventory says
//! who reads them.

use std::collections::{BTreeMap, BTreeSet};

use super::Side;
use crate::inventory::{Person, Role};
use crate::people::listing::hosts;
use crate::plan::warnings::listed;

/// What one person reaches.
#[derive(Debug, Default)]
struct Reach {
    hosts: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

/// A line for each gain and each loss, person by person.
pub(super) fn people(base: Option<&Side>, head: &Side) -> Vec<String> {
    let mut lines = Vec::new();
    let none = indexmap::IndexMap::new();
    let was = base.map_or(&none, |side| &side.inventory.people);
    let (hosts, secrets) = (kept_hosts(base, head), kept_secrets(base, head));
    for (id, person) in &head.inventory.people {
        let now = reach(head, &person.value);
        match (was.get(id).map(|old| &old.value), base) {
            (Some(old), Some(base)) => {
                keys_and_role(&mut lines, old, &person.value);
                let before = reach(base, old);
                let more = reached(&now, &before, &hosts, &secrets);
                lines.extend((!more.is_empty()).then(|| format!("{id} gains {}", more.join(", and "))));
                let fewer = reached(&before, &now, &hosts, &secrets);
                lines.extend((!fewer.is_empty()).then(|| format!("{id} loses {}", fewer.join(", and "))));
            }
            _ => lines.push(format!(
                "{id} gains access as {}: {}",
                person.value.role.name(),
                whole(&now, &person.value)
            )),
        }
    }
    for (id, person) in was.iter().filter(|(id, _)| !head.inventory.people.contains_key(*id)) {
        let before = base.map(|base| reach(base, &person.value)).unwrap_or_default();
        let whole = whole(&before, &person.value).replace("; reads ", "; read ");
        lines.push(format!("{id} loses access as {}: {whole}", person.value.role.name()));
    }
    lines
}

/// Secrets whose value somebody knows who is to read them no longer, and whose value stays: by person.
pub(super) fn known_still(base: Option<&Side>, head: &Side) -> Vec<String> {
    let Some(base) = base else { return Vec::new() };
    let mut by_person: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for old in &base.declared {
        let Some(new) = head.declared.iter().find(|new| new.name == old.name) else { continue };
        let value = |side: &Side| side.claims.get(&old.name).and_then(|it| it.header.clone().ok()).map(|it| it.id);
        let (Some(then), Some(now)) = (value(base), value(head)) else { continue };
        for reader in old.readers.iter().filter(|_| then == now) {
            if !new.readers.iter().any(|it| it.person == reader.person) {
                by_person.entry(&reader.person).or_default().push(old.name.to_string());
            }
        }
    }
    let line = |(person, names): (&str, Vec<String>)| {
        format!("{person} has read {}; what was read stays known until the value is changed", listed(&names))
    };
    by_person.into_iter().map(line).collect()
}

fn reach(side: &Side, person: &Person) -> Reach {
    let reads = side.declared.iter().filter(|it| it.readers.iter().any(|reader| reader.person == person.id));
    Reach {
        hosts: hosts(&side.catalog, person.login()).into_iter().collect(),
        secrets: reads.map(|it| it.name.to_string()).collect(),
    }
}

/// Hosts that both sides have: that a new host has accounts is no gain of anybody's.
fn kept_hosts(base: Option<&Side>, head: &Side) -> BTreeSet<String> {
    let of = |side: &Side| side.inventory.hosts.keys().cloned().collect::<BTreeSet<_>>();
    base.map(of).unwrap_or_default().intersection(&of(head)).cloned().collect()
}

fn kept_secrets(base: Option<&Side>, head: &Side) -> BTreeSet<String> {
    let of = |side: &Side| side.declared.iter().map(|it| it.name.to_string()).collect::<BTreeSet<_>>();
    base.map(of).unwrap_or_default().intersection(&of(head)).cloned().collect()
}

fn reached(now: &Reach, before: &Reach, hosts: &BTreeSet<String>, secrets: &BTreeSet<String>) -> Vec<String> {
    let new = |now: &BTreeSet<String>, before: &BTreeSet<String>, kept: &BTreeSet<String>| {
        now.difference(before).filter(|name| kept.contains(*name)).cloned().collect::<Vec<_>>()
    };
    let (hosts, secrets) = (new(&now.hosts, &before.hosts, hosts), new(&now.secrets, &before.secrets, secrets));
    let account = (!hosts.is_empty()).then(|| format!("the account on {}", listed(&hosts)));
    let reading = (!secrets.is_empty()).then(|| format!("reading {}", listed(&secrets)));
    account.into_iter().chain(reading).collect()
}

fn whole(reach: &Reach, person: &Person) -> String {
    let named = |names: &BTreeSet<String>| listed(&names.iter().collect::<Vec<_>>());
    let account = if reach.hosts.is_empty() {
        "no account on any host".to_owned()
    } else {
        format!("an account{} on {}", rights(person.role), named(&reach.hosts))
    };
    let secrets =
        if reach.secrets.is_empty() { "no secret".to_owned() } else { format!("reads {}", named(&reach.secrets)) };
    format!("{account}; {secrets}")
}

fn rights(role: Role) -> &'static str {
    match role {
        Role::Maintainer | Role::Operator => " with sudo",
        Role::Reader => "",
    }
}

fn keys_and_role(lines: &mut Vec<String>, old: &Person, new: &Person) {
    let id = &new.id;
    if old.role != new.role {
        let verb = if new.role < old.role { "gains" } else { "loses" };
        lines.push(format!("{id} {verb} rights: {} becomes {}", old.role.name(), new.role.name()));
    }
    if old.login() != new.login() {
        lines.push(format!("{id} gains the account {} and loses {}", new.login(), old.login()));
    }
    let ssh = |person: &Person| -> BTreeSet<String> { person.ssh.iter().map(|it| it.value.to_string()).collect() };
    let age = |person: &Person| -> BTreeSet<String> { person.age.iter().map(|it| it.value.to_string()).collect() };
    for (what, old, new) in [("SSH", ssh(old), ssh(new)), ("age", age(old), age(new))] {
        for (verb, keys) in [("gains", new.difference(&old)), ("loses", old.difference(&new))] {
            let keys: Vec<String> = keys.map(|key| short(key)).collect();
            let s = if keys.len() == 1 { "" } else { "s" };
            lines.extend((!keys.is_empty()).then(|| format!("{id} {verb} {what} key{s} {}", listed(&keys))));
        }
    }
}

/// Enough of a public key to compare it with what somebody said: its end, where keys of one type differ, and its comment.
fn short(key: &str) -> String {
    let mut words = key.split_whitespace();
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    let body = second.unwrap_or(first);
    let end: String = body.chars().skip(body.chars().count().saturating_sub(12)).collect();
    let comment = words.collect::<Vec<_>>().join(" ");
    if comment.is_empty() { format!("…{end}") } else { format!("…{end} ({comment})") }
}
