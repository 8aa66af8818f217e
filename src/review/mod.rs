//! What a change of the inventory means: two compiled revisions in, a [`Review`] out. Reads no host and no secret. What
//! the base wants stands for what the hosts have, so that both sides may be shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::{Backed, HostCatalog, Resource, ServiceEntry};
use crate::diag::{Diagnostic, Diagnostics};
use crate::kinds::Risk;
use crate::ledger::Applied;
use crate::observed::{Kept, Ledger, Observed};
use crate::plan::applied::{gates, moved};
use crate::plan::leaving::foreseen;
use crate::plan::warnings::{Note, Topic, in_order, of_changes};
use crate::plan::{Action, Change, Difference, plan};
use crate::resource::{Attribute, Observation, State, Want};
use crate::said::{Said, listed};
use crate::texts;

mod modules;
mod people;
mod secrets;
mod show;
mod side;

pub use modules::ModuleChange;
pub use show::{broken, document, json, text};
pub use side::{Side, Which};

/// What differs. All texts are as the revisions hold them; whoever shows them makes them harmless.
#[derive(Debug, Default)]
pub struct Review {
    pub inventory: String,
    pub id: String,
    pub base: String,
    pub head: String,
    /// Hosts with changes, in the order of head.
    pub hosts: Vec<(String, Vec<Change>)>,
    pub modules: Vec<ModuleChange>,
    /// All that a reviewer should know before the diffs, gravest first.
    pub notes: Vec<Note>,
}

impl Review {
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.modules.is_empty() && self.notes.is_empty()
    }

    /// What a reviewer must see first.
    pub fn warnings(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.topic.warns())
    }
}

/// Without a base, everything of head is new.
pub fn review(base: Option<&Side>, head: &Side) -> Review {
    let mut review =
        Review { inventory: head.catalog.name.clone(), id: head.catalog.inventory.clone(), ..Review::default() };
    let old: BTreeMap<&str, &Arc<HostCatalog>> =
        base.iter().flat_map(|side| &side.catalog.hosts).map(|host| (host.host.as_str(), host)).collect();
    let mut notes = Vec::new();
    for host in &head.catalog.hosts {
        let was = old.get(host.host.as_str()).copied();
        if was.is_none() {
            notes.push(Note::on(Topic::Host, &host.host, texts::host_new()));
        }
        of_host(&mut notes, was, host);
        notes.extend(was.iter().flat_map(|was| of_versions(was, host)));
        let mut changes = changes(was, host);
        if was.is_none() {
            // where nobody could log in before, nobody is locked out
            for change in &mut changes {
                change.risk.clear();
            }
        }
        if !changes.is_empty() {
            notes.extend(of_changes(&host.host, &changes));
            review.hosts.push((host.host.clone(), changes));
        }
    }
    let kept: BTreeSet<&str> = head.catalog.hosts.iter().map(|host| host.host.as_str()).collect();
    for gone in base.iter().flat_map(|side| &side.catalog.hosts).filter(|host| !kept.contains(host.host.as_str())) {
        notes.push(Note::on(Topic::Deletion, &gone.host, texts::host_leaves()));
        let keeps = |of| Note::on(Topic::Data, &gone.host, texts::keeps_data_host_leaves(of));
        notes.extend(gone.keepers.iter().map(keeps));
    }
    notes.extend(people::people(base, head).into_iter().map(|line| Note::new(Topic::Access, line)));
    notes.extend(people::known_still(base, head).into_iter().map(|line| Note::new(Topic::Exposure, line)));
    notes.extend(secrets::secrets(base, head));
    review.modules = modules::modules(base, head);
    for module in &review.modules {
        notes.push(Note::new(Topic::Module, texts::of_module(&module.name, &module.what)));
        notes.extend(module.notes.iter().map(|note| Note::new(Topic::Module, format!("{} {note}", module.name))));
    }
    if let Some(base) = base {
        let fresh = fresh(&base.complaints, &head.complaints).0;
        notes.extend(fresh.iter().map(|it| Note::new(Topic::Complaint, it.to_string())));
    }
    review.notes = in_order(notes);
    review
}

/// The mistakes that the change brings: those of `new` that `old` has not, wherever in the file they stand now.
pub fn fresh(old: &Diagnostics, new: &Diagnostics) -> Diagnostics {
    let key = |it: &Diagnostic| (it.place.as_ref().map(|place| file_name(&place.source.name)), it.fact.clone());
    let known: BTreeSet<_> = old.0.iter().map(key).collect();
    Diagnostics(new.0.iter().filter(|it| !known.contains(&key(it))).cloned().collect())
}

/// One side is named from the working directory, the other from the top of the repository.
fn file_name(name: &str) -> String {
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

/// What breaks with newer modules, and parameters that change though they never can.
fn of_versions(old: &HostCatalog, new: &HostCatalog) -> Vec<Note> {
    let of = |service: &ServiceEntry| {
        let (module, version, fixed) = (service.module.clone(), service.state.version, service.state.fixed.clone());
        (service.name.clone(), Applied { module, version, fixed })
    };
    let known: BTreeMap<String, Applied> = old.services.iter().map(of).collect();
    let note = |topic, what| Note::on(topic, &new.host, what);
    let gates = gates(new, &known).into_iter().map(|gate| note(Topic::Upgrade, gate.line()));
    let moved = moved(new, &known);
    let moved =
        moved.iter().map(|(service, name, was, now)| note(Topic::Mistake, texts::immutable(service, name, was, now)));
    moved.chain(gates).collect()
}

/// Ports and data, which are no resources.
fn of_host(notes: &mut Vec<Note>, old: Option<&Arc<HostCatalog>>, new: &Arc<HostCatalog>) {
    let empty = BTreeSet::new();
    let (was, now) = (old.map_or(&empty, |host| &host.ports), &new.ports);
    let of = |ports: Vec<&String>, topic, said: fn(Said) -> Said| {
        (!ports.is_empty()).then(|| Note::on(topic, &new.host, said(listed(&ports))))
    };
    notes.extend(of(now.difference(was).collect(), Topic::Opens, texts::opens));
    notes.extend(of(was.difference(now).collect(), Topic::Closes, texts::closes));
    for keeper in old.iter().flat_map(|host| &host.keepers) {
        if !new.services.iter().any(|service| &service.name == keeper) {
            notes.push(Note::on(Topic::Data, &new.host, texts::keeps_data_moved(keeper)));
        }
    }
    let is_saved = |backed: &&Backed| backed.keeper.is_some();
    let saved: BTreeSet<_> = new.backed.iter().filter(is_saved).map(|it| &it.service).collect();
    for backed in old.iter().flat_map(|host| &host.backed).filter(is_saved) {
        let stays = new.services.iter().any(|service| service.name == backed.service);
        if stays && !saved.contains(&backed.service) {
            notes.push(Note::on(Topic::Data, &new.host, texts::saved_no_more(&backed.service)));
        }
    }
}

fn changes(old: Option<&Arc<HostCatalog>>, new: &Arc<HostCatalog>) -> Vec<Change> {
    let by_id: BTreeMap<_, &Resource> =
        old.iter().flat_map(|host| &host.resources).map(|resource| (&resource.id, resource)).collect();
    let seen = |resource: &Resource| match (by_id.get(&resource.id).map(|old| old.item.want()), resource.item.want())
    {
        (Some(Want::Present(state)), _) => {
            let old = by_id.get(&resource.id).and_then(|old| old.item.sealed());
            Observation::Present(match (old, resource.item.sealed()) {
                (Some(old), Some(new)) if old.ids != new.ids => of_other_values(state),
                _ => state,
            })
        }
        (None, Want::Absent) => Observation::Present(State::new()),
        _ => Observation::Absent,
    };
    let kept = |resource: &&Resource| {
        let sealed = resource.item.sealed()?;
        let ids = sealed.ids.iter().map(|(name, id)| (name.to_string(), id.clone())).collect();
        Some((resource.id.to_string(), Kept { stamp: sealed.stamp.clone(), ids }))
    };
    let observed = Observed {
        resources: new.resources.iter().map(seen).collect(),
        ledger: Arc::new(Ledger(by_id.values().filter_map(kept).collect())),
        ..Observed::default()
    };
    let mut changes = plan(new, &observed).changes;
    let kept: BTreeSet<_> = new.resources.iter().map(|resource| &resource.id).collect();
    for (host, resource) in old.iter().flat_map(|host| host.resources.iter().map(move |resource| (host, resource))) {
        if let (false, Want::Present(state)) = (kept.contains(&resource.id), resource.item.want()) {
            changes.push(left(host, resource, state, new));
        }
    }
    changes
}

/// A content that looks the same, and whose secrets have other values.
fn of_other_values(mut state: State) -> State {
    for value in state.0.values_mut() {
        if let Attribute::Content(content) = value {
            "of other values".clone_into(&mut content.digest);
        }
    }
    state
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
