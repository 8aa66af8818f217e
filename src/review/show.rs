//! A review as text, JSON and Markdown: what to look at first, then the diffs, then a summary that counts only what the
//! change does.

use std::fmt::Write as _;

use serde_json::{Value, json as object};

use super::{ModuleChange, Review};
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::markdown::{Document, Host, changes, marked};
use crate::plan::diff::Remote;
use crate::plan::json::change as change_json;
use crate::plan::text::{Options, change as change_text, closing, diff_lines, notes, plain};
use crate::plan::warnings::{Note, Topic, listed};
use crate::plan::{Action, Change};

fn count(review: &Review, action: Action) -> usize {
    review.hosts.iter().flat_map(|(_, changes)| changes).filter(|change| change.action == action).count()
}

/// `Review: 1 to create, 2 to update, 0 to delete, 0 to run on 1 host.`
fn summary(review: &Review) -> String {
    if review.is_empty() {
        return "No changes.".to_owned();
    }
    if review.hosts.is_empty() {
        return "Review: nothing changes on any host.".to_owned();
    }
    let of = |action| count(review, action);
    let hosts = review.hosts.len();
    let mut text = format!(
        "Review: {} to create, {} to update, {} to delete, {} to run on {hosts} {}.",
        of(Action::Create),
        of(Action::Update),
        of(Action::Delete),
        of(Action::Run),
        if hosts == 1 { "host" } else { "hosts" }
    );
    let then = [(Action::Restart, "restart"), (Action::Reload, "reload")];
    let then: Vec<String> = then
        .iter()
        .filter(|(action, _)| of(*action) > 0)
        .map(|(action, word)| format!("{} to {word}", of(*action)))
        .collect();
    if !then.is_empty() {
        let _ = write!(text, "\nThen: {}.", then.join(", "));
    }
    text
}

/// For a terminal.
pub fn text(review: &Review, color: bool, whole: bool) -> String {
    let options = Options { color, remote: Remote::Shown, whole };
    let mut text = notes(&review.notes, color);
    for module in review.modules.iter().filter(|module| !module.diff.is_empty()) {
        let _ = writeln!(text, "\nmodule {}  {}", plain(&module.name), plain(&module.what));
        diff_lines(&mut text, &module.diff, options);
    }
    for (hosts, body) in alike(review, options) {
        let names = if whole { hosts.join(", ") } else { listed(&hosts) };
        let _ = write!(text, "\n{}\n{body}", plain(&names));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let text = text.trim_start_matches('\n').to_owned();
    let end = closing(&review.notes, text.lines().count());
    text + &summary(review) + "\n" + &end
}

/// Hosts on which the same would happen, together: fifty servers with one changed line are read once.
fn alike(review: &Review, options: Options) -> Vec<(Vec<&str>, String)> {
    let mut groups: Vec<(Vec<&str>, String)> = Vec::new();
    for (host, changes) in &review.hosts {
        let mut body = String::new();
        for it in changes {
            change_text(&mut body, it, options);
        }
        match groups.iter_mut().find(|(_, known)| *known == body) {
            Some((hosts, _)) => hosts.push(host),
            None => groups.push((vec![host], body)),
        }
    }
    groups
}

/// The JSON of the contract.
pub fn json(review: &Review) -> Value {
    let list = |changes: &[Change]| changes.iter().map(|it| change_json(it, Remote::Shown)).collect::<Vec<_>>();
    let host = |(host, changes): &(String, Vec<Change>)| object!({ "host": host, "changes": list(changes) });
    object!({
        "format": 1,
        "inventory": review.inventory,
        "base": review.base,
        "head": review.head,
        "hosts": review.hosts.iter().map(host).collect::<Vec<_>>(),
        "notes": review.notes.iter().map(note).collect::<Vec<_>>(),
        "modules": review.modules.iter().map(module).collect::<Vec<_>>(),
        "mistakes": [],
        "summary": {
            "create": count(review, Action::Create),
            "update": count(review, Action::Update),
            "delete": count(review, Action::Delete),
            "run": count(review, Action::Run),
            "restart": count(review, Action::Restart),
            "reload": count(review, Action::Reload),
        },
    })
}

fn note(note: &Note) -> Value {
    let Note { topic, hosts, what } = note;
    object!({ "topic": topic.word(), "warning": topic.warns(), "hosts": hosts, "what": what })
}

fn module(module: &ModuleChange) -> Value {
    let ModuleChange { name, what, notes, diff } = module;
    object!({ "name": name, "what": what, "notes": notes, "diff": (!diff.is_empty()).then_some(diff) })
}

/// For a pull request.
pub fn document(review: &Review) -> Document {
    let host = |(host, all): &(String, Vec<Change>)| {
        let cell = if all.len() == 1 { "1 change".to_owned() } else { format!("{} changes", all.len()) };
        Host { name: host.clone(), cell, diffs: changes(all, Remote::Shown) }
    };
    let module = |module: &ModuleChange| (format!("module {}: {}", module.name, module.what), module.diff.clone());
    Document {
        marker: format!("steward:review:{}", marked(&review.id)),
        title: format!("Review: {} at {}", review.inventory, review.head),
        notes: review.notes.clone(),
        summary: summary(review),
        modules: review.modules.iter().map(module).filter(|(_, text)| !text.is_empty()).collect(),
        hosts: review.hosts.iter().map(host).collect(),
    }
}

/// Of a head that cannot be compiled: its mistakes are what there is to see.
pub fn broken(id: &str, mistakes: &Diagnostics) -> Document {
    let mut sorted: Vec<&Diagnostic> = mistakes.0.iter().collect();
    let place = |it: &&Diagnostic| it.place.as_ref().map(|place| (place.source.name.clone(), place.span.start));
    sorted.sort_by_key(|it| (it.severity, place(it)));
    let topic = |it: &Diagnostic| if it.severity == Severity::Error { Topic::Mistake } else { Topic::Complaint };
    let note = |it: &Diagnostic| Note::new(topic(it), it.to_string());
    Document {
        marker: format!("steward:review:{}", marked(id)),
        title: "Review: the inventory has mistakes".to_owned(),
        notes: sorted.into_iter().map(note).collect(),
        summary: "Nothing could be compared.".to_owned(),
        ..Document::default()
    }
}
