//! How the checks ended: a table, JSON, test results. Pure.

use serde_json::{Value, json};

use super::{Check, Verdict, Verified};
use crate::diag::Diagnostic;
use crate::plan::diff::visible;
use crate::report::junit::{self, Case, Suite};

/// The checks of one host.
#[derive(Debug, Clone)]
pub struct HostReport {
    pub host: String,
    pub checks: Vec<Verified>,
}

impl HostReport {
    /// A line of JSON for each check, among those of an apply.
    pub fn events(&self) -> Vec<Value> {
        let event = |it: &Verified| {
            let id = format!("{}/{}", it.check.service, it.check.name);
            let event = format!("check-{}", word(&it.verdict));
            json!({ "event": event, "host": self.host, "id": id, "output": why(&it.verdict) })
        };
        self.checks.iter().map(event).collect()
    }

    /// Each check that did not pass, as a failure of the host.
    pub fn failures(&self) -> Vec<Diagnostic> {
        let failure = |it: &Verified| {
            let Check { service, name, place, .. } = &it.check;
            let how = if matches!(it.verdict, Verdict::Failed(_)) { "failed" } else { "could not be done" };
            let fact = format!("{service} on {}: the check `{name}` {how}: {}", self.host, why(&it.verdict)?);
            Some(
                Diagnostic::error(fact).at(place).remedy("mend the service; `steward verify` tries its checks again"),
            )
        };
        self.checks.iter().filter_map(failure).collect()
    }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed(_) => "failed",
        Verdict::Unknown(_) => "unknown",
    }
}

fn why(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Passed => None,
        Verdict::Failed(why) | Verdict::Unknown(why) => Some(why),
    }
}

/// True if everything passed.
pub fn passed(hosts: &[HostReport]) -> bool {
    hosts.iter().flat_map(|host| &host.checks).all(|it| it.verdict == Verdict::Passed)
}

/// What did not pass first, then the rest; a line each.
pub fn table(hosts: &[HostReport]) -> String {
    let mut rows = vec![["HOST", "SERVICE", "CHECK", "RESULT"].map(str::to_owned)];
    for failed in [true, false] {
        for host in hosts {
            for it in host.checks.iter().filter(|it| (it.verdict != Verdict::Passed) == failed) {
                let result = match why(&it.verdict) {
                    Some(why) => format!("{}: {}", word(&it.verdict), one_line(why)),
                    None => word(&it.verdict).to_owned(),
                };
                rows.push([host.host.clone(), it.check.service.clone(), one_line(&it.check.name), result]);
            }
        }
    }
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths = [0, 1, 2].map(|column| width(column).unwrap_or_default());
    let [one, two, three] = widths;
    rows.iter()
        .map(|[host, service, check, result]| format!("{host:one$}  {service:two$}  {check:three$}  {result}\n"))
        .collect()
}

fn one_line(text: &str) -> String {
    visible(text).replace('\n', "; ")
}

/// `Checks: 5 passed, 1 failed, 0 unknown.`
pub fn summary(hosts: &[HostReport]) -> String {
    let count = |wanted: &str| count(hosts, wanted);
    format!("Checks: {} passed, {} failed, {} unknown.\n", count("passed"), count("failed"), count("unknown"))
}

fn count(hosts: &[HostReport], wanted: &str) -> usize {
    hosts.iter().flat_map(|host| &host.checks).filter(|it| word(&it.verdict) == wanted).count()
}

pub fn json(inventory: &str, hosts: &[HostReport]) -> Value {
    let check = |it: &Verified| json!({ "service": it.check.service, "check": it.check.name, "result": word(&it.verdict), "why": why(&it.verdict) });
    let host =
        |host: &HostReport| json!({ "host": host.host, "checks": host.checks.iter().map(check).collect::<Vec<_>>() });
    json!({
        "format": 1,
        "inventory": inventory,
        "hosts": hosts.iter().map(host).collect::<Vec<_>>(),
        "summary": { "passed": count(hosts, "passed"), "failed": count(hosts, "failed"), "unknown": count(hosts, "unknown") },
    })
}

/// A suite for each host, a case for each check.
pub fn suites(hosts: &[HostReport]) -> Vec<Suite> {
    let case = |it: &Verified| Case {
        name: format!("{}: {}", it.check.service, it.check.name),
        verdict: match &it.verdict {
            Verdict::Passed => junit::Verdict::Passed,
            Verdict::Failed(why) => junit::Verdict::Failed(why.clone()),
            Verdict::Unknown(why) => junit::Verdict::Broken(why.clone()),
        },
    };
    hosts
        .iter()
        .map(|host| Suite { name: host.host.clone(), cases: host.checks.iter().map(case).collect() })
        .collect()
}
