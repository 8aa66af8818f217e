//! Needs: which service meets each, what it hands back, and the order that follows.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;

use super::cycles::{Graph, circle};
use super::offers::Offered;
use super::repeat::condition;
use super::{Instance, World, at_service};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::modules::{Need, accept_fields, secrets_of};
use crate::secret::SecretName;
use crate::template::veil::placeholder;
use crate::template::{Scope, to_value};
use crate::yaml::{Entry, Map};

/// A need and the instance that meets it.
pub(crate) struct Bound<'a> {
    pub(super) alias: &'a str,
    pub(super) need: &'a Need,
    /// What the inventory says about it.
    pub(super) own: Option<&'a Map>,
    /// `None`: it is optional and nobody meets it.
    pub(super) provider: Option<usize>,
}

/// Binds every need to the one service of its module on the host, or to the one that the inventory names.
pub(super) fn bind(world: &mut World<'_, '_, '_>) {
    for index in 0..world.instances.len() {
        let Some((host, bound, mistakes)) = bound(world, index) else { continue };
        world.report.on_host(host, mistakes);
        if let Some(instance) = world.instances.get_mut(index) {
            instance.needs = bound;
        }
    }
}

fn bound<'a>(world: &World<'_, '_, 'a>, index: usize) -> Option<(usize, Vec<Bound<'a>>, Diagnostics)> {
    let instance = world.instances.get(index)?;
    let mut mistakes = Diagnostics::default();
    let mut bound = Vec::new();
    for (alias, need) in &instance.module?.needs {
        if let Some(when) = &need.when {
            let holds =
                instance.scope.as_ref().and_then(|scope| condition(world.expressions, when, scope, &mut mistakes));
            if holds != Some(true) {
                continue;
            }
        }
        let own = instance.service.needs.get(alias);
        let provider = match own.map(|entry| (entry, named(entry))) {
            Some((entry, Some(name))) => by_name(world, instance, need, entry, name, &mut mistakes),
            _ => by_module(world, instance, need, &mut mistakes),
        };
        let own = own.and_then(|entry| entry.node.as_map());
        bound.push(Bound { alias, need, own, provider });
    }
    Some((instance.host, bound, mistakes))
}

/// `needs: { postgres: db }` or `needs: { postgres: { service: db } }`.
fn named(entry: &Entry) -> Option<&str> {
    entry.node.as_str().or_else(|| entry.node.get("service")?.as_str())
}

fn by_name(
    world: &World<'_, '_, '_>,
    instance: &Instance<'_>,
    need: &Need,
    entry: &Entry,
    name: &str,
    mistakes: &mut Diagnostics,
) -> Option<usize> {
    let place = entry.node.get("service").map_or(&entry.node.place, |node| &node.place);
    let Some(service) = world.inventory.services.get(name) else {
        if !world.whole {
            return None;
        }
        let of_module = world.inventory.services.iter().filter(|(_, service)| service.module.value == need.module);
        let mistake = Diagnostic::error(format!("there is no service `{}`", name.escape_debug())).at(place);
        mistakes.push(mistake.suggest(name, of_module.map(|(name, _)| name.as_str())));
        return None;
    };
    if service.module.value != need.module {
        let fact = format!("`{name}` is a service of module `{}`, not of `{}`", service.module.value, need.module);
        mistakes.push(Diagnostic::error(fact).at(place).related(&service.place, "declared here"));
        return None;
    }
    if need.elsewhere {
        return named_elsewhere(world, instance, need, name, place, mistakes);
    }
    match placed(world, name, instance.host) {
        Ok(found) => Some(found),
        Err(hosts) => {
            let fact = format!("`{name}` runs on {hosts} hosts, and not on `{}`", world.host_name(instance.host));
            mistakes.push(Diagnostic::error(fact).at(place).remedy("place it on one host, or beside what needs it"));
            None
        }
    }
}

/// A service that must be on another host, and on one alone of them.
fn named_elsewhere(
    world: &World<'_, '_, '_>,
    instance: &Instance<'_>,
    need: &Need,
    name: &str,
    place: &Place,
    mistakes: &mut Diagnostics,
) -> Option<usize> {
    let found = on_others(world, instance, |other| other.name == name);
    if let [only] = found[..] {
        return Some(only);
    }
    let host = world.host_name(instance.host);
    let fact = match found.len() {
        0 => format!("`{name}` is on `{host}` itself, and `{}` needs it on another host", instance.name),
        hosts => {
            format!("`{name}` runs on {hosts} hosts besides `{host}`, so that it is not clear which one is meant")
        }
    };
    let mistake = Diagnostic::error(fact).at(place).related(&need.place, "needed here");
    mistakes.push(mistake.remedy("place it on one other host, or name another service"));
    None
}

/// The instances on other hosts that these words are true of.
fn on_others(
    world: &World<'_, '_, '_>,
    instance: &Instance<'_>,
    is_meant: impl Fn(&Instance<'_>) -> bool,
) -> Vec<usize> {
    let is_one = |index: &usize| {
        world.instances.get(*index).is_some_and(|other| other.host != instance.host && is_meant(other))
    };
    (0..world.instances.len()).filter(is_one).collect()
}

/// The instance of a service on this host, else its only one. `Err` counts those elsewhere.
pub(super) fn placed(world: &World<'_, '_, '_>, service: &str, host: usize) -> Result<usize, usize> {
    let here = world.hosts.get(host).into_iter().flat_map(|host| &host.instances);
    let named = |index: &&usize| world.instances.get(**index).is_some_and(|instance| instance.name == service);
    if let Some(index) = here.copied().find(|index| named(&index)) {
        return Ok(index);
    }
    let all: Vec<usize> = (0..world.instances.len()).filter(|index| named(&index)).collect();
    match all[..] {
        [only] => Ok(only),
        _ => Err(all.len()),
    }
}

fn by_module(
    world: &World<'_, '_, '_>,
    instance: &Instance<'_>,
    need: &Need,
    mistakes: &mut Diagnostics,
) -> Option<usize> {
    let on_host = world.hosts.get(instance.host).map(|host| host.instances.as_slice()).unwrap_or_default();
    let is_one = |other: &Instance<'_>| other.service.module.value == need.module;
    let meets = |index: &usize| world.instances.get(*index).is_some_and(is_one);
    let found: Vec<usize> = if need.elsewhere {
        on_others(world, instance, is_one)
    } else {
        on_host.iter().copied().filter(meets).collect()
    };
    match found[..] {
        [only] => Some(only),
        [] if need.optional => None,
        [] => {
            if world.whole {
                mistakes.push(unmet(world, instance, need));
            }
            None
        }
        _ => {
            let names: Vec<&str> = found.iter().filter_map(|index| Some(world.instances.get(*index)?.name)).collect();
            let fact = format!(
                "`{}` needs `{}`, and several services are that: {}",
                instance.name,
                need.module,
                names.join(", ")
            );
            let first = names.first().unwrap_or(&"");
            let remedy = format!("name the one it shall use: `needs: {{ {}: {{ service: {first} }} }}`", need.module);
            mistakes.push(at_service(instance, fact).remedy(remedy));
            None
        }
    }
}

fn unmet(world: &World<'_, '_, '_>, instance: &Instance<'_>, need: &Need) -> Diagnostic {
    let (module, host) = (&need.module, world.host_name(instance.host));
    let on = if need.elsewhere { format!("another host than `{host}`") } else { format!("`{host}`") };
    let mistake = at_service(instance, format!("`{}` needs a service of module `{module}` on {on}", instance.name));
    let mistake = mistake.related(&need.place, "needed here");
    let elsewhere = world.inventory.services.iter().find(|(_, service)| service.module.value == *module);
    let quoted = |word: &str| {
        if word.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            word.to_owned()
        } else {
            format!("'{word}'")
        }
    };
    if need.elsewhere && world.library.knows(module) {
        return mistake.remedy(match elsewhere {
            None => format!("add one: `steward add {module} --on HOST`"),
            Some((name, _)) => format!("place `{name}` on another host"),
        });
    }
    let on: Vec<String> = instance.service.on.iter().map(|word| format!(" --on {}", quoted(&word.value))).collect();
    mistake.remedy(match elsewhere {
        None if !world.library.knows(module) => {
            format!("there is no module `{module}` yet; `steward module list` shows those there are")
        }
        None => format!("add one: `steward add {module}{}`", on.concat()),
        Some((name, service)) if service.hosts.len() == 1 => {
            format!(
                "place `{name}` on {host}, too, or use it from there: `needs: {{ {module}: {{ service: {name} }} }}`"
            )
        }
        Some((name, _)) => format!("place `{name}` on {host}, too: it is declared, but not for this host"),
    })
}

/// All instances, each after those it needs, else in inventory order. `None`: there is a circle.
pub(super) fn order(world: &mut World<'_, '_, '_>) -> Option<Vec<usize>> {
    let edges = |index: usize| -> Vec<usize> {
        let needs = world.instances.get(index).map(|instance| instance.needs.as_slice()).unwrap_or_default();
        needs.iter().filter_map(|bound| bound.provider).collect()
    };
    let sorted = Graph::new(world.instances.len(), edges).sorted();
    sorted
        .map_err(|members| {
            let Some(first) = members.first().and_then(|index| world.instances.get(*index)) else { return };
            let names = members.iter().filter_map(|index| Some(world.instances.get(*index)?.name));
            let fact = format!("services need each other: {}", circle(names));
            let mistake = at_service(first, fact).remedy("remove one of these needs");
            world.report.push(mistake);
        })
        .ok()
}

/// Evaluates facts, in order, and completes the scopes by `needs`.
pub(super) fn hand_back_facts(world: &mut World<'_, '_, '_>, order: &[usize]) {
    let mut taken = BTreeMap::new();
    for &index in order {
        let Some((host, scope, told, mut mistakes)) = facts(world, index) else { continue };
        for (provider, Told { need, unique }) in told {
            for (field, value, place) in unique {
                let (first, at) =
                    taken.entry((provider, field.clone(), value.clone())).or_insert((index, place.clone()));
                mistakes.0.extend(twice(world, (*first, at), (index, &place), &format!("{field}` {value}")));
            }
            if let Some(provider) = world.instances.get_mut(provider) {
                provider.needed_by.push(need);
            }
        }
        world.report.on_host(host, mistakes);
        if let Some(instance) = world.instances.get_mut(index) {
            instance.scope = scope;
        }
    }
}

/// Two services that tell one provider the same, where none may; the hosts of one service may.
fn twice(
    world: &World<'_, '_, '_>,
    (first, at): (usize, &Place),
    (second, place): (usize, &Place),
    what: &str,
) -> Option<Diagnostic> {
    let (first, second) = (world.instances.get(first)?, world.instances.get(second)?);
    if first.name == second.name {
        return None;
    }
    let fact = format!("`{}` and `{}` both want the `{what}", first.name, second.name);
    let mistake = Diagnostic::error(fact).at(place).related(at, "the other one");
    let mistake = mistake.related(first.place, "by this service").related(second.place, "and by this one");
    Some(mistake.remedy("give one of them another value, in `needs` of the service or by a parameter of its module"))
}

/// What a provider gets to know of a need.
struct Told {
    need: Value,
    /// Field, value and place of what no other service may say.
    unique: Vec<(String, String, Place)>,
}

type Facts = (usize, Option<Arc<Scope>>, Vec<(usize, Told)>, Diagnostics);

fn facts(world: &World<'_, '_, '_>, index: usize) -> Option<Facts> {
    let instance = world.instances.get(index)?;
    let scope = instance.scope.as_ref()?;
    let mut mistakes = Diagnostics::default();
    let (mut needs, mut told) = (Vec::new(), Vec::new());
    let mut complete = true;
    for bound in &instance.needs {
        let Some(provider) = bound.provider else {
            complete &= bound.need.optional;
            needs.push((bound.alias, Value::from(())));
            continue;
        };
        match exchange(world, instance, scope, bound, provider, &mut mistakes) {
            Some((need, handed)) => {
                told.push((provider, need));
                needs.push((bound.alias, handed));
            }
            None => complete = false,
        }
    }
    let scope = Scope::within(scope).with("needs", Value::from_pairs(needs));
    Some((instance.host, complete.then(|| Arc::new(scope)), told, mistakes))
}

/// What the one tells the other, its own secrets included, and what it hands back.
fn exchange<'a>(
    world: &World<'_, '_, 'a>,
    instance: &Instance<'a>,
    scope: &Arc<Scope>,
    bound: &Bound<'a>,
    provider: usize,
    mistakes: &mut Diagnostics,
) -> Option<(Told, Value)> {
    let provider = world.instances.get(provider)?;
    let asking = Arc::new(Scope::within(scope).with("secrets", secrets(world, instance)));
    let own = bound.own.into_iter().flatten().filter(|(key, _)| key.as_str() != "service");
    let mut given = Map::new();
    for (key, entry) in bound.need.values.iter().chain(own) {
        let node = world.expressions.evaluate(&entry.node, &asking, mistakes)?;
        given.insert(key.clone(), Entry { key: entry.key.clone(), node });
    }
    let mut unique = Vec::new();
    if let Some(fields) = &provider.module?.takes {
        let place = bound.own.map_or(&bound.need.place, |_| instance.place);
        given = accept_fields(fields, &format!("needs.{}", bound.alias), given, place, mistakes)?;
        for (field, entry) in given
            .iter()
            .filter(|(field, entry)| !entry.node.is_null() && fields.get(*field).is_some_and(|it| it.unique))
        {
            let value = entry.node.as_str().map_or_else(|| entry.node.to_json().to_string(), str::to_owned);
            unique.push((field.clone(), value, entry.node.place.clone()));
        }
    }
    let mut told = whereabouts(world, instance);
    told.retain(|(name, _)| !given.contains_key(name));
    told.extend(given.iter().map(|(key, entry)| (key.clone(), to_value(&entry.node))));
    let told = Value::from_pairs(told);
    let veil = world.expressions.veil();
    let seen = Scope::within(provider.scope.as_ref()?).with("need", veil.over(told.clone()));
    let seen = Arc::new(seen.with("secrets", secrets(world, provider)));
    let mut handed = whereabouts(world, provider);
    for (name, entry) in &provider.module?.facts {
        let value = world.expressions.evaluate(&entry.node, &seen, mistakes)?;
        handed.retain(|(known, _)| known != name);
        handed.push((name.clone(), to_value(&value)));
    }
    Some((Told { need: told, unique }, veil.over(Value::from_pairs(handed))))
}

/// The secrets that a service's module declares, as expressions see them.
pub(super) fn secrets(world: &World<'_, '_, '_>, instance: &Instance<'_>) -> Value {
    let Some(module) = instance.module else { return Value::from_pairs(Vec::<(String, Value)>::new()) };
    let lists = module.secrets.iter().filter(|(_, declared)| declared.each.is_some());
    let mut each: BTreeMap<String, Vec<(String, Value)>> =
        lists.map(|(name, _)| (name.clone(), Vec::new())).collect();
    let mut all = Vec::new();
    for kept in secrets_of(module, instance.name, &instance.service.params) {
        let value = Value::from(placeholder(&kept.name));
        match kept.item {
            None => all.push((kept.declared_as, value)),
            Some(item) => each.entry(kept.declared_as).or_default().push((item, value)),
        }
    }
    all.extend(each.into_iter().map(|(name, items)| (name, Value::from_pairs(items))));
    world.expressions.veil().over(Value::from_pairs(all))
}

/// The names of those that software makes on a host and that are in the store by now, for `when`.
pub(super) fn fetched(world: &World<'_, '_, '_>, instance: &Instance<'_>) -> Value {
    let source = world.expressions.veil().source();
    let declared = instance.module.iter().flat_map(|module| &module.secrets);
    let escrowed = declared.filter(|(_, declared)| declared.escrow.is_some()).map(|(name, _)| name);
    let is_set =
        |name: &&String| SecretName::new(instance.name, name).is_some_and(|it| source.value_id(&it).is_some());
    Value::from(escrowed.filter(is_set).cloned().collect::<Vec<_>>())
}

fn whereabouts(world: &World<'_, '_, '_>, instance: &Instance<'_>) -> Vec<(String, Value)> {
    let address = world.hosts.get(instance.host).map_or("", |host| host.host.address.as_str());
    vec![
        ("service".to_owned(), Value::from(instance.name)),
        ("host".to_owned(), Value::from(world.host_name(instance.host))),
        ("address".to_owned(), Value::from(address)),
    ]
}

/// The wave of each host: after all hosts whose services it needs or offers something to.
pub(super) fn waves(world: &mut World<'_, '_, '_>, offers: &[Offered<'_>]) -> Vec<usize> {
    let host_of = |index: usize| world.instances.get(index).map(|instance| instance.host);
    let mut edges: Vec<Vec<usize>> = vec![Vec::new(); world.hosts.len()];
    let needed = world
        .instances
        .iter()
        .flat_map(|instance| instance.needs.iter().filter_map(|bound| Some((instance.host, bound.provider?))));
    let offered = offers.iter().filter_map(|offer| Some((host_of(offer.from)?, offer.to?)));
    for (from, to) in needed.chain(offered) {
        if let Some(to) = host_of(to).filter(|to| *to != from)
            && let Some(edges) = edges.get_mut(from)
        {
            edges.push(to);
        }
    }
    let graph = Graph::new(world.hosts.len(), |host| edges.get(host).cloned().unwrap_or_default());
    match graph.sorted() {
        Ok(order) => {
            let mut waves = vec![0_usize; world.hosts.len()];
            for host in order {
                let after = edges.get(host).into_iter().flatten().filter_map(|to| waves.get(*to)).max();
                let wave = after.map_or(0, |wave| wave + 1);
                if let Some(slot) = waves.get_mut(host) {
                    *slot = wave;
                }
            }
            waves
        }
        Err(members) => {
            let first: Option<&Place> = members.first().and_then(|host| Some(world.hosts.get(*host)?.place));
            let fact =
                format!("hosts need each other: {}", circle(members.iter().map(|host| world.host_name(*host))));
            let mut mistake =
                Diagnostic::error(fact).remedy("move a service, so that one host can be changed before the other");
            if let Some(place) = first {
                mistake = mistake.at(place);
            }
            world.report.push(mistake);
            Vec::new()
        }
    }
}
