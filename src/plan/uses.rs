//! Which hosts have something made of a secret, and whether each was seen to have its present value. Pure.

use std::collections::BTreeSet;

use super::HostPlan;
use super::fleet::FleetPlan;
use crate::catalog::{Catalog, HostCatalog, Resource};
use crate::secret::SecretName;

/// The hosts with resources that are made of one of these: a secret, and the forms of it. Of the hosts where its service is
/// `placed`, those that the catalog leaves out, too: nobody knows about them.
pub fn hosts_of(catalog: &Catalog, names: &BTreeSet<SecretName>, placed: &[String]) -> Vec<String> {
    let left_out = placed.iter().filter(|host| !catalog.hosts.iter().any(|it| it.host == **host)).cloned();
    let made = |host: &&std::sync::Arc<HostCatalog>| host.resources.iter().any(|resource| is_of(resource, names));
    catalog.hosts.iter().filter(made).map(|host| host.host.clone()).chain(left_out).collect()
}

fn is_of(resource: &Resource, names: &BTreeSet<SecretName>) -> bool {
    resource.item.sealed().is_some_and(|sealed| sealed.uses.iter().any(|name| names.contains(name)))
}

/// What was learned by looking at a host; `Err`: why nothing was.
pub fn looked_at<'p>(plan: &'p FleetPlan, host: &str) -> Result<&'p HostPlan, String> {
    match plan.hosts.iter().find(|entry| entry.host == host).map(|entry| &entry.result) {
        Some(Ok(plan)) => Ok(plan),
        Some(Err(error)) if error.unreachable => Err(format!("unreachable: {}", error.diagnostic.fact)),
        Some(Err(error)) => Err(format!("could not be looked at: {}", error.diagnostic.fact)),
        None => Err("was not looked at".to_owned()),
    }
}

/// Why it is not certain that these hosts have the present values: `web1: file:/etc/x is to change (…)`.
pub fn unseen(plan: &FleetPlan, hosts: &[String], names: &BTreeSet<SecretName>) -> Vec<String> {
    let one = |host: &String| {
        let why = match looked_at(plan, host) {
            Ok(plan) => pending(plan, |resource| is_of(resource, names))?,
            Err(why) => why,
        };
        Some(format!("{host}: {why}"))
    };
    hosts.iter().filter_map(one).collect()
}

/// Why a host is not yet as it should be in some of its resources.
pub fn pending(plan: &HostPlan, concerned: impl Fn(&Resource) -> bool) -> Option<String> {
    let ids: BTreeSet<String> =
        plan.catalog.resources.iter().filter(|it| concerned(it)).map(|it| it.id.to_string()).collect();
    let change = plan.changes.iter().find(|change| ids.contains(&change.id.to_string()));
    let unknown = plan.unknown.iter().find(|unknown| ids.contains(&unknown.id.to_string()));
    match (change, unknown) {
        (Some(change), _) => Some(format!("{} is to change ({})", change.id, change.reason.program())),
        (None, Some(unknown)) => Some(format!("{} could not be read ({})", unknown.id, unknown.why)),
        (None, None) => None,
    }
}
