//! The questions of `steward add`: for each thing that the options do not say, one question at a terminal; without one, a
//! mistake that names the option. A wrong answer is explained and asked again, a few times.

use serde_json::{Map, Value};

use super::given::Given;
use super::{Add, hosts};
use crate::adding::NewService;
use crate::adding::needs::{Open, free_name, open, suited};
use crate::adding::values::value;
use crate::diag::{Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::modules::{Library, Module, Param};
use crate::ui::Ui;

/// So often somebody may mistype an answer.
const TRIES: usize = 3;

pub(super) struct Questions<'a> {
    pub(super) ui: Ui,
    pub(super) inventory: &'a Inventory,
    pub(super) library: &'a Library,
    pub(super) language: &'a str,
}

/// What is known so far.
struct Planned {
    params: Given,
    /// Which service meets a need of the one that is asked for.
    named: Given,
    with_needs: bool,
    /// What is needed first.
    services: Vec<NewService>,
    mistakes: Diagnostics,
}

impl Questions<'_> {
    /// The service, behind those that it needs and that shall be added too.
    pub(super) fn services(&self, add: Add) -> Result<Vec<NewService>, Diagnostics> {
        let Add { module: name, name: called, on, params, needs, with_needs, trial } = add;
        let module = self.module(&name)?;
        let params = Given::read("--param", &params)?;
        let named = Given::read("--need", &needs)?;
        let mut planned =
            Planned { params, named, with_needs, services: Vec::new(), mistakes: Diagnostics::default() };
        let called = self.name(&name, called)?;
        let on = if on.is_empty() { self.placement(module, &mut planned.mistakes)? } else { on };
        let on_hosts = if on.is_empty() { Vec::new() } else { hosts(self.inventory, &on)? };
        self.service(module, &called, (on, on_hosts), "", &mut planned);
        planned.params.rest(&mut planned.mistakes);
        planned.named.rest(&mut planned.mistakes);
        if let Some(asked) = planned.services.last_mut() {
            asked.trial = trial;
        }
        if planned.mistakes.has_errors() { Err(planned.mistakes) } else { Ok(planned.services) }
    }

    fn module(&self, name: &str) -> Result<&Module, Diagnostics> {
        Ok(self.library.get(name).ok_or_else(|| {
            Diagnostic::error(format!("there is no module `{}`", name.escape_debug()))
                .suggest(name, self.library.names())
        })?)
    }

    fn name(&self, module: &str, called: Option<String>) -> Result<String, Diagnostics> {
        let called = called.unwrap_or_else(|| module.to_owned());
        let Some(there) = self.inventory.services.get(&called) else { return Ok(called) };
        let free = free_name(self.inventory, &[], module);
        let taken = Diagnostic::error(format!("there is a service `{called}` already")).at(&there.place);
        let taken = taken.remedy(format!("call this one otherwise, such as `--name {free}`"));
        match self.ui.ask(&format!("There is a service `{called}` already. Name of this one [{free}]:")) {
            None => Err(taken.into()),
            Some(answer) if answer.is_empty() => Ok(free),
            Some(answer) if self.inventory.services.contains_key(&answer) => Err(taken.into()),
            Some(answer) => Ok(answer),
        }
    }

    fn placement(&self, module: &Module, mistakes: &mut Diagnostics) -> Result<Vec<String>, Diagnostics> {
        let known: Vec<&str> =
            self.inventory.hosts.keys().chain(self.inventory.groups.keys()).map(String::as_str).collect();
        if self.inventory.hosts.is_empty() {
            let fact = "the inventory has no host for it to run on";
            return Err(Diagnostic::error(fact).remedy("declare one below `hosts:`").into());
        }
        let suited = suited(self.inventory, module);
        let proposal = match (&suited[..], self.inventory.hosts.len()) {
            ([only], _) => only.clone(),
            ([], 1) => self.inventory.hosts.keys().cloned().collect(),
            _ => String::new(),
        };
        let needs: Vec<&str> = module.needs.values().map(|need| need.module.as_str()).collect();
        let why = match (needs.is_empty(), suited.is_empty()) {
            (true, _) => String::new(),
            (false, true) => format!(" It needs {}, which no host has yet.", needs.join(", ")),
            (false, false) => format!(" What it needs ({}) is on {}.", needs.join(", "), suited.join(", ")),
        };
        self.ui.message(&format!("{}: {}", module.name, module.summary.in_language(self.language)));
        for _ in 0..TRIES {
            let bracket = if proposal.is_empty() { String::new() } else { format!(" [{proposal}]") };
            let question = format!("Where does it run ({})?{why}{bracket}", known.join(", "));
            let Some(answer) = self.ui.ask(&question) else { break };
            let answer = if answer.is_empty() { proposal.clone() } else { answer };
            let words: Vec<String> =
                answer.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
            if words.is_empty() {
                continue;
            }
            match hosts(self.inventory, &words) {
                Ok(_) => return Ok(words),
                Err(wrong) => self.ui.report(&wrong),
            }
        }
        mistakes.push(
            Diagnostic::error(format!("it is not said where `{}` shall run.{why}", module.name))
                .remedy(format!("give `--on`, with one of: {}", known.join(", "))),
        );
        Ok(Vec::new())
    }

    /// Asks for its parameters and needs, and adds it behind what it needs.
    fn service(
        &self,
        module: &Module,
        name: &str,
        (on, hosts): (Vec<String>, Vec<String>),
        prefix: &str,
        planned: &mut Planned,
    ) {
        let mut service = NewService {
            name: name.to_owned(),
            module: module.name.clone(),
            on,
            hosts,
            params: self.params(module, prefix, planned),
            needs: Map::new(),
            trial: false,
        };
        // those of a module that is only needed have no option
        for alias in module.needs.keys().filter(|_| prefix.is_empty()) {
            if let Some(other) = planned.named.take(alias) {
                service.needs.insert(alias.clone(), serde_json::json!({ "service": other }));
            }
        }
        let decided = |alias: &str| service.needs.contains_key(alias);
        for need in open(self.inventory, &planned.services, module, &service.hosts, decided) {
            if let Some(other) = self.instead(&service, &need) {
                service.needs.insert(need.alias.to_owned(), serde_json::json!({ "service": other }));
            } else if !need.hosts.is_empty() && self.shall_add(&service, &need, planned.with_needs) {
                let Some(needed) = self.library.get(need.module) else { continue };
                let called = free_name(self.inventory, &planned.services, need.module);
                let all = need.hosts.len() == service.hosts.len();
                let on = if all { service.on.clone() } else { need.hosts.clone() };
                // a circle of needs ends here, and compiling shows it
                if prefix.split('.').any(|above| above == need.module) {
                    continue;
                }
                let prefix = format!("{prefix}{}.", need.module);
                self.service(needed, &called, (on, need.hosts), &prefix, planned);
            }
        }
        planned.services.push(service);
    }

    /// A service that is there and that shall meet the need, if somebody says so.
    fn instead(&self, service: &NewService, need: &Open<'_>) -> Option<String> {
        if need.instead.is_empty() {
            return None;
        }
        let known = need.instead.join(", ");
        let question = format!(
            "{} needs a service of module {}, and there is {known}. Which one shall it use (empty: none of these)?",
            service.name, need.module
        );
        let answer = self.ui.ask(&question)?;
        (!answer.is_empty()).then_some(answer)
    }

    fn shall_add(&self, service: &NewService, need: &Open<'_>, given: bool) -> bool {
        let Some(module) = self.library.get(need.module) else { return false };
        let summary = module.summary.in_language(self.language);
        let (name, hosts) = (&service.name, need.hosts.join(", "));
        let fact = format!("{name} needs {} ({summary}), which is not on {hosts} yet.", need.module);
        given || self.ui.confirm(&format!("{fact} Add it too?")).unwrap_or(false)
    }

    fn params(&self, module: &Module, prefix: &str, planned: &mut Planned) -> Map<String, Value> {
        let mut params = Map::new();
        let mut defaults = Vec::new();
        for (name, param) in &module.params {
            let key = format!("{prefix}{name}");
            let taken = match planned.params.take(&key) {
                Some(text) => value(name, param, &text, &format!("--param {key}")).map(Some),
                None if param.default.is_some() || param.optional => {
                    defaults.push(name.as_str());
                    continue;
                }
                None => self.param(name, &key, param, module),
            };
            match taken {
                Ok(value) => params.extend(value.map(|value| (name.clone(), value))),
                Err(wrong) => planned.mistakes.0.extend(wrong.0),
            }
        }
        if !defaults.is_empty() {
            self.ui.detail(&format!("{}: {} keep their defaults.", module.name, defaults.join(", ")));
        }
        params
    }

    fn param(&self, name: &str, key: &str, param: &Param, module: &Module) -> Result<Option<Value>, Diagnostics> {
        let about = about(param);
        let mut question = format!("{}: {name} ({about})", module.name);
        let help = param.help.in_language(self.language).trim();
        if !help.is_empty() {
            question.push_str(&format!("\n  {}", help.replace('\n', "\n  ")));
        }
        question.push_str(&format!("\n{name}:"));
        for _ in 0..TRIES {
            let Some(answer) = self.ui.ask(&question) else { break };
            match value(name, param, &answer, "your answer") {
                Ok(value) if !answer.is_empty() => return Ok(Some(value)),
                Ok(_) => {}
                Err(wrong) => self.ui.report(&wrong),
            }
        }
        let help = if help.is_empty() { String::new() } else { format!(": {help}") };
        let example = param.example.as_ref().map_or_else(|| "…".to_owned(), |it| text(&it.to_json()));
        let fact = format!("`{}` asks for `{key}` ({about}){help}", module.name);
        Err(Diagnostic::error(fact).remedy(format!("give it: `--param {key}={example}`")).into())
    }
}

/// Its type or values, an example, and whether it is for good.
fn about(param: &Param) -> String {
    let mut about = if param.one_of.is_empty() {
        param.kind.to_string()
    } else {
        let words: Vec<String> = param.one_of.iter().map(|it| text(&it.to_json())).collect();
        format!("one of {}", words.join(", "))
    };
    if let Some(example) = &param.example {
        about.push_str(&format!(", such as {}", text(&example.to_json())));
    }
    if param.immutable {
        about.push_str(", cannot be changed later");
    }
    about
}

/// As it would be typed.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
