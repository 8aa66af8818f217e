//! `package`: a distribution package that is installed or absent, never "latest". Neighbours are one call of the
//! package manager. The manager is chosen on the host by what is there; `apt.sh` is the first.
//!
//! A look asks the package database only, never the index of what could be installed.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Answer, Build, Call, Fate, Item, Kind, Leaving, Presence, Site, concrete, field_place};
use crate::diag::Diagnostic;
use crate::lifelines::{Lifeline, of_package};
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

#[derive(Debug)]
pub struct PackageKind;

/// A distribution package.
#[derive(Debug, Clone, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// As the distribution calls it; `name:i386` for one architecture. Not a virtual package.
    name: String,
    /// `absent` removes it.
    #[serde(default)]
    state: Presence,
    /// Answers to its questions, set before it is installed: lines as debconf-set-selections(1) reads them,
    /// `OWNER QUESTION TYPE VALUE`. They have no effect on a package that is installed already.
    #[serde(default)]
    debconf: Vec<String>,
    /// False: its services are not started by its installation, so that they can be configured first.
    #[serde(default = "yes")]
    start: bool,
    /// True: what it recommends is installed with it.
    #[serde(default)]
    recommends: bool,
    /// True, for `state: absent`: its configuration is removed too.
    #[serde(default)]
    purge: bool,
    /// Other packages that this change may remove; without being named here, none is.
    #[serde(default)]
    may_remove: Vec<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug)]
struct Package(Fields);

impl Kind for PackageKind {
    fn name(&self) -> &'static str {
        "package"
    }

    fn summary(&self) -> &'static str {
        "A distribution package, installed or absent."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn short_field(&self) -> Option<&'static str> {
        Some("name")
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        let mut mistake = |field: &str, fact: String, remedy: &str| {
            build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
        };
        let mut sound = true;
        for (field, name) in
            std::iter::once(("name", &fields.name)).chain(fields.may_remove.iter().map(|name| ("may_remove", name)))
        {
            if !is_name(name) {
                mistake(field, format!("`{name}` is not the name of a package"), "write it as the distribution does");
                sound = false;
            }
        }
        for line in &fields.debconf {
            if !is_answer(line) {
                let remedy = "write `OWNER QUESTION TYPE VALUE`, such as `dokuwiki dokuwiki/wiki/acl boolean true`";
                mistake("debconf", format!("`{line}` is not an answer for debconf"), remedy);
                sound = false;
            }
        }
        if fields.state == Presence::Present && fields.purge {
            mistake("purge", "a package that is present cannot be purged".into(), "add `state: absent`, or drop it");
            sound = false;
        }
        sound.then(|| Box::new(Package(fields)) as Box<dyn Item>)
    }

    /// Others may use it by now: it stays, unless `retire` says to remove it.
    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        (leaving.fate == Some(Fate::Remove) && is_name(leaving.name)).then(|| {
            Box::new(Package(Fields {
                name: leaving.name.to_owned(),
                state: Presence::Absent,
                debconf: Vec::new(),
                start: true,
                recommends: false,
                purge: false,
                may_remove: Vec::new(),
            })) as Box<dyn Item>
        })
    }

    fn comes_with_others(&self) -> bool {
        true
    }

    fn probe(&self) -> &'static str {
        include_str!("probe.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let database = Database::read(answer);
        items
            .iter()
            .map(|item| match concrete::<Package>(*item) {
                Some(package) => database.observe(&package.0),
                None => Observation::Unknown("not a package".into()),
            })
            .collect()
    }

    fn apply(&self) -> &'static str {
        concat!(include_str!("apply.sh"), include_str!("apt.sh"))
    }

    fn calls(&self, items: &[&dyn Item], site: &Site) -> Vec<Call> {
        let packages: Option<Vec<&Package>> = items.iter().map(|item| concrete(*item)).collect();
        let Some(packages) = packages else { return items.iter().map(|item| item.call(site)).collect() };
        packages.chunk_by(|one, next| one.goes_with(next)).map(call).collect()
    }

    fn provides(&self) -> bool {
        true
    }

    fn merges(&self) -> bool {
        true
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ name: netbase }",
            "{ name: tzdata, debconf: [\"tzdata tzdata/Areas select Etc\"], start: false, recommends: true }",
            "{ name: netbase, state: absent, purge: true }",
        ]
    }
}

/// Letters of any distribution's names. A name that ends in `-` would make apt remove, and one with other letters
/// would be a pattern.
fn is_name(name: &str) -> bool {
    let (name, architecture) = name.split_once(':').unwrap_or((name, "any"));
    let plain = |text: &str, more: &[u8]| {
        text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    plain(name, b"+-._") && !name.ends_with('-') && plain(architecture, b"-")
}

fn is_answer(line: &str) -> bool {
    const TYPES: &[&str] =
        &["string", "boolean", "select", "multiselect", "password", "note", "text", "title", "error"];
    let words: Vec<&str> = line.split_whitespace().collect();
    !line.contains(['\n', '\0']) && !line.starts_with('#') && words.get(2).is_some_and(|word| TYPES.contains(word))
}

/// One call for packages that [go together](Package::goes_with).
fn call(packages: &[&Package]) -> Call {
    let word = |flag: bool| if flag { "yes" } else { "no" };
    let Some(Package(first)) = packages.first() else { return Call::new("package_install") };
    let may_remove: Vec<&str> =
        packages.iter().flat_map(|package| package.0.may_remove.iter().map(String::as_str)).collect();
    let call = match first.state {
        Presence::Present => {
            let answers: String =
                packages.iter().flat_map(|package| &package.0.debconf).map(|line| format!("{line}\n")).collect();
            Call::new("package_install")
                .arg(word(first.start))
                .arg(word(first.recommends))
                .payload(answers.into_bytes())
        }
        Presence::Absent => Call::new("package_remove").arg(word(first.purge)),
    };
    let call =
        packages.iter().fold(call.arg(may_remove.join(" ")), |call, package| call.arg(package.0.name.as_str()));
    Call { covers: packages.len(), ..call }
}

impl Package {
    /// True if one call can make both so.
    fn goes_with(&self, other: &Self) -> bool {
        let (one, other) = (&self.0, &other.0);
        one.state == other.state
            && one.start == other.start
            && one.recommends == other.recommends
            && one.purge == other.purge
    }
}

impl Item for Package {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn want(&self) -> Want {
        match self.0.state {
            Presence::Present => Want::Present(State::new().with("status", "installed")),
            Presence::Absent => Want::Absent,
        }
    }

    fn lifelines(&self) -> Vec<Lifeline> {
        of_package(&self.0.name)
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        vec![self.0.name.clone().into()]
    }

    fn call(&self, _: &Site) -> Call {
        call(&[self])
    }

    fn same_as(&self, other: &dyn Item) -> bool {
        concrete::<Self>(other).is_some_and(|other| self.0 == other.0)
    }
}

/// What the host's package database says.
#[derive(Debug, Default)]
struct Database {
    /// Status abbreviation by name and by `name:architecture`; `None` is explicitly not there.
    status: BTreeMap<String, Option<String>>,
    trouble: Option<String>,
}

impl Database {
    /// Lines: `P|name|architecture|status`, `A|name` (not known), `E|why`.
    fn read(answer: &Answer) -> Self {
        let mut database = Self::default();
        for line in answer.text_lines() {
            let fields: Vec<&str> = line.split('|').collect();
            match fields[..] {
                ["P", name, architecture, status] => {
                    database.add(name.to_owned(), status);
                    database.add(format!("{name}:{architecture}"), status);
                }
                ["A", name] => {
                    database.status.entry(name.to_owned()).or_insert(None);
                }
                ["E", why] => database.trouble = Some(why.to_owned()),
                _ => {}
            }
        }
        database
    }

    /// Of several architectures, one that is installed counts.
    fn add(&mut self, name: String, status: &str) {
        let known = self.status.entry(name).or_insert(None);
        if known.as_deref().is_none_or(|known| word(known) != "installed") {
            *known = Some(status.to_owned());
        }
    }

    fn observe(&self, wanted: &Fields) -> Observation {
        let unknown = || self.trouble.clone().unwrap_or_else(|| "the package database did not say".into());
        let Some(status) = self.status.get(&wanted.name) else { return Observation::Unknown(unknown()) };
        let Some(status) = status else { return Observation::Absent };
        match word(status) {
            "" => Observation::Unknown(format!("its status `{}` has no known meaning", status.escape_debug())),
            "not installed" => Observation::Absent,
            "configuration only" if !(wanted.state == Presence::Absent && wanted.purge) => Observation::Absent,
            word => Observation::Present(State::new().with("status", word)),
        }
    }
}

/// What dpkg's abbreviation means, see dpkg-query(1): the wish, the status, the error.
fn word(abbreviation: &str) -> &'static str {
    let letters = abbreviation.as_bytes();
    if letters.get(2).is_some_and(|letter| *letter == b'R') {
        return "broken";
    }
    match letters.get(1) {
        Some(b'i' | b'W' | b't') => "installed",
        Some(b'n') => "not installed",
        Some(b'c') => "configuration only",
        Some(b'U') => "unpacked, not configured",
        Some(b'F') => "half configured",
        Some(b'H') => "half installed",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
