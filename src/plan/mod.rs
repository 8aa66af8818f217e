//! Comparing what is wanted with what was seen. [`plan`] is pure: the same catalog and the same look give the same
//! plan, and `apply` does what it says and nothing else.

use std::sync::Arc;

use crate::abilities::UNSUPPORTED;
use crate::access::{Finding, findings};
use crate::backups::{Remark, remarks, unproven};
use crate::catalog::{HostCatalog, HostReaction, Resource};
use crate::kinds::{ReactionKind, Risk};
use crate::observed::{Debt, Facts, Installed, Ledger, Look, Observed, Pending};
use crate::resource::{Attribute, Id, Observation, State, Want};
use crate::said::Said;
use crate::secret::SecretName;
use crate::texts;

use leaving::{Extended, Leavings, explained, extended};

pub mod applied;
pub mod diff;
pub mod drift;
pub mod fingerprint;
pub mod fleet;
pub mod json;
pub mod leaving;
pub mod lockout;
pub mod origin;
pub mod saved;
pub mod text;
pub mod uses;
pub mod warnings;

/// The plan of one host.
#[derive(Debug, Clone)]
pub struct HostPlan {
    /// What is declared, and what goes because it no longer is.
    pub catalog: Arc<HostCatalog>,
    /// What is declared: what a look is for.
    pub declared: Arc<HostCatalog>,
    /// What becomes of what is no longer declared.
    pub leavings: Leavings,
    /// What goes, then everything in execution order; a reaction stands at the end of the service that declares it or owes it last.
    pub changes: Vec<Change>,
    pub unknown: Vec<Unknown>,
    /// Versions of modules that break something here, and that nobody agreed to yet.
    pub gates: Vec<applied::Gate>,
    pub unchanged: usize,
    /// Indices of the resources that apply runs: all changes, and what follows a change that may bring it.
    pub steps: Vec<usize>,
    /// Indices of reactions that an earlier run still owes.
    pub owed: Vec<usize>,
    /// An earlier run left something behind: there is something to apply even if nothing is to change.
    pub interrupted: bool,
    pub facts: Facts,
    /// What another run does there, or a change that waits for its confirmation or was rolled back.
    pub pending: Option<Pending>,
    /// Revision of the host's last completed apply; `None`: unknown.
    pub applied: Option<String>,
    /// What is to change but holds a secret that cannot be read here: nobody but a person who can may apply this plan.
    pub unreadable: Vec<Unknown>,
    /// Who can get in though the inventory does not say so. No change: `apply` leaves it to people.
    pub access: Vec<Finding>,
    /// What is to be said of the backups of its services.
    pub backups: Vec<Remark>,
    /// Services with data whose module comes in a newer version, though no drill proves that they could be restored.
    pub unproven: Vec<String>,
    /// What is installed there for reader keys.
    pub reader: Option<Installed>,
    pub look: Look,
}

/// One line of a plan.
#[derive(Debug, Clone)]
pub struct Change {
    pub id: Id,
    /// Names of the services that own it.
    pub services: Vec<String>,
    pub action: Action,
    /// Why, for people: "absent", "content and mode differ", "`file:/etc/x` changes".
    pub reason: Said,
    pub differences: Vec<Difference>,
    pub sensitive: bool,
    /// Names of the secrets whose values are others than when it was last applied: `wiki/db`.
    pub new_values: Vec<String>,
    /// The change of this plan that must run before this one can be decided.
    pub deferred: Option<String>,
    pub risk: Vec<Risk>,
    /// Why the host differs; only where a base was given to compare with.
    pub origin: Option<origin::Origin>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Create,
    Update,
    Delete,
    Run,
    Restart,
    Reload,
}

impl Change {
    /// True if only the change itself can tell whether there is anything to do.
    pub fn decides_itself(&self) -> bool {
        self.deferred.as_deref() == Some(self.id.to_string().as_str())
    }
}

/// One attribute that is to become another.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub attribute: &'static str,
    pub from: Option<Attribute>,
    pub to: Option<Attribute>,
}

/// A resource that could not be read; it is never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    pub id: Id,
    pub why: String,
}

impl Unknown {
    /// One line for people.
    pub fn said(&self) -> Said {
        match self.unsupported() {
            Some(why) => texts::unsupported(&self.id, why),
            None => texts::cannot_be_read(&self.id, &self.why),
        }
    }

    /// Why the host cannot have it at all.
    pub fn unsupported(&self) -> Option<&str> {
        self.why.strip_prefix(UNSUPPORTED)
    }
}

impl HostPlan {
    /// True if the host is as the inventory wants it, as far as it could be read.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// True if somebody else was changing the host when it was looked at, or a change of theirs waited for its confirmation.
    pub fn is_unsettled(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.holder().is_some())
    }
}

/// What has to happen on a host so that it becomes what its catalog says.
pub fn plan(declared: &Arc<HostCatalog>, observed: &Observed) -> HostPlan {
    let Extended { catalog, seen, leavings, unknown } = extended(declared, observed);
    let catalog = &catalog;
    let reactions = catalog.reactions();
    let mut work = Work {
        plan: HostPlan {
            catalog: Arc::clone(catalog),
            declared: Arc::clone(declared),
            leavings,
            changes: Vec::new(),
            unknown,
            gates: applied::gates(declared, &observed.records.services),
            unchanged: 0,
            steps: Vec::new(),
            owed: owed(&reactions, &observed.debts, catalog),
            interrupted: observed.interrupted,
            facts: observed.facts.clone(),
            pending: observed.pending.clone(),
            applied: observed.applied.clone(),
            unreadable: Vec::new(),
            access: findings(declared, observed),
            backups: remarks(declared, observed.backups.as_ref()),
            unproven: unproven(declared, observed.backups.as_ref()),
            reader: observed.reader.clone(),
            look: observed.look.clone(),
        },
        catalog,
        ledger: &observed.ledger,
        providers: vec![None; catalog.services.len()],
        decided: vec![None; catalog.resources.len()],
        changes: vec![Vec::new(); catalog.services.len()],
    };
    for service in 0..catalog.services.len() {
        for (index, resource) in catalog.resources.iter().enumerate() {
            if resource.owners.first() == Some(&service) {
                let observation = seen.get(index).cloned();
                work.resource(
                    index,
                    resource,
                    &observation.unwrap_or_else(|| Observation::Unknown("not looked at".into())),
                );
            }
        }
    }
    // a reaction may be owed by what later services change, so all resources come first
    for (number, reaction) in reactions.iter().enumerate() {
        work.reaction(number, reaction, &seen, &observed.debts);
    }
    work.plan.changes = work.changes.into_iter().flatten().collect();
    explained(&mut work.plan);
    work.plan
}

struct Work<'a> {
    plan: HostPlan,
    catalog: &'a HostCatalog,
    ledger: &'a Ledger,
    /// For each service, the latest change that may bring what later resources are made of.
    providers: Vec<Option<Id>>,
    /// For each resource, where its change stands in `changes`, if there is one.
    decided: Vec<Option<(usize, usize)>>,
    /// For each service, its changes in order.
    changes: Vec<Vec<Change>>,
}

impl Work<'_> {
    fn resource(&mut self, index: usize, resource: &Resource, observation: &Observation) {
        let provider = self.provider(resource);
        let want = resource.item.want();
        let differences = match (&want, observation) {
            (Want::Present(wanted), Observation::Present(state)) => differences(wanted, Some(state)),
            (Want::Present(wanted), _) => differences(wanted, None),
            (Want::Absent, Observation::Present(state)) => gone(state),
            (Want::Absent, _) => Vec::new(),
        };
        let (action, reason) = match (&want, observation) {
            (_, Observation::Unknown(why)) if provider.is_none() => {
                self.plan.unknown.push(Unknown { id: resource.id.clone(), why: why.clone() });
                return;
            }
            (_, Observation::Unknown(why) | Observation::Undecided(why)) => (Action::Create, Said::same(why)),
            (Want::Present(_), Observation::Absent) => (Action::Create, texts::absent()),
            (Want::Absent, Observation::Present(_)) => (Action::Delete, texts::not_wanted()),
            (Want::Present(_), Observation::Present(_)) if !differences.is_empty() => {
                (Action::Update, named(&differences))
            }
            _ => {
                self.plan.unchanged += 1;
                // what is as it was applied last, as far as the host can tell, need not be sent again
                let unreadable = resource.item.sealed().is_some_and(|sealed| sealed.real.is_err());
                if self.providers.iter().any(Option::is_some) && !unreadable {
                    self.plan.steps.push(index);
                }
                return;
            }
        };
        let undecided = matches!(observation, Observation::Undecided(_));
        let open = matches!(observation, Observation::Absent | Observation::Unknown(_));
        let change = Change {
            id: resource.id.clone(),
            services: self.service_names(resource),
            action: if resource.item.runs() { Action::Run } else { action },
            reason,
            differences,
            sensitive: resource.item.sensitive(),
            new_values: self.new_values(resource),
            deferred: match provider {
                Some(provider) if open => Some(provider.to_string()),
                _ if undecided => Some(resource.id.to_string()),
                _ => None,
            },
            risk: if action == Action::Create { resource.item.risks_when_new() } else { resource.item.risks() },
            origin: None,
        };
        if resource.kind.provides() && want != Want::Absent {
            for owner in &resource.owners {
                if let Some(provider) = self.providers.get_mut(*owner) {
                    *provider = Some(resource.id.clone());
                }
            }
        }
        let needs_secrets = want != Want::Absent;
        if let (Some(Err(why)), true) = (resource.item.sealed().map(|sealed| &sealed.real), needs_secrets) {
            self.plan.unreadable.push(Unknown { id: resource.id.clone(), why: why.clone() });
        }
        let service = resource.owners.first().copied().unwrap_or_default();
        if let (Some(decided), Some(changes)) = (self.decided.get_mut(index), self.changes.get_mut(service)) {
            *decided = Some((service, changes.len()));
            changes.push(change);
            self.plan.steps.push(index);
        }
    }

    /// By the ids of values that the host remembers.
    fn new_values(&self, resource: &Resource) -> Vec<String> {
        let Some(sealed) = resource.item.sealed() else { return Vec::new() };
        let Some(kept) = self.ledger.0.get(&resource.id.to_string()) else { return Vec::new() };
        let is_new = |name: &&SecretName| kept.ids.get(&name.to_string()) != sealed.ids.get(*name);
        sealed.uses.iter().filter(is_new).map(ToString::to_string).collect()
    }

    fn decided(&self, resource: usize) -> Option<&Change> {
        let (service, change) = self.decided.get(resource).copied().flatten()?;
        self.changes.get(service)?.get(change)
    }

    /// An earlier change, in the same service or one that it needs, that may bring what this resource is made of.
    fn provider(&self, resource: &Resource) -> Option<Id> {
        let related = resource.owners.iter().flat_map(|owner| self.catalog.with_needs(*owner));
        related.filter_map(|service| self.providers.get(service).cloned().flatten()).next_back()
    }

    fn service_names(&self, resource: &Resource) -> Vec<String> {
        let name = |owner: &usize| self.catalog.services.get(*owner).map(|service| service.name.clone());
        resource.owners.iter().filter_map(name).collect()
    }

    fn reaction(&mut self, number: usize, declared: &HostReaction, seen: &[Observation], debts: &[Debt]) {
        let Some(resource) = self.catalog.resources.get(declared.resource) else { return };
        let own = self.decided(declared.resource);
        // one that is started by this plan need not be told of what came before
        let state = match seen.get(declared.resource) {
            Some(Observation::Present(state)) => Some(state),
            _ => None,
        };
        let starts = own.is_some_and(|change| change.deferred.is_none()) && resource.item.starts_from(state);
        let causes: Vec<(usize, &Change)> = self
            .catalog
            .resources
            .iter()
            .enumerate()
            .filter(|(_, other)| declared.is_owed_by(other))
            .filter_map(|(index, _)| Some((index, self.decided(index)?)))
            .collect();
        // shown where it is due for the last time: at the end of its own service, or of the last that owes it
        let service =
            |index: usize| self.catalog.resources.get(index).and_then(|it| it.owners.first().copied()).unwrap_or(0);
        let due = causes.iter().map(|(index, _)| service(*index)).fold(service(declared.resource), usize::max);
        let debt = self.plan.owed.contains(&number).then(|| {
            let name = debt_name(declared, resource);
            debts.iter().find(|debt| debt.name == name).map(|debt| debt.reason.clone()).unwrap_or_default()
        });
        let after_start = causes.iter().any(|(index, _)| *index > declared.resource);
        if debt.is_none() && (causes.is_empty() || (starts && !after_start)) {
            return;
        }
        let first = causes.first().map(|(_, change)| change.id.to_string());
        let reason = match (&debt, first) {
            (Some(reason), _) => texts::owed(reason),
            (None, Some(first)) if causes.len() > 1 => texts::change(first, causes.len() - 1),
            (None, Some(first)) => texts::changes(first),
            (None, None) => return,
        };
        let certain = debt.is_some() || causes.iter().any(|(_, change)| change.deferred.is_none());
        let own_deferred = own.and_then(|change| change.deferred.clone());
        let change = Change {
            id: resource.id.clone(),
            services: self.service_names(resource),
            action: match declared.reaction.action {
                ReactionKind::Reload => Action::Reload,
                ReactionKind::Restart => Action::Restart,
                ReactionKind::Run => Action::Run,
            },
            reason,
            differences: Vec::new(),
            sensitive: false,
            new_values: Vec::new(),
            deferred: own_deferred
                .or_else(|| (!certain).then(|| causes.first().and_then(|(_, c)| c.deferred.clone())).flatten()),
            risk: {
                let restarts = declared.reaction.action == ReactionKind::Restart;
                let lockout = resource.item.risks().contains(&Risk::Lockout);
                [(lockout, Risk::Lockout), (restarts, Risk::Restart)]
                    .into_iter()
                    .filter(|it| it.0)
                    .map(|it| it.1)
                    .collect()
            },
            origin: None,
        };
        if let Some(changes) = self.changes.get_mut(due) {
            changes.push(change);
        }
    }
}

/// The name of a reaction's record on the host.
pub fn debt_name(declared: &HostReaction, resource: &Resource) -> String {
    let action = match declared.reaction.action {
        ReactionKind::Reload => "reload",
        ReactionKind::Restart => "restart",
        ReactionKind::Run => "run",
    };
    let name: String = resource
        .id
        .to_string()
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.@:".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02x}")
            }
        })
        .collect();
    format!("{action}.{name}")
}

fn owed(reactions: &[HostReaction], debts: &[Debt], catalog: &HostCatalog) -> Vec<usize> {
    let is_owed = |(_, declared): &(usize, &HostReaction)| {
        let name = catalog.resources.get(declared.resource).map(|resource| debt_name(declared, resource));
        debts.iter().any(|debt| Some(&debt.name) == name.as_ref())
    };
    reactions.iter().enumerate().filter(is_owed).map(|(number, _)| number).collect()
}

fn differences(wanted: &State, state: Option<&State>) -> Vec<Difference> {
    let observed = |name| state.and_then(|state| state.0.get(name));
    wanted
        .0
        .iter()
        .filter(|(name, value)| observed(**name) != Some(*value))
        .map(|(name, value)| Difference { attribute: name, from: observed(name).cloned(), to: Some(value.clone()) })
        .collect()
}

fn gone(state: &State) -> Vec<Difference> {
    state.0.iter().map(|(name, value)| Difference { attribute: name, from: Some(value.clone()), to: None }).collect()
}

fn named(differences: &[Difference]) -> Said {
    let names: Vec<&str> = differences.iter().map(|difference| difference.attribute).collect();
    match names.split_last() {
        Some((only, [])) => texts::differs(only),
        Some((last, rest)) => texts::differ(rest.join(", "), last),
        None => Said::default(),
    }
}

#[cfg(test)]
mod tests;
