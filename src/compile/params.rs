//! Vars and params to values. A param may name vars, other params of its service, and what every expression sees; a
//! var may name other vars. What refers to itself is a mistake that shows the circle.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::Value;

use super::{Used, World};
use crate::diag::{Diagnostic, Diagnostics, closest};
use crate::inventory::{Inventory, Var};
use crate::modules::{Library, Module, Param};
use crate::secret::{SecretName, SecretSource};
use crate::template::{Expressions, Scope, to_value};
use crate::yaml::{Map, Node};

/// Gives every instance its scope. Returns the vars that were named anywhere.
pub(super) fn evaluate<'a>(world: &mut World<'_, '_, 'a>, vars: &'a [IndexMap<String, Var>]) -> Used {
    let mut used = Used::new();
    for (host, vars) in vars.iter().enumerate() {
        let Some(input) = world.hosts.get(host) else { continue };
        let scope = Arc::clone(&input.scope);
        let mut done_vars = BTreeMap::new();
        for index in input.instances.clone() {
            let Some(instance) = world.instances.get_mut(index) else { continue };
            let Some(module) = instance.module else { continue };
            let public = public_keys(module, instance.name, world.expressions.veil().source());
            let scope = Scope::within(&scope).with("service", instance.name).with("public_keys", public);
            let scope = Arc::new(scope);
            let given = Given { vars, params: &module.params, own: &instance.service.params };
            let mut values = Values::new(world.expressions, given, scope, std::mem::take(&mut done_vars), &mut used);
            instance.scope = values.all_params();
            done_vars = values.vars;
            world.report.on_host(host, values.mistakes);
        }
    }
    used.extend(named_without_host(world));
    used
}

/// The public halves of its key pairs that are in the store, by the names of the secrets.
fn public_keys(module: &Module, service: &str, source: &dyn SecretSource) -> Value {
    let names = module.secrets.keys().filter_map(|name| SecretName::new(service, name));
    Value::from_pairs(names.filter_map(|name| Some((name.name.clone(), source.public_half(&name)?))))
}

/// A service that runs nowhere still shows which vars are meant to be used.
fn named_without_host(world: &World<'_, '_, '_>) -> Used {
    let mut names = BTreeSet::new();
    for service in world.inventory.services.values().filter(|service| service.hosts.is_empty()) {
        service.params.values().for_each(|entry| world.expressions.names_into(&entry.node, &mut names));
    }
    names.iter().filter_map(|name| name.strip_prefix("vars.")).map(|name| first_part(name).to_owned()).collect()
}

/// Every `vars.NAME` in any text, for an inventory that may lack the service that takes it.
pub(super) fn named_anywhere(inventory: &Inventory, library: &Library) -> Used {
    let sources = inventory.sources.iter().chain(library.modules().map(|module| &module.source));
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = |rest: &str| rest.split(|c| !is_name(c)).next().unwrap_or_default().to_owned();
    sources.flat_map(|source| source.text.split("vars.").skip(1)).map(name).collect()
}

fn first_part(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// What is known before evaluation.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) vars: &'a IndexMap<String, Var>,
    pub(super) params: &'a IndexMap<String, Param>,
    /// What the service itself gives.
    pub(super) own: &'a Map,
}

impl<'a> Given<'a> {
    /// The value that counts for a param: the service's own, else the module's default.
    pub(super) fn effective(&self, name: &str) -> Option<&'a Node> {
        let own = self.own.get(name).map(|entry| &entry.node).filter(|node| !node.is_null());
        own.or_else(|| self.params.get(name)?.default.as_ref())
    }
}

/// Evaluation with memory; `None` marks what is wrong and was reported.
pub(super) struct Values<'w, 'e, 'a> {
    expressions: &'w Expressions<'e, 'a>,
    given: Given<'a>,
    scope: Arc<Scope>,
    vars: BTreeMap<&'a str, Option<Node>>,
    params: BTreeMap<&'a str, Option<Node>>,
    /// What is being evaluated, outermost first.
    path: Vec<String>,
    used: &'w mut Used,
    pub(super) mistakes: Diagnostics,
}

impl<'w, 'e, 'a> Values<'w, 'e, 'a> {
    pub(super) fn new(
        expressions: &'w Expressions<'e, 'a>,
        given: Given<'a>,
        scope: Arc<Scope>,
        vars: BTreeMap<&'a str, Option<Node>>,
        used: &'w mut Used,
    ) -> Self {
        let (params, path, mistakes) = (BTreeMap::new(), Vec::new(), Diagnostics::default());
        Self { expressions, given, scope, vars, params, path, used, mistakes }
    }

    /// The scope with all params; `None` if one is wrong or missing.
    fn all_params(&mut self) -> Option<Arc<Scope>> {
        let mut scope = Scope::within(&self.scope);
        let mut complete = true;
        for name in self.given.params.keys() {
            match self.param(name) {
                Some(node) => scope = scope.with(name.clone(), to_value(&node)),
                None => complete = false,
            }
        }
        complete.then(|| Arc::new(scope))
    }

    pub(super) fn param(&mut self, name: &'a str) -> Option<Node> {
        if let Some(done) = self.params.get(name) {
            return done.clone();
        }
        let declared = self.given.params.get(name)?;
        let value = match self.given.effective(name) {
            Some(node) => self
                .named(name, node, true)
                .filter(|node| !(node.is_null() && declared.optional))
                .and_then(|node| declared.accept(name, node, &mut self.mistakes))
                .or_else(|| self.optional(name)),
            None => self.optional(name),
        };
        self.params.insert(name, value.clone());
        value
    }

    /// `none`, where an optional parameter got no value (and nothing wrong either).
    fn optional(&self, name: &str) -> Option<Node> {
        let declared = self.given.params.get(name).filter(|param| param.optional)?;
        (!self.mistakes.has_errors()).then(|| Node::new(crate::yaml::Value::Null, &declared.place))
    }

    pub(super) fn var(&mut self, name: &'a str) -> Option<Node> {
        if let Some(done) = self.vars.get(name) {
            return done.clone();
        }
        let var = self.given.vars.get(name)?;
        let value = self.named(&format!("vars.{name}"), &var.value, false);
        self.vars.insert(name, value.clone());
        value
    }

    /// Evaluates what a var or param is, unless it is being evaluated already.
    fn named(&mut self, label: &str, node: &'a Node, sees_params: bool) -> Option<Node> {
        if let Some(start) = self.path.iter().position(|outer| outer == label) {
            let circle: Vec<&str> = self.path.iter().skip(start).map(String::as_str).chain([label]).collect();
            let fact = format!("`{label}` refers to itself: {}", circle.join(" → "));
            self.mistakes.push(Diagnostic::error(fact).at(&node.place).remedy("give one of them a value of its own"));
            return None;
        }
        self.path.push(label.to_owned());
        let value = self.node(node, sees_params);
        self.path.pop();
        value
    }

    fn node(&mut self, node: &'a Node, sees_params: bool) -> Option<Node> {
        let mut names = BTreeSet::new();
        self.expressions.names_into(node, &mut names);
        if names.is_empty() {
            return self.expressions.evaluate(node, &self.scope, &mut self.mistakes);
        }
        let mut scope = Scope::within(&self.scope);
        let mut vars: Vec<(&str, Value)> = Vec::new();
        let mut complete = true;
        for name in &names {
            let given = self.given;
            if let Some(path) = name.strip_prefix("vars.") {
                let name = first_part(path);
                self.used.insert(name.to_owned());
                if let Some((name, _)) = given.vars.get_key_value(name) {
                    match self.var(name) {
                        Some(value) => vars.push((name, to_value(&value))),
                        None => complete = false,
                    }
                }
            } else if name == "vars" {
                self.mistakes.push(
                    Diagnostic::error("an expression must name the var it takes")
                        .at(&node.place)
                        .remedy("write `vars.NAME`"),
                );
                complete = false;
            } else if let Some((name, _)) = given.params.get_key_value(first_part(name)).filter(|_| sees_params) {
                match self.param(name) {
                    Some(value) => scope = scope.with(name.clone(), to_value(&value)),
                    None => complete = false,
                }
            }
        }
        let scope = Arc::new(scope.with("vars", Value::from_pairs(vars)));
        if !complete {
            return None;
        }
        let before = self.mistakes.0.len();
        let value = self.expressions.evaluate(node, &scope, &mut self.mistakes);
        let known: Vec<&str> = self.given.vars.keys().map(String::as_str).collect();
        self.mistakes.0.iter_mut().skip(before).for_each(|mistake| suggest_var(mistake, &known));
        value
    }
}

/// The scope of an evaluation holds only the vars that exist; what was meant may be any.
fn suggest_var(mistake: &mut Diagnostic, known: &[&str]) {
    let Some(name) = mistake.fact.strip_prefix("`vars.").and_then(|rest| rest.strip_suffix("` is undefined")) else {
        return;
    };
    mistake.remedy = Some(match closest(first_part(name), known) {
        Some(near) => format!("did you mean `vars.{near}`?"),
        None => format!("add `{name}` to the `vars` of the chapter, a group or the host"),
    });
}
