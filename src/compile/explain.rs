//! Where a value comes from: a var of a host, or a parameter of a service, with all that it is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;

use super::params::{Given, Values};
use super::{Used, given};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::inventory::{Host, Inventory, Origin, Service, Var};
use crate::modules::{Library, Module};
use crate::template::{Expressions, Scope, environment};
use crate::yaml::{Map, Node};

/// A value as one host sees it, and everything that gave one.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// `vars.timezone`, or `website.domain`.
    pub name: String,
    pub value: Node,
    /// Who gave a value, and where, the strongest first: those after the first are hidden by it.
    pub layers: Vec<Layer>,
}

#[derive(Debug, Clone)]
pub struct Layer {
    pub origin: Origin,
    pub place: Place,
    /// As written: it may be an expression. `None` for weaker vars, of which only the place is known.
    pub written: Option<Node>,
}

/// `what` is `vars.NAME`, `SERVICE.PARAM` or `SERVICE`; everything on the host without it. What a value names follows it.
pub fn explain(
    inventory: &Inventory,
    library: &Library,
    host: &str,
    what: Option<&str>,
) -> Result<Vec<Explanation>, Diagnostics> {
    let Some(host) = inventory.hosts.get(host) else {
        let mistake = Diagnostic::error(format!("there is no host `{}`", host.escape_debug()));
        return Err(Diagnostics(vec![mistake.suggest(host, inventory.hosts.keys().map(String::as_str))]));
    };
    let vars = inventory.vars_for(&host.name);
    let environment = environment();
    let expressions = Expressions::new(&environment, BTreeMap::new());
    let known = Known { inventory, library, host, vars: &vars, expressions: &expressions };
    let (owner, name) = what.map_or((None, None), |what| match what.split_once('.') {
        Some((owner, name)) => (Some(owner), Some(name)),
        None => (Some(what), None),
    });
    let mut found = Found::default();
    match owner {
        Some("vars") => known.of_vars(name, &mut found)?,
        Some(service) => known.of_service(service, name, &mut found)?,
        None => {
            known.of_vars(None, &mut found)?;
            for service in known.services() {
                known.of_service(&service.name, None, &mut found)?;
            }
        }
    }
    Ok(found.into_values().collect())
}

/// By name, in the order found.
type Found = IndexMap<String, Explanation>;

struct Known<'k, 'e, 'a> {
    inventory: &'a Inventory,
    library: &'a Library,
    host: &'a Host,
    vars: &'a IndexMap<String, Var>,
    expressions: &'k Expressions<'e, 'a>,
}

impl<'a> Known<'_, '_, 'a> {
    fn services(&self) -> impl Iterator<Item = &'a Service> {
        let here = &self.host.name;
        self.inventory.services.values().map(|service| &service.value).filter(move |of| of.hosts.contains(here))
    }

    fn of_vars(&self, name: Option<&str>, found: &mut Found) -> Result<(), Diagnostics> {
        if let Some(name) = name.filter(|name| !self.vars.contains_key(*name)) {
            let fact = format!("the host `{}` has no var `{}`", self.host.name, name.escape_debug());
            return Err(Diagnostics(vec![
                Diagnostic::error(fact).suggest(name, self.vars.keys().map(String::as_str)),
            ]));
        }
        self.vars.keys().filter(|var| name.is_none_or(|name| name == *var)).try_for_each(|var| self.var(var, found))
    }

    fn var(&self, name: &'a str, found: &mut Found) -> Result<(), Diagnostics> {
        let key = format!("vars.{name}");
        let Some(var) = self.vars.get(name).filter(|_| !found.contains_key(&key)) else { return Ok(()) };
        let value = self.evaluate(None, |values| values.var(name))?;
        let first = Layer { origin: var.origin.clone(), place: var.key.clone(), written: Some(var.value.clone()) };
        let hidden = var.hidden.iter();
        let hidden =
            hidden.map(|(origin, place)| Layer { origin: origin.clone(), place: place.clone(), written: None });
        let layers = std::iter::once(first).chain(hidden).collect();
        found.insert(key.clone(), Explanation { name: key, value, layers });
        self.named(&var.value, None, found)
    }

    fn of_service(&self, service: &str, name: Option<&str>, found: &mut Found) -> Result<(), Diagnostics> {
        let Some(known) = self.services().find(|of| of.name == service) else {
            let fact = format!("there is no service `{}` on `{}`", service.escape_debug(), self.host.name);
            let names: Vec<&str> = self.services().map(|of| of.name.as_str()).collect();
            let elsewhere = format!("name `{}` in the `on` of the service, or ask for another host", self.host.name);
            return Err(Diagnostics(vec![Diagnostic::error(fact).remedy(elsewhere).suggest(service, names)]));
        };
        let Some(module) = self.library.get(&known.module.value) else {
            let fact = format!("there is no module `{}`", known.module.value);
            let mistake = Diagnostic::error(fact).at(&known.module.place);
            return Err(Diagnostics(vec![mistake.suggest(&known.module.value, self.library.names())]));
        };
        if let Some(name) = name.filter(|name| !module.params.contains_key(*name)) {
            let fact = format!("the module `{}` has no parameter `{}`", module.name, name.escape_debug());
            let names = module.params.keys().map(String::as_str);
            return Err(Diagnostics(vec![Diagnostic::error(fact).suggest(name, names)]));
        }
        let params = module.params.keys().filter(|param| name.is_none_or(|name| name == *param));
        params.map(String::as_str).try_for_each(|param| self.param(known, module, param, found))
    }

    fn param(
        &self,
        service: &'a Service,
        module: &'a Module,
        name: &'a str,
        found: &mut Found,
    ) -> Result<(), Diagnostics> {
        let key = format!("{}.{name}", service.name);
        let Some(declared) = module.params.get(name).filter(|_| !found.contains_key(&key)) else { return Ok(()) };
        let value = self.evaluate(Some((service, module)), |values| values.param(name))?;
        let own = service.params.get(name).filter(|entry| !entry.node.is_null()).map(|entry| {
            let origin = Origin::Service(service.name.clone());
            Layer { origin, place: entry.key.clone(), written: Some(entry.node.clone()) }
        });
        let default = declared.default.as_ref().map(|default| {
            let origin = Origin::Module(module.name.clone());
            Layer { origin, place: declared.place.clone(), written: Some(default.clone()) }
        });
        let layers: Vec<Layer> = own.into_iter().chain(default).collect();
        found.insert(key.clone(), Explanation { name: key, value, layers });
        let given = Given { vars: self.vars, params: &module.params, own: &service.params };
        match given.effective(name) {
            Some(written) => self.named(written, Some((service, module)), found),
            None => Ok(()),
        }
    }

    /// The vars and params that an expression names.
    fn named(
        &self,
        written: &'a Node,
        of: Option<(&'a Service, &'a Module)>,
        found: &mut Found,
    ) -> Result<(), Diagnostics> {
        let mut names = BTreeSet::new();
        self.expressions.names_into(written, &mut names);
        for name in &names {
            let var = name.strip_prefix("vars.").and_then(|path| path.split('.').next());
            if let Some((var, _)) = var.and_then(|var| self.vars.get_key_value(var)) {
                self.var(var, found)?;
            } else if let Some((service, module)) = of
                && let Some((param, _)) = module.params.get_key_value(name.split('.').next().unwrap_or_default())
            {
                self.param(service, module, param, found)?;
            }
        }
        Ok(())
    }

    fn evaluate(
        &self,
        of: Option<(&'a Service, &'a Module)>,
        value: impl FnOnce(&mut Values<'_, '_, 'a>) -> Option<Node>,
    ) -> Result<Node, Diagnostics> {
        static NO_PARAMS: std::sync::LazyLock<IndexMap<String, crate::modules::Param>> =
            std::sync::LazyLock::new(IndexMap::new);
        static NOTHING: std::sync::LazyLock<Map> = std::sync::LazyLock::new(Map::new);
        let (params, own) =
            of.map_or((&*NO_PARAMS, &*NOTHING), |(service, module)| (&module.params, &service.params));
        let mut scope = Scope::within(&given::of_host(&given::common(self.inventory), self.host));
        if let Some((service, _)) = of {
            scope = scope.with("service", service.name.as_str());
        }
        let mut used = Used::new();
        let given = Given { vars: self.vars, params, own };
        let mut values = Values::new(self.expressions, given, Arc::new(scope), BTreeMap::new(), &mut used);
        match value(&mut values) {
            Some(node) => Ok(node),
            None if values.mistakes.has_errors() => Err(values.mistakes),
            None => {
                let fact = "the parameter has no value: it is required, and the service does not give it";
                Err(Diagnostics(vec![Diagnostic::error(fact).remedy("`steward validate` says where it belongs")]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_explained_with_all_that_it_is_made_of() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let text = "id: 5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978\nchapter: { name: X, domain: chapter.example }\nvars: { tz: UTC, mail: x }\ngroups: { web: { vars: { tz: a } } }\nhosts: { h: { address: local, groups: [web] }, i: { address: h } }\nservices: { base: { module: base, on: h, params: { zone: '{{ vars.tz | upper }}' } } }\n";
        std::fs::write(dir.path().join("c.yaml"), text).expect("it is writable");
        let (inventory, mistakes) = crate::inventory::load(dir.path());
        assert_eq!(mistakes.0, []);
        let inventory = inventory.expect("it loads");
        let module =
            "version: 1\nsummary: x\nparams: { zone: { default: Z }, title: { default: 'in {{ zone }}' } }\n";
        let library = Library::of(&[("base", module)], &[], dir.path(), &mut Diagnostics::default());
        let explained = |host: &str, what: Option<&str>| {
            let one = |found: &Explanation| {
                let layers: Vec<String> = found
                    .layers
                    .iter()
                    .map(|layer| format!("{} {:?}", layer.origin, layer.place.line_column()))
                    .collect();
                format!("{} = {}: {}", found.name, found.value.to_json(), layers.join(" > "))
            };
            match explain(&inventory, &library, host, what) {
                Ok(found) => found.iter().map(one).collect(),
                Err(mistakes) => mistakes
                    .0
                    .into_iter()
                    .map(|mistake| format!("{}; {}", mistake.fact, mistake.remedy.unwrap_or_default()))
                    .collect::<Vec<_>>(),
            }
        };
        let tz = "vars.tz = \"a\": group web (4, 26) > chapter vars (3, 9)";
        let zone = "base.zone = \"A\": service base (6, 52) > default of module base (3, 11)";
        assert_eq!(explained("h", Some("base.zone")), [zone, tz]);
        assert_eq!(
            explained("h", Some("base.title")),
            ["base.title = \"in A\": default of module base (3, 33)", zone, tz]
        );
        assert_eq!(explained("h", Some("base")).len(), 3);
        assert_eq!(explained("h", None).len(), 4);
        assert_eq!(explained("h", Some("vars.tx")), ["the host `h` has no var `tx`; did you mean `tz`?"]);
        assert_eq!(
            explained("i", Some("base.zone")),
            ["there is no service `base` on `i`; name `i` in the `on` of the service, or ask for another host"]
        );
        assert_eq!(
            explained("h", Some("base.zome")),
            ["the module `base` has no parameter `zome`; did you mean `zone`?"]
        );
        assert_eq!(explained("k", None), ["there is no host `k`; known here: h, i"]);
    }
}
