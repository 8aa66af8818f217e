//! How the backups of a host's services went, by what the host remembers, and what to say of that: never saved, stale,
//! not drilled. Reads the answers of a host, which may be broken; what it does not say is unknown, never well. Pure; what
//! starts backups and restores on a host is in [`job`].

use std::collections::BTreeMap;

use crate::catalog::{Backed, HostCatalog};
use crate::kinds::Answer;
use crate::said::Said;
use crate::texts;

pub mod job;
pub mod report;

/// Where the host says nothing of it.
const STALE_HOURS: i64 = 50;
const DAY: i64 = 86_400;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backups {
    /// Seconds since 1970, by the host's own clock.
    pub now: Option<i64>,
    /// A backup is stale after so many hours.
    pub stale_hours: Option<i64>,
    /// By service; `None`: it cannot be read.
    pub services: BTreeMap<String, Option<State>>,
}

/// What the host remembers of one service. Times are seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The version of its module as of the last apply.
    pub version: Option<i64>,
    pub success: Option<i64>,
    pub drill: Option<i64>,
    /// The last try failed.
    pub failure: Option<i64>,
    /// A restore was interrupted, and not finished yet.
    pub unfinished: bool,
}

/// What `probe_backups` said; `None`: it was not asked.
pub fn read(answer: Option<&Answer>) -> Option<Backups> {
    let mut backups = Backups::default();
    for line in answer?.text_lines() {
        let number = |text: &str| text.parse::<i64>().ok().filter(|number| (0..1 << 40).contains(number));
        match line.split('|').collect::<Vec<_>>()[..] {
            ["N", now, hours] => (backups.now, backups.stale_hours) = (number(now), number(hours)),
            ["U", service] => {
                backups.services.insert(service.to_owned(), None);
            }
            // without a line `module`, the place of its two fields is one
            ["B", service, "", success, drill, failure, unfinished] => {
                let state = State {
                    version: None,
                    success: number(success),
                    drill: number(drill),
                    failure: number(failure),
                    unfinished: unfinished == "yes",
                };
                backups.services.insert(service.to_owned(), Some(state));
            }
            ["B", service, _, version, success, drill, failure, unfinished] => {
                let state = State {
                    version: number(version),
                    success: number(success),
                    drill: number(drill),
                    failure: number(failure),
                    unfinished: unfinished == "yes",
                };
                backups.services.insert(service.to_owned(), Some(state));
            }
            _ => {}
        }
    }
    Some(backups)
}

/// What is to be said of the backups of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub service: String,
    pub what: What,
    /// In words, without the service.
    pub detail: Said,
    pub remedy: Said,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Nothing on the host saves it.
    Unsaved,
    /// It was never saved yet.
    Never,
    Stale,
    /// The last try failed, though the last success is not stale yet.
    Failing,
    /// Its backup was not restored for too long, or never.
    Undrilled,
    /// A restore was interrupted.
    Unfinished,
    Unknown,
}

impl What {
    /// For programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unsaved => "unsaved",
            Self::Never => "never",
            Self::Stale => "stale",
            Self::Failing => "failing",
            Self::Undrilled => "undrilled",
            Self::Unfinished => "unfinished",
            Self::Unknown => "unknown",
        }
    }
}

impl Remark {
    fn new(service: &str, what: What, detail: Said, remedy: Said) -> Self {
        Self { service: service.to_owned(), what, detail, remedy }
    }

    /// `wiki: its last backup is 3 days old`.
    pub fn line(&self) -> Said {
        texts::why(&self.service, &self.detail)
    }
}

/// All of them, service by service. What is not set up on the host yet says nothing: the plan shows that it will be.
pub fn remarks(catalog: &HostCatalog, seen: Option<&Backups>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for backed in &catalog.backed {
        let service = backed.service.as_str();
        if backed.keeper.is_none() {
            let detail = texts::unsaved();
            let remedy = Said::same(format!("`steward add backup --on {}`", catalog.host));
            remarks.push(Remark::new(service, What::Unsaved, detail, remedy));
        }
        let Some(seen) = seen else { continue };
        match seen.services.get(service) {
            None => {}
            Some(None) => {
                let remedy = texts::look_at("/var/lib/steward/backups");
                remarks.push(Remark::new(service, What::Unknown, texts::backups_unreadable(), remedy));
            }
            Some(Some(state)) => remarks.extend(of_state(backed, state, seen)),
        }
    }
    remarks
}

fn of_state(backed: &Backed, state: &State, seen: &Backups) -> Vec<Remark> {
    let service = backed.service.as_str();
    let mut remarks = Vec::new();
    let Some(now) = seen.now else {
        let detail = texts::no_time();
        return vec![Remark::new(service, What::Unknown, detail, texts::look_at("`date +%s`"))];
    };
    if state.unfinished {
        let remedy = texts::on_the_host(format!("/usr/local/lib/steward/backup mend {service}"));
        remarks.push(Remark::new(service, What::Unfinished, texts::restore_unfinished(), remedy));
    }
    let run = Said::same(format!("`steward backup run {service}`"));
    let limit = seen.stale_hours.unwrap_or(STALE_HOURS) * 3600;
    match state.success {
        None => remarks.push(Remark::new(service, What::Never, texts::never_saved(), run)),
        Some(at) if now - at > limit => {
            remarks.push(Remark::new(service, What::Stale, texts::last_backup_old(age(now - at)), run));
        }
        Some(_) if state.failure.is_some() => {
            remarks.push(Remark::new(service, What::Failing, texts::last_backup_failed(), run));
        }
        Some(_) => {}
    }
    let remedy = Said::same(format!("`steward backup drill {service}`"));
    match state.drill {
        Some(at) if now - at <= backed.drill_days * DAY => {}
        Some(at) => {
            let detail = texts::restored_long_ago(age(now - at), backed.drill_days);
            remarks.push(Remark::new(service, What::Undrilled, detail, remedy));
        }
        None if state.success.is_some() => {
            remarks.push(Remark::new(service, What::Undrilled, texts::never_restored(), remedy));
        }
        // that it was never saved says more
        None => {}
    }
    remarks
}

/// The services whose module comes in a newer version, though nothing proves that their data could be restored.
pub fn unproven(catalog: &HostCatalog, seen: Option<&Backups>) -> Vec<String> {
    let Some(seen) = seen else { return Vec::new() };
    let is_proven = |backed: &Backed, state: &State| match (seen.now, state.drill) {
        (Some(now), Some(at)) => now - at <= backed.drill_days * DAY,
        _ => false,
    };
    let is_upgraded = |backed: &Backed, state: &State| state.version.is_some_and(|was| was < backed.version);
    let states =
        catalog.backed.iter().filter_map(|backed| Some((backed, seen.services.get(&backed.service)?.as_ref()?)));
    let refused = states.filter(|(backed, state)| is_upgraded(backed, state) && !is_proven(backed, state));
    refused.map(|(backed, _)| backed.service.clone()).collect()
}

/// In the largest unit that fits.
fn age(seconds: i64) -> Said {
    match seconds {
        ..7200 => texts::minutes(seconds / 60),
        7200..172_800 => texts::hours(seconds / 3600),
        _ => texts::days(seconds / DAY),
    }
}

#[cfg(test)]
mod tests;
