//! Which services a test of a module deploys: the module's own, what it needs, a backup if it keeps data, and what its
//! `test:` adds. Takes modules, gives services in the order in which they can be added. Knows nothing of hosts but two names.

use serde_json::{Map, Value};

use crate::adding::NewService;
use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::modules::{Library, Module, TestService};

/// The host of the service, and the one of what must be elsewhere.
pub const HOST: &str = "test1";
pub const OTHER: &str = "other1";

#[derive(Debug, Default)]
pub struct Services {
    /// What was there before and stays when the module's service goes.
    pub before: Vec<NewService>,
    /// The service of the module, and those that cannot be without it.
    pub tried: Vec<NewService>,
}

impl Services {
    pub fn all(&self) -> Vec<NewService> {
        self.before.iter().chain(&self.tried).cloned().collect()
    }

    /// Whether something of it runs on the second host.
    pub fn use_both_hosts(&self) -> bool {
        self.before.iter().chain(&self.tried).any(|it| it.hosts.iter().any(|host| host == OTHER))
    }

    pub fn is_tried(&self, name: &str) -> bool {
        self.tried.iter().any(|it| it.name == name)
    }
}

/// The services, or why none can be made.
pub fn services(library: &Library, module: &Module) -> std::result::Result<Services, Diagnostics> {
    let mut planned = Planned { library, services: Vec::new() };
    let (behind, ahead): (Vec<_>, Vec<_>) = module
        .test
        .services
        .iter()
        .partition(|(_, it)| needs(library, &it.module.value, &module.name, &mut Vec::new()));
    for (name, it) in ahead {
        planned.named(name, it)?;
    }
    let of_test = module.test.params.iter().map(|(key, entry)| (key.clone(), entry.node.to_json())).collect();
    planned.add(module, &module.name, HOST, of_test, &mut Vec::new())?;
    for (name, it) in behind {
        planned.named(name, it)?;
    }
    planned.saved()?;
    Ok(planned.divided(module))
}

/// Whether a service of that module cannot be without one of the other.
fn needs(library: &Library, module: &str, other: &str, above: &mut Vec<String>) -> bool {
    let Some(module) = library.get(module).filter(|module| !above.contains(&module.name)) else { return false };
    above.push(module.name.clone());
    module.needs.values().any(|need| need.module == other || needs(library, &need.module, other, above))
}

struct Planned<'l> {
    library: &'l Library,
    services: Vec<NewService>,
}

impl<'l> Planned<'l> {
    /// One that the module's `test:` names.
    fn named(&mut self, name: &str, it: &TestService) -> Result<()> {
        let library = self.library;
        let Some(module) = library.get(&it.module.value) else {
            let fact = format!("there is no module `{}`", it.module.value.escape_debug());
            let mistake = Diagnostic::error(fact).at(&it.module.place);
            return Err(mistake.suggest(&it.module.value, library.names()).into());
        };
        let given = it.params.iter().map(|(key, entry)| (key.clone(), entry.node.to_json())).collect();
        self.add(module, name, if it.elsewhere { OTHER } else { HOST }, given, &mut Vec::new())
    }

    /// A service behind those that it needs, each of which is made once a host. `above` ends a circle of needs, which
    /// compiling shows.
    fn add(
        &mut self,
        module: &'l Module,
        name: &str,
        on: &str,
        given: Map<String, Value>,
        above: &mut Vec<&'l str>,
    ) -> Result<()> {
        above.push(&module.name);
        let params = params(module, given)?;
        for need in module.needs.values().filter(|need| !need.optional && need.when.is_none()) {
            let host = if need.elsewhere { OTHER } else { on };
            let is_met =
                self.services.iter().any(|it| it.module == need.module && it.hosts.iter().any(|there| there == host));
            let Some(needed) = self.library.get(&need.module).filter(|_| !is_met) else { continue };
            if !above.contains(&needed.name.as_str()) {
                let called = self.free(&needed.name);
                self.add(needed, &called, host, Map::new(), above)?;
            }
        }
        above.pop();
        self.services.push(NewService {
            name: name.to_owned(),
            module: module.name.clone(),
            on: vec![on.to_owned()],
            hosts: vec![on.to_owned()],
            params,
            needs: Map::new(),
            trial: false,
        });
        Ok(())
    }

    fn free(&self, module: &str) -> String {
        let mut name = module.to_owned();
        let mut number = 2;
        while self.services.iter().any(|it| it.name == name) {
            name = format!("{module}-{number}");
            number += 1;
        }
        name
    }

    /// A backup on each host that keeps something worth one, unless there is one already.
    fn saved(&mut self) -> Result<()> {
        for host in [HOST, OTHER] {
            let there: Vec<&Module> = self
                .services
                .iter()
                .filter(|it| it.hosts.iter().any(|on| on == host))
                .filter_map(|it| self.library.get(&it.module))
                .collect();
            let Some(backup) = self.library.get("backup") else { continue };
            if there.iter().any(|module| is_saved(module)) && !there.iter().any(|module| gathers(module)) {
                let given = Map::from_iter([("repository".to_owned(), Value::from("/srv/backup"))]);
                let name = self.free("backup");
                self.add(backup, &name, host, given, &mut Vec::new())?;
            }
        }
        Ok(())
    }

    /// Those that need a service that is tried are tried with it, and so are those whose data it saves.
    fn divided(self, module: &Module) -> Services {
        let mut tried = vec![module.name.clone()];
        loop {
            let is_backup_tried = tried.iter().filter_map(|name| self.library.get(name)).any(gathers);
            let follows = |module: &&Module| {
                let needs = module.needs.values().any(|need| tried.contains(&need.module));
                !tried.contains(&module.name) && (needs || (is_backup_tried && is_saved(module)))
            };
            let next = self.services.iter().filter_map(|it| self.library.get(&it.module)).find(follows);
            let Some(next) = next else { break };
            tried.push(next.name.clone());
        }
        let (tried, before) = self.services.into_iter().partition(|it| tried.contains(&it.module));
        Services { before, tried }
    }
}

fn gathers(module: &Module) -> bool {
    module.gathers.contains_key("backups")
}

fn is_saved(module: &Module) -> bool {
    module.offers.contains_key("backups") || module.data.as_ref().is_some_and(|data| data.backup)
}

/// What the service is given: `given`, and the examples of what has no default.
fn params(module: &Module, given: Map<String, Value>) -> Result<Map<String, Value>> {
    let mut params = given;
    for (name, param) in module.params.iter().filter(|(_, param)| param.default.is_none() && !param.optional) {
        if params.contains_key(name) {
            continue;
        }
        let Some(example) = &param.example else {
            let fact = format!("nobody knows what a test should give `{name}` of `{}`", module.name);
            let remedy = format!("give it an `example`, or the module `test: {{ params: {{ {name}: … }} }}`");
            return Err(Diagnostic::error(fact).at(&param.place).remedy(remedy).into());
        };
        params.insert(name.clone(), example.to_json());
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(services: &[NewService]) -> Vec<String> {
        services.iter().map(|it| format!("{} on {}", it.name, it.on.join(", "))).collect()
    }

    #[test]
    fn every_module_of_steward_has_examples_enough_and_what_needs_it_goes_with_it() {
        let library = Library::embedded(&mut Diagnostics::default());
        for module in library.modules() {
            let found = services(&library, module).unwrap_or_else(|mistakes| panic!("{}: {mistakes:?}", module.name));
            assert!(found.is_tried(&module.name), "{}", module.name);
        }
        let of = |name: &str| services(&library, library.get(name).unwrap()).unwrap();
        let nginx = of("nginx");
        assert_eq!(names(&nginx.before), ["tls on test1"]);
        assert_eq!(names(&nginx.tried), ["nginx on test1", "site on test1"]);
        assert!(!nginx.use_both_hosts());
        // what it saves cannot be without it
        let backup = of("backup");
        assert_eq!(names(&backup.before), ["vault on other1", "nginx on test1"]);
        assert_eq!(names(&backup.tried), ["calendar on test1", "backup on test1"]);
        assert!(backup.use_both_hosts());
        // a backup for what has data, and parameters by their examples
        let wiki = of("dokuwiki");
        assert_eq!(names(&wiki.before), ["nginx on test1", "php on test1", "backup on test1"]);
        assert_eq!(wiki.tried[0].params["domain"], "wiki.chapter.example");
    }
}
