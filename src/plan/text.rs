//! A plan as people read it in a terminal: what changes first, its summary last. Gives text; prints nothing.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::diff::{Remote, diff, visible};
use super::fleet::{FleetPlan, HostEntry, Summary};
use super::origin::Origin;
use super::warnings::{Note, Topic, of_plan};
use super::{Action, Change, HostPlan};
use crate::access::{Finding, What};
use crate::kinds::Risk;
use crate::resource::Attribute;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub color: bool,
    pub remote: Remote,
    /// All lines of a diff, however many.
    pub whole: bool,
}

/// Lines that a terminal shows at once.
const SCREEN: usize = 20;

/// Lines of one diff that are shown unless all are asked for.
const FOLD: usize = 40;

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// The whole plan, with its summary line at the end.
pub fn text(plan: &FleetPlan, options: Options) -> String {
    // what could not be looked at stands where its host does, and in the summary
    let found: Vec<Note> = of_plan(plan).into_iter().filter(|note| note.topic != Topic::Unseen).collect();
    let mut text = notes(&found, options.color);
    if !text.is_empty() {
        text.push('\n');
    }
    for entry in &plan.hosts {
        host(&mut text, entry, options);
    }
    let lines = text.lines().count();
    text.push_str(&summary(&plan.summary()));
    if plan.base.is_some() {
        text.push_str(&origins(plan));
    }
    text.push_str(&closing(&found, lines));
    text
}

/// What to look at first, a line each: what warns is marked.
pub fn notes(notes: &[Note], color: bool) -> String {
    let paint = Paint(color);
    let width = notes.iter().map(|note| note.topic.label().len()).max().unwrap_or_default();
    let line = |note: &Note| {
        let label = format!("{:width$}", note.topic.label());
        let (mark, style) = match note.topic {
            Topic::Mistake | Topic::Lockout | Topic::Data | Topic::Deletion => ("!", RED.bold()),
            topic if topic.warns() => ("!", YELLOW),
            _ => (" ", BOLD),
        };
        format!("{}  {}\n", paint.with(style, &format!("{mark} {label}")), plain(&note.line()))
    };
    notes.iter().map(line).collect()
}

/// Where what stands at the top has scrolled away, a last line that says what was there.
pub fn closing(notes: &[Note], lines: usize) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for note in notes.iter().filter(|note| note.topic.warns()) {
        match counts.iter_mut().find(|(label, _)| *label == note.topic.label()) {
            Some((_, count)) => *count += 1,
            None => counts.push((note.topic.label(), 1)),
        }
    }
    if counts.is_empty() || lines <= SCREEN {
        return String::new();
    }
    let counts: Vec<String> = counts.iter().map(|(label, count)| format!("{count} {label}")).collect();
    format!("Look at the top: {}.\n", counts.join(", "))
}

/// On one line, without what a terminal obeys.
pub fn plain(text: &str) -> String {
    visible(text).replace('\n', "\u{240a}")
}

/// `Of these: 2 this change, 1 drift.`
fn origins(plan: &FleetPlan) -> String {
    let changes = || plan.hosts.iter().filter_map(|entry| entry.result.as_ref().ok()).flat_map(|plan| &plan.changes);
    let count = |origin: &Origin| {
        let count = changes().filter(|change| change.origin == Some(*origin)).count();
        (count > 0).then(|| format!("{count} {}", origin.label()))
    };
    let all = [Origin::Change, Origin::Unapplied, Origin::Drift, Origin::Earlier];
    let counts: Vec<String> = all.iter().filter_map(count).collect();
    if counts.is_empty() { String::new() } else { format!("Of these: {}.\n", counts.join(", ")) }
}

fn host(text: &mut String, entry: &HostEntry, options: Options) {
    let paint = Paint(options.color);
    match &entry.result {
        Ok(plan)
            if plan.is_empty()
                && plan.unknown.is_empty()
                && plan.access.is_empty()
                && plan.leavings.kept.is_empty()
                && !plan.is_unsettled()
                && !plan.interrupted => {}
        Ok(plan) => planned(text, &entry.host, plan, options),
        Err(error) => {
            let word = if error.unreachable { "unreachable" } else { "failed" };
            let _ = writeln!(text, "{}  {}", paint.with(BOLD, &entry.host), paint.with(RED, word));
            let _ = writeln!(text, "  {}", indented(&error.diagnostic.fact));
            if let Some(remedy) = &error.diagnostic.remedy {
                let _ = writeln!(text, "  help: {}", indented(remedy));
            }
            text.push('\n');
        }
    }
}

fn planned(text: &mut String, host: &str, plan: &HostPlan, options: Options) {
    let paint = Paint(options.color);
    let counts = format!("{} to change, {} unchanged", plan.changes.len(), plan.unchanged);
    let _ = writeln!(text, "{}  {}", paint.with(BOLD, host), paint.with(FAINT, &counts));
    // what was rolled back is old news once nothing is left to change
    if let Some(pending) = plan.pending.as_ref().filter(|_| !plan.is_empty() || plan.is_unsettled()) {
        let line = visible(&pending.to_string());
        let _ = writeln!(text, "  {} {line}", paint.with(YELLOW, "!"));
    }
    for it in &plan.changes {
        change(text, it, options);
    }
    for unknown in &plan.unknown {
        let line = format!("{} cannot be read: {}", unknown.id, visible(&unknown.why));
        let _ = writeln!(text, "  {} {line}", paint.with(YELLOW, "?"));
    }
    for kept in &plan.leavings.kept {
        let line = visible(&format!("{} stays: {}", kept.id, kept.why)).replace('\n', "\u{240a}");
        let _ = writeln!(text, "  {} {line}", paint.with(YELLOW, "="));
    }
    if plan.interrupted {
        let _ = writeln!(
            text,
            "  {} an earlier run was interrupted; `apply` clears what it left",
            paint.with(YELLOW, "!")
        );
    }
    access(text, &plan.access, options);
    text.push('\n');
}

/// Who can get in though nobody declared it: one line each, and what to do about it once for neighbours.
fn access(text: &mut String, findings: &[Finding], options: Options) {
    let paint = Paint(options.color);
    let shown = if options.whole { findings.len() } else { findings.len().min(FOLD) };
    for (index, finding) in findings.iter().take(shown).enumerate() {
        let mark = if finding.what == What::Unknown { "?" } else { "!" };
        let _ = writeln!(text, "  {} {}", paint.with(YELLOW, mark), visible(&finding.line()));
        if findings.get(index + 1).is_none_or(|next| next.remedy != finding.remedy) {
            let _ = writeln!(text, "      {}", paint.with(FAINT, &visible(&finding.remedy)));
        }
    }
    if shown < findings.len() {
        let more = format!("… {} more (-v shows all)", findings.len() - shown);
        let _ = writeln!(text, "  {}", paint.with(FAINT, &more));
    }
}

pub fn change(text: &mut String, change: &Change, options: Options) {
    let paint = Paint(options.color);
    let (mark, style) = match change.action {
        Action::Create => ("+", GREEN),
        Action::Update => ("~", YELLOW),
        Action::Delete => ("-", RED),
        Action::Run => (">", CYAN),
        Action::Restart | Action::Reload => ("^", CYAN),
    };
    let verb = match change.action {
        Action::Restart => "restart ",
        Action::Reload => "reload ",
        Action::Run => "run ",
        _ => "",
    };
    let _ = write!(text, "  {} {verb}{}", paint.with(style, mark), plain(&change.id.to_string()));
    for risk in change.risk.iter().filter(|risk| **risk != Risk::Restart || change.action != Action::Restart) {
        let _ = write!(text, "  {}", paint.with(YELLOW, &format!("! {}", risk_text(*risk))));
    }
    let why = format!("[{}] {}", change.services.join(", "), plain(&change.reason));
    let _ = write!(text, "  {}", paint.with(FAINT, &why));
    if let Some(provider) = &change.deferred {
        let _ = write!(text, "{}", paint.with(FAINT, &format!(" (decided during apply, after {provider})")));
    }
    if let Some(origin) = change.origin {
        let style = if origin == Origin::Change { FAINT } else { YELLOW };
        let _ = write!(text, " {}", paint.with(style, &format!("({})", origin.label())));
    }
    text.push('\n');
    diff_lines(text, &diff(&worth_showing(change), options.remote), options);
}

/// The lines of a diff; the rest of a long one is counted.
pub fn diff_lines(text: &mut String, diff: &str, options: Options) {
    let paint = Paint(options.color);
    let diff = visible(diff);
    let lines: Vec<&str> = diff.lines().collect();
    let shown = if options.whole { lines.len() } else { lines.len().min(FOLD) };
    for line in &lines[..shown] {
        let style = match line.as_bytes().first() {
            Some(b'+') => GREEN,
            Some(b'-') => RED,
            Some(b'@') => CYAN,
            _ => Style::new(),
        };
        let _ = writeln!(text, "      {}", paint.with(style, line));
    }
    if shown < lines.len() {
        let more = format!("… {} more lines (-v shows all)", lines.len() - shown);
        let _ = writeln!(text, "      {}", paint.with(FAINT, &more));
    }
}

pub fn risk_text(risk: Risk) -> &'static str {
    match risk {
        Risk::Lockout => "could lock you out",
        Risk::Restart => "restarts",
        Risk::Data => "data at risk",
    }
}

/// Attributes that are worth a look though everything else about the resource comes or goes with them: who can log in by
/// it, what it is worth.
const TELLING: &[&str] = &["authorized_keys", "groups", "target", "value"];

/// Of what comes or goes as a whole, only the content and what [`TELLING`] names.
pub fn worth_showing(change: &Change) -> Change {
    let mut change = change.clone();
    let is_content = |it: &Option<Attribute>| matches!(it, Some(Attribute::Content(_)));
    if matches!(change.action, Action::Create | Action::Run | Action::Delete) {
        change.differences.retain(|it| is_content(&it.from) || is_content(&it.to) || TELLING.contains(&it.attribute));
    }
    change
}

/// `Plan: 3 to create, 2 to update, 0 to delete, 1 to run on 2 hosts.` or `No changes.`
pub fn summary(summary: &Summary) -> String {
    let mut text = String::new();
    if summary.changes() > 0 {
        let hosts = if summary.hosts == 1 { "host" } else { "hosts" };
        let _ = writeln!(
            text,
            "Plan: {} to create, {} to update, {} to delete, {} to run on {} {hosts}.",
            summary.create, summary.update, summary.delete, summary.run, summary.hosts
        );
        let reactions = [(summary.restart, "restart"), (summary.reload, "reload")];
        let reactions: Vec<String> = reactions
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, verb)| format!("{count} to {verb}"))
            .collect();
        if !reactions.is_empty() {
            let _ = writeln!(text, "Then: {}.", reactions.join(", "));
        }
    } else if summary.unreachable + summary.failed + summary.unknown == 0 {
        text.push_str("No changes.\n");
    } else {
        text.push_str("No changes where the hosts could be read.\n");
    }
    let problems = [
        (summary.unknown, "resource", "could not be read"),
        (summary.unreachable, "host", "unreachable"),
        (summary.failed, "host", "failed"),
    ];
    let problems: Vec<String> = problems
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, how)| format!("{count} {what}{} {how}", if *count == 1 { "" } else { "s" }))
        .collect();
    if !problems.is_empty() {
        let _ = writeln!(text, "Attention: {}.", problems.join(", "));
    }
    text
}

fn indented(text: &str) -> String {
    visible(text).replace('\n', "\n  ")
}

struct Paint(bool);

impl Paint {
    fn with(&self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
