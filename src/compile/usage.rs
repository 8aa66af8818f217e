//! What the inventory asks of modules, as far as it can be judged without values: that the module exists and has such
//! parameters and needs, that nothing required is missing, and that somebody understands what modules offer.

use std::collections::BTreeSet;

use super::World;
use crate::diag::{Diagnostic, Diagnostics, Place, closest};
use crate::inventory::Service;
use crate::modules::{Module, Param, check_lists};
use crate::yaml::Node;

pub(super) fn check(world: &mut World<'_, '_, '_>) {
    let (inventory, library) = (world.inventory, world.library);
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for (name, service) in &inventory.services {
        match library.get(&service.module.value) {
            Some(module) => {
                used.insert(&module.name);
                service_of(world, name, service, &service.place, module);
            }
            None if library.knows(&service.module.value) => {}
            None => {
                let known: Vec<&str> = library.names().collect();
                let mistake = Diagnostic::error(format!("there is no module `{}`", service.module.escape_debug()))
                    .at(&service.module.place);
                world.report.push(match closest(&service.module, &known) {
                    Some(near) => mistake.remedy(format!("did you mean `{near}`?")),
                    None => mistake.remedy(format!(
                        "`steward module list` shows those there are; `steward module new {}` begins one",
                        service.module.value
                    )),
                });
            }
        }
    }
    let known = library.offer_names();
    for module in library.modules().filter(|module| used.contains(module.name.as_str())) {
        for (name, offers) in &module.offers {
            if let Some(first) = offers.first().filter(|_| !known.contains(&name.as_str())) {
                let fact = format!("no module gathers `{name}`");
                let mistake = Diagnostic::error(fact).at(&first.values.place);
                world.report.push(mistake.suggest(name, known.iter().copied()));
            }
        }
    }
}

fn service_of(world: &mut World<'_, '_, '_>, name: &str, service: &Service, place: &Place, module: &Module) {
    for (param, entry) in &service.params {
        if !module.param_names.contains(param) {
            let fact = format!("the module `{}` has no parameter `{}`", module.name, param.escape_debug());
            let known = module.param_names.iter().map(String::as_str);
            world.report.push(Diagnostic::error(fact).at(&entry.key).suggest(param, known));
        }
    }
    for (need, entry) in &service.needs {
        if !module.needs.contains_key(need) {
            let fact = format!("the module `{}` does not need `{}`", module.name, need.escape_debug());
            let known = module.needs.keys().map(String::as_str);
            world.report.push(Diagnostic::error(fact).at(&entry.key).suggest(need, known));
        }
    }
    let mut mistakes = Diagnostics::default();
    check_lists(module, name, &service.params, &mut mistakes);
    world.report.all(mistakes);
    for (param, declared) in &module.params {
        let given = service.params.get(param).is_some_and(|entry| !entry.node.is_null());
        if !given && declared.default.is_none() && !declared.optional {
            let fact = format!("the service `{name}` lacks the parameter `{param}`");
            world.report.push(Diagnostic::error(fact).at(place).remedy(missing(world, param, declared)));
        }
    }
}

fn missing(world: &World<'_, '_, '_>, name: &str, param: &Param) -> String {
    let example = param.example.as_ref().map(Node::to_json).map_or_else(|| "…".to_owned(), |value| value.to_string());
    let remedy = format!("add `{name}: {example}` to its `params`");
    match param.help.in_language(world.inventory.chapter.locale.code()) {
        "" => remedy,
        help => format!("{remedy}: {}", help.trim().trim_end_matches('.')),
    }
}
