//! A plan as people read it in a terminal: what changes first, its summary last. Gives text; prints nothing.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::diff::{Remote, diff, visible};
use super::fleet::{FleetPlan, HostEntry, Summary};
use super::origin::Origin;
use super::warnings::{Note, Topic, doing, of_plan};
use super::{Action, Change, HostPlan};
use crate::access::{Finding, What};
use crate::inventory::Locale;
use crate::kinds::Risk;
use crate::observed::Pending;
use crate::resource::Attribute;
use crate::said::Said;
use crate::texts;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub color: bool,
    pub remote: Remote,
    /// All lines of a diff, however many.
    pub whole: bool,
    pub locale: Locale,
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
    let mut text = notes(&found, options);
    if !text.is_empty() {
        text.push('\n');
    }
    for entry in &plan.hosts {
        host(&mut text, entry, options);
    }
    let lines = text.lines().count();
    text.push_str(&summary(&plan.summary(), options.locale));
    if plan.base.is_some() {
        text.push_str(&origins(plan, options.locale));
    }
    text.push_str(&closing(&found, lines, options.locale));
    text
}

/// What to look at first, a line each: what warns is marked.
pub fn notes(notes: &[Note], options: Options) -> String {
    let Options { color, locale, .. } = options;
    let paint = Paint(color);
    let width = |note: &Note| note.topic.label().text(locale).chars().count();
    let width = notes.iter().map(width).max().unwrap_or_default();
    let line = |note: &Note| {
        let label = format!("{:width$}", note.topic.label().text(locale));
        let (mark, style) = match note.topic {
            Topic::Mistake | Topic::Lockout | Topic::Data | Topic::Upgrade | Topic::Deletion => ("!", RED.bold()),
            topic if topic.warns() => ("!", YELLOW),
            _ => (" ", BOLD),
        };
        format!("{}  {}\n", paint.with(style, &format!("{mark} {label}")), plain(&note.line(locale)))
    };
    notes.iter().map(line).collect()
}

/// Where what stands at the top has scrolled away, a last line that says what was there.
pub fn closing(notes: &[Note], lines: usize, locale: Locale) -> String {
    let mut counts: Vec<(Said, usize)> = Vec::new();
    for note in notes.iter().filter(|note| note.topic.warns()) {
        match counts.iter_mut().find(|(label, _)| *label == note.topic.label()) {
            Some((_, count)) => *count += 1,
            None => counts.push((note.topic.label(), 1)),
        }
    }
    if counts.is_empty() || lines <= SCREEN {
        return String::new();
    }
    let counts: Vec<String> = counts.iter().map(|(label, count)| format!("{count} {}", label.text(locale))).collect();
    texts::look_at_top(counts.join(", ")).text(locale).to_owned() + "\n"
}

/// On one line, without what a terminal obeys.
pub fn plain(text: &str) -> String {
    visible(text).replace('\n', "\u{240a}")
}

/// `Of these: 2 this change, 1 drift.`
fn origins(plan: &FleetPlan, locale: Locale) -> String {
    let changes = || plan.hosts.iter().filter_map(|entry| entry.result.as_ref().ok()).flat_map(|plan| &plan.changes);
    let count = |origin: &Origin| {
        let count = changes().filter(|change| change.origin == Some(*origin)).count();
        (count > 0).then(|| format!("{count} {}", origin.label().text(locale)))
    };
    let all = [Origin::Change, Origin::Unapplied, Origin::Drift, Origin::Earlier];
    let counts: Vec<String> = all.iter().filter_map(count).collect();
    if counts.is_empty() {
        return String::new();
    }
    texts::of_these(counts.join(", ")).text(locale).to_owned() + "\n"
}

fn host(text: &mut String, entry: &HostEntry, options: Options) {
    let paint = Paint(options.color);
    match &entry.result {
        Ok(plan)
            if plan.is_empty()
                && plan.unknown.is_empty()
                && plan.access.is_empty()
                && plan.backups.is_empty()
                && plan.leavings.kept.is_empty()
                && plan.gates.is_empty()
                && !plan.is_unsettled()
                && !plan.interrupted => {}
        Ok(plan) => planned(text, &entry.host, plan, options),
        Err(error) => {
            let word = if error.unreachable { texts::unreachable() } else { texts::failed() };
            let word = paint.with(RED, word.text(options.locale));
            let _ = writeln!(text, "{}  {word}", paint.with(BOLD, &entry.host));
            let _ = writeln!(text, "  {}", indented(&error.diagnostic.fact));
            if let Some(remedy) = &error.diagnostic.remedy {
                let _ = writeln!(text, "  {}", texts::help(indented(remedy)).text(options.locale));
            }
            text.push('\n');
        }
    }
}

fn planned(text: &mut String, host: &str, plan: &HostPlan, options: Options) {
    let paint = Paint(options.color);
    let locale = options.locale;
    let counts = texts::counts(plan.changes.len(), plan.unchanged);
    let _ = writeln!(text, "{}  {}", paint.with(BOLD, host), paint.with(FAINT, counts.text(locale)));
    // what was rolled back is old news once nothing is left to change
    if let Some(pending) = plan.pending.as_ref().filter(|_| !plan.is_empty() || plan.is_unsettled()) {
        let line = visible(self::pending(pending).text(locale));
        let _ = writeln!(text, "  {} {line}", paint.with(YELLOW, "!"));
    }
    for it in &plan.changes {
        change(text, it, options);
    }
    for unknown in &plan.unknown {
        let line = visible(unknown.said().text(locale));
        let _ = writeln!(
            text,
            "  {} {line}",
            paint.with(YELLOW, if unknown.unsupported().is_some() { "x" } else { "?" })
        );
    }
    for kept in &plan.leavings.kept {
        let line = visible(texts::stays(&kept.id, &kept.why).text(locale)).replace('\n', "\u{240a}");
        let _ = writeln!(text, "  {} {line}", paint.with(YELLOW, "="));
    }
    if plan.interrupted {
        let _ = writeln!(text, "  {} {}", paint.with(YELLOW, "!"), texts::interrupted().text(locale));
    }
    access(text, &plan.access, options);
    for it in &plan.backups {
        let _ = writeln!(text, "  {} {}", paint.with(YELLOW, "!"), visible(it.line().text(options.locale)));
        let _ = writeln!(text, "      {}", visible(it.remedy.text(options.locale)));
    }
    text.push('\n');
}

/// Who can get in though nobody declared it: one line each, and what to do about it once for neighbours.
fn access(text: &mut String, findings: &[Finding], options: Options) {
    let paint = Paint(options.color);
    let shown = if options.whole { findings.len() } else { findings.len().min(FOLD) };
    for (index, finding) in findings.iter().take(shown).enumerate() {
        let mark = if finding.what == What::Unknown { "?" } else { "!" };
        let _ = writeln!(text, "  {} {}", paint.with(YELLOW, mark), visible(finding.line().text(options.locale)));
        if findings.get(index + 1).is_none_or(|next| next.remedy != finding.remedy) {
            let _ = writeln!(text, "      {}", paint.with(FAINT, &visible(finding.remedy.text(options.locale))));
        }
    }
    if shown < findings.len() {
        let more = texts::more_with_v(findings.len() - shown);
        let _ = writeln!(text, "  {}", paint.with(FAINT, more.text(options.locale)));
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
    let locale = options.locale;
    let what = match change.action {
        Action::Restart | Action::Reload | Action::Run => doing(change.action, &change.id),
        _ => Said::same(change.id.to_string()),
    };
    let _ = write!(text, "  {} {}", paint.with(style, mark), plain(what.text(locale)));
    for risk in change.risk.iter().filter(|risk| **risk != Risk::Restart || change.action != Action::Restart) {
        let _ = write!(text, "  {}", paint.with(YELLOW, &format!("! {}", risk_text(*risk).text(locale))));
    }
    let why = format!("[{}] {}", change.services.join(", "), plain(change.reason.text(locale)));
    let _ = write!(text, "  {}", paint.with(FAINT, &why));
    if let Some(provider) = &change.deferred {
        let _ = write!(text, "{}", paint.with(FAINT, texts::decided_after(provider).text(locale)));
    }
    if let Some(origin) = change.origin {
        let style = if origin == Origin::Change { FAINT } else { YELLOW };
        let _ = write!(text, " {}", paint.with(style, &format!("({})", origin.label().text(locale))));
    }
    text.push('\n');
    diff_lines(text, &diff(&worth_showing(change), options.remote, options.locale), options);
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
        let more = texts::more_lines_with_v(lines.len() - shown);
        let _ = writeln!(text, "      {}", paint.with(FAINT, more.text(options.locale)));
    }
}

pub fn risk_text(risk: Risk) -> Said {
    match risk {
        Risk::Lockout => texts::could_lock_out(),
        Risk::Restart => texts::restarts(),
        Risk::Data => texts::data_at_risk(),
    }
}

/// Attributes that are worth a look though everything else about the resource comes or goes with them: who can log in by
/// it, what it is worth, of which release it is.
const TELLING: &[&str] = &["authorized_keys", "commit", "groups", "made_of", "sha256", "target", "value"];

/// Of what comes or goes as a whole, only the content and what [`TELLING`] names.
pub fn worth_showing(change: &Change) -> Change {
    let mut change = change.clone();
    let is_content = |it: &Option<Attribute>| matches!(it, Some(Attribute::Content(_)));
    if matches!(change.action, Action::Create | Action::Run | Action::Delete) {
        change.differences.retain(|it| is_content(&it.from) || is_content(&it.to) || TELLING.contains(&it.attribute));
    }
    change
}

/// `Plan: 3 to create, 2 to update, 0 to delete, 1 to run on 2 hosts.` or `No changes.`: the line that scripts rely on stays
/// English, behind the same in another language.
pub fn summary(summary: &Summary, locale: Locale) -> String {
    let said = summed(summary);
    let mut lines = said.iter().map(|line| line.text(locale).to_owned()).collect::<Vec<_>>();
    if let Some(first) = said.first().filter(|_| locale != Locale::En) {
        lines.insert(1, first.text(Locale::En).to_owned());
    }
    lines.join("\n") + "\n"
}

/// The lines of a summary.
pub fn summed(summary: &Summary) -> Vec<Said> {
    let mut lines = Vec::new();
    if summary.changes() > 0 {
        let hosts = on_hosts(summary.hosts);
        lines.push(texts::sum(summary.create, summary.update, summary.delete, summary.run, &hosts));
        lines.extend(then(summary.restart, summary.reload));
    } else if summary.unreachable + summary.failed + summary.unknown == 0 {
        lines.push(texts::no_changes());
    } else {
        lines.push(texts::no_changes_where_read());
    }
    let some = |count: usize, one: fn() -> Said, more: fn(usize) -> Said| match count {
        0 => None,
        1 => Some(one()),
        count => Some(more(count)),
    };
    let problems = [
        some(summary.unsupported, texts::resource_unsupported, texts::resources_unsupported),
        some(summary.unknown - summary.unsupported, texts::resource_unread, texts::resources_unread),
        some(summary.unreachable, texts::host_unreachable, texts::hosts_unreachable),
        some(summary.failed, texts::host_failed, texts::hosts_failed),
    ];
    let problems: Vec<Said> = problems.into_iter().flatten().collect();
    lines.extend((!problems.is_empty()).then(|| texts::attention(Said::joined(&problems, ", "))));
    lines
}

/// `2 hosts`.
pub fn on_hosts(count: usize) -> Said {
    if count == 1 { texts::one_host() } else { texts::hosts(count) }
}

/// `Then: 1 to restart, 2 to reload.`
pub fn then(restart: usize, reload: usize) -> Option<Said> {
    let some = |count: usize, said: fn(usize) -> Said| (count > 0).then(|| said(count));
    let all = [some(restart, texts::to_restart), some(reload, texts::to_reload)];
    let all: Vec<Said> = all.into_iter().flatten().collect();
    (!all.is_empty()).then(|| texts::then(Said::joined(&all, ", ")))
}

/// What keeps a host from being settled.
fn pending(pending: &Pending) -> Said {
    match pending {
        Pending::AtWork { holder } => texts::at_work(holder),
        Pending::Waits { holder } => texts::waits(holder),
        Pending::RolledBack { holder, why } => texts::rolled_back(holder, why),
    }
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
