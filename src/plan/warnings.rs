//! What a reader must see before anything else, gravest first; what is alike on several hosts is said once. Pure; all
//! texts are as they came, and whoever shows them makes them harmless.

use super::fleet::FleetPlan;
use super::json::word;
use super::{Action, Change};
use crate::kinds::Risk;
use crate::resource::Attribute;

/// What a note is about, gravest first. The first ones warn; the last ones only tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Nothing can be said before it is mended.
    Mistake,
    /// Nobody may be able to log in, or to become root.
    Lockout,
    Data,
    Deletion,
    /// Somebody gains or loses access.
    Access,
    /// A secret may be known to somebody who should not, or is not what it says.
    Exposure,
    /// A port opens.
    Opens,
    Restart,
    /// A host or a resource could not be looked at.
    Unseen,
    Host,
    /// It is no longer declared, and stays.
    Kept,
    Closes,
    Secret,
    Module,
    /// `validate` says so of the new state and not of the old.
    Complaint,
}

impl Topic {
    pub fn warns(self) -> bool {
        self < Self::Host
    }

    /// In one word, for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mistake => "Mistake",
            Self::Lockout => "Lock-out",
            Self::Data => "Data",
            Self::Deletion => "Deletion",
            Self::Access => "Access",
            Self::Exposure | Self::Secret => "Secret",
            Self::Opens | Self::Closes => "Port",
            Self::Restart => "Restart",
            Self::Unseen => "Unseen",
            Self::Host => "Host",
            Self::Kept => "Stays",
            Self::Module => "Module",
            Self::Complaint => "Validate",
        }
    }

    /// For programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mistake => "mistake",
            Self::Lockout => "lockout",
            Self::Data => "data",
            Self::Deletion => "deletion",
            Self::Access => "access",
            Self::Exposure => "exposure",
            Self::Opens => "opens",
            Self::Restart => "restart",
            Self::Unseen => "unseen",
            Self::Host => "host",
            Self::Kept => "kept",
            Self::Closes => "closes",
            Self::Secret => "secret",
            Self::Module => "module",
            Self::Complaint => "complaint",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub topic: Topic,
    /// Where; empty if it is about no host.
    pub hosts: Vec<String>,
    pub what: String,
}

/// Names in one line; the rest of a longer list is counted.
const NAMES: usize = 6;

impl Note {
    pub fn new(topic: Topic, what: impl Into<String>) -> Self {
        Self { topic, hosts: Vec::new(), what: what.into() }
    }

    pub fn on(topic: Topic, host: &str, what: impl Into<String>) -> Self {
        Self { topic, hosts: vec![host.to_owned()], what: what.into() }
    }

    /// `web1, web2: update file:/etc/ssh/sshd_config`.
    pub fn line(&self) -> String {
        if self.hosts.is_empty() { self.what.clone() } else { format!("{}: {}", listed(&self.hosts), self.what) }
    }
}

/// `a, b, c and 4 more`.
pub fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES).map(AsRef::as_ref).collect();
    let more = names.len() - shown.len();
    let text = shown.join(", ");
    if more == 0 { text } else { format!("{text} and {more} more") }
}

/// The gravest first, in the order they were given otherwise; what is the same on several hosts once.
pub fn in_order(notes: Vec<Note>) -> Vec<Note> {
    let mut merged: Vec<Note> = Vec::new();
    for note in notes {
        let same = merged.iter_mut().find(|known| {
            known.topic == note.topic && known.what == note.what && !known.hosts.is_empty() && !note.hosts.is_empty()
        });
        match same {
            Some(known) => known.hosts.extend(note.hosts),
            None => merged.push(note),
        }
    }
    merged.sort_by_key(|note| note.topic);
    merged
}

/// What is risky among the changes of a host.
pub fn of_changes(host: &str, changes: &[Change]) -> Vec<Note> {
    let named = |change: &&Change| format!("{} {}", word(change.action), change.id);
    let with = |risk: Risk| changes.iter().filter(move |change| change.risk.contains(&risk));
    let stops = changes.iter().filter(|change| stops(change)).map(|change| format!("stop {}", change.id));
    let mut notes = Vec::new();
    for (topic, names) in [
        (Topic::Lockout, with(Risk::Lockout).map(|it| named(&it)).collect::<Vec<_>>()),
        (Topic::Data, with(Risk::Data).map(|it| named(&it)).collect()),
        (Topic::Restart, with(Risk::Restart).map(|it| named(&it)).chain(stops).collect()),
    ] {
        if !names.is_empty() {
            notes.push(Note::on(topic, host, listed(&names)));
        }
    }
    let said = |change: &&Change| change.risk.iter().any(|risk| matches!(risk, Risk::Lockout | Risk::Data));
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for change in changes.iter().filter(|change| change.action == Action::Delete && !said(change)) {
        match reasons.iter_mut().find(|(reason, _)| *reason == change.reason) {
            Some((_, ids)) => ids.push(change.id.to_string()),
            None => reasons.push((&change.reason, vec![change.id.to_string()])),
        }
    }
    notes.extend(
        reasons.iter().map(|(reason, ids)| Note::on(Topic::Deletion, host, format!("{}: {reason}", listed(ids)))),
    );
    notes
}

/// True if something that runs will not run any more.
fn stops(change: &Change) -> bool {
    change.differences.iter().any(|it| it.attribute == "running" && it.to == Some(Attribute::from("no")))
}

/// What is risky in a plan, and what could not be looked at.
pub fn of_plan(plan: &FleetPlan) -> Vec<Note> {
    let mut notes = Vec::new();
    for entry in &plan.hosts {
        match &entry.result {
            Ok(found) => {
                notes.extend(of_changes(&entry.host, &found.changes));
                let unknown = found.unknown.iter();
                notes.extend(
                    unknown.map(|it| {
                        Note::on(Topic::Unseen, &entry.host, format!("{} cannot be read: {}", it.id, it.why))
                    }),
                );
            }
            Err(error) => {
                let word = if error.unreachable { "unreachable" } else { "failed" };
                notes.push(Note::on(Topic::Unseen, &entry.host, format!("{word}: {}", error.diagnostic.fact)));
            }
        }
    }
    in_order(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_comes_first_and_what_is_alike_is_said_once() {
        let notes = in_order(vec![
            Note::on(Topic::Restart, "web1", "restart service:a"),
            Note::on(Topic::Lockout, "web1", "update file:/etc/sudoers"),
            Note::new(Topic::Access, "ana gains access"),
            Note::on(Topic::Lockout, "web2", "update file:/etc/sudoers"),
        ]);
        let lines: Vec<String> = notes.iter().map(Note::line).collect();
        assert_eq!(lines, ["web1, web2: update file:/etc/sudoers", "ana gains access", "web1: restart service:a"]);
    }

    #[test]
    fn a_long_list_is_counted() {
        let names: Vec<String> = (1..=9).map(|number| format!("web{number}")).collect();
        assert_eq!(listed(&names), "web1, web2, web3, web4, web5, web6 and 3 more");
    }
}
