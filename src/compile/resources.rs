//! Declarations to resources: one ordered list for each selected host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::Value;

use super::classes::Kept;
use super::files::{Content, Sources};
use super::needs::{fetched, secrets};
use super::repeat::scopes;
use super::rotations;
use super::{Instance, World};
use crate::abilities::Support;
use crate::catalog::{Resource, ServiceEntry, ServiceState};
use crate::checks::{self, Check};
use crate::diag::{Diagnostic, Diagnostics};
use crate::inventory::Selection;
use crate::kinds::{Build, Kind, Site, fight};
use crate::modules::{DeclaredCheck, Supported, Text};
use crate::resource::Id;
use crate::said::Said;
use crate::template::Scope;
use crate::yaml::Node;

/// One host, all of its services.
pub(super) struct Made {
    /// Index of the host.
    pub(super) host: usize,
    pub(super) site: Site,
    pub(super) services: Vec<ServiceEntry>,
    pub(super) resources: Vec<Resource>,
    pub(super) checks: Vec<Check>,
    /// What modules say is data of a class.
    pub(super) kept: Vec<Kept>,
    pub(super) support: BTreeMap<Id, Support>,
}

pub(super) fn make(world: &mut World<'_, '_, '_>, order: &[usize], selection: &Selection) -> Vec<Made> {
    let mut sources = Sources::new(&world.inventory.dir, world.library.root(), world.expressions.budget());
    let chosen: BTreeSet<&str> = selection.hosts.iter().map(String::as_str).collect();
    let mut by_host: Vec<Vec<usize>> = vec![Vec::new(); world.hosts.len()];
    for &index in order {
        if let Some(list) = world.instances.get(index).and_then(|instance| by_host.get_mut(instance.host)) {
            list.push(index);
        }
    }
    let mut made = Vec::new();
    for (host, order) in by_host.into_iter().enumerate() {
        if chosen.contains(world.host_name(host)) {
            let mut mistakes = Diagnostics::default();
            made.push(on_host(world, host, &order, &mut sources, &mut mistakes));
            world.report.on_host(host, mistakes);
        }
    }
    made
}

fn on_host(
    world: &World<'_, '_, '_>,
    host: usize,
    order: &[usize],
    sources: &mut Sources,
    mistakes: &mut Diagnostics,
) -> Made {
    let declared = world.hosts.get(host).map(|host| host.host);
    let root = declared.and_then(|host| host.root.as_ref());
    let os = declared.and_then(|host| host.os.as_ref()).map(|os| os.value.clone());
    let site = Site { os, ..Site::of(&world.inventory.dir, root.map(|root| root.value.as_str())) };
    let mut list = List {
        world,
        order,
        site: &site,
        resources: Vec::new(),
        checks: Vec::new(),
        kept: Vec::new(),
        support: BTreeMap::new(),
        known: BTreeMap::new(),
        left_out: BTreeSet::new(),
    };
    for (owner, &index) in order.iter().enumerate() {
        list.add_service(owner, index, sources, mistakes);
    }
    list.refuse_fights(mistakes);
    if let (Some(root), false) = (root, list.left_out.is_empty()) {
        let kinds: Vec<&str> = list.left_out.iter().copied().collect();
        let fact = format!("a directory is not a running host: resources of kind {} are left out", kinds.join(", "));
        mistakes.push(Diagnostic::warning(fact).at(&root.place));
    }
    let position = |provider: usize| order.iter().position(|index| *index == provider);
    let entry = |index: &usize| {
        let instance = world.instances.get(*index)?;
        let needs = instance.needs.iter().filter_map(|bound| position(bound.provider?)).collect();
        let (name, module) = (instance.name.to_owned(), instance.service.module.value.clone());
        Some(ServiceEntry { name, module, needs, state: state(instance) })
    };
    let services = order.iter().filter_map(entry).collect();
    let List { resources, checks, kept, support, .. } = list;
    Made { host, site, services, resources, checks, kept, support }
}

/// What the host is to remember of the service.
fn state(instance: &Instance<'_>) -> ServiceState {
    let (Some(module), Some(scope)) = (instance.module, instance.scope.as_ref()) else {
        return ServiceState::default();
    };
    let fixed = module.params.iter().filter(|(_, param)| param.immutable);
    let fixed = fixed.filter_map(|(name, _)| Some((name.clone(), serde_json::to_string(scope.get(name)?).ok()?)));
    let text = |text: &Text| Said::of(|locale| text.in_language(locale.code()).trim().to_owned());
    ServiceState {
        version: module.version,
        accepted: instance.service.accept_upgrade.unwrap_or_default(),
        breaking: module.breaking.iter().map(|(version, what)| (*version, text(what))).collect(),
        fixed: fixed.collect(),
    }
}

/// A secret in a field that does not take one would be seen on the way, in a plan or in a list of processes.
fn refuse_secrets(kind: &dyn Kind, fields: &Node, mistakes: &mut Diagnostics) -> bool {
    let taken = kind.secret_fields();
    let mut refused = false;
    for (name, entry) in fields.as_map().into_iter().flatten() {
        if taken.contains(&name.as_str()) && entry.node.as_str().is_some() {
            continue;
        }
        if let Some(node) = sealed_in(&entry.node) {
            let fact = format!("a secret cannot stand in `{name}` of a {}", kind.name());
            let remedy = match taken {
                [] => "put it into the content of a file, or the `stdin` of a command".to_owned(),
                _ => format!("it can stand in: {}", taken.join(", ")),
            };
            mistakes.push(Diagnostic::error(fact).at(&node.place).remedy(remedy));
            refused = true;
        }
    }
    refused
}

fn sealed_in(node: &Node) -> Option<&Node> {
    if node.sealed.is_some() {
        return Some(node);
    }
    match &node.value {
        crate::yaml::Value::List(items) => items.iter().find_map(sealed_in),
        crate::yaml::Value::Map(map) => map.values().find_map(|entry| sealed_in(&entry.node)),
        _ => None,
    }
}

/// The resources of one host so far.
struct List<'l, 'w, 'e, 'a> {
    world: &'l World<'w, 'e, 'a>,
    /// Instances of this host; owners are positions in it.
    order: &'l [usize],
    site: &'l Site,
    resources: Vec<Resource>,
    checks: Vec<Check>,
    kept: Vec<Kept>,
    support: BTreeMap<Id, Support>,
    known: BTreeMap<Id, usize>,
    left_out: BTreeSet<&'static str>,
}

impl<'a> List<'_, '_, '_, 'a> {
    fn add_service(
        &mut self,
        owner: usize,
        index: usize,
        sources: &mut Sources,
        mistakes: &mut Diagnostics,
    ) -> Option<()> {
        let world = self.world;
        let instance = world.instances.get(index)?;
        let (module, scope) = (instance.module?, instance.scope.as_ref()?);
        let gathered: Vec<(String, Value)> =
            instance.gathered.iter().map(|(name, offers)| (name.clone(), Value::from(offers.clone()))).collect();
        let veil = world.expressions.veil();
        let scope = Scope::within(scope)
            .with("offers", veil.over(Value::from_pairs(gathered)))
            .with("needed_by", veil.over(Value::from(instance.needed_by.clone())))
            .with("secrets", secrets(world, instance))
            .with("fetched", fetched(world, instance));
        let scope = Arc::new(scope);
        // before anything else of the service: if software does not take the new value, nothing else gets it
        let first = self.resources.len();
        let changing = rotations::changing(module, instance.name, veil.source());
        for rotation in &changing {
            if self.site.is_directory() {
                self.left_out.insert("command");
            } else {
                self.add(rotation.resource(owner, true), mistakes);
            }
        }
        if let Some(class) = &module.data {
            let (service, place) = (instance.name.to_owned(), instance.place.clone());
            self.kept.push(Kept { resource: None, service, place, class: class.clone() });
        }
        for declared in &module.resources {
            if self.site.is_directory() && !declared.kind.works_in_directory() {
                self.left_out.insert(declared.kind.name());
                continue;
            }
            for scope in scopes(world.expressions, &declared.repeat, &scope, mistakes).unwrap_or_default() {
                let Some(fields) = world.expressions.evaluate_sealing(&declared.fields, &scope, mistakes) else {
                    continue;
                };
                if refuse_secrets(declared.kind, &fields, mistakes) {
                    continue;
                }
                let mut files = Content { sources: &mut *sources, expressions: world.expressions, scope: &scope };
                let mut build = Build { mistakes: &mut *mistakes, files: &mut files, site: self.site };
                if let Some(item) = declared.kind.item(&fields, &mut build) {
                    let id = Id::new(declared.kind.name(), item.name());
                    let place = fields.place.clone();
                    let (kind, item, owners) = (declared.kind, Arc::from(item), vec![owner]);
                    for supported in module.supported.iter().chain(&declared.supported) {
                        self.ask(&id, supported, &scope, mistakes);
                    }
                    if let Some(class) = &declared.class {
                        let (service, place, resource) = (instance.name.to_owned(), place.clone(), Some(id.clone()));
                        self.kept.push(Kept { resource, service, place, class: class.clone() });
                    }
                    self.add(Resource { id, kind, item, owners, data: declared.data, place }, mistakes);
                }
            }
        }
        for (rotation, position) in changing.iter().zip(first..) {
            let used = self.resources.iter().skip(first + changing.len()).any(|it| rotation.is_of(it));
            if let Some(place) = self.resources.get_mut(position).filter(|it| !used && it.id == rotation.id()) {
                *place = rotation.resource(owner, false);
            }
        }
        // a directory serves nobody
        for declared in module.checks.iter().filter(|_| !self.site.is_directory()) {
            self.add_checks(declared, instance.name, &scope, mistakes);
        }
        // Nothing uses it yet, but what is wrong in it is wrong now.
        for node in module.handoff.nodes() {
            world.expressions.evaluate(node, &scope, mistakes);
        }
        Some(())
    }

    /// What a resource asks of the host, beside what others ask for it.
    fn ask(&mut self, id: &Id, supported: &'a Supported, scope: &Arc<Scope>, mistakes: &mut Diagnostics) {
        let mut here = true;
        if let Some(when) = &supported.when
            && let Some(value) = self.world.expressions.evaluate(when, scope, mistakes)
        {
            match value.as_bool() {
                Some(is) => here = is,
                None => mistakes.push(
                    Diagnostic::error(format!(
                        "`when` of `supported` must be true or false, not {}",
                        value.description()
                    ))
                    .at(&when.place),
                ),
            }
        }
        let language = self.world.inventory.chapter.locale.code();
        let support = self.support.entry(id.clone()).or_default();
        support.never |= !here;
        for word in &supported.abilities {
            if !support.abilities.contains(word) {
                support.abilities.push(word);
            }
        }
        if support.because.is_empty() {
            supported.because.in_language(language).trim().clone_into(&mut support.because);
        }
    }

    fn add_checks(
        &mut self,
        declared: &'a DeclaredCheck,
        service: &str,
        scope: &Arc<Scope>,
        mistakes: &mut Diagnostics,
    ) {
        let expressions = self.world.expressions;
        for scope in scopes(expressions, &declared.repeat, scope, mistakes).unwrap_or_default() {
            let Some(node) = expressions.evaluate_sealing(&declared.fields, &scope, mistakes) else { continue };
            if let Some(sealed) = sealed_in(&node) {
                let remedy = "check what works without it: it would be seen in a list of processes or a log";
                mistakes.push(Diagnostic::error("a secret cannot stand in a check").at(&sealed.place).remedy(remedy));
                continue;
            }
            self.checks.extend(checks::read(&node, service, mistakes));
        }
    }

    fn add(&mut self, new: Resource, mistakes: &mut Diagnostics) {
        if mistakes.keep(self.world.expressions.budget().add_resource(&new.place)).is_none() {
            return;
        }
        let Some(known) = self.known.get(&new.id).and_then(|index| self.resources.get_mut(*index)) else {
            self.known.insert(new.id.clone(), self.resources.len());
            self.resources.push(new);
            return;
        };
        if new.kind.merges() && known.item.same_as(&*new.item) {
            known.data |= new.data;
            known
                .owners
                .extend(new.owners.iter().filter(|owner| !known.owners.contains(owner)).copied().collect::<Vec<_>>());
            return;
        }
        let differs = if new.kind.merges() { ", and not alike" } else { "" };
        let fact = format!("`{}` is declared twice{differs}", new.id);
        let known = known.clone();
        mistakes.push(self.both(fact, &known, &new).remedy("keep one of the two, or give them different names"));
    }

    /// Resources that would undo each other's work: at one path, or in a directory that another one fills.
    fn refuse_fights(&self, mistakes: &mut Diagnostics) {
        let mut by_path: BTreeMap<&str, Vec<&Resource>> = BTreeMap::new();
        for resource in &self.resources {
            if let Some(path) = resource.item.path() {
                by_path.entry(path).or_default().push(resource);
            }
        }
        for (path, here) in &by_path {
            let above = path.match_indices('/').filter_map(|(end, _)| by_path.get(path.get(..end)?)).flatten();
            for (index, new) in here.iter().enumerate() {
                let others = here.iter().take(index).chain(above.clone());
                for other in others.filter(|other| fight(&*other.item, &*new.item)) {
                    let fact = format!("`{}` and `{}` would undo each other's work", other.id, new.id);
                    let mistake = self.both(fact, other, new);
                    mistakes.push(mistake.remedy("let one of them have the path to itself"));
                }
            }
        }
    }

    fn both(&self, fact: String, first: &Resource, second: &Resource) -> Diagnostic {
        let mistake = Diagnostic::error(fact).at(&second.place);
        if first.place != second.place {
            return mistake.related(&first.place, format!("first declared here, by `{}`", self.owner(first).0));
        }
        let (first, second) = (self.owner(first), self.owner(second));
        match (first.1, second.1) {
            (Some(one), Some(other)) if one != other => {
                mistake.related(one, "by this service").related(other, "and by this one")
            }
            _ => mistake,
        }
    }

    fn owner(&self, resource: &Resource) -> (&str, Option<&crate::diag::Place>) {
        let index = resource.owners.first().and_then(|owner| self.order.get(*owner));
        let instance = index.and_then(|index| self.world.instances.get(*index));
        (instance.map_or("", |instance| instance.name), instance.map(|instance| instance.place))
    }
}
