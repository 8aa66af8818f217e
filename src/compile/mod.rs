//! Inventory and modules to a catalog: what every host should be.
//!
//! In this order, so that it is never circular: vars and params → needs, each bound to a service → facts that needs
//! hand back → offers → what was gathered → resources. Reads the chapter's files through [`files`]; touches no host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;

use crate::catalog::Catalog;
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::inventory::{Inventory, Selection, Service, Var};
use crate::modules::{Library, Module};
use crate::secret::{NoValues, SecretSource};
use crate::template::veil::Veil;
use crate::template::{Expressions, Limits, Scope, environment};

mod assemble;
mod backups;
mod classes;
mod cycles;
mod explain;

mod files;
mod given;
mod needs;
mod offers;
mod params;
mod repeat;
mod report;
mod resources;
mod rotations;
mod usage;

pub use explain::{Explanation, Layer, explain};
use report::Report;

/// The catalog of the selected hosts, and every mistake in the whole inventory. `None` if there are errors: a catalog
/// that lacks something would look as if it should not be there. No secret is read: what holds one is known by its
/// public half alone.
pub fn compile(inventory: &Inventory, library: &Library, selection: &Selection) -> (Option<Catalog>, Diagnostics) {
    run(inventory, library, selection, true, Arc::new(NoValues), Limits::OWN)
}

/// The same, with the values of secrets where they can be read.
pub fn compile_with(
    inventory: &Inventory,
    library: &Library,
    selection: &Selection,
    secrets: Arc<dyn SecretSource>,
) -> (Option<Catalog>, Diagnostics) {
    run(inventory, library, selection, true, secrets, Limits::OWN)
}

/// The same for what anybody may have written.
pub fn compile_within(
    inventory: &Inventory,
    library: &Library,
    selection: &Selection,
    secrets: Arc<dyn SecretSource>,
    limits: Limits,
) -> (Option<Catalog>, Diagnostics) {
    run(inventory, library, selection, true, secrets, limits)
}

/// The mistakes of [`compile`] that do not merely follow from what loading left out of a wrong inventory.
pub fn further_mistakes(inventory: &Inventory, library: &Library) -> Diagnostics {
    let hosts = inventory.hosts.keys().cloned().collect();
    run(inventory, library, &Selection { hosts, services: None }, false, Arc::new(NoValues), Limits::STRANGERS).1
}

fn run(
    inventory: &Inventory,
    library: &Library,
    selection: &Selection,
    whole: bool,
    secrets: Arc<dyn SecretSource>,
    limits: Limits,
) -> (Option<Catalog>, Diagnostics) {
    let vars: Vec<IndexMap<String, Var>> = inventory.hosts.keys().map(|host| inventory.vars_for(host)).collect();
    let mut environment = environment();
    let mut report = Report::default();
    let templates = report.add_templates(&mut environment, inventory, library);
    let expressions = Expressions::new(&environment, templates).with_veil(Veil::new(secrets)).within(limits);
    let mut world = World::new(inventory, library, &expressions, report);
    world.whole = whole;
    usage::check(&mut world);
    let mut used = params::evaluate(&mut world, &vars);
    if !whole {
        used.extend(params::named_anywhere(inventory, library));
    }
    world.report.all(inventory.unused_vars(&used));
    needs::bind(&mut world);
    let order = needs::order(&mut world);
    let Some(order) = order else {
        return (None, world.report.mistakes);
    };
    needs::hand_back_facts(&mut world, &order);
    let offers = offers::collect(&mut world, &order);
    let waves = needs::waves(&mut world, &offers);
    let told = offers::told(&world, &offers);
    let backed = backups::backed(&mut world, &offers);
    offers::gather(&mut world, offers);
    let hosts = resources::make(&mut world, &order, selection);
    for made in &hosts {
        let (Some(told), Some(backed)) = (told.get(made.host), backed.get(made.host)) else { continue };
        let (resources, kept) = (made.resources.as_slice(), made.kept.as_slice());
        classes::judge(&mut world, &classes::OnHost { host: made.host, resources, kept, told, backed });
    }
    let mistakes = world.report.mistakes;
    if mistakes.has_errors() {
        return (None, mistakes);
    }
    (Some(assemble::catalog(inventory, hosts, (told, backed), &waves, selection)), mistakes)
}

/// Everything about one compilation.
pub(crate) struct World<'w, 'e, 'a> {
    inventory: &'a Inventory,
    library: &'a Library,
    expressions: &'w Expressions<'e, 'a>,
    hosts: Vec<HostInput<'a>>,
    /// Every service on every host, in inventory order: services outside, hosts inside.
    instances: Vec<Instance<'a>>,
    report: Report,
    /// False: the inventory lacks what was wrong in it, so that what is missing may well be there.
    whole: bool,
}

pub(crate) struct HostInput<'a> {
    name: &'a str,
    place: &'a Place,
    host: &'a crate::inventory::Host,
    scope: Arc<Scope>,
    /// Indices of its instances, in inventory order.
    instances: Vec<usize>,
}

/// A service on one host.
pub(crate) struct Instance<'a> {
    /// Index of the host.
    host: usize,
    name: &'a str,
    service: &'a Service,
    place: &'a Place,
    /// `None`: there is no such module, or it is broken.
    module: Option<&'a Module>,
    /// What its expressions see. `None`: its params are wrong, so that nothing more can be said about it.
    scope: Option<Arc<Scope>>,
    needs: Vec<needs::Bound<'a>>,
    /// What those that need it told it.
    needed_by: Vec<minijinja::Value>,
    gathered: BTreeMap<String, Vec<minijinja::Value>>,
}

impl<'w, 'e, 'a> World<'w, 'e, 'a> {
    fn new(
        inventory: &'a Inventory,
        library: &'a Library,
        expressions: &'w Expressions<'e, 'a>,
        report: Report,
    ) -> Self {
        let common = given::common(inventory);
        let mut hosts: Vec<HostInput<'a>> = inventory
            .hosts
            .iter()
            .map(|(name, host)| HostInput {
                name,
                place: &host.place,
                host,
                scope: given::of_host(&common, host),
                instances: Vec::new(),
            })
            .collect();
        let mut instances = Vec::new();
        for (name, service) in &inventory.services {
            let module = library.get(&service.module.value);
            for host in service.hosts.iter().filter_map(|host| inventory.hosts.get_index_of(host)) {
                if let Some(input) = hosts.get_mut(host) {
                    input.instances.push(instances.len());
                }
                instances.push(Instance {
                    host,
                    name,
                    service,
                    place: &service.place,
                    module,
                    scope: None,
                    needs: Vec::new(),
                    needed_by: Vec::new(),
                    gathered: BTreeMap::new(),
                });
            }
        }
        Self { inventory, library, expressions, hosts, instances, report, whole: true }
    }

    fn host_name(&self, host: usize) -> &'a str {
        self.hosts.get(host).map_or("", |host| host.name)
    }
}

/// The names of vars that were looked up.
pub(crate) type Used = BTreeSet<String>;

/// A mistake about a service as a whole.
fn at_service(instance: &Instance<'_>, fact: String) -> Diagnostic {
    Diagnostic::error(fact).at(instance.place)
}

#[cfg(test)]
mod tests;
