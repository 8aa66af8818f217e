//! What a reader must see before anything else, gravest first; what is alike on several hosts is said once. Pure; all
//! texts are as they came, and whoever shows them makes them harmless.

use super::fleet::FleetPlan;
use super::{Action, Change};
use crate::inventory::Locale;
use crate::kinds::Risk;
use crate::resource::Attribute;
use crate::said::{Said, Say, listed};
use crate::texts;

/// What a note is about, gravest first. The first ones warn; the last ones only tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Nothing can be said before it is mended.
    Mistake,
    /// Nobody may be able to log in, or to become root.
    Lockout,
    Data,
    /// A version of a module breaks something.
    Upgrade,
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
    pub fn label(self) -> Said {
        match self {
            Self::Mistake => texts::topic_mistake(),
            Self::Lockout => texts::topic_lockout(),
            Self::Data => texts::topic_data(),
            Self::Upgrade => texts::topic_upgrade(),
            Self::Deletion => texts::topic_deletion(),
            Self::Access => texts::topic_access(),
            Self::Exposure | Self::Secret => texts::topic_secret(),
            Self::Opens | Self::Closes => texts::topic_port(),
            Self::Restart => texts::topic_restart(),
            Self::Unseen => texts::topic_unseen(),
            Self::Host => texts::topic_host(),
            Self::Kept => texts::topic_stays(),
            Self::Module => texts::topic_module(),
            Self::Complaint => texts::topic_validate(),
        }
    }

    /// For programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mistake => "mistake",
            Self::Lockout => "lockout",
            Self::Data => "data",
            Self::Upgrade => "upgrade",
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
    pub what: Said,
}

impl Note {
    pub fn new(topic: Topic, what: impl Into<Said>) -> Self {
        Self { topic, hosts: Vec::new(), what: what.into() }
    }

    pub fn on(topic: Topic, host: &str, what: impl Into<Said>) -> Self {
        Self { topic, hosts: vec![host.to_owned()], what: what.into() }
    }

    /// `web1, web2: update file:/etc/ssh/sshd_config`.
    pub fn line(&self, locale: Locale) -> String {
        let what = self.what.text(locale);
        if self.hosts.is_empty() { what.to_owned() } else { format!("{}: {what}", listed(&self.hosts).text(locale)) }
    }
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
    let named = |change: &&Change| doing(change.action, &change.id);
    let with = |risk: Risk| changes.iter().filter(move |change| change.risk.contains(&risk));
    let stops = changes.iter().filter(|change| stops(change)).map(|change| texts::stop(&change.id));
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
    let mut reasons: Vec<(&Said, Vec<String>)> = Vec::new();
    for change in changes.iter().filter(|change| change.action == Action::Delete && !said(change)) {
        match reasons.iter_mut().find(|(reason, _)| **reason == change.reason) {
            Some((_, ids)) => ids.push(change.id.to_string()),
            None => reasons.push((&change.reason, vec![change.id.to_string()])),
        }
    }
    notes.extend(
        reasons.iter().map(|(reason, ids)| Note::on(Topic::Deletion, host, texts::why(listed(ids), *reason))),
    );
    notes
}

/// `update file:/etc/x`.
pub fn doing(action: Action, id: impl Say) -> Said {
    match action {
        Action::Create => texts::create(id),
        Action::Update => texts::update(id),
        Action::Delete => texts::delete(id),
        Action::Run => texts::run(id),
        Action::Restart => texts::restart(id),
        Action::Reload => texts::reload(id),
    }
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
                notes.extend(found.gates.iter().map(|gate| Note::on(Topic::Upgrade, &entry.host, gate.line())));
                notes.extend(of_changes(&entry.host, &found.changes));
                let unknown = found.unknown.iter();
                notes.extend(unknown.map(|it| Note::on(Topic::Unseen, &entry.host, it.said())));
            }
            Err(error) => {
                let word = if error.unreachable { texts::unreachable() } else { texts::failed() };
                notes.push(Note::on(Topic::Unseen, &entry.host, texts::why(&word, &error.diagnostic.fact)));
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
        let lines: Vec<String> = notes.iter().map(|note| note.line(Locale::En)).collect();
        assert_eq!(lines, ["web1, web2: update file:/etc/sudoers", "ana gains access", "web1: restart service:a"]);
    }
}
