//! Who gains and who loses access, and to what: accounts on hosts as modules declare them, secrets as the inventory says
//! who reads them.

use std::collections::{BTreeMap, BTreeSet};

use super::Side;
use crate::inventory::{Person, Role};
use crate::people::listing::hosts;
use crate::said::{Said, listed};
use crate::texts;

/// What one person reaches.
#[derive(Debug, Default)]
struct Reach {
    hosts: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

/// A line for each gain and each loss, person by person.
pub(super) fn people(base: Option<&Side>, head: &Side) -> Vec<Said> {
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
                lines.extend(more.map(|more| texts::gains(id, &more)));
                let fewer = reached(&before, &now, &hosts, &secrets);
                lines.extend(fewer.map(|fewer| texts::loses(id, &fewer)));
            }
            _ => {
                let whole = whole(&now, &person.value, texts::reads);
                lines.push(texts::gains_access(id, person.value.role.name(), &whole));
            }
        }
    }
    for (id, person) in was.iter().filter(|(id, _)| !head.inventory.people.contains_key(*id)) {
        let before = base.map(|base| reach(base, &person.value)).unwrap_or_default();
        let whole = whole(&before, &person.value, texts::did_read);
        lines.push(texts::loses_access(id, person.value.role.name(), &whole));
    }
    lines
}

/// Secrets whose value somebody knows who is to read them no longer, and whose value stays: by person.
pub(super) fn known_still(base: Option<&Side>, head: &Side) -> Vec<Said> {
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
    let line = |(person, names): (&str, Vec<String>)| texts::known_still(person, listed(&names));
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

fn reached(now: &Reach, before: &Reach, hosts: &BTreeSet<String>, secrets: &BTreeSet<String>) -> Option<Said> {
    let new = |now: &BTreeSet<String>, before: &BTreeSet<String>, kept: &BTreeSet<String>| {
        now.difference(before).filter(|name| kept.contains(*name)).cloned().collect::<Vec<_>>()
    };
    let (hosts, secrets) = (new(&now.hosts, &before.hosts, hosts), new(&now.secrets, &before.secrets, secrets));
    let account = (!hosts.is_empty()).then(|| texts::account_on(listed(&hosts)));
    let reading = (!secrets.is_empty()).then(|| texts::reading(listed(&secrets)));
    account.into_iter().chain(reading).reduce(|one, other| texts::and_also(&one, &other))
}

/// `reads`: how it is said, of now or of before.
fn whole(reach: &Reach, person: &Person, reads: fn(Said) -> Said) -> Said {
    let named = |names: &BTreeSet<String>| listed(&names.iter().collect::<Vec<_>>());
    let account = if reach.hosts.is_empty() {
        texts::no_account()
    } else {
        match person.role {
            Role::Maintainer | Role::Operator => texts::a_sudo_account_on(named(&reach.hosts)),
            Role::Reader => texts::an_account_on(named(&reach.hosts)),
        }
    };
    let secrets = if reach.secrets.is_empty() { texts::no_secret() } else { reads(named(&reach.secrets)) };
    texts::both(&account, &secrets)
}

fn keys_and_role(lines: &mut Vec<Said>, old: &Person, new: &Person) {
    let id = &new.id;
    if old.role != new.role {
        let (was, is) = (old.role.name(), new.role.name());
        lines.push(if new.role < old.role {
            texts::gains_rights(id, was, is)
        } else {
            texts::loses_rights(id, was, is)
        });
    }
    if old.login() != new.login() {
        lines.push(texts::other_account(id, new.login(), old.login()));
    }
    let ssh = |person: &Person| -> BTreeSet<String> { person.ssh.iter().map(|it| it.value.to_string()).collect() };
    let age = |person: &Person| -> BTreeSet<String> { person.age.iter().map(|it| it.value.to_string()).collect() };
    for (what, old, new) in [("SSH", ssh(old), ssh(new)), ("age", age(old), age(new))] {
        let keys = |keys: Vec<&String>| keys.into_iter().map(|key| short(key)).collect::<Vec<_>>();
        let (more, fewer) = (keys(new.difference(&old).collect()), keys(old.difference(&new).collect()));
        lines.extend(match more.len() {
            0 => None,
            1 => Some(texts::gains_key(id, what, listed(&more))),
            _ => Some(texts::gains_keys(id, what, listed(&more))),
        });
        lines.extend(match fewer.len() {
            0 => None,
            1 => Some(texts::loses_key(id, what, listed(&fewer))),
            _ => Some(texts::loses_keys(id, what, listed(&fewer))),
        });
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
