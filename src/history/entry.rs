//! The entry of a run, `runs/ID` among the host's records. A line each; `script/log.sh` adds those of the run itself.
//!
//! `run 1 ID`, `by OPERATOR`, `from USER@MACHINE`, `at TIME`, `of REVISION`, `limited yes`, `undoes ID`; `plan NUMBER ACTION
//! SERVICES IDENTITY` for each step; `before REVISION`, `began` and `ended` in seconds since 1970 by the host's clock;
//! `step NUMBERS RESULT [CODE]`, `reaction NUMBER RESULT [CODE]`, `kept`, `left`, and at last `over HOW`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::plan::json::word;
use crate::plan::{Action, HostPlan};
use crate::quoting::{decode, encode};
use crate::script::change::Run;

/// No text of a host is taken to be longer.
const LONGEST: usize = 500;

/// Who makes a run, and why, for its entry.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The person, or the account where no person is known.
    pub operator: String,
    /// The account and machine it is made from: `ana@laptop`.
    pub from: String,
    /// RFC 3339, by the operator's clock.
    pub at: String,
    /// With `+dirty` if the tree had changes.
    pub revision: Option<String>,
    /// True if it is only a part of what the inventory wants of the host.
    pub limited: bool,
    /// The run whose files it puts back.
    pub undoes: Option<String>,
}

/// What is known of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    pub operator: String,
    pub from: String,
    pub at: String,
    pub revision: Option<String>,
    pub limited: bool,
    pub undoes: Option<String>,
    /// The revision that was applied last before.
    pub before: Option<String>,
    /// Seconds it took, by the host's clock; `None` if it did not come to its end.
    pub took: Option<u64>,
    pub ended: Ended,
    pub planned: usize,
    pub changed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// In the order of the plan. Empty in a list of runs.
    pub steps: Vec<Step>,
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ended {
    /// All steps were done.
    Done,
    /// Something failed; the rest was done.
    Failed,
    /// The operator stopped it, or was gone.
    Stopped,
    /// A signal ended it on the host.
    Aborted,
    /// It noted no end: it was killed, or the power was cut.
    #[default]
    Cut,
    /// The host took back what could have locked everybody out, for want of a confirmation.
    RolledBack,
    /// It is at work.
    Running,
}

impl Ended {
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Aborted => "aborted",
            Self::Cut => "cut",
            Self::RolledBack => "rolled-back",
            Self::Running => "running",
        }
    }
}

/// One step of a run, or a reaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// As the entry numbers it: `3`, or `r0` for a reaction.
    pub number: String,
    /// A word of the contract, or `check` where the plan foresaw nothing.
    pub action: String,
    pub services: String,
    /// Its identity: `file:/etc/x`.
    pub id: String,
    /// `changed`, `unchanged`, `skipped`, `failed`, `invalid`, `paid`, `owed`; `None` if it did not come to it.
    pub result: Option<String>,
}

/// True if it can be the id of a run: it names a file on the host.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The lines that begin the entry of a run.
pub fn begun(plan: &HostPlan, run: &Run) -> String {
    let About { operator, from, at, revision, limited, undoes } = &run.about;
    let mut text = String::new();
    let mut say = |word: &str, value: &str| {
        let _ = writeln!(text, "{word} {}", encode(value.as_bytes()));
    };
    say("run", &format!("1 {}", run.id));
    say("by", operator);
    say("from", from);
    say("at", at);
    if let Some(revision) = revision {
        say("of", revision);
    }
    if *limited {
        say("limited", "yes");
    }
    if let Some(undone) = undoes {
        say("undoes", undone);
    }
    let services = |owners: &[usize]| {
        let names: Vec<&str> =
            owners.iter().filter_map(|owner| plan.catalog.services.get(*owner)).map(|it| it.name.as_str()).collect();
        if names.is_empty() { "-".to_owned() } else { names.join(",") }
    };
    for step in &plan.steps {
        let Some(resource) = plan.catalog.resources.get(*step) else { continue };
        let is_own = |action: Action| !matches!(action, Action::Reload | Action::Restart);
        let change = plan.changes.iter().find(|change| change.id == resource.id && is_own(change.action));
        let action = change.map_or("check", |change| word(change.action));
        say("plan", &format!("{step} {action} {} {}", services(&resource.owners), resource.id));
    }
    for (number, declared) in plan.catalog.reactions().iter().enumerate() {
        let Some(resource) = plan.catalog.resources.get(declared.resource) else { continue };
        let action = declared.reaction.action.word();
        say("plan", &format!("r{number} {action} {} {}", services(&resource.owners), resource.id));
    }
    text
}

/// The runs of a list, newest first. `running`: the id of the run that is at work.
pub fn entries(answer: &[u8], running: Option<&str>) -> Vec<Entry> {
    let text = String::from_utf8_lossy(answer);
    text.lines().filter_map(|line| line.strip_prefix("E|")).filter_map(|line| summary(line, running)).collect()
}

fn summary(line: &str, running: Option<&str>) -> Option<Entry> {
    let mut fields = line.split('|');
    let mut count = || fields.next()?.parse().ok();
    let counts: [usize; 4] = [count()?, count()?, count()?, count()?];
    let [planned, changed, failed, skipped] = counts;
    let mut heads = Head::default();
    fields.for_each(|line| heads.read(line));
    let entry = Entry { planned, changed, failed, skipped, ..heads.entry? };
    Some(finished(entry, heads.times, heads.over.as_deref(), running))
}

/// One whole entry.
pub fn entry(answer: &[u8], running: Option<&str>) -> Option<Entry> {
    let text = String::from_utf8_lossy(answer);
    let mut heads = Head::default();
    let mut steps: Vec<Step> = Vec::new();
    let mut results: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["plan", number, action, services, _, ..] => {
                let id = line.splitn(5, ' ').nth(4).map(said).unwrap_or_default();
                if let Some(known) = steps.iter_mut().find(|step| step.number == number) {
                    // the second round of the same run: what the first one foresaw stands
                    if known.action == "check" {
                        action.clone_into(&mut known.action);
                    }
                    continue;
                }
                let [number, action, services] = [number, action, services].map(said);
                steps.push(Step { number, action, services, id, result: None });
            }
            ["step" | "reaction", ..] => {
                let prefix = if words[0] == "reaction" { "r" } else { "" };
                let numbers: Vec<&str> =
                    words[1..].iter().copied().take_while(|word| word.bytes().all(|b| b.is_ascii_digit())).collect();
                let Some(result) = words.get(1 + numbers.len()) else { continue };
                for number in numbers {
                    let key = format!("{prefix}{number}");
                    // what was changed once stays so, though a later round found nothing to do
                    let was = results.get(&key).map(String::as_str);
                    if !(matches!(was, Some("changed" | "paid")) && *result == "unchanged") {
                        results.insert(key, said(result));
                    }
                }
            }
            _ => heads.read(line),
        }
    }
    for step in &mut steps {
        step.result = results.remove(&step.number);
    }
    let count = |words: &[&str]| {
        steps.iter().filter(|step| step.result.as_deref().is_some_and(|result| words.contains(&result))).count()
    };
    let entry = Entry {
        planned: steps.len(),
        changed: count(&["changed", "paid"]),
        failed: count(&["failed", "invalid"]),
        skipped: count(&["skipped", "owed"]),
        ..heads.entry?
    };
    // a reaction that was not owed is nothing that happened
    steps.retain(|step| !step.number.starts_with('r') || step.result.is_some());
    Some(finished(Entry { steps, ..entry }, heads.times, heads.over.as_deref(), running))
}

/// The lines of an entry that are not about steps.
#[derive(Default)]
struct Head {
    entry: Option<Entry>,
    times: (Option<u64>, Option<u64>),
    over: Option<String>,
}

impl Head {
    fn read(&mut self, line: &str) {
        let Some((word, value)) = line.split_once(' ') else { return };
        if let ("run", Some(id)) = (word, value.strip_prefix("1 ")) {
            if self.entry.is_none() && is_id(id) {
                self.entry = Some(Entry { id: id.to_owned(), ..Entry::default() });
            }
            return;
        }
        let Some(entry) = &mut self.entry else { return };
        let text = said(value);
        let some = Some(text.clone()).filter(|text| !text.is_empty());
        match word {
            "by" => entry.operator = text,
            "from" => entry.from = text,
            "at" => entry.at = text,
            "of" => entry.revision = some,
            "limited" => entry.limited = true,
            "undoes" => entry.undoes = some,
            "before" => entry.before = some,
            "began" => self.times.0 = self.times.0.or_else(|| value.parse().ok()),
            "ended" => self.times.1 = value.parse().ok(),
            "over" => self.over = Some(text),
            _ => {}
        }
    }
}

fn finished(mut entry: Entry, times: (Option<u64>, Option<u64>), over: Option<&str>, running: Option<&str>) -> Entry {
    let clean = entry.failed == 0 && entry.skipped == 0;
    entry.ended = match over {
        _ if running == Some(entry.id.as_str()) => Ended::Running,
        Some("rolled-back") => Ended::RolledBack,
        Some("done") if clean => Ended::Done,
        Some("done") => Ended::Failed,
        Some("done stopped") => Ended::Stopped,
        Some(_) => Ended::Aborted,
        None => Ended::Cut,
    };
    if let (Some(began), Some(ended), true) = (times.0, times.1, over.is_some()) {
        entry.took = ended.checked_sub(began);
    }
    entry
}

/// A text of the host, of a bounded length.
fn said(field: &str) -> String {
    String::from_utf8_lossy(&decode(field)).chars().take(LONGEST).collect()
}
