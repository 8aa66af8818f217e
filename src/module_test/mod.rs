//! A module through its life, on a throw-away host: deployed, deployed again, checked, the power cut, saved and restored, taken
//! away. Each step is a command of Steward as somebody would type it, on an inventory made of the module's examples.
//!
//! Takes a module and hosts, gives how each step went and what was left; says meanwhile what it does. The first step that
//! fails ends it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::diag::{Diagnostic, Diagnostics};
use crate::modules::{Library, Module};

mod chapter;
pub mod hosts;
pub mod left;
pub mod report;
pub mod services;

use chapter::{Chapter, Said};
use hosts::Hosts;
use left::Left;
use services::{HOST, OTHER, services};

/// What is done with a module, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The host, and the services that it needs.
    Prepare,
    Apply,
    /// Applied again: nothing may change.
    Again,
    Checks,
    /// The power is cut; after the boot the checks pass, no unit failed and an apply changes nothing.
    PowerCut,
    /// Saved, and restored by the drill beside the data and by a restore over it; then the checks pass, and an apply changes nothing.
    Restore,
    /// No longer declared.
    Removal,
}

pub const STEPS: [Step; 7] =
    [Step::Prepare, Step::Apply, Step::Again, Step::Checks, Step::PowerCut, Step::Restore, Step::Removal];

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// And what is worth a word: how many changes, how many checks.
    Passed(String),
    Failed(String),
    /// There was nothing to do; why.
    Skipped(String),
}

#[derive(Debug)]
pub struct Taken {
    pub step: Step,
    pub verdict: Verdict,
    pub time: Duration,
}

/// How a module did.
#[derive(Debug)]
pub struct Tried {
    pub module: String,
    pub version: i64,
    pub steps: Vec<Taken>,
    /// Resources that the host cannot have, with why: they were not tried.
    pub unsupported: Vec<(String, String)>,
    /// What was still there after the removal; none if it did not come to that.
    pub left: Option<Vec<Left>>,
}

impl Tried {
    /// `passed`, `failed`, or `unsupported`: what could be tried passed, and that was not all.
    pub fn result(&self) -> &'static str {
        let failed = self.steps.iter().any(|it| matches!(it.verdict, Verdict::Failed(_))) || self.left.is_none();
        match (failed, self.unsupported.is_empty()) {
            (true, _) => "failed",
            (false, true) => "passed",
            (false, false) => "unsupported",
        }
    }

    pub fn passed(&self) -> bool {
        self.result() == "passed"
    }

    pub fn time(&self) -> Duration {
        self.steps.iter().map(|it| it.time).sum()
    }
}

/// Seconds for checks after a boot or a restore: what a slow service takes to come up.
const WITHIN: &str = "120";

/// Tries one module in `dir`, which is empty.
pub fn tried(library: &Library, module: &Module, hosts: &Hosts, dir: &Path, tell: &dyn Fn(&str)) -> Tried {
    let mut tried = Tried {
        module: module.name.clone(),
        version: module.version,
        steps: Vec::new(),
        unsupported: Vec::new(),
        left: None,
    };
    let mut run = Run {
        library,
        module,
        hosts,
        chapter: None,
        names: vec![HOST],
        unsupported: Vec::new(),
        before: String::new(),
    };
    for step in STEPS {
        tell(&format!("{}: {} …", module.name, report::doing(step)));
        let begun = Instant::now();
        let verdict = run.take(step, dir).unwrap_or_else(|mistakes| {
            let said: Vec<String> = mistakes.0.iter().map(ToString::to_string).collect();
            Verdict::Failed(said.join("\n"))
        });
        let failed = matches!(verdict, Verdict::Failed(_));
        tried.steps.push(Taken { step, verdict, time: begun.elapsed() });
        if failed {
            break;
        }
        if step == Step::Removal {
            match hosts.sh(HOST, left::LOOK) {
                Ok(after) => tried.left = Some(left::left(&run.before, &after)),
                Err(why) => {
                    let verdict = Verdict::Failed(why.to_string());
                    tried.steps.push(Taken { step, verdict, time: Duration::ZERO });
                }
            }
        }
    }
    tried.unsupported = run.unsupported;
    tried
}

struct Run<'a> {
    library: &'a Library,
    module: &'a Module,
    hosts: &'a Hosts,
    /// Once the hosts are there.
    chapter: Option<Chapter>,
    names: Vec<&'static str>,
    unsupported: Vec<(String, String)>,
    /// What was on the host before the service.
    before: String,
}

type Taking = Result<Verdict, Diagnostics>;

impl Run<'_> {
    fn take(&mut self, step: Step, dir: &Path) -> Taking {
        match step {
            Step::Prepare => self.prepare(dir),
            Step::Apply => self.apply(),
            Step::Again => self.again(),
            Step::Checks => self.checks(&[]),
            Step::PowerCut => self.power_cut(),
            Step::Restore => self.restore(),
            Step::Removal => self.removal(),
        }
    }

    fn chapter(&self) -> Result<&Chapter, Diagnostics> {
        self.chapter.as_ref().ok_or_else(|| Diagnostic::error("the test has no inventory").into())
    }

    fn prepare(&mut self, dir: &Path) -> Taking {
        let services = services(self.library, self.module)?;
        if services.use_both_hosts() {
            self.names.push(OTHER);
        }
        for name in &self.names {
            self.hosts.fresh(name)?;
        }
        let chapter = self.chapter.insert(Chapter::new(dir, self.library, &services, self.hosts)?);
        if chapter.has_services_before() {
            chapter.without()?;
            if let Err(failed) = applied(chapter, &[])? {
                return Ok(Verdict::Failed(failed));
            }
        }
        self.before = self.hosts.sh(HOST, left::LOOK)?;
        let count = services.before.len();
        Ok(Verdict::Passed(if count == 0 { String::new() } else { format!("{count} services first") }))
    }

    fn apply(&mut self) -> Taking {
        self.chapter()?.with()?;
        let (changed, unsupported) = match applied(self.chapter()?, &[])? {
            Ok(changed) => (changed, Vec::new()),
            // what the host cannot have is no failure of the module, and no success either
            Err(failed) => {
                let found = self.unsupported()?;
                let Some(found) = found else { return Ok(Verdict::Failed(failed)) };
                (0, found)
            }
        };
        self.unsupported = unsupported;
        Ok(Verdict::Passed(format!("{changed} changes")))
    }

    /// The resources that the hosts cannot have; none if anything else is still to be done.
    fn unsupported(&self) -> Result<Option<Vec<(String, String)>>, Diagnostics> {
        let plan = self.plan()?;
        let unknown: Vec<(String, String)> = plan
            .hosts()
            .flat_map(|host| host["unknown"].as_array().into_iter().flatten())
            .map(|it| (word(&it["id"]), word(&it["why"])))
            .collect();
        let all =
            !unknown.is_empty() && unknown.iter().all(|(_, why)| why.starts_with(crate::abilities::UNSUPPORTED));
        Ok((all && plan.pending().is_empty()).then_some(unknown))
    }

    fn plan(&self) -> Result<Plan, Diagnostics> {
        let said = self.chapter()?.steward(&["plan", "--format", "json"])?;
        match said.lines().pop() {
            Some(plan) if plan["hosts"].is_array() => Ok(Plan(plan)),
            _ => {
                Err(Diagnostic::error(format!("`steward plan`: {}", said.tail())).remedy("mend what it says").into())
            }
        }
    }

    /// Nothing is to be changed any more.
    fn settled(&self) -> Result<Option<String>, Diagnostics> {
        let pending = self.plan()?.pending();
        Ok((!pending.is_empty()).then(|| format!("a plan still wants to change {}", pending.join(", "))))
    }

    fn again(&self) -> Taking {
        let said = self.chapter()?.steward(&["apply", "--yes", "--format", "json"])?;
        let changed: Vec<String> = said
            .lines()
            .iter()
            .filter(|event| matches!(event["event"].as_str(), Some("changed" | "reacted" | "failed")))
            .map(|event| word(&event["id"]))
            .collect();
        if !changed.is_empty() {
            return Ok(Verdict::Failed(format!("another apply changed {}", changed.join(", "))));
        }
        if said.code != 0 && self.unsupported.is_empty() {
            return Ok(Verdict::Failed(format!("another apply ended with {}: {}", said.code, said.tail())));
        }
        Ok(match self.settled()? {
            Some(pending) => Verdict::Failed(pending),
            None => Verdict::Passed(String::new()),
        })
    }

    fn checks(&self, more: &[&str]) -> Taking {
        if !self.chapter()?.has_checks {
            return Ok(Verdict::Skipped("the module has no checks".to_owned()));
        }
        let said = self.chapter()?.steward(&[&["verify", "--format", "json"], more].concat())?;
        let hosts = said.lines().pop().unwrap_or_default();
        let all: Vec<&Value> = hosts["hosts"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|host| host["checks"].as_array().into_iter().flatten())
            .collect();
        let failed: Vec<String> = all
            .iter()
            .filter(|it| it["result"] != "passed")
            .map(|it| format!("{}, {}: {}", word(&it["service"]), word(&it["check"]), word(&it["why"])))
            .collect();
        Ok(match (failed.is_empty(), said.code) {
            (true, 0) if !all.is_empty() => Verdict::Passed(format!("{} checks", all.len())),
            (true, code) => Verdict::Failed(format!("`steward verify` ended with {code}: {}", said.tail())),
            (false, _) => Verdict::Failed(failed.join("\n")),
        })
    }

    fn power_cut(&self) -> Taking {
        self.hosts.cut_power(&self.names)?;
        let verdict = self.checks(&["--within", WITHIN])?;
        if matches!(verdict, Verdict::Failed(_)) {
            return Ok(verdict);
        }
        if let Some(units) = self.failed_units()? {
            return Ok(Verdict::Failed(units));
        }
        Ok(match (self.again()?, verdict) {
            (failed @ Verdict::Failed(_), _) => failed,
            (_, Verdict::Skipped(_)) => Verdict::Passed(String::new()),
            (_, passed) => passed,
        })
    }

    fn failed_units(&self) -> Result<Option<String>, Diagnostics> {
        let units = self.hosts.sh(HOST, "systemctl --failed --plain --no-legend")?;
        let names: Vec<&str> = units.lines().filter_map(|line| line.split_whitespace().next()).collect();
        Ok((!names.is_empty()).then(|| format!("units failed: {}", names.join(", "))))
    }

    fn restore(&self) -> Taking {
        let chapter = self.chapter()?;
        if chapter.backed.is_empty() {
            return Ok(Verdict::Skipped("there is nothing to save".to_owned()));
        }
        for service in &chapter.backed {
            for words in [
                &["backup", "run", service][..],
                &["backup", "drill", service],
                &["backup", "restore", service, "--yes"],
            ] {
                let said = chapter.steward(words)?;
                if said.code != 0 {
                    let why = if said.stdout.is_empty() {
                        said.tail()
                    } else {
                        format!("{}\n{}", said.stdout.trim(), said.tail())
                    };
                    return Ok(Verdict::Failed(format!(
                        "`steward {}` ended with {}: {why}",
                        words.join(" "),
                        said.code
                    )));
                }
            }
        }
        if let Verdict::Failed(why) = self.checks(&["--within", WITHIN])? {
            return Ok(Verdict::Failed(format!("after the restore: {why}")));
        }
        Ok(match self.again()? {
            Verdict::Failed(why) => Verdict::Failed(format!("after the restore: {why}")),
            _ => Verdict::Passed(chapter.backed.join(", ")),
        })
    }

    fn removal(&self) -> Taking {
        self.chapter()?.without()?;
        Ok(match applied(self.chapter()?, &["--allow-deletions", "10000"])? {
            Err(failed) => Verdict::Failed(failed),
            Ok(changed) => match (self.failed_units()?, self.settled()?) {
                (Some(units), _) => Verdict::Failed(units),
                (None, Some(pending)) => Verdict::Failed(pending),
                (None, None) => Verdict::Passed(format!("{changed} changes")),
            },
        })
    }
}

struct Plan(Value);

impl Plan {
    fn hosts(&self) -> impl Iterator<Item = &Value> {
        self.0["hosts"].as_array().into_iter().flatten()
    }

    /// What is to be changed, or cannot be said.
    fn pending(&self) -> Vec<String> {
        let of = |host: &Value| -> Vec<String> {
            // what only an apply can decide, an apply that changes nothing has decided
            let is_sure = |it: &&Value| it["deferred"] != true;
            let changes = host["changes"].as_array().into_iter().flatten().filter(is_sure).map(|it| word(&it["id"]));
            let is_open = |it: &&Value| !word(&it["why"]).starts_with(crate::abilities::UNSUPPORTED);
            let unknown = host["unknown"].as_array().into_iter().flatten().filter(is_open).map(|it| word(&it["id"]));
            let error = host["error"].as_str().map(str::to_owned);
            changes.chain(unknown).chain(error).collect()
        };
        self.hosts().flat_map(of).collect()
    }
}

/// Applies; gives how many things changed, or why it failed.
fn applied(chapter: &Chapter, more: &[&str]) -> Result<Result<u64, String>, Diagnostics> {
    let said = chapter.steward(&[&["apply", "--yes", "--format", "json"], more].concat())?;
    if said.code != 0 {
        return Ok(Err(failure(&said)));
    }
    let summary = said.lines().pop().unwrap_or_default();
    let changed = summary["hosts"].as_array().into_iter().flatten().filter_map(|host| host["changed"].as_u64()).sum();
    Ok(Ok(changed))
}

fn failure(said: &Said) -> String {
    let mut text = format!("`steward apply` ended with {}", said.code);
    for event in said.lines() {
        if matches!(event["event"].as_str(), Some("failed" | "invalid" | "check-failed" | "check-unknown")) {
            text.push_str(&format!("\n{}: {}", word(&event["id"]), word(&event["output"]).trim()));
        }
    }
    format!("{text}\n{}", said.tail())
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
