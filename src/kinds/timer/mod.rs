//! `timer`: a command that systemd runs at given times. It is two units, NAME.service and NAME.timer, that Steward writes
//! whole; the output goes to the journal.

use serde::Deserialize;

use super::accounts::account_name;
use super::paths::{Found, Paths};
use super::units::{Unit, Units, is_name};
use super::{Answer, Build, Call, Item, Kind, Leaving, Presence, Site, concrete, field_place};
use crate::diag::Diagnostic;
use crate::resource::{Content, Observation, State, Want};
use crate::yaml::Node;

mod unit;

#[derive(Debug)]
pub struct TimerKind;

/// A command at given times.
#[derive(Debug, Clone, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Of its two units, without a suffix. No unit of another package may have it.
    name: String,
    /// One or more lines of shell. Needed unless it shall be absent.
    command: Option<String>,
    /// When, as systemd.time(7) writes calendars: `daily`, `Mon *-*-* 03:30`.
    on_calendar: Option<String>,
    /// Or how often, as systemd.time(7) writes spans: `15min`. The first time that long after boot.
    every: Option<String>,
    /// The account it runs as: root unless given.
    user: Option<String>,
    /// What it is for; its name unless given.
    description: Option<String>,
    /// True: what was missed while the host was off is made up for at boot.
    #[serde(default = "yes")]
    persistent: bool,
    /// `absent` stops it and removes its units.
    #[serde(default)]
    state: Presence,
}

fn yes() -> bool {
    true
}

#[derive(Debug)]
struct Timer {
    name: String,
    /// `None`: it shall not be there.
    units: Option<Pair>,
    /// The calendar or span, to be checked by systemd before anything is written.
    when: (&'static str, String),
}

#[derive(Debug, PartialEq)]
struct Pair {
    service: Content,
    timer: Content,
}

impl Kind for TimerKind {
    fn name(&self) -> &'static str {
        "timer"
    }

    fn summary(&self) -> &'static str {
        "A command that systemd runs at given times."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        let before = build.mistakes.0.len();
        for (field, fact, remedy) in mistakes(&fields) {
            build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
        }
        if let Some(user) = &fields.user {
            account_name(user, node, "user", build.mistakes);
        }
        if build.mistakes.0.len() > before {
            return None;
        }
        let pair = || Pair {
            service: Content::of(unit::service(&fields).into_bytes()),
            timer: Content::of(unit::timer(&fields).into_bytes()),
        };
        let when = match (&fields.on_calendar, &fields.every) {
            (Some(calendar), _) => ("calendar", calendar.clone()),
            (None, every) => ("timespan", every.clone().unwrap_or_default()),
        };
        let units = (fields.state == Presence::Present).then(pair);
        Some(Box::new(Timer { name: fields.name, units, when }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let timer = || Timer { name: leaving.name.to_owned(), units: None, when: ("calendar", String::new()) };
        is_timer(leaving.name).then(|| Box::new(timer()) as Box<dyn Item>)
    }

    fn retires_first(&self) -> bool {
        true
    }

    fn free_text(&self) -> &'static [&'static str] {
        &["service", "timer"]
    }

    fn probe(&self) -> &'static str {
        include_str!("probe.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let (paths, units) = (Paths::read(answer), Units::read(answer));
        items
            .iter()
            .map(|item| match concrete::<Timer>(*item) {
                Some(timer) => timer.observe(&paths, &units).unwrap_or_else(Observation::Unknown),
                None => Observation::Unknown("not a timer".into()),
            })
            .collect()
    }

    fn apply(&self) -> &'static str {
        include_str!("apply.sh")
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ name: tidy, command: \"find /tmp/cache -mtime +30 -delete\", on_calendar: daily }",
            "{ name: beat, command: \"echo \\\"100% $HOME it's\\\"\\ntrue\", every: 15min, user: daemon, \
             description: Say that all is well, persistent: false }",
            "{ name: beat, state: absent }",
        ]
    }
}

fn is_timer(name: &str) -> bool {
    is_name(name) && !name.contains(['@', '\\', '.'])
}

/// Field, fact, remedy.
fn mistakes(fields: &Fields) -> Vec<(&'static str, String, &'static str)> {
    let mut found = Vec::new();
    if !is_timer(&fields.name) {
        let fact = format!("`{}` is not the name of a timer", fields.name);
        found.push(("name", fact, "use letters, digits, `-` and `_`, without `.timer`"));
    }
    let one_line =
        [("on_calendar", &fields.on_calendar), ("every", &fields.every), ("description", &fields.description)];
    for (field, _) in
        one_line.iter().filter(|(_, text)| text.as_deref().is_some_and(|it| it.contains(['\n', '\r', '\0'])))
    {
        found.push((field, format!("`{field}` has more than one line"), "write it on one line"));
    }
    if fields.state == Presence::Absent {
        return found;
    }
    if fields.command.as_deref().is_none_or(|command| command.trim().is_empty() || command.contains('\0')) {
        found.push(("command", "the timer has nothing to run".to_owned(), "add `command:`"));
    }
    match (&fields.on_calendar, &fields.every) {
        (None, None) => {
            found.push(("name", "nothing says when the timer runs".to_owned(), "add `on_calendar:` or `every:`"));
        }
        (Some(_), Some(_)) => {
            let fact = "both `on_calendar` and `every` say when it runs".to_owned();
            found.push(("every", fact, "keep one of them"));
        }
        _ => {}
    }
    found
}

impl Timer {
    fn unit(&self) -> String {
        format!("{}.timer", self.name)
    }

    fn paths(&self) -> [String; 2] {
        ["service", "timer"].map(|suffix| format!("/etc/systemd/system/{}.{suffix}", self.name))
    }

    fn observe(&self, paths: &Paths, units: &Units) -> Result<Observation, String> {
        let unit: &Unit = units.named(&self.unit())?;
        let mut state = State::new();
        let mut there = false;
        for (attribute, path) in ["service", "timer"].into_iter().zip(self.paths()) {
            match paths.at(&path) {
                Found::Absent => {}
                Found::Unknown(why) => return Err(format!("{path}: {why}")),
                Found::There(stat) if stat.is_regular() => {
                    let content = paths.content(&path, stat.size);
                    state = state.with(attribute, content.ok_or_else(|| format!("{path} could not be read"))?);
                    there = true;
                }
                Found::There(stat) => {
                    state = state.with(attribute, format!("a {}", stat.file_type()));
                    there = true;
                }
            }
        }
        if !there {
            return Ok(Observation::Absent);
        }
        let definition = if unit.outdated { "changed on disk" } else { "loaded" };
        let state =
            state.with("enabled", unit.enabled()).with("running", unit.running()).with("definition", definition);
        Ok(Observation::Present(state))
    }
}

impl Item for Timer {
    fn name(&self) -> &str {
        &self.name
    }

    fn want(&self) -> Want {
        let Some(units) = &self.units else { return Want::Absent };
        let state = State::new()
            .with("service", units.service.clone())
            .with("timer", units.timer.clone())
            .with("enabled", "yes")
            .with("running", "yes")
            .with("definition", "loaded");
        Want::Present(state)
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        // what shall not be there differs, so that the host says whether it is as it was written
        let digest = |of: fn(&Pair) -> &Content| {
            Some(self.units.as_ref().map_or_else(|| "none".to_owned(), |units| of(units).digest.clone()))
        };
        let [service, timer] = self.paths();
        [Some(self.unit()), digest(|units| &units.service), Some(service), digest(|units| &units.timer), Some(timer)]
            .map(|field| field.unwrap_or_default().into_bytes())
            .into()
    }

    fn call(&self, _: &Site) -> Call {
        let Some(units) = &self.units else { return Call::new("timer_absent").arg(self.name.as_str()) };
        Call::new("timer_present")
            .arg(self.name.as_str())
            .arg(self.when.0)
            .arg(self.when.1.as_str())
            .payload(units.service.bytes.clone().unwrap_or_default())
            .payload(units.timer.bytes.clone().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
