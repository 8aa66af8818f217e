//! `service`: a systemd unit that is enabled and running, or not, and that is reloaded or restarted when something
//! under the paths it names changes. Writes no unit files: those are `file`s, or come with a package.

use serde::Deserialize;

use super::units::{Unit, Units, full_name, is_name};
use super::{
    Answer, Build, Call, Item, Kind, Leaving, Reaction, ReactionKind, Site, concrete, field_place, is_plain_absolute,
};
use crate::diag::Diagnostic;
use crate::lifelines::{self, Lifeline};
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

mod switch;

use switch::Switch;

#[derive(Debug)]
pub struct ServiceKind;

/// A unit of systemd.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The unit; `.service` may be left out, other suffixes (`.socket`, `.timer`) not. An alias will do.
    name: String,
    /// Whether it starts at boot: true unless given.
    #[serde(default)]
    enabled: Switch,
    /// Whether it runs now: true unless given.
    #[serde(default)]
    running: Switch,
    /// True: nothing may start it.
    #[serde(default)]
    masked: bool,
    /// Absolute path globs; a change under one of them reloads it (restarts, if it cannot reload).
    #[serde(default)]
    reload_on: Vec<String>,
    /// Absolute path globs; a change under one of them restarts it.
    #[serde(default)]
    restart_on: Vec<String>,
    /// A command that must succeed before it is reloaded or restarted; else the changed files are put back.
    validate: Option<String>,
}

#[derive(Debug)]
struct Service {
    /// As people say it: without `.service`.
    name: String,
    unit: String,
    enabled: Switch,
    running: Switch,
    masked: bool,
    reload_on: Vec<String>,
    restart_on: Vec<String>,
    validate: Option<String>,
    /// True if nothing declares it any more: it is stopped and no longer starts at boot.
    leaving: bool,
}

impl Kind for ServiceKind {
    fn name(&self) -> &'static str {
        "service"
    }

    fn summary(&self) -> &'static str {
        "A systemd unit: enabled, running, and reloaded or restarted when what it reads changes."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn short_field(&self) -> Option<&'static str> {
        Some("name")
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        let mut mistakes: Vec<(&str, String, &str)> = Vec::new();
        if !is_name(&fields.name) {
            mistakes.push(("name", format!("`{}` is not the name of a unit", fields.name), "see systemd.unit(5)"));
        }
        for (field, globs) in [("reload_on", &fields.reload_on), ("restart_on", &fields.restart_on)] {
            for glob in globs.iter().filter(|glob| !is_plain_absolute(glob)) {
                let fact = format!("`{glob}` is not an absolute path or glob");
                mistakes.push((field, fact, "write it like `/etc/nginx/**`"));
            }
        }
        if fields.validate.is_some() && fields.reload_on.is_empty() && fields.restart_on.is_empty() {
            let fact = "`validate` has nothing to validate".to_owned();
            mistakes.push(("validate", fact, "add `reload_on` or `restart_on`"));
        }
        if fields.masked && (fields.running == Switch::On || fields.enabled == Switch::On) {
            let fact = "a masked unit can be neither enabled nor running".to_owned();
            mistakes.push(("masked", fact, "drop `masked`, or the other"));
        }
        if !mistakes.is_empty() {
            for (field, fact, remedy) in mistakes {
                build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
            }
            return None;
        }
        let unless_masked = |switch: Switch, masked| match switch {
            Switch::Default if fields.masked => masked,
            Switch::Default => Switch::On,
            given => given,
        };
        let unit = full_name(&fields.name);
        Some(Box::new(Service {
            name: unit.strip_suffix(".service").unwrap_or(&unit).to_owned(),
            unit,
            enabled: unless_masked(fields.enabled, Switch::Unmanaged),
            running: unless_masked(fields.running, Switch::Off),
            masked: fields.masked,
            reload_on: fields.reload_on,
            restart_on: fields.restart_on,
            validate: fields.validate,
            leaving: false,
        }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let unit = full_name(leaving.name);
        let name = unit.strip_suffix(".service").unwrap_or(&unit).to_owned();
        (is_name(leaving.name) && name == leaving.name).then(|| {
            Box::new(Service {
                name,
                unit,
                enabled: Switch::Off,
                running: Switch::Off,
                masked: false,
                reload_on: Vec::new(),
                restart_on: Vec::new(),
                validate: None,
                leaving: true,
            }) as Box<dyn Item>
        })
    }

    fn retires_first(&self) -> bool {
        true
    }

    /// A package or a file brings the unit.
    fn comes_with_others(&self) -> bool {
        true
    }

    fn probe(&self) -> &'static str {
        "probe_service() { show_units; }\n"
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let units = Units::read(answer);
        items
            .iter()
            .map(|item| match concrete::<Service>(*item) {
                Some(service) => service.observe(&units),
                None => Observation::Unknown("not a service".into()),
            })
            .collect()
    }

    fn apply(&self) -> &'static str {
        include_str!("apply.sh")
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ name: ssh, reload_on: [/etc/ssh/sshd_config, /etc/ssh/sshd_config.d/*], validate: sshd -t }",
            "{ name: systemd-tmpfiles-clean.timer, running: unmanaged }",
            "{ name: debug-shell, enabled: false, running: false }",
        ]
    }
}

impl Service {
    fn observe(&self, units: &Units) -> Observation {
        let unit = match units.named(&self.unit) {
            Ok(unit) => unit,
            Err(why) => return Observation::Unknown(why),
        };
        if self.leaving && self.is_off(unit) {
            return Observation::Absent;
        }
        let wants_it = self.enabled == Switch::On || self.running == Switch::On;
        if !unit.exists() && wants_it {
            return Observation::Absent;
        }
        let state = State::new()
            .with("enabled", self.enabled_like(unit))
            .with("running", unit.running())
            .with("masked", if unit.is_masked() { "yes" } else { "no" })
            .with("definition", if unit.outdated { "changed on disk" } else { "loaded" });
        Observation::Present(state)
    }

    /// Neither runs nor starts at boot.
    fn is_off(&self, unit: &Unit) -> bool {
        !unit.exists() || (unit.running() == "no" && self.enabled_like(unit) == "no")
    }

    /// A unit that others start is as enabled, and as disabled, as it can be.
    fn enabled_like<'a>(&self, unit: &'a Unit) -> &'a str {
        match (unit.enabled(), self.enabled) {
            ("either", Switch::Off) => "no",
            ("either", _) => "yes",
            (word, _) => word,
        }
    }

    fn reaction(&self, action: ReactionKind, on: &[String], function: &'static str) -> Option<Reaction> {
        (!on.is_empty()).then(|| Reaction {
            action,
            on: on.to_vec(),
            call: Call::new(function).arg(self.unit.as_str()).arg(self.running.word()),
            validate: self.validate.clone().or_else(|| lifelines::validation(&self.unit).map(str::to_owned)),
        })
    }
}

impl Item for Service {
    fn name(&self) -> &str {
        &self.name
    }

    fn want(&self) -> Want {
        if self.leaving {
            return Want::Absent;
        }
        let mut state = State::new().with("definition", "loaded");
        for (name, switch) in [("enabled", self.enabled), ("running", self.running)] {
            state = state.with_some(name, Some(switch.word()).filter(|word| !word.is_empty()));
        }
        if self.masked || self.enabled == Switch::On || self.running == Switch::On {
            state = state.with("masked", if self.masked { "yes" } else { "no" });
        }
        Want::Present(state)
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        vec![self.unit.clone().into()]
    }

    fn call(&self, _: &Site) -> Call {
        Call::new("service_ensure")
            .arg(self.unit.as_str())
            .arg(self.enabled.word())
            .arg(self.running.word())
            .arg(if self.masked { "yes" } else { "no" })
    }

    fn reactions(&self) -> Vec<Reaction> {
        let restart = self.reaction(ReactionKind::Restart, &self.restart_on, "service_restart");
        let reload = self.reaction(ReactionKind::Reload, &self.reload_on, "service_reload");
        restart.into_iter().chain(reload).collect()
    }

    fn starts_from(&self, observed: Option<&State>) -> bool {
        let running = observed.and_then(|state| state.0.get("running"));
        self.running == Switch::On && running != Some(&"yes".into())
    }

    fn lifelines(&self) -> Vec<Lifeline> {
        lifelines::of_unit(&self.name)
    }
}

#[cfg(test)]
mod tests;
