//! What a host remembers of the services that it was given, against what the inventory wants of them now: parameters that can
//! never change, and versions of modules that break something. Takes a catalog and records, gives what stands in the way. Pure.

use std::collections::BTreeMap;

use super::diff::visible;
use crate::catalog::{HostCatalog, ServiceEntry};
use crate::diag::Diagnostic;
use crate::ledger::Applied;
use crate::said::Said;
use crate::texts;

/// A version that breaks something, and nobody agreed to it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    pub service: String,
    /// What the host has.
    pub old: i64,
    /// What breaks with it.
    pub version: i64,
    pub what: Said,
}

impl Gate {
    /// One line for people.
    pub fn line(&self) -> Said {
        texts::breaks(&self.service, self.old, self.version, &self.what)
    }
}

/// The services that both know, with what the host remembers.
fn known<'a>(
    catalog: &'a HostCatalog,
    applied: &'a BTreeMap<String, Applied>,
) -> impl Iterator<Item = (&'a ServiceEntry, &'a Applied)> {
    // another module under the same name is another service
    let same = |service: &'a ServiceEntry| {
        let old = applied.get(&service.name).filter(|old| old.module == service.module)?;
        (service.state.version > 0).then_some((service, old))
    };
    catalog.services.iter().filter_map(same)
}

/// The versions between what the host has and what is wanted that break something, unless the inventory agreed to them.
pub fn gates(catalog: &HostCatalog, applied: &BTreeMap<String, Applied>) -> Vec<Gate> {
    let of = |(service, old): (&ServiceEntry, &Applied)| -> Vec<Gate> {
        let agreed = old.version.max(service.state.accepted);
        let new = service.state.breaking.iter().filter(|(version, _)| **version > agreed);
        let gate = |(version, what): (&i64, &Said)| Gate {
            service: service.name.clone(),
            old: old.version,
            version: *version,
            what: what.clone(),
        };
        new.map(gate).collect()
    };
    known(catalog, applied).flat_map(of).collect()
}

/// Parameters that cannot change and did: service, parameter, what it was, what it would be.
pub fn moved<'a>(
    catalog: &'a HostCatalog,
    applied: &'a BTreeMap<String, Applied>,
) -> Vec<(&'a str, &'a str, &'a str, &'a str)> {
    let of = |(service, old): (&'a ServiceEntry, &'a Applied)| {
        let changed = move |(name, now): (&'a String, &'a String)| {
            let was = old.fixed.get(name).filter(|was| *was != now)?;
            Some((service.name.as_str(), name.as_str(), was.as_str(), now.as_str()))
        };
        service.state.fixed.iter().filter_map(changed)
    };
    known(catalog, applied).flat_map(of).collect()
}

/// Why the host cannot be planned, if a parameter changed that cannot.
pub fn refusal(catalog: &HostCatalog, applied: &BTreeMap<String, Applied>) -> Option<Diagnostic> {
    let moved = moved(catalog, applied);
    let (service, name, was, _) = *moved.first()?;
    let line = |(service, name, was, now): &(&str, &str, &str, &str)| {
        format!("`{name}` of `{service}` was {} when it was applied, and cannot become {now}", visible(was))
    };
    let lines: Vec<String> = moved.iter().map(line).collect();
    let fact = format!("host {}: {}", catalog.host, lines.join("; "));
    let remedy = format!(
        "write `{name}: {}` again. To move on purpose: declare a second service with the new value beside it, move what it \
         holds, then take `{service}` out of the inventory; or take it out with its data (`retire`), apply, and declare it anew",
        visible(was)
    );
    Some(Diagnostic::error(fact).remedy(remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ServiceState;
    use crate::plan::tests::catalog;

    fn wants(version: i64, accepted: i64, server: &str) -> HostCatalog {
        let mut host = HostCatalog::clone(&catalog(&[], &[&[]]));
        let breaking = BTreeMap::from([(2, Said::same("two")), (3, Said::same("three"))]);
        host.services = vec![ServiceEntry {
            name: "chat".into(),
            module: "synapse".into(),
            needs: Vec::new(),
            state: ServiceState {
                version,
                accepted,
                breaking: breaking.into_iter().filter(|(it, _)| *it <= version).collect(),
                fixed: BTreeMap::from([("server_name".into(), format!("\"{server}\""))]),
            },
        }];
        host
    }

    fn has(version: i64) -> BTreeMap<String, Applied> {
        let fixed = BTreeMap::from([("server_name".into(), "\"a\"".into()), ("gone".into(), "1".into())]);
        BTreeMap::from([("chat".to_owned(), Applied { module: "synapse".into(), version, fixed })])
    }

    #[test]
    fn every_version_between_that_breaks_something_stops_until_it_was_agreed_to() {
        let versions = |version, accepted, has: &BTreeMap<String, Applied>| {
            gates(&wants(version, accepted, "a"), has).iter().map(|gate| gate.version).collect::<Vec<_>>()
        };
        assert_eq!(versions(3, 0, &has(1)), [2, 3]);
        assert_eq!(versions(3, 2, &has(1)), [3]);
        assert_eq!(versions(3, 0, &has(3)), Vec::<i64>::new());
        assert_eq!(versions(1, 0, &has(1)), Vec::<i64>::new());
        // a host that never had it has nothing to break
        assert_eq!(versions(3, 0, &BTreeMap::new()), Vec::<i64>::new());
        let mut other = has(1);
        for it in other.values_mut() {
            it.module = "prosody".into();
        }
        assert_eq!(versions(3, 0, &other), Vec::<i64>::new());
    }

    #[test]
    fn a_parameter_that_cannot_change_is_refused_with_the_way_out() {
        assert!(refusal(&wants(1, 0, "a"), &has(1)).is_none());
        let said = refusal(&wants(1, 0, "b"), &has(1)).unwrap().to_string();
        assert!(
            said.contains("`server_name` of `chat` was \"a\" when it was applied, and cannot become \"b\""),
            "{said}"
        );
        assert!(said.contains("declare a second service with the new value beside it"), "{said}");
    }
}
