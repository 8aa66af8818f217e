//! Where a value comes from: a var of a host, or a parameter of a service and the vars that it names. Says what was
//! written; computing it is the business of compiling.

use super::{Host, Inventory, Origin, Service, Var};
use crate::diag::{Diagnostic, Place, Result};
use crate::template;
use crate::yaml::Node;

/// A value as one host sees it, and everything that gave one, the strongest first.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// `vars.timezone`, or `website.domain`.
    pub name: String,
    /// As written; for a parameter that may be an expression.
    pub value: Node,
    /// Who gave the value, and then whom that hides.
    pub origins: Vec<(Origin, Place)>,
}

impl Inventory {
    /// All vars of a host.
    pub fn explain_host(&self, host: &str) -> Result<Vec<Explanation>> {
        let host = self.known_host(host)?;
        Ok(self.vars_for(&host.name).into_iter().map(|(name, var)| explained(&name, var)).collect())
    }

    /// `vars.NAME`, or `SERVICE.PARAM` followed by the vars that its expression names.
    pub fn explain(&self, host: &str, what: &str) -> Result<Vec<Explanation>> {
        let host = self.known_host(host)?;
        let Some((owner, name)) = what.split_once('.') else {
            return Err(Box::new(
                Diagnostic::error(format!("`{}` names no value", what.escape_debug()))
                    .remedy("write `vars.NAME` or `SERVICE.PARAM`"),
            ));
        };
        if owner == "vars" {
            return Ok(vec![self.var(host, name)?]);
        }
        let service = self.service_on(host, owner)?;
        let entry = service.params.get(name).ok_or_else(|| {
            let fact =
                format!("`{owner}` gives no `{}`: if its module has one, the default applies", name.escape_debug());
            let mistake = Diagnostic::error(fact).at(&service.module.place);
            let given: Vec<&str> = service.params.keys().map(String::as_str).collect();
            match crate::diag::closest(name, &given) {
                Some(near) => mistake.remedy(format!("did you mean `{near}`?")),
                None => mistake.remedy(format!("see `steward module show {}`", service.module)),
            }
        })?;
        let origin = (Origin::Service(owner.to_owned()), entry.key.clone());
        let param = Explanation { name: what.to_owned(), value: entry.node.clone(), origins: vec![origin] };
        let named = template::names(&entry.node);
        let vars = named.iter().filter_map(|name| name.strip_prefix("vars."));
        // What is undefined is a mistake of validation, not of asking where the rest comes from.
        let vars = vars.filter_map(|name| self.var(host, name.split('.').next().unwrap_or(name)).ok());
        Ok(std::iter::once(param).chain(vars).collect())
    }

    fn var(&self, host: &Host, name: &str) -> Result<Explanation> {
        let mut vars = self.vars_for(&host.name);
        match vars.shift_remove(name) {
            Some(var) => Ok(explained(name, var)),
            None => {
                let fact = format!("the host `{}` has no var `{}`", host.name, name.escape_debug());
                Err(Box::new(Diagnostic::error(fact).suggest(name, vars.keys().map(String::as_str))))
            }
        }
    }

    fn known_host(&self, name: &str) -> Result<&Host> {
        self.hosts.get(name).map(|host| &host.value).ok_or_else(|| {
            let mistake = Diagnostic::error(format!("there is no host `{}`", name.escape_debug()));
            Box::new(mistake.suggest(name, self.hosts.keys().map(String::as_str)))
        })
    }

    fn service_on(&self, host: &Host, name: &str) -> Result<&Service> {
        let here = || self.services.values().filter(|service| service.hosts.contains(&host.name));
        here().find(|service| service.name == name).map(|service| &service.value).ok_or_else(|| {
            let fact = format!("there is no service `{}` on `{}`", name.escape_debug(), host.name);
            let elsewhere = format!("name `{}` in the `on` of the service, or ask for another host", host.name);
            // The remedy of whoever runs no service at all; a suggestion replaces it.
            Box::new(
                Diagnostic::error(fact).remedy(elsewhere).suggest(name, here().map(|service| service.name.as_str())),
            )
        })
    }
}

fn explained(name: &str, var: Var) -> Explanation {
    let origins = std::iter::once((var.origin, var.key)).chain(var.hidden).collect();
    Explanation { name: format!("vars.{name}"), value: var.value, origins }
}
