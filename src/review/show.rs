//! A review as text, JSON and Markdown: what to look at first, then the diffs, then a summary that counts only what the
//! change does.

use std::fmt::Write as _;

use serde_json::{Value, json as object};

use super::{ModuleChange, Review};
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::inventory::Locale;
use crate::markdown::{Document, Host, changes, marked};
use crate::plan::diff::Remote;
use crate::plan::json::change as change_json;
use crate::plan::text::{Options, change as change_text, closing, diff_lines, notes, on_hosts, plain, then};
use crate::plan::warnings::{Note, Topic};
use crate::plan::{Action, Change};
use crate::said::{Said, listed};
use crate::texts;

fn count(review: &Review, action: Action) -> usize {
    review.hosts.iter().flat_map(|(_, changes)| changes).filter(|change| change.action == action).count()
}

/// The lines of the summary; the first is one that scripts rely on.
fn summed(review: &Review) -> Vec<Said> {
    if review.is_empty() {
        return vec![texts::no_changes()];
    }
    if review.hosts.is_empty() {
        return vec![texts::nothing_on_hosts()];
    }
    let of = |action| count(review, action);
    let hosts = on_hosts(review.hosts.len());
    let [create, update, delete, run] = [Action::Create, Action::Update, Action::Delete, Action::Run].map(of);
    let first = texts::sum_review(create, update, delete, run, &hosts);
    std::iter::once(first).chain(then(of(Action::Restart), of(Action::Reload))).collect()
}

/// `Review: 1 to create, 2 to update, 0 to delete, 0 to run on 1 host.`, in English behind another language.
fn summary(review: &Review, locale: Locale) -> String {
    let said = summed(review);
    let mut lines: Vec<&str> = said.iter().map(|line| line.text(locale)).collect();
    if let Some(first) = said.first().filter(|_| locale != Locale::En) {
        lines.insert(1, first.text(Locale::En));
    }
    lines.join("\n")
}

/// For a terminal.
pub fn text(review: &Review, color: bool, whole: bool, locale: Locale) -> String {
    let options = Options { color, remote: Remote::Shown, whole, locale };
    let mut text = notes(&review.notes, options);
    for module in review.modules.iter().filter(|module| !module.diff.is_empty()) {
        let _ = writeln!(text, "\n{}", plain(texts::module_heading(&module.name, &module.what).text(locale)));
        diff_lines(&mut text, &module.diff, options);
    }
    for (hosts, body) in alike(review, options) {
        let names = if whole { hosts.join(", ") } else { listed(&hosts).text(locale).to_owned() };
        let _ = write!(text, "\n{}\n{body}", plain(&names));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let text = text.trim_start_matches('\n').to_owned();
    let end = closing(&review.notes, text.lines().count(), locale);
    text + &summary(review, locale) + "\n" + &end
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
    object!({ "topic": topic.word(), "warning": topic.warns(), "hosts": hosts, "what": what.program() })
}

fn module(module: &ModuleChange) -> Value {
    let ModuleChange { name, what, notes, diff } = module;
    object!({ "name": name, "what": what.program(), "notes": notes, "diff": (!diff.is_empty()).then_some(diff) })
}

/// For a pull request.
pub fn document(review: &Review, locale: Locale) -> Document {
    let host = |(host, all): &(String, Vec<Change>)| {
        let cell = if all.len() == 1 { texts::one_change() } else { texts::some_changes(all.len()) };
        Host { name: host.clone(), cell, diffs: changes(all, Remote::Shown, locale) }
    };
    let module = |module: &ModuleChange| (texts::module_is(&module.name, &module.what), module.diff.clone());
    Document {
        locale,
        marker: format!("steward:review:{}", marked(&review.id)),
        title: texts::review_title(&review.inventory, &review.head),
        notes: review.notes.clone(),
        summary: summed(review),
        modules: review.modules.iter().map(module).filter(|(_, text)| !text.is_empty()).collect(),
        hosts: review.hosts.iter().map(host).collect(),
    }
}

/// Of a head that cannot be compiled: its mistakes are what there is to see.
pub fn broken(id: &str, mistakes: &Diagnostics, locale: Locale) -> Document {
    let mut sorted: Vec<&Diagnostic> = mistakes.0.iter().collect();
    let place = |it: &&Diagnostic| it.place.as_ref().map(|place| (place.source.name.clone(), place.span.start));
    sorted.sort_by_key(|it| (it.severity, place(it)));
    let topic = |it: &Diagnostic| if it.severity == Severity::Error { Topic::Mistake } else { Topic::Complaint };
    let note = |it: &Diagnostic| Note::new(topic(it), it.to_string());
    Document {
        locale,
        marker: format!("steward:review:{}", marked(id)),
        title: texts::broken_title(),
        notes: sorted.into_iter().map(note).collect(),
        summary: vec![texts::nothing_compared()],
        ..Document::default()
    }
}
