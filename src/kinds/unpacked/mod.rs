//! What `archive` and `git` have in common: a directory that holds what was unpacked on the operator's side, whole, and
//! nothing else. A file in it, which only root can read, says of what and in which state it was made; a look compares that
//! with what is there. It is made beside its place and moved there in one rename.

use std::sync::Arc;

use super::accounts::account_name;
use super::{Answer, Build, Call, Fate, Item, Leaving, Site, concrete, is_plain_absolute};
use crate::carried::Carried;
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

pub mod archive;
pub mod git;
#[cfg(test)]
mod tests;
pub mod wheelhouse;

/// The shell of a look and of a change, which both kinds use.
const LOOK: &str = include_str!("probe.sh");
const CHANGE: &str = include_str!("apply.sh");

#[derive(Debug)]
struct Unpacked {
    path: String,
    /// What people see of what it holds: a digest, a commit.
    attribute: &'static str,
    value: String,
    owner: Option<String>,
    group: Option<String>,
    /// `None`: nothing declares it any more.
    carried: Option<Arc<Carried>>,
    fate: Option<Fate>,
}

/// What is unpacked is Steward's, and is deleted; what somebody changed is moved away whole, unless it is to be destroyed.
fn retired(leaving: &Leaving<'_>, attribute: &'static str) -> Option<Box<dyn Item>> {
    is_plain_absolute(leaving.name).then(|| {
        Box::new(Unpacked {
            path: leaving.name.to_owned(),
            attribute,
            value: String::new(),
            owner: None,
            group: None,
            carried: None,
            fate: leaving.fate,
        }) as Box<dyn Item>
    })
}

fn read(items: &[&dyn Item], answer: &Answer) -> Vec<Observation> {
    read_as::<Unpacked>(items, answer, |item, stamp| (item.attribute, item.value_of(stamp)))
}

/// Refuses what is neither the name nor the number of an account.
fn owners(owner: Option<&str>, group: Option<&str>, node: &Node, build: &mut Build<'_>) -> Option<()> {
    for (field, name) in [("owner", owner), ("group", group)] {
        if let Some(name) = name.filter(|name| name.is_empty() || !name.bytes().all(|it| it.is_ascii_digit())) {
            account_name(name, node, field, build.mistakes)?;
        }
    }
    Some(())
}

/// Answers: `NUMBER|absent`, `NUMBER|other|what it is`, `NUMBER|unknown|why`, `NUMBER|there|stamp|intact or changed`.
fn read_as<T: Item>(
    items: &[&dyn Item],
    answer: &Answer,
    shown: impl Fn(&T, &str) -> (&'static str, String),
) -> Vec<Observation> {
    let observe = |(number, item): (usize, &&dyn Item)| {
        let mark = format!("{number}|");
        let said = answer.text_lines().find_map(|line| line.strip_prefix(&mark));
        match (concrete::<T>(*item), said) {
            (Some(item), Some(said)) => observation(said, |stamp| shown(item, stamp)),
            _ => Observation::Unknown("the host did not say".into()),
        }
    };
    items.iter().enumerate().map(observe).collect()
}

fn observation(said: &str, shown: impl Fn(&str) -> (&'static str, String)) -> Observation {
    match said.split('|').collect::<Vec<_>>()[..] {
        ["absent"] => Observation::Absent,
        ["other", what @ ("link" | "file")] => {
            Observation::Present(State::new().with("content", format!("a {what}")))
        }
        ["unknown", why] => Observation::Unknown(why.escape_debug().to_string()),
        ["there", stamp, state @ ("intact" | "changed")] => {
            let content = if state == "intact" { "as it was unpacked" } else { "changed on the host" };
            let (attribute, value) = shown(stamp);
            Observation::Present(State::new().with(attribute, value).with("content", content))
        }
        _ => Observation::Unknown("the host's answer makes no sense".into()),
    }
}

impl Unpacked {
    /// What it was made of, and for whom, as the host notes it.
    fn stamp(&self) -> Option<String> {
        let of = |word: &str, name: &Option<String>| {
            name.as_ref().map(|name| format!(" {word} {name}")).unwrap_or_default()
        };
        let carried = self.carried.as_ref()?;
        Some(format!("{}{}{}", carried.stamp(), of("owner", &self.owner), of("group", &self.group)))
    }

    /// The first word of a stamp is what people see; the rest says how it was unpacked.
    fn value_of(&self, stamp: &str) -> String {
        if stamp.is_empty() {
            return "not Steward's".to_owned();
        }
        if self.stamp().as_deref() == Some(stamp) {
            return self.value.clone();
        }
        let first = stamp.split(' ').next().unwrap_or_default();
        let first = if first == self.value { format!("{first}, unpacked otherwise") } else { first.to_owned() };
        first.escape_debug().to_string()
    }
}

impl Item for Unpacked {
    fn name(&self) -> &str {
        &self.path
    }

    fn want(&self) -> Want {
        if self.carried.is_none() {
            return Want::Absent;
        }
        Want::Present(State::new().with(self.attribute, self.value.clone()).with("content", "as it was unpacked"))
    }

    fn ask(&self, site: &Site) -> Vec<Vec<u8>> {
        vec![site.path(&self.path).into_bytes()]
    }

    fn call(&self, site: &Site) -> Call {
        let path = site.path(&self.path);
        let Some(carried) = &self.carried else {
            let destroy = if self.fate == Some(Fate::Destroy) { "destroy" } else { "" };
            return Call::new("unpacked_retired").arg(path).arg(destroy);
        };
        let root = || (!site.is_directory()).then_some("root");
        Call::new("unpacked_present")
            .arg(path)
            .arg(site.makes_parents())
            .arg(self.stamp().unwrap_or_default())
            .optional(self.owner.as_deref().or_else(root))
            .optional(self.group.as_deref().or_else(root))
            .carried(carried)
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    /// All that is in it: what another resource put there would be gone with the next version.
    fn claims(&self, path: &str) -> bool {
        path.strip_prefix(&self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}
