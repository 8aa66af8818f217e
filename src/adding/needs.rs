//! Where a module could run, and which of its needs nobody meets there yet. Only needs without a condition are judged
//! here; of the others compiling says whether they hold.

use super::NewService;
use crate::inventory::Inventory;
use crate::modules::{Module, Need};

/// A need that is not met on every host.
#[derive(Debug, PartialEq, Eq)]
pub struct Open<'a> {
    pub alias: &'a str,
    pub module: &'a str,
    /// The hosts without it.
    pub hosts: Vec<String>,
    /// Services that could be named instead: several on the host, or the only one of another host.
    pub instead: Vec<String>,
}

/// Services that are there or are about to be, with module and hosts.
fn services<'a>(
    inventory: &'a Inventory,
    planned: &'a [NewService],
) -> impl Iterator<Item = (&'a str, &'a str, &'a [String])> {
    let there = inventory.services.iter();
    let there = there.map(|(name, it)| (name.as_str(), it.module.value.as_str(), it.hosts.as_slice()));
    there.chain(planned.iter().map(|it| (it.name.as_str(), it.module.as_str(), it.hosts.as_slice())))
}

fn unconditional(module: &Module) -> impl Iterator<Item = (&str, &Need)> {
    module
        .needs
        .iter()
        .filter(|(_, need)| !need.optional && need.when.is_none())
        .map(|(name, it)| (name.as_str(), it))
}

/// The needs of `module` that are not met exactly once on each of `hosts`; those in `named` were decided.
pub fn open<'a>(
    inventory: &Inventory,
    planned: &[NewService],
    module: &'a Module,
    hosts: &[String],
    named: impl Fn(&str) -> bool,
) -> Vec<Open<'a>> {
    let mut found = Vec::new();
    for (alias, need) in unconditional(module).filter(|(alias, _)| !named(alias)) {
        let of_module: Vec<_> =
            services(inventory, planned).filter(|(_, module, _)| *module == need.module).collect();
        let on = |host: &String| of_module.iter().filter(|(_, _, hosts)| hosts.contains(host)).count();
        let lacking: Vec<String> = hosts.iter().filter(|host| on(host) == 0).cloned().collect();
        let is_ambiguous = hosts.iter().any(|host| on(host) > 1);
        if lacking.is_empty() && !is_ambiguous {
            continue;
        }
        // one that is named is taken from the same host, else from the only one it has
        let could_be = |hosts_of: &[String]| hosts_of.len() == 1 || hosts.iter().all(|host| hosts_of.contains(host));
        let instead = of_module.iter().filter(|(_, _, hosts)| could_be(hosts)).map(|(name, ..)| (*name).to_owned());
        found.push(Open { alias, module: &need.module, hosts: lacking, instead: instead.collect() });
    }
    found
}

/// The hosts on which everything that the module needs is met, in inventory order; all, if it needs nothing.
pub fn suited(inventory: &Inventory, module: &Module) -> Vec<String> {
    let suits = |host: &&String| open(inventory, &[], module, std::slice::from_ref(host), |_| false).is_empty();
    inventory.hosts.keys().filter(suits).cloned().collect()
}

/// A name for a service of this module that is not taken: its own, or with a number.
pub fn free_name(inventory: &Inventory, planned: &[NewService], module: &str) -> String {
    let taken = |name: &str| services(inventory, planned).any(|(there, ..)| there == name);
    let mut name = module.to_owned();
    let mut number = 2;
    while taken(&name) {
        name = format!("{module}-{number}");
        number += 1;
    }
    name
}
