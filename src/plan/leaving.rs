//! What is to happen to resources that nothing declares any more: taken away, kept, or only forgotten. Takes what the host
//! remembers and the catalog; gives the catalog with retirements added, so that they are planned and done as everything
//! else. Only what Steward made goes, only as far as the kind allows, and data only if the inventory says so. Pure.
//!
//! What runs is stopped before anything else, so that its place is free, and who gets into a database is put out before its
//! server stops; the rest goes last, and only if nothing failed. Both in the reverse of the order in which it was made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Change, HostPlan};
use crate::catalog::{HostCatalog, Resource, ServiceEntry, ServiceState};
use crate::diag::{Place, Source};
use crate::kinds::{Fate, Item, Leaving, Risk, fight};
use crate::ledger::{Left, Owned};
use crate::observed::Observed;
use crate::resource::{Attribute, Id, Observation, Want};
use crate::said::Said;
use crate::script::managed::managed;
use crate::texts;

/// More than this at once, or more than a fifth of what is managed, is agreed to by number; a single one never is many.
const FEW: usize = 5;

/// What a plan says of what left the inventory, besides its changes.
#[derive(Debug, Clone, Default)]
pub struct Leavings {
    /// What is taken away.
    pub gone: BTreeMap<Id, Going>,
    /// What stays, and why.
    pub kept: Vec<Kept>,
    /// Identities that the host need not remember any more.
    pub forgotten: Vec<String>,
    /// Identities that an interrupted run was about to make: whether it did.
    pub begun: BTreeMap<String, bool>,
    /// What is not there, and comes with others: made by this change, if it is there after its step.
    pub absent: BTreeSet<Id>,
    /// What is declared, there, and not Steward's, though it could be.
    pub adoptable: Vec<Id>,
    /// Identities that somebody adopts.
    pub adopted: Vec<String>,
    /// The list of what is managed there.
    pub managed: Vec<u8>,
    /// True if the host's records are not as they should be; a change sets that right, whatever else it does.
    pub due: bool,
}

/// What is known of something that goes.
#[derive(Debug, Clone)]
pub struct Going {
    pub service: String,
    reason: Said,
    data: bool,
}

/// What nothing declares and yet stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub id: Id,
    pub why: Said,
}

impl Leavings {
    /// Why these deletions are too many, unless `allowed` says their number: the count, and what it would be.
    pub fn too_many(&self, declared: usize, allowed: Option<usize>) -> Option<String> {
        let count = self.gone.len();
        let managed = declared + count;
        let many = count > FEW || (count > 1 && count * 5 > managed);
        (many && allowed.is_none_or(|allowed| count > allowed))
            .then(|| format!("{count} of {managed} resources would be deleted"))
    }
}

/// The catalog with what goes, and what was seen of that.
pub(super) struct Extended {
    pub(super) catalog: Arc<HostCatalog>,
    pub(super) seen: Vec<Observation>,
    pub(super) leavings: Leavings,
    /// What could not be read, and therefore is not touched.
    pub(super) unknown: Vec<super::Unknown>,
}

pub(super) fn extended(declared: &Arc<HostCatalog>, observed: &Observed) -> Extended {
    let records = &observed.records;
    let mut leavings =
        Leavings { begun: begun(declared, observed), absent: absent(declared, observed), ..Leavings::default() };
    leavings.adoptable = adoptable(declared, observed);
    let (mut going, mut staying, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let usable = !declared.partial && records.trouble.is_none();
    if let (Some(why), false) = (&records.trouble, declared.partial) {
        let why = format!(
            "what Steward manages there is not known, so nothing that left the inventory is taken away: {why}"
        );
        unknown.push(super::Unknown { id: Id::new("ledger", &declared.host), why });
    }
    for left in records.left.iter().filter(|_| usable) {
        match verdict(declared, observed, left) {
            Verdict::Forget => leavings.forgotten.push(left.id.to_string()),
            Verdict::Stays(why) => {
                leavings.forgotten.push(left.id.to_string());
                leavings.kept.push(Kept { id: left.id.clone(), why });
            }
            Verdict::Waits(why) => {
                staying.push(left);
                leavings.kept.push(Kept { id: left.id.clone(), why });
            }
            Verdict::Unknown(why) => {
                staying.push(left);
                unknown.push(super::Unknown { id: left.id.clone(), why });
            }
            Verdict::Goes(item) => {
                staying.push(left);
                let fate = fate(declared, left);
                let going_now = Going { service: left.service.clone(), reason: reason(left, fate), data: left.data };
                leavings.gone.insert(left.id.clone(), going_now);
                going.push((left, item));
            }
        }
    }
    if records.trouble.is_none() {
        leavings.managed = managed(declared, &staying, &records.services);
    }
    let as_listed = match &records.listed {
        Some(listed) => *listed == crate::resource::digest(&leavings.managed),
        None => declared.resources.is_empty(),
    };
    leavings.due = usable && !(as_listed && leavings.begun.is_empty() && leavings.forgotten.is_empty());
    let mut seen = observed.resources.clone();
    seen.resize(declared.resources.len(), Observation::Unknown("not looked at".to_owned()));
    let catalog = with(declared, going, &mut seen);
    Extended { catalog, seen, leavings, unknown }
}

fn absent(declared: &HostCatalog, observed: &Observed) -> BTreeSet<Id> {
    let pairs = declared.resources.iter().zip(&observed.resources);
    let first = pairs.filter(|(it, seen)| it.kind.comes_with_others() && **seen == Observation::Absent);
    first.map(|(it, _)| it.id.clone()).collect()
}

fn adoptable(declared: &HostCatalog, observed: &Observed) -> Vec<Id> {
    let is = |(it, seen): &(&Resource, &Observation)| {
        let fate = Some(Fate::Remove);
        let keepsake = it.item.keepsake();
        let leaving = Leaving { name: &it.id.name, keepsake: &keepsake, fate, sealed: it.item.sealed().is_some() };
        matches!(seen, Observation::Present(_))
            && it.item.want() != Want::Absent
            && observed.records.unowned.contains(&it.id.to_string())
            && it.kind.retired(&leaving).is_some()
    };
    declared.resources.iter().zip(&observed.resources).filter(is).map(|(it, _)| it.id.clone()).collect()
}

enum Verdict {
    Goes(Box<dyn Item>),
    /// Nothing is there, or nobody needs to hear of it.
    Forget,
    /// It stays for good, and is forgotten.
    Stays(Said),
    /// It stays until somebody decides.
    Waits(Said),
    Unknown(String),
}

fn verdict(declared: &HostCatalog, observed: &Observed, left: &Left) -> Verdict {
    let id = left.id.to_string();
    if let Some(other) = observed.records.others.get(&id) {
        return Verdict::Stays(texts::managed_by_other(&other.name, &other.id));
    }
    if left.seen == Observation::Absent {
        return Verdict::Forget;
    }
    if left.owned == Owned::No {
        return Verdict::Stays(texts::was_there_before());
    }
    let fate = fate(declared, left);
    if left.data && !matches!(fate, Some(Fate::Archive | Fate::Destroy)) {
        return Verdict::Waits(texts::holds_data(&left.service, &id));
    }
    let Some(item) = left.kind.retired(&Leaving { fate, ..left.leaving() }) else {
        let remedy = match left.kind.retired(&Leaving { fate: Some(Fate::Remove), ..left.leaving() }) {
            Some(_) => texts::others_may_need(&id),
            None => return Verdict::Forget,
        };
        return Verdict::Stays(remedy);
    };
    if let Some(other) = in_the_way(declared, &*item) {
        return Verdict::Stays(texts::is_there_now(&other));
    }
    match &left.seen {
        Observation::Unknown(why) | Observation::Undecided(why) => Verdict::Unknown(why.clone()),
        Observation::Present(_) | Observation::Absent => Verdict::Goes(item),
    }
}

fn fate(declared: &HostCatalog, left: &Left) -> Option<Fate> {
    fate_of(&declared.retire, &left.id, &left.service)
}

/// By identity, else by service.
fn fate_of(retire: &BTreeMap<String, Fate>, id: &Id, service: &str) -> Option<Fate> {
    retire.get(&id.to_string()).or_else(|| retire.get(service)).copied()
}

/// What becomes of a resource that `old` declares and `new` does not, if Steward made it, for whoever cannot ask the host;
/// and whether that puts data at risk.
pub fn foreseen(old: &HostCatalog, resource: &Resource, new: &HostCatalog) -> (Said, bool) {
    let service = resource.owners.first().and_then(|owner| old.services.get(*owner));
    let fate = fate_of(&new.retire, &resource.id, service.map_or("", |service| &service.name));
    let keepsake = resource.item.keepsake();
    let leaving = Leaving { name: &resource.id.name, keepsake: &keepsake, fate, sealed: false };
    let what = match (fate, resource.data, resource.kind.retired(&leaving)) {
        (Some(Fate::Archive), true, _) => texts::data_to_archive(),
        (Some(Fate::Destroy), true, _) => texts::data_destroyed(),
        (_, true, _) => texts::data_stays(),
        (_, false, None) => texts::forgotten(),
        (_, false, Some(_)) => texts::taken_away(),
    };
    (texts::no_longer_declared(&what), resource.data)
}

/// What is declared at the same path, or below it.
fn in_the_way(declared: &HostCatalog, item: &dyn Item) -> Option<Id> {
    let path = item.path()?;
    let below = format!("{path}/");
    let is_there = |resource: &&Resource| {
        let is_wanted = resource.item.want() != Want::Absent;
        is_wanted
            && (fight(&*resource.item, item) || resource.item.path().is_some_and(|path| path.starts_with(&below)))
    };
    declared.resources.iter().find(is_there).map(|resource| resource.id.clone())
}

fn reason(left: &Left, fate: Option<Fate>) -> Said {
    let reason = match &left.owned {
        Owned::Adopted(revision) => texts::left_adopted(&left.service, at(revision)),
        Owned::Made(revision) => texts::left_created(&left.service, at(revision)),
        Owned::No => texts::left(),
    };
    match fate {
        Some(Fate::Archive) => reason.then(&texts::to_archive()),
        Some(Fate::Destroy) => reason.then(&texts::destroyed()),
        Some(Fate::Remove) | None if is_changed(&left.seen) => reason.then(&texts::copy_kept()),
        Some(Fate::Remove) | None => reason,
    }
}

fn at(revision: &str) -> Said {
    let (commit, dirty) = revision.strip_suffix("+dirty").map_or((revision, ""), |commit| (commit, "+dirty"));
    let is_name = !commit.is_empty() && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_name { texts::at_revision(format!("{commit:.12}{dirty}")) } else { Said::default() }
}

/// True if the content is not what was last written.
fn is_changed(seen: &Observation) -> bool {
    let Observation::Present(state) = seen else { return false };
    state.0.values().any(|value| matches!(value, Attribute::Content(content) if !content.ours))
}

/// What an interrupted run was about to make is Steward's if it is there just as it should be; else it is not known who
/// made it, and it is nobody's. What is not there yet will be made.
fn begun(declared: &HostCatalog, observed: &Observed) -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    for (resource, seen) in declared.resources.iter().zip(&observed.resources) {
        let id = resource.id.to_string();
        if let (true, Observation::Present(state)) = (observed.records.begun.contains(&id), seen) {
            let Want::Present(wanted) = resource.item.want() else { continue };
            found.insert(id, super::differences(&wanted, Some(state)).is_empty());
        }
    }
    found
}

/// Adds what goes: what stops as the first service, the rest as the last, which needs all others.
fn with(
    declared: &Arc<HostCatalog>,
    going: Vec<(&Left, Box<dyn Item>)>,
    seen: &mut Vec<Observation>,
) -> Arc<HostCatalog> {
    if going.is_empty() {
        return Arc::clone(declared);
    }
    let place = Place::file(&Source::new("the records of the host", ""));
    let entry = |needs| ServiceEntry {
        name: "leaving".to_owned(),
        module: String::new(),
        needs,
        state: ServiceState::default(),
    };
    let mut catalog = HostCatalog::clone(declared);
    let stops = usize::from(going.iter().any(|(left, _)| left.kind.retires_first()));
    if stops == 1 {
        for service in &mut catalog.services {
            service.needs.iter_mut().for_each(|need| *need += 1);
        }
        catalog.resources.iter_mut().flat_map(|it| &mut it.owners).for_each(|owner| *owner += 1);
        catalog.services.insert(0, entry(Vec::new()));
    }
    let last = catalog.services.len();
    catalog.services.push(entry((0..last).collect()));
    for (left, item) in going.into_iter().rev() {
        let owners = vec![if left.kind.retires_first() { 0 } else { last }];
        let (id, kind, place) = (left.id.clone(), left.kind, place.clone());
        catalog.resources.push(Resource { id, kind, item: Arc::from(item), owners, data: left.data, place });
        seen.push(left.seen.clone());
    }
    Arc::new(catalog)
}

/// Says of each deletion where it comes from, and puts them before everything else that is shown.
pub(super) fn explained(plan: &mut HostPlan) {
    let (mut first, rest): (Vec<Change>, Vec<Change>) =
        plan.changes.drain(..).partition(|change| plan.leavings.gone.contains_key(&change.id));
    for change in &mut first {
        let Some(going) = plan.leavings.gone.get(&change.id) else { continue };
        change.reason.clone_from(&going.reason);
        change.services = vec![going.service.clone()];
        if going.data && !change.risk.contains(&Risk::Data) {
            change.risk.push(Risk::Data);
        }
    }
    plan.changes = first.into_iter().chain(rest).collect();
}

#[cfg(test)]
mod tests;
