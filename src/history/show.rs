//! Runs for people and for programs. What a host says is made harmless for a terminal.

use std::fmt::Write as _;

use serde_json::{Value, json as value};

use super::{Ended, Entry};
use crate::plan::diff::visible;

/// One line a run, newest first.
pub fn list(host: &str, entries: &[Entry]) -> String {
    if entries.is_empty() {
        return format!("{host}: no run of this inventory is remembered\n");
    }
    let mut text = format!("{host}\n");
    for entry in entries {
        let _ = writeln!(
            text,
            "  {}  {:<7}  {} changed{}{}  {}, revision {}",
            line(&entry.id),
            entry.ended.word(),
            entry.changed,
            counted(entry.failed, "failed"),
            counted(entry.skipped, "skipped"),
            who(entry),
            revision(entry),
        );
    }
    text
}

/// A run and its changes.
pub fn one(host: &str, entry: &Entry) -> String {
    let mut text = format!("{host}  {}: {}\n", line(&entry.id), ending(entry));
    let _ = writeln!(text, "  by {}, {}", who(entry), line(&entry.at));
    let _ = writeln!(text, "  revision {}, before it {}", revision(entry), short(entry.before.as_deref()));
    if let Some(undone) = &entry.undoes {
        let _ = writeln!(text, "  it put back the files of {}", line(undone));
    }
    for step in entry.steps.iter().filter(|step| step.result.as_deref() != Some("unchanged")) {
        let result = step.result.as_deref().unwrap_or("not reached");
        let services = if step.services == "-" { String::new() } else { format!("  [{}]", step.services) };
        let _ = writeln!(text, "  {} {}{}: {}", step.action, line(&step.id), line(&services), line(result));
    }
    text
}

fn ending(entry: &Entry) -> String {
    let took = entry.took.map(|seconds| format!(" after {seconds} s")).unwrap_or_default();
    match entry.ended {
        Ended::Done => format!("done{took}"),
        Ended::Failed => format!("failed{took}; the next apply goes on"),
        Ended::Stopped => format!("stopped{took}; the next apply goes on"),
        Ended::Aborted => format!("ended by a signal{took}; the next apply goes on"),
        Ended::Cut => "cut off: killed, or without power; the next apply goes on".to_owned(),
        Ended::RolledBack => "rolled back: nobody confirmed what could have locked everybody out".to_owned(),
        Ended::Running => "at work".to_owned(),
    }
}

fn who(entry: &Entry) -> String {
    let from = if entry.from.is_empty() { String::new() } else { format!(" from {}", entry.from) };
    line(&format!("{}{from}", entry.operator))
}

fn revision(entry: &Entry) -> String {
    let limited = if entry.limited { " (a part of it)" } else { "" };
    format!("{}{limited}", short(entry.revision.as_deref()))
}

/// Twelve digits of a commit are enough for people and for git.
fn short(revision: Option<&str>) -> String {
    let Some(revision) = revision else { return "unknown".to_owned() };
    let (commit, dirty) = revision.split_once('+').map_or((revision, ""), |(commit, _)| (commit, "+dirty"));
    line(&format!("{}{dirty}", commit.chars().take(12).collect::<String>()))
}

fn counted(count: usize, what: &str) -> String {
    if count == 0 { String::new() } else { format!(", {count} {what}") }
}

fn line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// With its changes, if they were asked for.
pub fn json(entry: &Entry, whole: bool) -> Value {
    let mut value = value!({
        "id": entry.id,
        "result": entry.ended.word(),
        "operator": entry.operator,
        "from": entry.from,
        "at": entry.at,
        "seconds": entry.took,
        "revision": entry.revision,
        "before": entry.before,
        "limited": entry.limited,
        "undoes": entry.undoes,
        "planned": entry.planned,
        "changed": entry.changed,
        "failed": entry.failed,
        "skipped": entry.skipped,
    });
    if let (true, Some(object)) = (whole, value.as_object_mut()) {
        let change = |step: &super::Step| {
            value!({
                "id": step.id,
                "service": if step.services == "-" { "" } else { &step.services },
                "action": step.action,
                "result": step.result,
            })
        };
        object.insert("changes".to_owned(), entry.steps.iter().map(change).collect());
    }
    value
}
