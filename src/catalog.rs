//! The catalog: what every host should be, one ordered list of resources a host. The compile stage makes it; all
//! later stages only read it. It holds no expression and no template any more.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::abilities::Support;
use crate::checks::Check;
use crate::diag::Place;
use crate::kinds::{Fate, Item, Kind, Reaction, Site};
use crate::resource::Id;
use crate::said::Said;
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub struct Catalog {
    /// The immutable id of the inventory; names the records on the hosts.
    pub inventory: String,
    /// The chapter's name, for titles.
    pub name: String,
    /// In inventory order.
    pub hosts: Vec<Arc<HostCatalog>>,
    /// True if a limit left services out: what is missing here need not be missing in the inventory.
    pub partial: bool,
}

#[derive(Debug, Clone)]
pub struct HostCatalog {
    pub host: String,
    /// The chapter's name, for people who find its records on the host.
    pub chapter: String,
    pub site: Site,
    /// Declared facts, to be verified by the probe; `None` is not verified.
    pub os: Option<String>,
    pub architecture: Option<String>,
    /// The login that the hosting gave. `None` where nothing can be said about who may log in: a directory, or a catalog
    /// that a limit took services from.
    pub bootstrap: Option<String>,
    /// True if a limit left services out: what is missing here need not be missing in the inventory.
    pub partial: bool,
    /// What the inventory says of what leaves it, by identity or service.
    pub retire: Arc<BTreeMap<String, Fate>>,
    /// Public keys of programs that may look at it: type and base64.
    pub readers: Vec<String>,
    /// A host of a higher wave is changed after all hosts of lower ones, which its services need.
    pub wave: usize,
    /// Ports that services offer here: `tcp 443 (web)`.
    pub ports: BTreeSet<String>,
    /// Services that say what of theirs must be backed up: they hold data.
    pub keepers: BTreeSet<String>,
    /// The same, with what a plan must know of their backups.
    pub backed: Vec<Backed>,
    /// What resources ask of the host, by identity.
    pub support: BTreeMap<Id, Support>,
    /// In execution order: a service comes after those it needs.
    pub services: Vec<ServiceEntry>,
    /// What shows that the services work, in the order of the services.
    pub checks: Vec<Check>,
    /// In execution order: by first owner, then as declared.
    pub resources: Vec<Resource>,
}

/// A service whose data is to be saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backed {
    pub service: String,
    /// The version of its module.
    pub version: i64,
    /// The service that saves it; `None`: nobody does.
    pub keeper: Option<String>,
    /// Its backup must have been restored within so many days.
    pub drill_days: i64,
}

/// A service on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEntry {
    pub name: String,
    pub module: String,
    /// Indices of services on this host.
    pub needs: Vec<usize>,
    pub state: ServiceState,
}

/// What a host is to remember of a service, and what a plan compares that with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceState {
    /// Of the module; 0: nothing is remembered and nothing compared.
    pub version: i64,
    /// Versions up to this one break what the inventory agreed to break.
    pub accepted: i64,
    /// What breaks with a version of the module, by its number.
    pub breaking: BTreeMap<i64, Said>,
    /// Parameters that can never change, as JSON.
    pub fixed: BTreeMap<String, String>,
}

#[derive(Clone)]
pub struct Resource {
    pub id: Id,
    pub kind: &'static dyn Kind,
    pub item: Arc<dyn Item>,
    /// Indices of the services that declare it; the first one decides its place in the order.
    pub owners: Vec<usize>,
    /// Never taken away because it is no longer declared.
    pub data: bool,
    pub place: Place,
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} at {}", self.id, self.item, self.place)
    }
}

/// A reaction and the resource that declares it.
#[derive(Debug, Clone)]
pub struct HostReaction {
    /// Index of the declaring resource.
    pub resource: usize,
    pub reaction: Reaction,
}

impl HostReaction {
    /// True if a change of this resource owes the reaction.
    pub fn is_owed_by(&self, resource: &Resource) -> bool {
        resource.item.path().is_some_and(|path| self.reaction.on.iter().any(|glob| crate::glob::touches(glob, path)))
    }
}

impl HostCatalog {
    /// The values of all secrets that this host may have been given.
    pub fn values(&self) -> impl Iterator<Item = &Arc<Secret>> {
        self.resources.iter().filter_map(|resource| resource.item.sealed()).flat_map(|sealed| &sealed.values)
    }

    /// All reactions on this host, in execution order; their indices number them everywhere.
    pub fn reactions(&self) -> Vec<HostReaction> {
        let of = |(resource, declared): (usize, &Resource)| {
            declared
                .item
                .reactions()
                .into_iter()
                .map(move |reaction| HostReaction { resource, reaction })
                .collect::<Vec<_>>()
        };
        self.resources.iter().enumerate().flat_map(of).collect()
    }

    /// The services that must work for this one to work, itself included, in execution order.
    pub fn with_needs(&self, service: usize) -> Vec<usize> {
        let mut found = vec![service];
        let mut next = 0;
        while let Some(entry) = found.get(next).and_then(|index| self.services.get(*index)) {
            for need in &entry.needs {
                if !found.contains(need) {
                    found.push(*need);
                }
            }
            next += 1;
        }
        found.sort_unstable();
        found
    }
}
