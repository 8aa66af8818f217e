//! A document for pull requests, from a plan or a review: a hidden marker, the warnings, the summary, a table of hosts
//! and folded diffs. Gives at most 60,000 bytes. Nothing in it can leave its fence, mention people or load an image.

use std::fmt::Write as _;

use crate::inventory::Locale;
use crate::kinds::Risk;
use crate::plan::diff::{Remote, diff, visible};
use crate::plan::drift::{Differing, Drift, State};
use crate::plan::fleet::FleetPlan;
use crate::plan::leaving::Kept;
use crate::plan::text::{risk_text, summed, worth_showing};
use crate::plan::warnings::{self, Note, Topic, doing, in_order};
use crate::plan::{Action, Change};
use crate::said::{Said, listed};
use crate::texts;

const LIMIT: usize = 60_000;
/// Bytes of the lists before the diffs; the rest of a longer list is counted.
const LIST: usize = 12_000;

/// What is shown; every text is plain.
#[derive(Debug, Default)]
pub struct Document {
    pub locale: Locale,
    /// Plain ASCII words of ours: what the comment is found by.
    pub marker: String,
    pub title: Said,
    /// Gravest first.
    pub notes: Vec<Note>,
    /// Its lines.
    pub summary: Vec<Said>,
    /// Titles and texts of diffs that belong to no host.
    pub modules: Vec<(Said, String)>,
    pub hosts: Vec<Host>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    /// For the table.
    pub cell: Said,
    /// Of all its changes; may be empty.
    pub diffs: String,
}

impl Document {
    pub fn text(&self) -> String {
        let locale = self.locale;
        let mut text = format!("<!-- {} -->\n## {}\n\n", self.marker, escaped(self.title.text(locale)));
        let (warnings, told): (Vec<&Note>, Vec<&Note>) = self.notes.iter().partition(|note| note.topic.warns());
        list(&mut text, &warnings, "⚠️ ", locale);
        let lines: Vec<String> = self.summary.iter().map(|line| escaped(line.text(locale))).collect();
        let _ = writeln!(text, "**{}**\n", lines.join("<br>"));
        list(&mut text, &told, "", locale);
        table(&mut text, &self.hosts, locale);
        let mut dropped = Vec::new();
        let modules = self.modules.iter().map(|(title, diff)| (title.text(locale).to_owned(), diff.as_str()));
        for (title, diffs) in modules.chain(alike(&self.hosts, locale)) {
            let whole = details(&title, diffs);
            // room for the note that names what was dropped
            if text.len() + whole.len() <= LIMIT - 3_000 {
                text.push_str(&whole);
            } else {
                dropped.push(escaped(&cut(&title, 100)));
            }
        }
        if !dropped.is_empty() {
            let named = dropped.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
            let others = if dropped.len() > 10 { texts::and_others(dropped.len() - 10) } else { Said::default() };
            let _ = writeln!(text, "{}", texts::left_out(cut(&named, 2_000), &others).text(locale));
        }
        text
    }
}

fn table(text: &mut String, hosts: &[Host], locale: Locale) {
    if hosts.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}\n| --- | --- |", texts::table_head().text(locale));
    let before = text.len();
    let row = |host: &Host| format!("| {} | {} |\n", escaped(&host.name), escaped(host.cell.text(locale)));
    let mut rows = hosts.iter().map(row);
    for row in rows.by_ref() {
        text.push_str(&row);
        if text.len() - before > LIST {
            break;
        }
    }
    let more = rows.count();
    if more > 0 {
        let _ = writeln!(text, "| … | {} |", texts::more_hosts(more).text(locale));
    }
    text.push('\n');
}

/// Hosts with the same diffs, together: what happens to fifty servers is read once.
fn alike(hosts: &[Host], locale: Locale) -> Vec<(String, &str)> {
    let mut groups: Vec<(Vec<&str>, &str)> = Vec::new();
    for host in hosts.iter().filter(|host| !host.diffs.is_empty()) {
        match groups.iter_mut().find(|(_, diffs)| *diffs == host.diffs) {
            Some((names, _)) => names.push(&host.name),
            None => groups.push((vec![&host.name], &host.diffs)),
        }
    }
    groups.into_iter().map(|(names, diffs)| (listed(&names).text(locale).to_owned(), diffs)).collect()
}

fn list(text: &mut String, notes: &[&Note], mark: &str, locale: Locale) {
    let before = text.len();
    for (index, note) in notes.iter().enumerate() {
        if text.len() - before > LIST / 4 {
            let _ = writeln!(text, "- {}", texts::more(notes.len() - index).text(locale));
            break;
        }
        let label = escaped(note.topic.label().text(locale));
        let _ = writeln!(text, "- {mark}**{label}** {}", escaped(&cut(&note.line(locale), 500)));
    }
    if !notes.is_empty() {
        text.push('\n');
    }
}

fn details(host: &str, diffs: &str) -> String {
    let diffs = visible(diffs);
    let longest = diffs.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let end = if diffs.ends_with('\n') { "" } else { "\n" };
    format!(
        "<details><summary>{}</summary>\n\n{fence}diff\n{diffs}{end}{fence}\n\n</details>\n\n",
        escaped(&cut(host, 100))
    )
}

fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit).chain(['…']).collect()
}

/// Plain words outside fences: whatever means something to Markdown, HTML or a forge becomes a character reference, and
/// what would be a mention, a reference or a link even so is parted by a character without width. Paths stay whole, so
/// that people can copy them.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    let text = visible(text);
    let mut before = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        match character {
            '\n' | '\t' => out.push(' '),
            '@' | '#' | '!' | '&' | '~' | '%' | '$' | '^' => {
                let _ = write!(out, "&#{};\u{2060}", u32::from(character));
            }
            // `https://`, `:emoji:`
            ':' if !next.is_none_or(|next| next.is_ascii_digit() || next == ' ') && !begins_path(&characters) => {
                out.push_str("&#58;\u{2060}");
            }
            // `www.e.example`, `GH-1`
            '.' if before.to_ascii_lowercase().ends_with("www") => out.push_str(".\u{2060}"),
            '-' if before.to_ascii_lowercase().ends_with("gh") => out.push_str("&#45;\u{2060}"),
            '<' | '>' | '"' | '\'' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '|' | '\\' | '{' | '}' | '+' | '-'
            | '=' | ':' => {
                let _ = write!(out, "&#{};", u32::from(character));
            }
            _ => out.push(character),
        }
        before.push(character);
        if before.len() > 16 {
            before = before.chars().skip(1).collect();
        }
    }
    out
}

/// True before `/etc`, false before `//example`.
fn begins_path(rest: &std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let mut rest = rest.clone();
    rest.next() == Some('/') && rest.next() != Some('/')
}

/// All changes of a host as lines for a fence. In a diff, forges colour lines that begin with `!`.
pub fn changes(changes: &[Change], remote: Remote, locale: Locale) -> String {
    let mut text = String::new();
    for change in changes {
        let id = change.id.to_string().replace('\n', "\u{240a}");
        let reason = change.reason.text(locale).replace('\n', " ");
        let mark = if change.risk.is_empty() { '#' } else { '!' };
        let _ = write!(text, "{mark} {}", doing(change.action, &id).text(locale));
        for risk in change.risk.iter().filter(|risk| **risk != Risk::Restart || change.action != Action::Restart) {
            let _ = write!(text, " ({})", risk_text(*risk).text(locale));
        }
        let _ = write!(text, " [{}] {reason}", change.services.join(", "));
        if let Some(provider) = &change.deferred {
            text.push_str(texts::decided_after(provider.replace('\n', "\u{240a}")).text(locale));
        }
        if let Some(origin) = change.origin {
            let _ = write!(text, " ({})", origin.label().text(locale));
        }
        text.push('\n');
        text.push_str(&diff(&worth_showing(change), remote, locale));
    }
    text
}

/// The same document for what `plan` found on hosts.
pub fn of_plan(plan: &FleetPlan, remote: Remote, locale: Locale) -> Document {
    let mut document = Document {
        locale,
        marker: format!("steward:plan:{}", marked(&plan.id)),
        title: texts::plan_title(&plan.inventory, revision(plan.revision.as_deref())),
        notes: warnings::of_plan(plan),
        summary: summed(&plan.summary()),
        ..Document::default()
    };
    for entry in &plan.hosts {
        let (cell, diffs) = match &entry.result {
            Ok(found) => {
                let access = found.access.iter().map(|it| Note::on(Topic::Access, &entry.host, it.line()));
                document.notes.extend(access);
                let backups = found.backups.iter().map(|it| Note::on(Topic::Data, &entry.host, it.line()));
                document.notes.extend(backups);
                let stays = |it: &Kept| Note::on(Topic::Kept, &entry.host, texts::why(&it.id, &it.why));
                document.notes.extend(found.leavings.kept.iter().map(stays));
                (texts::counts(found.changes.len(), found.unchanged), changes(&found.changes, remote, locale))
            }
            Err(error) => (if error.unreachable { texts::unreachable() } else { texts::failed() }, String::new()),
        };
        document.hosts.push(Host { name: entry.host.clone(), cell, diffs });
    }
    document.notes = in_order(document.notes);
    document
}

/// The same for what `drift` found: no content of any host is in it.
pub fn of_drift(drift: &Drift, locale: Locale) -> String {
    let count = |state: State| format!("{} ", drift.count(state)) + state.label().text(locale);
    let states = [State::Drift, State::Failed, State::Unreachable, State::Ok].map(count);
    let mut document = Document {
        locale,
        marker: format!("steward:drift:{}", marked(&drift.id)),
        title: texts::drift_title(&drift.inventory, revision(drift.revision.as_deref())),
        summary: vec![texts::hosts_are(states.join(", "))],
        ..Document::default()
    };
    for host in &drift.hosts {
        let error = host.error.iter().map(|why| Note::on(Topic::Unseen, &host.host, why.clone()));
        document.notes.extend(error);
        let line = |it: &Differing| {
            let what = doing(it.action, &it.id);
            texts::why(&what, &it.reason).text(locale).replace('\n', " ")
        };
        let line = |it: &Differing| format!("# {}\n", line(it));
        document.hosts.push(Host {
            name: host.host.clone(),
            cell: texts::drift_cell(host.state.label(), host.differences.len()),
            diffs: host.differences.iter().map(line).collect(),
        });
    }
    document.text()
}

fn revision(known: Option<&str>) -> Said {
    known.map_or_else(texts::no_revision, Said::from)
}

/// The part of a marker that tells inventories apart. An id comes from a stranger, too.
pub fn marked(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_only_text() {
        let text = escaped("</details> @ana #1 ![x](https://e.example/i.png) `a` \u{1b}[2J\n# x \u{202e}");
        for bad in ["<", "@", "![", "](", "://", "`", "\u{1b}", "\n", "\u{202e}", " #1"] {
            assert!(!text.contains(bad), "{bad:?} in {text}");
        }
    }

    #[test]
    fn a_fence_is_longer_than_any_inside_and_whole_hosts_are_dropped() {
        let document = Document {
            marker: "steward:review:x".into(),
            hosts: vec![
                Host { name: "big".into(), cell: "1".into(), diffs: "+x\n".repeat(30_000) },
                Host { name: "small".into(), cell: "1".into(), diffs: "+````` </details> @ana\n".into() },
            ],
            ..Document::default()
        };
        let text = document.text();
        assert!(text.len() <= LIMIT && text.starts_with("<!-- steward:review:x -->\n"), "{}", text.len());
        assert!(text.contains("\n``````diff\n+````` </details> @ana\n``````\n"), "{text}");
        assert!(text.contains("These diffs did not fit and were left out: big."), "{text}");
    }
}
