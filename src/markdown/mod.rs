//! A document for pull requests, from a plan or a review: a hidden marker, the warnings, the summary, a table of hosts
//! and folded diffs. Gives at most 60,000 bytes. Nothing in it can leave its fence, mention people or load an image.

use std::fmt::Write as _;

use crate::plan::Change;
use crate::plan::diff::{Remote, diff, visible};
use crate::plan::fleet::FleetPlan;
use crate::plan::json::word;
use crate::plan::text::summary;

const LIMIT: usize = 60_000;
/// Bytes of the lists before the diffs; the rest of a longer list is counted.
const LIST: usize = 12_000;

/// What is shown; every text is plain.
#[derive(Debug, Default)]
pub struct Document {
    /// Plain ASCII words of ours: what the comment is found by.
    pub marker: String,
    pub title: String,
    pub warnings: Vec<String>,
    pub summary: String,
    pub sections: Vec<(String, Vec<String>)>,
    /// Name, one cell for the table, and the text of all diffs.
    pub hosts: Vec<(String, String, String)>,
}

impl Document {
    pub fn text(&self) -> String {
        let mut text = format!("<!-- {} -->\n## {}\n\n", self.marker, escaped(&self.title));
        list(&mut text, &self.warnings, "⚠️ ");
        let _ = writeln!(text, "**{}**\n", escaped(self.summary.trim()));
        for (title, lines) in &self.sections {
            let _ = writeln!(text, "### {}\n", escaped(title));
            list(&mut text, lines, "");
        }
        let mut rows =
            self.hosts.iter().map(|(host, cell, _)| format!("| {} | {} |\n", escaped(host), escaped(cell)));
        if !self.hosts.is_empty() {
            text.push_str("| Host | Changes |\n| --- | --- |\n");
            let before = text.len();
            for row in rows.by_ref() {
                text.push_str(&row);
                if text.len() - before > LIST {
                    break;
                }
            }
            let more = rows.count();
            if more > 0 {
                let _ = writeln!(text, "| … | {more} more hosts |");
            }
            text.push('\n');
        }
        let mut dropped = Vec::new();
        for (host, _, diffs) in self.hosts.iter().filter(|(_, _, diffs)| !diffs.is_empty()) {
            let whole = details(host, diffs);
            // room for the note that names what was dropped
            if text.len() + whole.len() <= LIMIT - 3_000 {
                text.push_str(&whole);
            } else {
                dropped.push(escaped(&cut(host, 100)));
            }
        }
        if !dropped.is_empty() {
            let named = dropped.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
            let _ = writeln!(
                text,
                "Diffs of {} hosts did not fit and were left out: {}{}. Run the command itself to see them.",
                dropped.len(),
                cut(&named, 2_000),
                if dropped.len() > 10 { " and others" } else { "" }
            );
        }
        text
    }
}

fn list(text: &mut String, lines: &[String], mark: &str) {
    let before = text.len();
    for (index, line) in lines.iter().enumerate() {
        if text.len() - before > LIST / 4 {
            let _ = writeln!(text, "- … {} more", lines.len() - index);
            break;
        }
        let _ = writeln!(text, "- {mark}{}", escaped(&cut(line, 300)));
    }
    if !lines.is_empty() {
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
/// what would be a mention or a link is parted by a character without width.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in visible(text).chars() {
        match character {
            '\n' | '\t' => out.push(' '),
            '@' | '#' | '!' => {
                let _ = write!(out, "&#{};\u{2060}", u32::from(character));
            }
            ':' => out.push_str("&#58;\u{2060}"),
            '.' => out.push_str(".\u{2060}"),
            '&' | '<' | '>' | '"' | '\'' | '`' | '*' | '_' | '~' | '[' | ']' | '(' | ')' | '|' | '\\' | '$' | '{'
            | '}' | '+' | '-' | '=' | '^' => {
                let _ = write!(out, "&#{};", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out
}

/// All changes of a host as lines for a fence.
pub fn changes(changes: &[Change], remote: Remote) -> String {
    let mut text = String::new();
    for change in changes {
        let id = change.id.to_string().replace('\n', "\u{240a}");
        let reason = change.reason.replace('\n', " ");
        let _ = writeln!(text, "# {} {id} [{}] {reason}", word(change.action), change.services.join(", "));
        text.push_str(&diff(change, remote));
    }
    text
}

/// The same document for what `plan` found on hosts.
pub fn of_plan(plan: &FleetPlan, remote: Remote) -> Document {
    let mut document = Document {
        marker: "steward:plan".to_owned(),
        title: format!("Plan: {} at {}", plan.inventory, plan.revision.as_deref().unwrap_or("no revision")),
        summary: summary(&plan.summary()),
        ..Document::default()
    };
    for entry in &plan.hosts {
        let (cell, diffs) = match &entry.result {
            Ok(found) => {
                document.warnings.extend(risky(&entry.host, &found.changes));
                for kept in &found.leavings.kept {
                    document.warnings.push(format!("{}: {} stays: {}", entry.host, kept.id, kept.why));
                }
                for unknown in &found.unknown {
                    document.warnings.push(format!("{}: {} cannot be read: {}", entry.host, unknown.id, unknown.why));
                }
                (
                    format!("{} to change, {} unchanged", found.changes.len(), found.unchanged),
                    changes(&found.changes, remote),
                )
            }
            Err(error) => {
                let word = if error.unreachable { "unreachable" } else { "failed" };
                document.warnings.push(format!("{}: {word}: {}", entry.host, error.diagnostic.fact));
                (word.to_owned(), String::new())
            }
        };
        document.hosts.push((entry.host.clone(), cell, diffs));
    }
    document
}

/// What a reviewer should see before anything else.
pub fn risky(host: &str, changes: &[Change]) -> Vec<String> {
    use crate::kinds::Risk;
    use crate::plan::Action;
    let mut found = Vec::new();
    for change in changes {
        let lockout = change.risk.contains(&Risk::Lockout);
        if lockout {
            found.push(format!("{host}: {} could lock you out", change.id));
        }
        if change.action == Action::Delete {
            found.push(format!("{host}: {} goes ({})", change.id, change.reason));
        }
        if change.risk.contains(&Risk::Data) {
            found.push(format!("{host}: {} puts data at risk", change.id));
        }
    }
    found
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
                ("big".into(), "1".into(), "+x\n".repeat(30_000)),
                ("small".into(), "1".into(), "+````` </details> @ana\n".into()),
            ],
            ..Document::default()
        };
        let text = document.text();
        assert!(text.len() <= LIMIT && text.starts_with("<!-- steward:review:x -->\n"), "{}", text.len());
        assert!(text.contains("\n``````diff\n+````` </details> @ana\n``````\n"), "{text}");
        assert!(text.contains("Diffs of 1 hosts did not fit and were left out: big."), "{text}");
    }
}
