//! What came of backups, drills and restores, and which snapshots there are: a table, JSON. Pure.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::job::{Ended, Verb};
use crate::plan::diff::visible;
use crate::plan::fleet::HostError;

/// One host.
#[derive(Debug)]
pub struct HostReport {
    pub host: String,
    pub result: Result<Ended, HostError>,
}

impl HostReport {
    pub fn status(&self) -> &'static str {
        match &self.result {
            Ok(ended) if ended.succeeded => "ok",
            Err(error) if error.unreachable => "unreachable",
            _ => "failed",
        }
    }
}

/// A snapshot of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub id: String,
    pub at: Timestamp,
    pub paths: Vec<String>,
}

/// What restic lists, newest first; `None` if that cannot be read.
pub fn snapshots(ended: &Ended) -> Option<Vec<Snapshot>> {
    let list: Value =
        serde_json::from_str(ended.said.iter().find(|line| line.starts_with('[') || *line == "null")?).ok()?;
    let mut read: Vec<Snapshot> = match list {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(snapshot).collect::<Option<_>>()?,
        _ => return None,
    };
    read.sort_by_key(|it| std::cmp::Reverse(it.at));
    Some(read)
}

fn snapshot(item: &Value) -> Option<Snapshot> {
    let id: String = item["id"].as_str()?.chars().take(8).collect();
    let at = item["time"].as_str()?.parse().ok()?;
    let paths = item["paths"].as_array()?.iter().filter_map(|path| path.as_str().map(str::to_owned));
    // the dump and the manifest are part of every one
    let paths = paths.filter(|path| !path.starts_with("/var/lib/steward-backup/")).collect();
    id.chars().all(|digit| digit.is_ascii_hexdigit()).then_some(Snapshot { id, at, paths })
}

/// A line each: what was done.
pub fn text(verb: Verb, service: &str, hosts: &[HostReport]) -> String {
    let mut text = String::new();
    for host in hosts {
        let how = match host.status() {
            "ok" => "done",
            other => other,
        };
        text.push_str(&format!("{}: {} of {service} {how}\n", host.host, verb.noun()));
        for line in host.result.iter().filter(|ended| ended.succeeded).flat_map(|ended| &ended.said) {
            text.push_str(&format!("  {}\n", visible(line)));
        }
    }
    text
}

pub fn json_of(verb: Verb, service: &str, hosts: &[HostReport]) -> Value {
    let host = |it: &HostReport| {
        let (snapshot, said, error) = match &it.result {
            Ok(ended) => (ended.snapshot.as_deref(), ended.said.as_slice(), None),
            Err(error) => (None, [].as_slice(), Some(error.diagnostic.to_string())),
        };
        json!({ "host": it.host, "status": it.status(), "snapshot": snapshot, "said": said, "error": error })
    };
    json!({ "format": 1, "command": verb.word(), "service": service, "hosts": hosts.iter().map(host).collect::<Vec<_>>() })
}

/// The snapshots of each host that could be asked, newest first.
pub fn table(hosts: &[(String, Vec<Snapshot>)]) -> String {
    let width = hosts.iter().map(|(host, _)| host.chars().count()).chain([4]).max().unwrap_or_default();
    let mut text = format!("{:width$}  {:8}  {:20}  PATHS\n", "HOST", "SNAPSHOT", "TIME");
    for (host, snapshots) in hosts {
        for it in snapshots {
            let time = it.at.strftime("%Y-%m-%d %H:%M UTC");
            text.push_str(&format!("{host:width$}  {:8}  {time:20}  {}\n", it.id, visible(&it.paths.join(", "))));
        }
        if snapshots.is_empty() {
            text.push_str(&format!("{host:width$}  none yet\n"));
        }
    }
    text
}

pub fn list_json(service: &str, hosts: &[(String, Result<Vec<Snapshot>, HostError>)]) -> Value {
    let snapshot = |it: &Snapshot| json!({ "id": it.id, "time": it.at.to_string(), "paths": it.paths });
    let host = |(host, result): &(String, Result<Vec<Snapshot>, HostError>)| {
        let (status, error, snapshots) = match result {
            Ok(found) => ("ok", None, found.iter().map(snapshot).collect::<Vec<_>>()),
            Err(error) => {
                let status = if error.unreachable { "unreachable" } else { "failed" };
                (status, Some(error.diagnostic.to_string()), Vec::new())
            }
        };
        json!({ "host": host, "status": status, "snapshots": snapshots, "error": error })
    };
    json!({ "format": 1, "service": service, "hosts": hosts.iter().map(host).collect::<Vec<_>>() })
}
