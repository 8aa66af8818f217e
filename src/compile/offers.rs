//! Offers: what services tell those that gather it. Ports that two services of a host both want are found here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::Value;

use super::needs::placed;
use super::repeat::scopes;
use super::{Instance, World};
use crate::diag::{Diagnostic, Diagnostics};
use crate::modules::accept_fields;
use crate::template::{Scope, to_value};
use crate::yaml::{Map, Node};

/// One offer of one instance.
pub(crate) struct Offered<'a> {
    pub(super) name: &'a str,
    /// The instance that offers.
    pub(super) from: usize,
    /// The instance that it is meant for; else those of the host that gather such offers.
    pub(super) to: Option<usize>,
    pub(super) fields: Node,
}

pub(super) fn collect<'a>(world: &mut World<'_, '_, 'a>, order: &[usize]) -> Vec<Offered<'a>> {
    let mut offers = Vec::new();
    for &index in order {
        let mut mistakes = Diagnostics::default();
        of_instance(world, index, &mut offers, &mut mistakes);
        if let Some(host) = world.instances.get(index).map(|instance| instance.host) {
            world.report.on_host(host, mistakes);
        }
    }
    ports(world, &offers);
    offers
}

fn of_instance<'a>(
    world: &World<'_, '_, 'a>,
    from: usize,
    offers: &mut Vec<Offered<'a>>,
    mistakes: &mut Diagnostics,
) -> Option<()> {
    let instance = world.instances.get(from)?;
    let (module, scope) = (instance.module?, instance.scope.as_ref()?);
    let needed_by = world.expressions.veil().over(Value::from(instance.needed_by.clone()));
    let scope = &Arc::new(Scope::within(scope).with("needed_by", needed_by));
    for (name, declared) in module.offers.iter().flat_map(|(name, offers)| offers.iter().map(move |one| (name, one)))
    {
        for scope in scopes(world.expressions, &declared.repeat, scope, mistakes).unwrap_or_default() {
            let to = match &declared.to {
                None => None,
                Some(to) => match world.expressions.evaluate(to, &scope, mistakes) {
                    Some(to) => Some(mistakes.keep(addressee(world, instance, &to))?),
                    None => continue,
                },
            };
            if let Some(fields) = world.expressions.evaluate(&declared.values, &scope, mistakes) {
                offers.push(Offered { name, from, to, fields });
            }
        }
    }
    Some(())
}

fn addressee(world: &World<'_, '_, '_>, instance: &Instance<'_>, to: &Node) -> Result<usize, Box<Diagnostic>> {
    let name = to.as_str().unwrap_or_default();
    placed(world, name, instance.host).map_err(|hosts| {
        let known = world.inventory.services.keys().map(String::as_str);
        Box::new(match hosts {
            0 => Diagnostic::error(format!("there is no service `{name}`")).at(&to.place).suggest(name, known),
            _ => Diagnostic::error(format!("`{name}` runs on {hosts} hosts")).at(&to.place),
        })
    })
}

/// The same port of the same host, wanted by two services.
fn ports(world: &mut World<'_, '_, '_>, offers: &[Offered<'_>]) {
    let mut taken: BTreeMap<(usize, String, i64), usize> = BTreeMap::new();
    let is_shared = |offer: &&Offered<'_>| offer.fields.get("shared").and_then(Node::as_bool) == Some(true);
    for offer in offers.iter().filter(|offer| offer.name == "ports" && !is_shared(offer)) {
        let Some(instance) = world.instances.get(offer.from) else { continue };
        let mut mistakes = Diagnostics::default();
        let port = offer.fields.get("port").and_then(Node::as_int).filter(|port| (1..=65535).contains(port));
        let protocol = offer.fields.get("protocol").map_or(Some("tcp"), Node::as_str);
        match (port, protocol) {
            (Some(port), Some(protocol @ ("tcp" | "udp"))) => {
                let first = *taken.entry((instance.host, protocol.to_owned(), port)).or_insert(offer.from);
                if let Some(other) = world.instances.get(first).filter(|_| first != offer.from) {
                    let names = format!("`{}` and `{}`", other.name, instance.name);
                    let host = world.host_name(instance.host);
                    mistakes.push(
                        Diagnostic::error(format!("{names} both listen on {protocol} port {port} of `{host}`"))
                            .at(instance.place)
                            .related(other.place, "the other one")
                            .remedy("give one of them another port, or another host"),
                    );
                }
            }
            _ => mistakes.push(
                Diagnostic::error("an offer of `ports` needs a `port` from 1 to 65535, and a `protocol`, tcp or udp")
                    .at(&offer.fields.place),
            ),
        }
        let host = instance.host;
        world.report.on_host(host, mistakes);
    }
}

/// What the offers of one host tell a reviewer.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) ports: BTreeSet<String>,
    pub(super) keepers: BTreeSet<String>,
    /// What is to be saved.
    pub(super) saved: Vec<Saved>,
    /// Roots of sites, with the service that offers each.
    pub(super) roots: Vec<(String, String)>,
}

/// One offer of a backup.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    pub(super) service: String,
    pub(super) paths: Vec<String>,
    pub(super) databases: Vec<String>,
}

/// For each host, by its index.
pub(super) fn told(world: &World<'_, '_, '_>, offers: &[Offered<'_>]) -> Vec<Told> {
    let mut all = vec![Told::default(); world.hosts.len()];
    for offer in offers {
        let Some(instance) = world.instances.get(offer.from) else { continue };
        let Some(told) = all.get_mut(instance.host) else { continue };
        if offer.name == "backups" {
            told.keepers.insert(instance.name.to_owned());
            let text = |key: &str| Some(offer.fields.get(key)?.as_str()?.to_owned());
            let paths = offer.fields.get("paths").and_then(Node::as_list).unwrap_or_default();
            told.saved.push(Saved {
                service: instance.name.to_owned(),
                paths: paths.iter().filter_map(Node::as_str).map(str::to_owned).collect(),
                databases: ["postgres", "mariadb"].iter().filter_map(|key| text(key)).collect(),
            });
        }
        if let ("sites", Some(root)) = (offer.name, offer.fields.get("root").and_then(Node::as_str)) {
            told.roots.push((root.to_owned(), instance.name.to_owned()));
        }
        if let ("ports", Some(port)) = (offer.name, offer.fields.get("port").and_then(Node::as_int)) {
            let protocol = offer.fields.get("protocol").and_then(Node::as_str).unwrap_or("tcp");
            told.ports.insert(format!("{protocol} {port} ({})", instance.name));
        }
    }
    all
}

/// Gives each gathering instance what it gathers, in the order of services.
pub(super) fn gather(world: &mut World<'_, '_, '_>, offers: Vec<Offered<'_>>) {
    let mut by_host: BTreeMap<usize, Vec<&Offered<'_>>> = BTreeMap::new();
    let mut addressed: BTreeMap<usize, Vec<&Offered<'_>>> = BTreeMap::new();
    for offer in &offers {
        match (offer.to, world.instances.get(offer.from)) {
            (Some(to), _) => addressed.entry(to).or_default().push(offer),
            (None, Some(instance)) => by_host.entry(instance.host).or_default().push(offer),
            (None, None) => {}
        }
    }
    for index in 0..world.instances.len() {
        let Some(instance) = world.instances.get(index) else { continue };
        let Some(module) = instance.module.filter(|module| !module.gathers.is_empty()) else { continue };
        let host = instance.host;
        let mut mistakes = Diagnostics::default();
        let mut gathered = BTreeMap::new();
        let near = by_host.get(&host).into_iter().chain(addressed.get(&index)).flatten();
        for (name, fields) in &module.gathers {
            let mut values = Vec::new();
            for offer in near.clone().filter(|offer| offer.name == name) {
                let given: Map = offer.fields.as_map().cloned().unwrap_or_default();
                if let Some(accepted) = accept_fields(fields, name, given, &offer.fields.place, &mut mistakes) {
                    values.push(with_sender(world, offer, accepted));
                }
            }
            gathered.insert(name.clone(), values);
        }
        world.report.on_host(host, mistakes);
        if let Some(instance) = world.instances.get_mut(index) {
            instance.gathered = gathered;
        }
    }
}

fn with_sender(world: &World<'_, '_, '_>, offer: &Offered<'_>, fields: Map) -> Value {
    let mut pairs: Vec<(String, Value)> =
        fields.iter().map(|(key, entry)| (key.clone(), to_value(&entry.node))).collect();
    if let Some(instance) = world.instances.get(offer.from) {
        pairs.push(("service".to_owned(), Value::from(instance.name)));
        pairs.extend(instance.module.iter().flat_map(|module| {
            [
                ("module".to_owned(), Value::from(module.name.as_str())),
                ("version".to_owned(), Value::from(module.version)),
            ]
        }));
        pairs.push(("host".to_owned(), Value::from(world.host_name(instance.host))));
    }
    Value::from_pairs(pairs)
}
