//! What an audit found: a table, JSON, test results. Pure.

use serde_json::{Value, json};

use super::{Audited, Verdict};
use crate::plan::diff::visible;
use crate::plan::fleet::HostError;
use crate::report::junit::{self, Case, Suite};

/// One host; `Err`: nothing is known about it.
#[derive(Debug)]
pub struct HostReport {
    pub host: String,
    pub result: Result<Vec<Audited>, HostError>,
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail { .. } => "fail",
        Verdict::Skip(_) => "skip",
    }
}

fn points(hosts: &[HostReport]) -> impl Iterator<Item = (&str, &Audited)> {
    hosts.iter().flat_map(|host| host.result.iter().flatten().map(|point| (host.host.as_str(), point)))
}

pub fn count(hosts: &[HostReport], wanted: &str) -> usize {
    points(hosts).filter(|(_, point)| word(&point.verdict) == wanted).count()
}

/// Hosts that say nothing, then failures with their remedies, then what was skipped and why, then what passes.
pub fn table(hosts: &[HostReport]) -> String {
    let mut text = String::new();
    for host in hosts {
        if let Err(error) = &host.result {
            text.push_str(&format!("fail  {}  not audited: {}\n", host.host, visible(&error.diagnostic.fact)));
        }
    }
    let host_width = hosts.iter().map(|host| host.host.chars().count()).max().unwrap_or_default();
    let width = points(hosts).map(|(_, point)| point.id.len()).max().unwrap_or_default();
    for wanted in ["fail", "skip", "pass"] {
        for (host, Audited { id, title, verdict }) in points(hosts).filter(|(_, it)| word(&it.verdict) == wanted) {
            text.push_str(&format!("{wanted}  {host:host_width$}  {id:width$}  {title}\n"));
            match verdict {
                Verdict::Pass => {}
                Verdict::Skip(why) => text.push_str(&format!("        {}\n", visible(why))),
                Verdict::Fail { found, remedy } => {
                    text.push_str(&format!("        {}\n        → {}\n", visible(found), visible(remedy)));
                }
            }
        }
    }
    let [pass, fail, skip] = ["pass", "fail", "skip"].map(|it| count(hosts, it));
    text.push_str(&format!("Audit: {pass} pass, {fail} fail, {skip} skipped.\n"));
    text
}

pub fn json(inventory: &str, hosts: &[HostReport]) -> Value {
    let point = |Audited { id, title, verdict }: &Audited| {
        let (found, remedy) = match verdict {
            Verdict::Pass => (None, None),
            Verdict::Fail { found, remedy } => (Some(found), Some(remedy)),
            Verdict::Skip(why) => (Some(why), None),
        };
        json!({ "id": id, "title": title, "result": word(verdict), "found": found, "remedy": remedy })
    };
    let host = |host: &HostReport| {
        let (status, error) = match &host.result {
            Ok(_) => ("ok", None),
            Err(error) => (if error.unreachable { "unreachable" } else { "failed" }, Some(&error.diagnostic.fact)),
        };
        let points: Vec<Value> = host.result.iter().flatten().map(point).collect();
        json!({ "host": host.host, "status": status, "error": error, "points": points })
    };
    json!({
        "format": 1,
        "inventory": inventory,
        "hosts": hosts.iter().map(host).collect::<Vec<_>>(),
        "summary": { "pass": count(hosts, "pass"), "fail": count(hosts, "fail"), "skip": count(hosts, "skip") },
    })
}

/// A suite for each host, a case for each point.
pub fn suites(hosts: &[HostReport]) -> Vec<Suite> {
    let case = |Audited { id, title, verdict }: &Audited| Case {
        name: format!("{id}: {title}"),
        verdict: match verdict {
            Verdict::Pass => junit::Verdict::Passed,
            Verdict::Fail { found, remedy } => junit::Verdict::Failed(format!("{found}\n{remedy}")),
            Verdict::Skip(why) => junit::Verdict::Skipped(why.clone()),
        },
    };
    let cases = |host: &HostReport| match &host.result {
        Ok(points) => points.iter().map(case).collect(),
        Err(error) => {
            vec![Case { name: "host".into(), verdict: junit::Verdict::Broken(error.diagnostic.fact.clone()) }]
        }
    };
    hosts.iter().map(|host| Suite { name: host.host.clone(), cases: cases(host) }).collect()
}
