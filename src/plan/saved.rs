//! A plan that was reviewed, as a file keeps it: which revision, until when, and digests of what each host should have
//! and had. It holds no contents. Applying it means planning again and comparing; this says what is not the same any more.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::fingerprint::{observed, wanted};
use super::fleet::FleetPlan;
use super::json::word;
use super::{Change, HostPlan};
use crate::catalog::Catalog;
use crate::diag::Diagnostic;

/// The format of the file; another one is refused.
pub const FORMAT: u64 = 1;

/// More than these of one host are not listed.
const LISTED: usize = 10;

const REMEDY: &str = "plan again, and have that reviewed";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    pub format: u64,
    /// The version of Steward: another one may make something else of the same inventory.
    pub steward: String,
    /// The inventory's id.
    pub inventory: String,
    /// The chapter's name, for people who look into the file.
    pub chapter: String,
    /// With `+dirty` if the tree had changes; `None` outside git.
    pub revision: Option<String>,
    /// RFC 3339, in UTC.
    pub created: String,
    pub expires: String,
    /// The `--limit` it was made with.
    pub limit: Option<String>,
    pub hosts: Vec<SavedHost>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedHost {
    pub host: String,
    pub os: String,
    pub architecture: String,
    /// For each resource, by its id, the digest of what is wanted of it.
    pub wanted: IndexMap<String, String>,
    /// In execution order.
    pub changes: Vec<SavedChange>,
    /// Ids of what could not be read.
    pub unknown: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedChange {
    pub id: String,
    pub action: String,
    /// Digest of what the host had.
    pub observed: String,
}

/// The plan for its file. `None` if a host could not be planned: what nobody saw was not reviewed.
pub fn saved(plan: &FleetPlan, catalog: &Catalog, limit: Option<&str>, now: Timestamp, hours: u32) -> Option<Saved> {
    let time = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let hosts: Option<Vec<SavedHost>> =
        plan.hosts.iter().map(|entry| Some(host(&entry.host, entry.result.as_ref().ok()?))).collect();
    Some(Saved {
        format: FORMAT,
        steward: env!("CARGO_PKG_VERSION").to_owned(),
        inventory: catalog.inventory.clone(),
        chapter: catalog.name.clone(),
        revision: plan.revision.clone(),
        created: time(now),
        expires: time(now.checked_add(SignedDuration::from_hours(i64::from(hours))).unwrap_or(Timestamp::MAX)),
        limit: limit.map(str::to_owned),
        hosts: hosts?,
    })
}

fn host(name: &str, plan: &HostPlan) -> SavedHost {
    let catalog = &plan.catalog;
    let change = |change: &Change| SavedChange {
        id: change.id.to_string(),
        action: word(change.action).to_owned(),
        observed: observed(change),
    };
    let digest = |resource| wanted(resource, &catalog.site);
    SavedHost {
        host: name.to_owned(),
        os: plan.facts.os.clone(),
        architecture: plan.facts.architecture.clone(),
        wanted: catalog.resources.iter().map(|resource| (resource.id.to_string(), digest(resource))).collect(),
        changes: plan.changes.iter().map(change).collect(),
        unknown: plan.unknown.iter().map(|unknown| unknown.id.to_string()).collect(),
    }
}

impl Saved {
    /// What can be said without looking at a host.
    pub fn is_out_of_date(&self, revision: Option<&str>, now: Timestamp) -> Option<Diagnostic> {
        let stale = |fact: String| Some(Diagnostic::error(fact).remedy(REMEDY));
        let ours = env!("CARGO_PKG_VERSION");
        match self.expires.parse::<Timestamp>() {
            Ok(expires) if now < expires => {}
            _ => return stale(format!("the plan expired at {}", self.expires.escape_debug())),
        }
        if self.steward != ours {
            let theirs = self.steward.escape_debug();
            return stale(format!("the plan was made by Steward {theirs}, this is {ours}"));
        }
        if self.revision.as_deref() != revision {
            let said = |revision: Option<&str>| revision.unwrap_or("no revision").escape_debug().to_string();
            let (was, is) = (said(self.revision.as_deref()), said(revision));
            return stale(format!("the plan was made at {was}, the inventory is at {is}"));
        }
        None
    }

    /// Everything that is not as it was reviewed. Hosts that cannot be planned now are no matter of this.
    pub fn differences(&self, plan: &FleetPlan, catalog: &Catalog) -> Vec<(String, Diagnostic)> {
        let about = |host: &str, fact: String| (host.to_owned(), Diagnostic::error(fact).remedy(REMEDY));
        if self.inventory != catalog.inventory {
            let fact = "the plan was made for another inventory".to_owned();
            return self.hosts.iter().map(|host| about(&host.host, fact.clone())).collect();
        }
        let now = |reviewed: &SavedHost| {
            let entry = plan.hosts.iter().find(|entry| entry.host == reviewed.host)?;
            Some(host(&entry.host, entry.result.as_ref().ok()?))
        };
        let done = |reviewed: &SavedHost| now(reviewed).is_some_and(|now| is_done(reviewed, &now));
        // a plan that is done everywhere is used up; one that is not goes on
        let goes_on = self.hosts.iter().any(|reviewed| !done(reviewed));
        let mut found = Vec::new();
        for reviewed in self.hosts.iter().filter(|reviewed| !(goes_on && done(reviewed))) {
            let name = reviewed.host.escape_debug();
            match plan.hosts.iter().find(|entry| entry.host == reviewed.host) {
                None => found.push(about(&reviewed.host, format!("host {name} is not in the inventory any more"))),
                Some(entry) => {
                    let Ok(plan) = &entry.result else { continue };
                    let facts = compared(reviewed, &host(&entry.host, plan), plan);
                    let more = facts.len().saturating_sub(LISTED);
                    found.extend(
                        facts.into_iter().take(LISTED).map(|fact| about(&entry.host, format!("host {name}: {fact}"))),
                    );
                    if more > 0 {
                        found.push(about(&entry.host, format!("host {name}: {more} more differences")));
                    }
                }
            }
        }
        let known: BTreeSet<&str> = self.hosts.iter().map(|host| host.host.as_str()).collect();
        for entry in plan.hosts.iter().filter(|entry| !known.contains(entry.host.as_str())) {
            found.push(about(&entry.host, format!("host {} was not in the plan", entry.host)));
        }
        found
    }
}

/// True if all that was reviewed is done, and nothing else is to do: an interrupted apply goes on with the other hosts.
fn is_done(reviewed: &SavedHost, now: &SavedHost) -> bool {
    let done = SavedHost { changes: Vec::new(), ..reviewed.clone() };
    let order = |host: &SavedHost| host.wanted.keys().cloned().collect::<Vec<_>>();
    done == *now && order(&done) == order(now)
}

/// What is different on one host, a resource once: what is wanted comes before what is there.
fn compared(reviewed: &SavedHost, now: &SavedHost, plan: &HostPlan) -> Vec<String> {
    let mut found: IndexMap<&str, String> = IndexMap::new();
    let facts = |host: &SavedHost| format!("{} on {}", host.os, host.architecture);
    if facts(reviewed) != facts(now) {
        found.insert("", format!("it was {}, and is {}", facts(reviewed).escape_debug(), facts(now).escape_debug()));
    }
    let mut say = |id, what: String| {
        found.entry(id).or_insert_with(|| format!("{} {what}", id.escape_debug()));
    };
    for (id, digest) in &now.wanted {
        match reviewed.wanted.get(id) {
            None => say(id, "is new in the inventory".into()),
            Some(other) if other != digest => say(id, "is wanted to be something else than was reviewed".into()),
            Some(_) => {}
        }
    }
    for id in reviewed.wanted.keys().filter(|id| !now.wanted.contains_key(*id)) {
        say(id, "is not in the inventory any more".into());
    }
    let same = |one: &SavedChange, other: &SavedChange| one.id == other.id && one.action == other.action;
    for (change, planned) in now.changes.iter().zip(&plan.changes) {
        match reviewed.changes.iter().find(|other| same(change, other)) {
            None => say(&change.id, format!("would now {}: {}", change.action, planned.reason.program())),
            Some(other) if other != change => say(&change.id, "is not on the host what it was".into()),
            Some(_) => {}
        }
    }
    for change in reviewed.changes.iter().filter(|change| !now.changes.iter().any(|other| same(change, other))) {
        say(&change.id, format!("would not {} any more", change.action.escape_debug()));
    }
    for id in now.unknown.iter().filter(|id| !reviewed.unknown.contains(id)) {
        say(id, "cannot be read any more".into());
    }
    for id in reviewed.unknown.iter().filter(|id| !now.unknown.contains(id)) {
        say(id, "could not be read, and can be now".into());
    }
    let mut found: Vec<String> = found.into_values().collect();
    let order = |host: &SavedHost| host.wanted.keys().cloned().collect::<Vec<_>>();
    if found.is_empty() && (order(reviewed) != order(now) || reviewed != now) {
        found.push("its resources are in another order".into());
    }
    found
}

#[cfg(test)]
mod tests;
