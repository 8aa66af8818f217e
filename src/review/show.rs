//! A review as text, JSON and Markdown. The summary counts only what the change does.

use serde_json::{Value, json as object};

use super::Review;
use crate::markdown::{Document, changes};
use crate::plan::diff::{Remote, visible};
use crate::plan::json::change as change_json;
use crate::plan::text::{Options, change as change_text};
use crate::plan::{Action, Change};

fn count(review: &Review, action: Action) -> usize {
    review.hosts.iter().flat_map(|(_, changes)| changes).filter(|change| change.action == action).count()
}

fn summary(review: &Review) -> String {
    if review.is_empty() {
        return "No changes.".to_owned();
    }
    let of = |action| count(review, action);
    let hosts = review.hosts.len();
    format!(
        "Review: {} to create, {} to update, {} to delete, {} to run, {} to restart, {} to reload on {hosts} {}.",
        of(Action::Create),
        of(Action::Update),
        of(Action::Delete),
        of(Action::Run),
        of(Action::Restart),
        of(Action::Reload),
        if hosts == 1 { "host" } else { "hosts" }
    )
}

fn sections(review: &Review) -> Vec<(String, Vec<String>)> {
    let modules: Vec<String> = review.modules.iter().map(|(line, _)| line.clone()).collect();
    let all = [
        ("Hosts that come and go", review.fleet.clone()),
        ("People", review.people.clone()),
        ("Ports", review.ports.clone()),
        ("Secrets", review.secrets.clone()),
        ("Modules", modules),
    ];
    all.into_iter().filter(|(_, lines)| !lines.is_empty()).map(|(title, lines)| (title.to_owned(), lines)).collect()
}

/// For a terminal.
pub fn text(review: &Review, color: bool, whole: bool) -> String {
    let mut text = String::new();
    let plain = |line: &str| visible(line).replace('\n', "\u{240a}");
    for warning in review.warnings() {
        text.push_str(&format!("! {}\n", plain(&warning)));
    }
    for (title, lines) in sections(review) {
        text.push_str(&format!("{title}\n"));
        text.extend(lines.iter().map(|line| format!("  {}\n", plain(line))));
    }
    for (_, diff) in &review.modules {
        text.push_str(&visible(diff));
    }
    for (host, changes) in &review.hosts {
        text.push_str(&format!("{}\n", plain(host)));
        for change in changes {
            change_text(&mut text, change, Options { color, remote: Remote::Shown, whole });
        }
    }
    text + &summary(review) + "\n"
}

/// The JSON of the contract.
pub fn json(review: &Review) -> Value {
    let list = |changes: &[Change]| changes.iter().map(|it| change_json(it, Remote::Shown)).collect::<Vec<_>>();
    let host = |(host, changes): &(String, Vec<Change>)| object!({ "host": host, "changes": list(changes) });
    let module = |(line, diff): &(String, String)| object!({ "what": line, "diff": diff });
    object!({
        "format": 1,
        "inventory": review.inventory,
        "base": review.base,
        "head": review.head,
        "hosts": review.hosts.iter().map(host).collect::<Vec<_>>(),
        "fleet": review.fleet,
        "people": review.people,
        "ports": review.ports,
        "secrets": review.secrets,
        "modules": review.modules.iter().map(module).collect::<Vec<_>>(),
        "data": review.data,
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

/// For a pull request.
pub fn document(review: &Review) -> Document {
    let host = |(host, all): &(String, Vec<Change>)| {
        (host.clone(), format!("{} changes", all.len()), changes(all, Remote::Shown))
    };
    let mut hosts: Vec<_> = review.hosts.iter().map(host).collect();
    let modules = review.modules.iter().filter(|(_, diff)| !diff.is_empty());
    hosts.extend(
        modules.map(|(line, diff)| (format!("module {line}"), "text of the module".to_owned(), diff.clone())),
    );
    Document {
        marker: format!("steward:review:{}", marked(&review.id)),
        title: format!("Review: {} at {}", review.inventory, review.head),
        warnings: review.warnings(),
        summary: summary(review),
        sections: sections(review),
        hosts,
    }
}

/// An inventory's id comes from a stranger, too.
pub fn marked(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}
