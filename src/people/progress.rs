//! How far the leaving of somebody is: the checklist against the store of secrets and what hosts said when they were looked
//! at. Pure. What could not be looked at is open, never done.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::checklist::{Checklist, Item, Known};
use crate::catalog::HostCatalog;
use crate::inventory::Inventory;
use crate::plan::fleet::FleetPlan;
use crate::plan::uses::{looked_at, pending, unseen};
use crate::resource::Want;
use crate::secret::SecretName;
use crate::secret_declaration::Rotate;

/// Everything on the list, with how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub accounts: Vec<(String, State)>,
    pub secrets: Vec<(String, State)>,
    /// Name, what it is, and whether it was acknowledged.
    pub by_hand: Vec<(String, String, State)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// With what shows it.
    Done(String),
    /// With what is missing.
    Open(String),
}

/// What the store and the modules say of one secret now.
#[derive(Debug, Clone, Default)]
pub struct Now {
    /// Of its value; `None`: the store has none.
    pub id: Option<String>,
    /// The previous value is still kept.
    pub previous: bool,
    /// The secret, and the forms of it.
    pub names: BTreeSet<SecretName>,
    /// Those with something made of one of these.
    pub hosts: Vec<String>,
}

/// Compares the list with what is. `now` answers for each secret.
pub fn progress(
    checklist: &Checklist,
    inventory: &Inventory,
    looked: &FleetPlan,
    now: impl Fn(&SecretName) -> Now,
) -> Progress {
    let look = Look { checklist, inventory, plan: looked };
    let gone = checklist.hosts.iter().filter(|host| !inventory.hosts.contains_key(*host));
    let hosts = inventory.hosts.keys().chain(gone);
    let accounts = hosts.map(|host| (host.clone(), look.account(host))).collect();
    let secrets = checklist.secrets.iter();
    let secrets = secrets.map(|(name, known)| (name.clone(), look.secret(name, known, &now))).collect();
    let by_hand = checklist.by_hand.iter().map(|(name, item)| (name.clone(), item.what.clone(), acknowledged(item)));
    Progress { accounts, secrets, by_hand: by_hand.collect() }
}

fn acknowledged(item: &Item) -> State {
    match &item.done {
        Some(who) => State::Done(who.clone()),
        None => State::Open("not acknowledged".to_owned()),
    }
}

/// The item that stands for something which no look can verify.
pub fn account_item(host: &str) -> String {
    format!("account:{host}")
}

/// See [`account_item`].
pub fn secret_item(name: &str) -> String {
    format!("secret:{name}")
}

struct Look<'a> {
    checklist: &'a Checklist,
    inventory: &'a Inventory,
    plan: &'a FleetPlan,
}

impl Look<'_> {
    fn acknowledged(&self, item: &str) -> Option<State> {
        self.checklist.by_hand.get(item).filter(|item| item.done.is_some()).map(acknowledged)
    }

    fn account(&self, host: &str) -> State {
        if !self.inventory.hosts.contains_key(host) {
            return State::Done("no longer in the inventory".to_owned());
        }
        let plan = match looked_at(self.plan, host) {
            Ok(plan) => plan,
            Err(why) => return State::Open(why),
        };
        let Some(id) = closes(&plan.catalog, &self.checklist.login) else {
            let item = account_item(host);
            let open = || State::Open(format!("nothing declares accounts there: look yourself, then `--ack {item}`"));
            return self.acknowledged(&item).unwrap_or_else(open);
        };
        match pending(plan, |resource| resource.id.to_string() == id) {
            Some(why) => State::Open(format!("the account `{}` is not closed: {why}", self.checklist.login)),
            None => State::Done(format!("the account `{}` is closed or was never there", self.checklist.login)),
        }
    }

    fn secret(&self, name: &str, known: &Known, now: &impl Fn(&SecretName) -> Now) -> State {
        let Some(parsed) = SecretName::parse(name) else {
            return State::Open("this is no name of a secret".to_owned());
        };
        let now = now(&parsed);
        let item = secret_item(name);
        match &now.id {
            None => self.acknowledged(&item).unwrap_or_else(|| {
                State::Open(format!("no longer kept: make sure that nothing uses it, then `--ack {item}`"))
            }),
            Some(id) if known.values.contains(id) => match known.rotate {
                Rotate::Never => self.acknowledged(&item).unwrap_or_else(|| {
                    State::Open(format!("it can never change: decide what that means, then `--ack {item}`"))
                }),
                Rotate::Auto | Rotate::Command => {
                    State::Open(format!("not changed: `steward secrets rotate {name}`"))
                }
                Rotate::Manual => {
                    State::Open(format!("not changed: change it where it is used, then `steward secrets set {name}`"))
                }
            },
            Some(_) => self.spread(&parsed, &now),
        }
    }

    /// A new value counts once everything that is made of it was seen to have it.
    fn spread(&self, name: &SecretName, now: &Now) -> State {
        let open = unseen(self.plan, &now.hosts, &now.names);
        if !open.is_empty() {
            return State::Open(format!("changed, but not verified on {}", open.join("; ")));
        }
        let forget = format!("; `steward secrets rotate {name} --verified` forgets the value before");
        let forget = if now.previous { forget.as_str() } else { "" };
        match now.hosts.len() {
            0 if now.previous => State::Open(format!("changed, but no host shows whether it is in use{forget}")),
            0 => State::Done("changed; nothing on a host is made of it".to_owned()),
            1 => State::Done(format!("changed, and seen on its host{forget}")),
            count => State::Done(format!("changed, and seen on all {count} hosts{forget}")),
        }
    }
}

/// The resource that closes the account, if this host has one.
pub fn closes(catalog: &HostCatalog, login: &str) -> Option<String> {
    let closes = |resource: &&crate::catalog::Resource| {
        resource.id.kind == "user" && resource.id.name == login && resource.item.want() == Want::Absent
    };
    catalog.resources.iter().find(closes).map(|resource| resource.id.to_string())
}

impl Progress {
    pub fn is_finished(&self) -> bool {
        self.open() == 0
    }

    fn states(&self) -> impl Iterator<Item = &State> {
        let two = self.accounts.iter().chain(&self.secrets).map(|(_, state)| state);
        two.chain(self.by_hand.iter().map(|(_, _, state)| state))
    }

    fn open(&self) -> usize {
        self.states().filter(|state| matches!(state, State::Open(_))).count()
    }

    /// For people. Without `whole`, what is done is only counted.
    pub fn text(&self, name: &str, whole: bool) -> String {
        let mut text = String::new();
        let sections = [("Accounts", &self.accounts), ("Secrets", &self.secrets)];
        for (title, entries) in sections {
            section(&mut text, title, entries.iter().map(|(name, state)| (name.clone(), state)), whole);
        }
        let by_hand = self.by_hand.iter().map(|(name, what, state)| (format!("{name}: {what}"), state));
        section(&mut text, "By hand", by_hand, whole);
        let _ = match self.open() {
            0 => writeln!(text, "Finished: nothing of {name}'s is left open."),
            open => writeln!(text, "Not finished: {open} of {} open.", self.states().count()),
        };
        text
    }

    pub fn json(&self, person: &str) -> Value {
        let state = |state: &State| match state {
            State::Done(why) => ("done", why.clone()),
            State::Open(why) => ("open", why.clone()),
        };
        let entry = |(name, of): &(String, State)| {
            let (state, why) = state(of);
            json!({ "name": name, "state": state, "why": why })
        };
        let item = |(name, what, of): &(String, String, State)| {
            let (state, why) = state(of);
            json!({ "name": name, "what": what, "state": state, "why": why })
        };
        json!({
            "format": 1,
            "person": person,
            "finished": self.is_finished(),
            "open": self.open(),
            "accounts": self.accounts.iter().map(entry).collect::<Vec<_>>(),
            "secrets": self.secrets.iter().map(entry).collect::<Vec<_>>(),
            "by_hand": self.by_hand.iter().map(item).collect::<Vec<_>>(),
        })
    }
}

fn section<'a>(text: &mut String, title: &str, entries: impl Iterator<Item = (String, &'a State)>, whole: bool) {
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        return;
    }
    let done = entries.iter().filter(|(_, state)| matches!(state, State::Done(_))).count();
    let _ = writeln!(text, "{title}: {done} of {} done", entries.len());
    for (name, state) in entries {
        let _ = match state {
            State::Open(why) => writeln!(text, "  [ ] {name}: {why}"),
            State::Done(why) if whole => writeln!(text, "  [x] {name}: {why}"),
            State::Done(_) => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests;
