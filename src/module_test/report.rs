//! How modules did: a table for a terminal or a pull request, JSON, test results. Pure.

use serde_json::{Value, json};

use super::left::Left;
use super::{STEPS, Step, Taken, Tried, Verdict};
use crate::plan::diff::visible;
use crate::report::junit::{self, Case, Suite};

/// So much of what is left is named in a line; JSON has all.
const NAMED: usize = 12;

/// What it does in a step.
pub(super) fn doing(step: Step) -> &'static str {
    match step {
        Step::Prepare => "a clean host, and what it needs",
        Step::Apply => "applied",
        Step::Again => "applied again",
        Step::Checks => "its checks",
        Step::PowerCut => "the power cut",
        Step::Restore => "saved and restored",
        Step::Removal => "taken away",
    }
}

/// The step in JSON and test results.
fn word(step: Step) -> &'static str {
    match step {
        Step::Prepare => "prepare",
        Step::Apply => "apply",
        Step::Again => "again",
        Step::Checks => "checks",
        Step::PowerCut => "power-cut",
        Step::Restore => "restore",
        Step::Removal => "removal",
    }
}

fn result(verdict: &Verdict) -> (&'static str, &str) {
    match verdict {
        Verdict::Passed(said) => ("passed", said),
        Verdict::Failed(said) => ("failed", said),
        Verdict::Skipped(said) => ("skipped", said),
    }
}

fn taken(tried: &Tried, step: Step) -> Option<&Taken> {
    // the last one: what is left may fail after the removal itself
    tried.steps.iter().rfind(|it| it.step == step)
}

fn cell(tried: &Tried, step: Step) -> String {
    match taken(tried, step) {
        None => String::new(),
        Some(Taken { verdict: Verdict::Skipped(_), .. }) => "–".to_owned(),
        Some(Taken { verdict: Verdict::Failed(_), .. }) => "FAILED".to_owned(),
        Some(Taken { verdict: Verdict::Passed(said), time, .. }) => {
            let seconds = format!("{:.0} s", time.as_secs_f64());
            match (step, said.is_empty()) {
                (Step::Apply | Step::Checks, false) => format!("{said}, {seconds}"),
                _ => seconds,
            }
        }
    }
}

fn rows(all: &[Tried]) -> Vec<Vec<String>> {
    let head =
        ["module", "prepared", "applied", "again", "checks", "power cut", "restored", "taken away", "left", "all"];
    let row = |tried: &Tried| {
        let left = tried.left.as_ref().map(|left| left.len().to_string()).unwrap_or_default();
        let name = format!("{} {}", tried.module, tried.version);
        let all = format!("{:.0} s", tried.time().as_secs_f64());
        [name].into_iter().chain(STEPS.map(|step| cell(tried, step))).chain([left, all]).collect()
    };
    [head.map(str::to_owned).to_vec()].into_iter().chain(all.iter().map(row)).collect()
}

/// For a terminal.
pub fn text(all: &[Tried]) -> String {
    let rows = rows(all);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().enumerate().map(|(at, cell)| format!("{cell:0$}", width(at))).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let table: String = rows.iter().map(line).collect();
    format!("{table}\n{}{}", remarks(all, "  "), summary(all))
}

/// For a pull request.
pub fn markdown(all: &[Tried]) -> String {
    let rows = rows(all);
    let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | "));
    let mut table = String::new();
    for (at, row) in rows.iter().enumerate() {
        table.push_str(&line(row));
        if at == 0 {
            table.push_str(&format!("|{}\n", "---|".repeat(row.len())));
        }
    }
    format!("{table}\n```\n{}```\n\n{}", remarks(all, "  ").replace("```", "'''"), summary(all))
}

/// What failed, what could not be tried, what is left: a paragraph a module.
fn remarks(all: &[Tried], indent: &str) -> String {
    let mut text = String::new();
    for tried in all {
        for Taken { step, verdict, .. } in &tried.steps {
            if let Verdict::Failed(why) = verdict {
                let why = visible(why).replace('\n', &format!("\n{indent}"));
                text.push_str(&format!("{} FAILED, {}:\n{indent}{why}\n", tried.module, doing(*step)));
            }
        }
        for (id, why) in &tried.unsupported {
            text.push_str(&format!("{}: {} was not tried: {}\n", tried.module, visible(id), visible(why)));
        }
        if let Some(left) = tried.left.as_ref().filter(|left| !left.is_empty()) {
            text.push_str(&format!("{} leaves {}\n", tried.module, leavings(left)));
        }
    }
    text
}

/// Packages by their number: what else stays is what somebody has to think about.
fn leavings(left: &[Left]) -> String {
    let (packages, others): (Vec<&Left>, Vec<&Left>) = left.iter().partition(|it| it.what == "package");
    let mut parts: Vec<String> = others.iter().take(NAMED).map(|it| named(it)).collect();
    if others.len() > NAMED {
        parts.push(format!("{} more", others.len() - NAMED));
    }
    match packages.len() {
        0 => {}
        1 => parts.push("1 package".to_owned()),
        count => parts.push(format!("{count} packages")),
    }
    parts.join(", ")
}

fn named(left: &Left) -> String {
    let name = visible(&left.name).replace('\n', " ");
    match left.what.as_str() {
        "folder" => format!("{name}/ ({} in it)", left.below),
        "file" => name,
        what => format!("{what} {name}"),
    }
}

fn count(all: &[Tried], result: &str) -> usize {
    all.iter().filter(|tried| tried.result() == result).count()
}

fn summary(all: &[Tried]) -> String {
    let [passed, failed, partly] = ["passed", "failed", "unsupported"].map(|result| count(all, result));
    let partly = if partly > 0 { format!(", {partly} only as far as it is possible here") } else { String::new() };
    format!("Modules: {passed} passed, {failed} failed{partly}.\n")
}

pub fn json(all: &[Tried]) -> Value {
    let step = |it: &Taken| {
        let (result, said) = result(&it.verdict);
        json!({ "step": word(it.step), "result": result, "seconds": it.time.as_secs(), "said": said })
    };
    let left = |it: &Left| json!({ "what": it.what, "name": it.name, "below": it.below });
    let module = |tried: &Tried| {
        json!({
            "module": tried.module,
            "version": tried.version,
            "result": tried.result(),
            "steps": tried.steps.iter().map(step).collect::<Vec<_>>(),
            "unsupported": tried.unsupported.iter().map(|(id, why)| json!({ "id": id, "why": why })).collect::<Vec<_>>(),
            "left": tried.left.as_ref().map(|all| all.iter().map(left).collect::<Vec<_>>()),
        })
    };
    json!({
        "format": 1,
        "modules": all.iter().map(module).collect::<Vec<_>>(),
        "summary": {
            "passed": count(all, "passed"),
            "failed": count(all, "failed"),
            "unsupported": count(all, "unsupported"),
        },
    })
}

/// A suite for each module, a case for each step.
pub fn suites(all: &[Tried]) -> Vec<Suite> {
    let case = |it: &Taken| Case {
        name: word(it.step).to_owned(),
        verdict: match &it.verdict {
            Verdict::Passed(_) => junit::Verdict::Passed,
            Verdict::Failed(why) => junit::Verdict::Failed(why.clone()),
            Verdict::Skipped(why) => junit::Verdict::Skipped(why.clone()),
        },
    };
    all.iter()
        .map(|tried| Suite { name: tried.module.clone(), cases: tried.steps.iter().map(case).collect() })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tried() -> Vec<Tried> {
        let step = |step, verdict| Taken { step, verdict, time: Duration::from_millis(1_600) };
        let passed = |word: &str| Verdict::Passed(word.to_owned());
        let left = |what: &str, name: &str, below| Left { what: what.into(), name: name.into(), below };
        vec![
            Tried {
                module: "wiki".into(),
                version: 3,
                steps: vec![
                    step(Step::Prepare, passed("2 services first")),
                    step(Step::Apply, passed("7 changes")),
                    step(Step::Again, passed("")),
                    step(Step::Checks, passed("4 checks")),
                    step(Step::PowerCut, passed("4 checks")),
                    step(Step::Restore, Verdict::Skipped("there is nothing to save".into())),
                    step(Step::Removal, passed("7 changes")),
                ],
                unsupported: vec![("file:/etc/time.conf".into(), "unsupported here: the host lacks a clock".into())],
                left: Some(vec![
                    left("package", "php", 0),
                    left("package", "wiki", 0),
                    left("folder", "/srv/wiki", 4),
                ]),
            },
            Tried {
                module: "chat".into(),
                version: 1,
                steps: vec![
                    step(Step::Prepare, passed("")),
                    step(Step::Apply, Verdict::Failed("it \u{1b}[2J broke\nhere".into())),
                ],
                unsupported: Vec::new(),
                left: None,
            },
        ]
    }

    #[test]
    fn a_table_says_how_each_did_what_failed_and_what_is_left() {
        let expected = "\
module  prepared  applied         again  checks         power cut  restored  taken away  left  all
wiki 3  2 s       7 changes, 2 s  2 s    4 checks, 2 s  2 s        –         2 s         3     11 s
chat 1  2 s       FAILED                                                                       3 s

wiki: file:/etc/time.conf was not tried: unsupported here: the host lacks a clock
wiki leaves /srv/wiki/ (4 in it), 2 packages
chat FAILED, applied:
  it \u{241b}[2J broke
  here
Modules: 0 passed, 1 failed, 1 only as far as it is possible here.
";
        assert_eq!(text(&tried()), expected);
        let markdown = markdown(&tried());
        assert!(markdown.starts_with("| module | prepared | applied |"), "{markdown}");
        assert!(
            markdown.contains("|---|---|---|---|---|---|---|---|---|---|\n| wiki 3 | 2 s | 7 changes, 2 s |"),
            "{markdown}"
        );
        assert_eq!(json(&tried())["summary"], json!({ "passed": 0, "failed": 1, "unsupported": 1 }));
        assert_eq!(json(&tried())["modules"][1]["steps"][1]["result"], "failed");
        assert_eq!(suites(&tried())[0].cases.len(), 7);
    }
}
