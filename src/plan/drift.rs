//! A look at the fleet as an answer to "is everything as it should be?": a state for each host, and what differs there.
//! Pure: gives data, a table, JSON and test results; shows no content of any host.

use serde_json::{Value, json};

use super::diff::visible;
use super::fleet::FleetPlan;
use super::json::word;
use super::warnings::doing;
use super::{Action, Change, HostPlan};
use crate::exit::Exit;
use crate::inventory::Locale;
use crate::observed::NOT_RUN;
use crate::report::junit::{Case, Suite, Verdict};
use crate::said::Said;
use crate::texts;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub inventory: String,
    /// The immutable id of the inventory.
    pub id: String,
    pub revision: Option<String>,
    /// In inventory order.
    pub hosts: Vec<HostDrift>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostDrift {
    pub host: String,
    pub state: State,
    /// What differs, in execution order.
    pub differences: Vec<Differing>,
    /// Why the host could not be looked at, or not whole.
    pub error: Option<Said>,
    /// How many resources are as they should be.
    pub unchanged: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ok,
    Drift,
    Unreachable,
    /// Something there could not be read: nobody knows.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    pub id: String,
    pub action: Action,
    pub reason: Said,
}

impl Differing {
    /// `update content differs`.
    fn doing(&self, locale: Locale) -> String {
        doing(self.action, self.reason.text(locale)).text(locale).to_owned()
    }
}

impl State {
    /// For people.
    pub fn label(self) -> Said {
        match self {
            Self::Ok => texts::state_ok(),
            Self::Drift => texts::state_drift(),
            Self::Unreachable => texts::unreachable(),
            Self::Failed => texts::failed(),
        }
    }

    /// For programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Drift => "drift",
            Self::Unreachable => "unreachable",
            Self::Failed => "failed",
        }
    }
}

pub fn drift(plan: &FleetPlan) -> Drift {
    let host = |entry: &super::fleet::HostEntry| match &entry.result {
        Ok(plan) => looked_at(&entry.host, plan),
        Err(error) => HostDrift {
            host: entry.host.clone(),
            state: if error.unreachable { State::Unreachable } else { State::Failed },
            differences: Vec::new(),
            error: Some(Said::same(error.diagnostic.to_string())),
            unchanged: 0,
        },
    };
    Drift {
        inventory: plan.inventory.clone(),
        id: plan.id.clone(),
        revision: plan.revision.clone(),
        hosts: plan.hosts.iter().map(host).collect(),
    }
}

fn looked_at(host: &str, plan: &HostPlan) -> HostDrift {
    let differing = |change: &Change| Differing {
        id: change.id.to_string(),
        action: change.action,
        reason: change.reason.clone(),
    };
    // what only its own guard could tell, during a change, is no difference that was seen
    let differences: Vec<Differing> =
        plan.changes.iter().filter(|change| !change.decides_itself()).map(differing).collect();
    // nor is what a look by a reader key may not run a fault of the host
    let unknown: Vec<_> = plan.unknown.iter().filter(|unknown| unknown.why != NOT_RUN).collect();
    let error = unknown.first().map(|first| match unknown.len() - 1 {
        0 => first.said(),
        more => texts::and_more_of_these(first.said(), more),
    });
    let state = match (&error, differences.is_empty()) {
        (Some(_), _) => State::Failed,
        (None, false) => State::Drift,
        (None, true) => State::Ok,
    };
    HostDrift { host: host.to_owned(), state, differences, error, unchanged: plan.unchanged }
}

impl Drift {
    pub fn count(&self, state: State) -> usize {
        self.hosts.iter().filter(|host| host.state == state).count()
    }

    pub fn exit(&self) -> Exit {
        let exits =
            [(State::Failed, Exit::Failed), (State::Unreachable, Exit::Unreachable), (State::Drift, Exit::Pending)];
        exits.into_iter().find(|(state, _)| self.count(*state) > 0).map_or(Exit::Success, |(_, exit)| exit)
    }

    /// A line a host, under a heading.
    pub fn text(&self, locale: Locale) -> String {
        let heads = [texts::head_host(), texts::head_state(), texts::head_differs(), texts::head_first()];
        let mut rows = vec![heads.map(|head| head.text(locale).to_owned())];
        for host in &self.hosts {
            let first = host.differences.first();
            let first = first.map(|it| format!("{} ({})", it.id, it.doing(locale)));
            let error = host.error.as_ref().map(|error| error.text(locale).to_owned());
            let said = error.or(first).unwrap_or_default();
            let said = visible(&said).replace('\n', " ");
            let differs = host.differences.len().to_string();
            rows.push([host.host.clone(), host.state.label().text(locale).to_owned(), differs, said]);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let (one, two, three) = (width(0), width(1), width(2));
        let line = |[host, state, differs, first]: &[String; 4]| {
            format!("{host:one$}  {state:two$}  {differs:>three$}  {first}").trim_end().to_owned() + "\n"
        };
        rows.iter().map(line).collect()
    }

    pub fn json(&self) -> Value {
        let differing =
            |it: &Differing| json!({ "id": it.id, "action": word(it.action), "reason": it.reason.program() });
        let host = |host: &HostDrift| {
            json!({
                "host": host.host,
                "state": host.state.word(),
                "error": host.error.as_ref().map(Said::program),
                "unchanged": host.unchanged,
                "differences": host.differences.iter().map(differing).collect::<Vec<_>>(),
            })
        };
        json!({
            "format": 1,
            "inventory": self.inventory,
            "revision": self.revision,
            "hosts": self.hosts.iter().map(host).collect::<Vec<_>>(),
            "summary": {
                "ok": self.count(State::Ok),
                "drift": self.count(State::Drift),
                "unreachable": self.count(State::Unreachable),
                "failed": self.count(State::Failed),
            },
        })
    }

    /// A suite for each host: what differs has failed, and a host where nothing does has passed.
    pub fn suites(&self) -> Vec<Suite> {
        let case = |name: &str, verdict| Case { name: name.to_owned(), verdict };
        let suite = |host: &HostDrift| {
            let failed = |it: &Differing| {
                case(&it.id, Verdict::Failed(format!("would {}: {}", word(it.action), it.reason.program())))
            };
            let mut cases: Vec<Case> = host.differences.iter().map(failed).collect();
            cases.extend(
                host.error.iter().map(|why| case("can be looked at", Verdict::Broken(why.program().to_owned()))),
            );
            if cases.is_empty() {
                cases.push(case("is as the inventory wants it", Verdict::Passed));
            }
            Suite { name: host.host.clone(), cases }
        };
        self.hosts.iter().map(suite).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fleet::{HostEntry, HostError};
    use super::super::plan;
    use super::super::tests::{NEEDS, NGINX, catalog, observed, other};
    use super::*;
    use crate::diag::Diagnostic;
    use crate::resource::Observation;

    fn fleet(hosts: Vec<(&str, Result<HostPlan, HostError>)>) -> Drift {
        let hosts = hosts.into_iter().map(|(host, result)| HostEntry { host: host.into(), result }).collect();
        drift(&FleetPlan { inventory: "Test".into(), id: String::new(), revision: None, base: None, hosts })
    }

    fn host(but: &[(usize, Observation)]) -> HostPlan {
        let catalog = catalog(NGINX, NEEDS);
        plan(&catalog, &observed(&catalog, but))
    }

    #[test]
    fn each_host_has_a_line_and_the_gravest_state_counts() {
        let gone = HostError { unreachable: true, diagnostic: Diagnostic::error("no\nanswer\u{1b}[2J") };
        let drift = fleet(vec![
            ("web1", Ok(host(&[]))),
            ("long-name", Ok(host(&[(3, other("x")), (4, Observation::Absent)]))),
            ("web3", Err(gone)),
        ]);
        assert_eq!(
            drift.text(Locale::En),
            "\
HOST       STATE        DIFFERS  FIRST
web1       ok                 0
long-name  drift              3  file:/etc/nginx/b.conf (update content differs)
web3       unreachable        0  no answer\u{241b}[2J
"
        );
        assert_eq!(drift.exit(), Exit::Unreachable);
        assert_eq!(
            fleet(vec![("web1", Ok(host(&[]))), ("web2", Ok(host(&[(4, Observation::Absent)])))]).exit(),
            Exit::Pending
        );
        assert_eq!(fleet(vec![("web1", Ok(host(&[])))]).exit(), Exit::Success);
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_in_order() {
        let drift = fleet(vec![("web1", Ok(host(&[(4, Observation::Unknown("no permission".into()))])))]);
        assert_eq!(drift.exit(), Exit::Failed);
        assert!(drift.text(Locale::En).contains("failed"), "{}", drift.text(Locale::En));
        assert_eq!(drift.suites()[0].cases.len(), 1);
    }

    #[test]
    fn a_guard_that_may_not_run_in_a_look_is_no_drift() {
        let catalog = catalog(&[(0, "command", "{ name: x, run: y, unless: z }")], &[&[]]);
        let planned = plan(&catalog, &observed(&catalog, &[(0, Observation::Undecided("`unless` decides".into()))]));
        assert_eq!(planned.changes.len(), 1);
        assert_eq!(fleet(vec![("web1", Ok(planned))]).exit(), Exit::Success);
    }
}
