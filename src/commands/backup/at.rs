//! `--at`: a day, a time, or the id of a snapshot.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::super::Context;
use super::working::{hosts, work};
use crate::backups::job::{Job, Verb};
use crate::backups::report::{HostReport, Snapshot, snapshots};
use crate::diag::{Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::plan::fleet::HostError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// The last one of this moment or before, in the time zone of whoever asks.
    Moment(Timestamp),
    /// The one whose id begins with these digits.
    Id(String),
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let local = |at: DateTime| at.to_zoned(TimeZone::system()).map(|at| Self::Moment(at.timestamp()));
        let too_far = |error: jiff::Error| error.to_string();
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self::Moment(at));
        }
        // a day without a time is meant to its end
        if let (10, Ok(day)) = (text.len(), text.parse::<Date>()) {
            return local(day.at(23, 59, 59, 999_999_999)).map_err(too_far);
        }
        if let (true, Ok(at)) = (text.contains('-'), text.parse::<DateTime>()) {
            return local(at).map_err(too_far);
        }
        let is_id =
            (4..=64).contains(&text.len()) && text.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f'));
        if is_id {
            return Ok(Self::Id(text.to_owned()));
        }
        Err("it is no day (2026-11-24), no time (\"2026-11-24 12:00\") and no id of a snapshot".to_owned())
    }
}

impl At {
    /// Of these, newest first.
    fn of<'a>(&self, snapshots: &'a [Snapshot]) -> Option<&'a Snapshot> {
        match self {
            Self::Moment(at) => snapshots.iter().find(|it| it.at <= *at),
            Self::Id(id) => snapshots.iter().find(|it| it.id.starts_with(id.as_str()) || id.starts_with(&it.id)),
        }
    }
}

/// A host and its snapshots, newest first.
pub(super) type Listed = (String, Result<Vec<Snapshot>, HostError>);

/// Lists the snapshots of a service on each of its hosts.
pub(super) fn listed(context: &Context, service: &str) -> Result<(Inventory, Vec<Listed>), Diagnostics> {
    let (inventory, hosts) = hosts(context, service)?;
    let job = |host| (host, Job { verb: Verb::List, service: service.to_owned(), snapshot: String::new() });
    let reports = work(context, &inventory, hosts.into_iter().map(job).collect())?;
    let read = |report: HostReport| {
        let HostReport { host, result } = report;
        let failed = |diagnostic| HostError { unreachable: false, diagnostic };
        let found = result.and_then(|ended| match (ended.succeeded, snapshots(&ended)) {
            (true, Some(found)) => Ok(found),
            (true, None) => {
                let fact = format!("host {host}: restic lists what cannot be read");
                Err(failed(Diagnostic::error(fact).remedy("look at `restic snapshots --json` there")))
            }
            (false, _) => {
                let why = crate::plan::diff::visible(&ended.said.join("\n"));
                let fact = format!("{service} on {host}: the snapshots cannot be listed: {}", why.trim());
                Err(failed(Diagnostic::error(fact).remedy("mend what it says, and run it again")))
            }
        });
        (host, found)
    };
    Ok((inventory, reports.into_iter().map(read).collect()))
}

type Chosen = (Inventory, Vec<(String, String)>, Vec<HostReport>);

/// The snapshot that is meant on each host, and the hosts that have none such.
pub(super) fn chosen(context: &Context, service: &str, at: &At) -> Result<Chosen, Diagnostics> {
    let (inventory, listed) = listed(context, service)?;
    let (mut chosen, mut without) = (Vec::new(), Vec::new());
    for (host, found) in listed {
        match found {
            Ok(found) => match at.of(&found) {
                Some(it) => chosen.push((host, it.id.clone())),
                None => {
                    let fact = format!("{service} on {host}: there is no such backup");
                    let remedy = format!("`steward backup list {service}` shows those there are");
                    let diagnostic = Diagnostic::error(fact).remedy(remedy);
                    without.push(HostReport { host, result: Err(HostError { unreachable: false, diagnostic }) });
                }
            },
            Err(error) => without.push(HostReport { host, result: Err(error) }),
        }
    }
    Ok((inventory, chosen, without))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_meant_to_its_end_and_an_id_is_one() {
        let list: Vec<Snapshot> = [
            ("beef0003", "2026-11-25T10:00:00Z"),
            ("beef0002", "2026-11-24T20:00:00Z"),
            ("beef0001", "2026-11-24T03:00:00Z"),
        ]
        .map(|(id, at)| Snapshot { id: id.into(), at: at.parse().unwrap(), paths: Vec::new() })
        .into();
        for (text, expected) in [
            ("2026-11-24T19:00:00Z", Some("beef0001")),
            ("2026-11-24T20:00:00Z", Some("beef0002")),
            ("2026-11-20T20:00:00Z", None),
            ("2027-01-01", Some("beef0003")),
            ("2020-01-01 12:00", None),
            ("beef0002", Some("beef0002")),
            ("beef0001aaaa", Some("beef0001")),
            ("abcd", None),
        ] {
            let at: At = text.parse().unwrap();
            assert_eq!(at.of(&list).map(|it| it.id.as_str()), expected, "{text}");
        }
        for wrong in ["", "yesterday", "24.11.2026", "abc", "--help", "$(id)"] {
            assert!(wrong.parse::<At>().is_err(), "{wrong}");
        }
    }
}
