//! The mistakes of a compilation. What is wrong in one place is said once, however many hosts it concerns.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::{Environment, Value};

use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use crate::inventory::Inventory;
use crate::modules::Library;
use crate::template::{Origin, Scope, mistake};

#[derive(Default)]
pub(super) struct Report {
    pub(super) mistakes: Diagnostics,
    /// Where something was found, what in general terms, and on which host first.
    seen: BTreeMap<(String, usize, String), usize>,
}

impl Report {
    /// Mistakes that were found while looking at one host.
    pub(super) fn on_host(&mut self, host: usize, found: Diagnostics) {
        for mistake in found.0 {
            let (source, start) = match &mistake.place {
                Some(place) => (place.source.name.clone(), place.span.start),
                None => (String::new(), 0),
            };
            let key = (source, start, general(&mistake.fact));
            if *self.seen.entry(key).or_insert(host) == host {
                self.mistakes.push(mistake);
            }
        }
    }

    pub(super) fn all(&mut self, found: Diagnostics) {
        found.0.into_iter().for_each(|mistake| self.mistakes.push(mistake));
    }

    pub(super) fn push(&mut self, mistake: Diagnostic) {
        self.mistakes.push(mistake);
    }

    /// Gives the templates of all modules in use to the environment. Others cannot be named: the lock does not
    /// cover them.
    pub(super) fn add_templates<'a>(
        &mut self,
        environment: &mut Environment<'a>,
        inventory: &Inventory,
        library: &'a Library,
    ) -> BTreeMap<&'a str, &'a Arc<Source>> {
        let mut templates = BTreeMap::new();
        let is_used = |name: &str| inventory.services.values().any(|service| service.module.value == name);
        for module in library.modules().filter(|module| is_used(&module.name)) {
            templates.extend(library.templates_of(&module.name));
        }
        for (name, source) in &templates {
            if let Err(error) = environment.add_template(name, &source.text) {
                let place = Place::file(source);
                let scope = Scope::new().with("x", Value::from(()));
                let origin = Origin { place: &place, inline: None, templates: &templates, scope: &scope };
                self.push(*mistake(&error, &origin));
            }
        }
        templates
    }
}

/// The fact without what was quoted in it, which may differ between hosts.
fn general(fact: &str) -> String {
    fact.split('`').step_by(2).collect::<Vec<_>>().join("`")
}
