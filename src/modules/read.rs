//! A module's YAML to a [`Module`]: every mistake in it that does not depend on an inventory.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;

use super::declared::{read_check, read_needs, read_offers, read_resource, read_test};
use super::limits::{read_class, read_supported};
use super::params::{has_expression, read_fields, read_params};
use super::{GIVEN, Module, Param, Repeat, Text};
use crate::diag::{Diagnostic, Diagnostics, Source};
use crate::secret_declaration::read_secrets;
use crate::template::{Expressions, environment};
use crate::yaml::{self, Map, Node, Placed};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: Placed<i64>,
    summary: Node,
    #[serde(default)]
    notes: Map,
    #[serde(default)]
    breaking: Map,
    data: Option<Node>,
    supported: Option<Node>,
    #[serde(default)]
    params: Map,
    #[serde(default)]
    secrets: Map,
    #[serde(default)]
    needs: Map,
    #[serde(default)]
    facts: Map,
    takes: Option<Map>,
    #[serde(default)]
    gathers: IndexMap<String, Gathered>,
    #[serde(default)]
    offers: Map,
    #[serde(default)]
    resources: Vec<Node>,
    #[serde(default)]
    checks: Vec<Node>,
    handoff: Option<Node>,
    test: Option<Node>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gathered {
    #[serde(rename = "help")]
    _help: Option<Node>,
    fields: Map,
}

/// The module of this name. With mistakes it may lack what was wrong; `None` if nothing is left of it.
pub fn read(name: &str, source: &Arc<Source>, embedded: bool, mistakes: &mut Diagnostics) -> Option<Module> {
    let node = match yaml::parse(source) {
        Ok(node) => node,
        Err(more) => {
            mistakes.0.extend(more.0);
            return None;
        }
    };
    let raw: Raw = node.decode(mistakes)?;
    if raw.version.value < 1 {
        mistakes.push(Diagnostic::error("a module's version counts from 1").at(&raw.version.place));
    }
    let gathers = raw.gathers.iter().map(|(name, of)| (name.clone(), read_fields(&of.fields, mistakes))).collect();
    let module = Module {
        name: name.to_owned(),
        source: Arc::clone(source),
        embedded,
        version: raw.version.value,
        summary: Text::read(&raw.summary, mistakes),
        notes: read_notes(&raw.notes, raw.version.value, mistakes),
        breaking: read_notes(&raw.breaking, raw.version.value, mistakes),
        data: raw.data.as_ref().and_then(|node| read_class(node, mistakes)),
        supported: raw.supported.as_ref().and_then(|node| read_supported(node, mistakes)),
        params: read_params(&raw.params, mistakes),
        param_names: raw.params.keys().cloned().collect(),
        secrets: read_secrets(&raw.secrets, false, mistakes),
        needs: read_needs(&raw.needs, mistakes),
        facts: raw.facts,
        takes: raw.takes.map(|fields| read_fields(&fields, mistakes)),
        gathers,
        offers: read_offers(&raw.offers, mistakes),
        resources: raw.resources.iter().filter_map(|node| read_resource(node, mistakes)).collect(),
        checks: raw.checks.iter().filter_map(|node| read_check(node, mistakes)).collect(),
        handoff: raw.handoff.map(|node| Text::read(&node, mistakes)).unwrap_or_default(),
        test: raw.test.and_then(|node| read_test(&node, mistakes)).unwrap_or_default(),
    };
    check_expressions(&module, &raw.params, mistakes);
    Some(module)
}

/// `notes: { 2: …, 3: … }`: a version that is yet to come has none.
fn read_notes(notes: &Map, version: i64, mistakes: &mut Diagnostics) -> BTreeMap<i64, Text> {
    let mut read = BTreeMap::new();
    for (key, entry) in notes {
        match key.parse::<i64>() {
            Ok(number) if (1..=version).contains(&number) => {
                read.insert(number, Text::read(&entry.node, mistakes));
            }
            _ => mistakes.push(
                Diagnostic::error(format!("`{key}` is no version of this module, which is at {version}"))
                    .at(&entry.key)
                    .remedy("write the version that the note is about, and count `version` up with it"),
            ),
        }
    }
    read
}

/// Syntax and names of every expression in the module, whether or not an inventory ever evaluates it.
fn check_expressions(module: &Module, params: &Map, mistakes: &mut Diagnostics) {
    let environment = environment();
    let expressions = Expressions::new(&environment, BTreeMap::new());
    let params: Vec<&str> = params.keys().map(String::as_str).chain(GIVEN.iter().copied()).collect();
    let and = |more: &[&'static str]| -> Vec<&str> { params.iter().copied().chain(more.iter().copied()).collect() };
    let defaults = and(&["vars"]);
    for param in module.params.values() {
        param.default.iter().for_each(|default| expressions.check(default, &defaults, mistakes));
        check_field_defaults(&param.fields, mistakes);
    }
    module.gathers.values().chain(&module.takes).for_each(|fields| check_field_defaults(fields, mistakes));
    for need in module.needs.values() {
        need.when.iter().for_each(|when| expressions.check(when, &params, mistakes));
        need.values.values().for_each(|entry| expressions.check(&entry.node, &and(&["secrets"]), mistakes));
    }
    let facts = and(&["needs", "need", "secrets"]);
    module.facts.values().for_each(|entry| expressions.check(&entry.node, &facts, mistakes));
    let offered = and(&["needs", "needed_by"]);
    for offer in module.offers.values().flatten() {
        let names = repeated(&offer.repeat, &offered, &expressions, mistakes);
        offer.to.iter().for_each(|to| expressions.check(to, &names, mistakes));
        expressions.check(&offer.values, &names, mistakes);
    }
    let all = and(&["needs", "needed_by", "offers", "secrets", "fetched"]);
    if let Some(supported) = &module.supported {
        supported.when.iter().for_each(|when| expressions.check(when, &all, mistakes));
    }
    for resource in &module.resources {
        let names = repeated(&resource.repeat, &all, &expressions, mistakes);
        expressions.check(&resource.fields, &names, mistakes);
        if let Some(supported) = &resource.supported {
            supported.when.iter().for_each(|when| expressions.check(when, &names, mistakes));
        }
    }
    for check in &module.checks {
        let names = repeated(&check.repeat, &all, &expressions, mistakes);
        expressions.check(&check.fields, &names, mistakes);
    }
    module.handoff.nodes().for_each(|node| expressions.check(node, &all, mistakes));
}

/// The names below `for_each`, after a look at `for_each` and `when` themselves.
fn repeated<'a, 'm>(
    repeat: &'m Repeat,
    known: &[&'a str],
    expressions: &Expressions<'_, 'm>,
    mistakes: &mut Diagnostics,
) -> Vec<&'a str> {
    let mut names = known.to_vec();
    if let Some(for_each) = &repeat.for_each {
        expressions.check(for_each, known, mistakes);
        names.extend(["item", "key"]);
    }
    if let Some(when) = &repeat.when {
        expressions.check(when, &names, mistakes);
    }
    names
}

/// Defaults of fields are plain values: there is no service yet whose parameters they could name.
fn check_field_defaults(fields: &IndexMap<String, Param>, mistakes: &mut Diagnostics) {
    for (name, field) in fields {
        if let Some(default) = field.default.as_ref().filter(|default| has_expression(default)) {
            mistakes.push(
                Diagnostic::error(format!("the default of the field `{name}` is an expression"))
                    .at(&default.place)
                    .remedy("make the field optional, and decide where it is used"),
            );
        }
        check_field_defaults(&field.fields, mistakes);
    }
}
