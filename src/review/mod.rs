//! What a change of the inventory means: two compiled revisions in, a [`Review`] out. Pure; reads no host and no secret.
//! What the base wants stands for what the hosts have, so that both sides may be shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use similar::TextDiff;

use crate::catalog::{Catalog, HostCatalog, Resource};
use crate::inventory::{Inventory, Role};
use crate::kinds::Risk;
use crate::markdown::risky;
use crate::observed::Observed;
use crate::plan::leaving::foreseen;
use crate::plan::{Action, Change, Difference, plan};
use crate::resource::{Observation, State, Want};

mod show;

pub use show::{document, json, marked, text};

/// One revision, compiled.
#[derive(Debug)]
pub struct Side {
    pub inventory: Inventory,
    pub catalog: Catalog,
    /// Version and text of the modules in use, their templates included.
    pub modules: BTreeMap<String, (i64, String)>,
    /// By the name of the secret: the id of its value, and who may read it, from its `.recipients` file.
    pub recipients: BTreeMap<String, (String, BTreeSet<String>)>,
}

/// What differs. All texts are as the revisions hold them; whoever shows them makes them harmless.
#[derive(Debug, Default)]
pub struct Review {
    pub inventory: String,
    pub id: String,
    pub base: String,
    pub head: String,
    /// Hosts with changes, in the order of head.
    pub hosts: Vec<(String, Vec<Change>)>,
    pub people: Vec<String>,
    pub ports: Vec<String>,
    pub secrets: Vec<String>,
    /// A line for each module, and the diff of its text.
    pub modules: Vec<(String, String)>,
    pub data: Vec<String>,
    /// Hosts that come or go.
    pub fleet: Vec<String>,
}

impl Review {
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
            && [&self.people, &self.ports, &self.secrets, &self.data, &self.fleet].iter().all(|list| list.is_empty())
            && self.modules.is_empty()
    }

    /// What a reviewer must see first.
    pub fn warnings(&self) -> Vec<String> {
        let mut found = self.data.clone();
        found.extend(self.fleet.iter().filter(|line| line.ends_with("goes")).cloned());
        found.extend(self.people.iter().filter(|line| line.contains(" gains ") || line.contains(" loses ")).cloned());
        found.extend(self.ports.iter().filter(|line| line.contains(" opens ")).cloned());
        found.extend(self.hosts.iter().flat_map(|(host, changes)| risky(host, changes)));
        found
    }
}

/// Without a base, everything of head is new.
pub fn review(base: Option<&Side>, head: &Side) -> Review {
    let mut review =
        Review { inventory: head.catalog.name.clone(), id: head.catalog.inventory.clone(), ..Review::default() };
    let old: BTreeMap<&str, &Arc<HostCatalog>> =
        base.iter().flat_map(|side| &side.catalog.hosts).map(|host| (host.host.as_str(), host)).collect();
    for host in &head.catalog.hosts {
        let was = old.get(host.host.as_str()).copied();
        if was.is_none() {
            review.fleet.push(format!("{}: the host is new", host.host));
        }
        of_host(&mut review, was, host);
    }
    let kept: BTreeSet<&str> = head.catalog.hosts.iter().map(|host| host.host.as_str()).collect();
    for gone in base.iter().flat_map(|side| &side.catalog.hosts).filter(|host| !kept.contains(host.host.as_str())) {
        review.fleet.push(format!("{}: the host goes", gone.host));
        review
            .data
            .extend(gone.keepers.iter().map(|of| format!("{}: {of} keeps data, and its host goes", gone.host)));
    }
    people(&mut review, base, head);
    secrets(&mut review, base, head);
    modules(&mut review, base, head);
    review
}

fn of_host(review: &mut Review, old: Option<&Arc<HostCatalog>>, new: &Arc<HostCatalog>) {
    let by_id: BTreeMap<_, &Resource> =
        old.iter().flat_map(|host| &host.resources).map(|resource| (&resource.id, resource)).collect();
    let seen = |resource: &Resource| match (by_id.get(&resource.id).map(|old| old.item.want()), resource.item.want())
    {
        (Some(Want::Present(state)), _) => Observation::Present(state),
        (None, Want::Absent) => Observation::Present(State::new()),
        _ => Observation::Absent,
    };
    let observed = Observed { resources: new.resources.iter().map(seen).collect(), ..Observed::default() };
    let mut changes = plan(new, &observed).changes;
    let kept: BTreeSet<_> = new.resources.iter().map(|resource| &resource.id).collect();
    for (host, resource) in old.iter().flat_map(|host| host.resources.iter().map(move |resource| (host, resource))) {
        if let (false, Want::Present(state)) = (kept.contains(&resource.id), resource.item.want()) {
            changes.push(left(host, resource, state, new));
        }
    }
    let empty = BTreeSet::new();
    let (was, now) = (old.map_or(&empty, |host| &host.ports), &new.ports);
    review.ports.extend(now.difference(was).map(|port| format!("{}: opens {port}", new.host)));
    review.ports.extend(was.difference(now).map(|port| format!("{}: closes {port}", new.host)));
    for keeper in old.iter().flat_map(|host| &host.keepers) {
        if !new.services.iter().any(|service| &service.name == keeper) {
            review.data.push(format!("{}: {keeper} keeps data, and is no longer on this host", new.host));
        }
    }
    if !changes.is_empty() {
        review.hosts.push((new.host.clone(), changes));
    }
}

/// What head does not declare any more.
fn left(host: &HostCatalog, resource: &Resource, state: State, head: &HostCatalog) -> Change {
    let (reason, data) = foreseen(host, resource, head);
    let mut risk = resource.item.risks();
    risk.extend(data.then_some(Risk::Data));
    let name = |owner: &usize| host.services.get(*owner).map(|service| service.name.clone());
    let gone = |(attribute, value)| Difference { attribute, from: Some(value), to: None };
    Change {
        id: resource.id.clone(),
        services: resource.owners.iter().filter_map(name).collect(),
        action: Action::Delete,
        reason,
        differences: state.0.into_iter().map(gone).collect(),
        sensitive: resource.item.sensitive(),
        new_values: Vec::new(),
        deferred: None,
        risk,
        origin: None,
    }
}

fn rights(role: Role) -> &'static str {
    match role {
        Role::Maintainer => "login and sudo on every host, and every secret",
        Role::Operator => "login and sudo on every host, and the secrets of services",
        Role::Reader => "a look at every host by the probe alone, and no secret",
    }
}

fn people(review: &mut Review, base: Option<&Side>, head: &Side) {
    let none = indexmap::IndexMap::new();
    let (was, now) = (base.map_or(&none, |side| &side.inventory.people), &head.inventory.people);
    for (id, person) in now {
        let role = person.value.role;
        let Some(old) = was.get(id).map(|old| &old.value) else {
            review.people.push(format!("{id} gains access as {}: {}", role.name(), rights(role)));
            continue;
        };
        if old.role != role {
            let verb = if role < old.role { "gains" } else { "loses" };
            review.people.push(format!(
                "{id} {verb} rights, {} becomes {}: {}",
                old.role.name(),
                role.name(),
                rights(role)
            ));
        }
        let ssh = |person: &crate::inventory::Person| -> BTreeSet<String> {
            person.ssh.iter().map(|key| key.value.to_string()).collect()
        };
        let age = |person: &crate::inventory::Person| -> BTreeSet<String> {
            person.age.iter().map(|key| key.value.to_string()).collect()
        };
        for (what, old, new) in [("SSH", ssh(old), ssh(&person.value)), ("age", age(old), age(&person.value))] {
            let (more, fewer) = (new.difference(&old).count(), old.difference(&new).count());
            if more > 0 {
                review.people.push(format!("{id} gains {more} {what} key(s)"));
            }
            if fewer > 0 {
                review.people.push(format!("{id} loses {fewer} {what} key(s)"));
            }
        }
    }
    for (id, person) in was.iter().filter(|(id, _)| !now.contains_key(*id)) {
        review.people.push(format!("{id} loses access: {}", rights(person.value.role)));
    }
}

fn secrets(review: &mut Review, base: Option<&Side>, head: &Side) {
    let none = BTreeMap::new();
    let was = base.map_or(&none, |side| &side.recipients);
    for (name, (id, readers)) in &head.recipients {
        let Some((old_id, old)) = was.get(name) else {
            review.secrets.push(format!("{name}: new secret"));
            continue;
        };
        if old_id != id {
            review.secrets.push(format!("{name}: value changed"));
        }
        let more = readers.difference(old).map(|reader| format!("+{reader}"));
        let readers: Vec<String> = more.chain(old.difference(readers).map(|reader| format!("-{reader}"))).collect();
        if !readers.is_empty() {
            review.secrets.push(format!("{name}: readers changed: {}", readers.join(" ")));
        }
    }
    review
        .secrets
        .extend(was.keys().filter(|name| !head.recipients.contains_key(*name)).map(|it| format!("{it}: gone")));
}

fn modules(review: &mut Review, base: Option<&Side>, head: &Side) {
    let Some(base) = base else { return };
    for (name, (version, text)) in &head.modules {
        match base.modules.get(name) {
            Some((old_version, old)) if old != text => {
                let diff = TextDiff::from_lines(old, text).unified_diff().header(name, name).to_string();
                review.modules.push((format!("{name}: version {old_version} becomes {version}"), diff));
            }
            None => review.modules.push((format!("{name}: new in use, version {version}"), String::new())),
            Some(_) => {}
        }
    }
}
