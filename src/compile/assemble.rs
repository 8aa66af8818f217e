//! The catalog of what was selected.

use std::sync::Arc;

use super::offers::Told;
use super::resources::Made;
use crate::catalog::{Backed, Catalog, HostCatalog, Resource, ServiceEntry, ServiceState};
use crate::inventory::{Inventory, Selection};

pub(super) fn catalog(
    inventory: &Inventory,
    made: Vec<Made>,
    (told, backed): (Vec<Told>, Vec<Vec<Backed>>),
    waves: &[usize],
    selection: &Selection,
) -> Catalog {
    let retire = Arc::new(inventory.retire.iter().map(|(what, fate)| (what.clone(), fate.value)).collect());
    let hosts = made.into_iter().filter_map(|made| {
        let (_, host) = inventory.hosts.get_index(made.host)?;
        let text = |fact: &Option<crate::yaml::Placed<String>>| fact.as_ref().map(|fact| fact.value.clone());
        let site = made.site;
        let told = told.get(made.host).cloned().unwrap_or_default();
        let mut catalog = HostCatalog {
            host: host.name.clone(),
            chapter: inventory.chapter.name.value.clone(),
            readers: inventory.chapter.readers.iter().map(|key| key.value.key()).collect(),
            bootstrap: (selection.services.is_none() && !site.is_directory()).then(|| host.user.as_str().to_owned()),
            site,
            os: text(&host.os),
            architecture: text(&host.arch),
            partial: selection.services.is_some(),
            retire: Arc::clone(&retire),
            wave: waves.get(made.host).copied().unwrap_or_default(),
            ports: told.ports,
            keepers: told.keepers,
            backed: backed.get(made.host).cloned().unwrap_or_default(),
            checks: made.checks.into_iter().filter(|check| selection.has_service(&check.service)).collect(),
            support: made.support,
            services: made.services,
            resources: Vec::new(),
        };
        for service in catalog.services.iter_mut().filter(|service| !selection.has_service(&service.name)) {
            // a limit leaves it out: what the host remembers of it stays
            service.state = ServiceState::default();
        }
        catalog.resources = limited(made.resources, &catalog.services, selection);
        Some(Arc::new(catalog))
    });
    Catalog {
        inventory: inventory.id.value.clone(),
        name: inventory.chapter.name.value.clone(),
        hosts: hosts.collect(),
        partial: selection.services.is_some(),
    }
}

/// The resources of the selected services, and those of others that must react to them: a limit shall not keep nginx
/// from hearing that its site changed.
fn limited(resources: Vec<Resource>, services: &[ServiceEntry], selection: &Selection) -> Vec<Resource> {
    if selection.services.is_none() {
        return resources;
    }
    let is_chosen = |resource: &Resource| {
        resource.owners.iter().filter_map(|owner| services.get(*owner)).any(|of| selection.has_service(&of.name))
    };
    let paths: Vec<String> = resources
        .iter()
        .filter(|resource| is_chosen(resource))
        .filter_map(|of| Some(of.item.path()?.to_owned()))
        .collect();
    let reacts = |resource: &Resource| {
        let globs = resource.item.reactions().into_iter().flat_map(|reaction| reaction.on);
        globs.into_iter().any(|glob| paths.iter().any(|path| crate::glob::touches(&glob, path)))
    };
    resources.into_iter().filter(|resource| is_chosen(resource) || reacts(resource)).collect()
}
