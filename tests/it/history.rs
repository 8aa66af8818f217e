//! What a host remembers of its runs, and who has its lock; on a directory of this machine.

use std::process::Stdio;
use std::time::Duration;

use crate::support::{Chapter, Ran, wait_for};

const SLOW: &str = "  - file: { path: /first, content: x, validate: \"touch WHERE; while test -e WHERE; do sleep 0.1; done\" }\n  - file: { path: /second, content: y }\n";

fn chapter(resources: &str) -> Chapter {
    Chapter::new().local("web1").variable("USER", "ana").resources(resources)
}

fn json(chapter: &Chapter, arguments: &[&str]) -> serde_json::Value {
    chapter.run(&[arguments, &["--format", "json"]].concat()).success().json()
}

fn runs(chapter: &Chapter) -> Vec<serde_json::Value> {
    json(chapter, &["history", "web1"])["runs"].as_array().unwrap().clone()
}

#[test]
fn every_run_is_remembered_with_what_it_changed() {
    let chapter = chapter(
        "  - file: { path: /a, content: one }\n  - file: { path: /bad, content: x, validate: \"false\" }\n  - file: { path: /late, content: x }\n",
    );
    chapter.run(&["history", "web1"]).success().stdout("web1: no run of this inventory is remembered\n");
    let first = chapter.commit();
    let _ = chapter.apply().status(3);
    let chapter = chapter.resources("  - file: { path: /a, content: two }\n");
    let _ = chapter.apply().success();
    let runs = runs(&chapter);
    assert_eq!(runs.len(), 2);
    let field = |run: &serde_json::Value, name: &str| run[name].to_string();
    assert_eq!((field(&runs[0], "result"), field(&runs[1], "result")), ("\"done\"".into(), "\"failed\"".into()));
    assert_eq!(runs[0]["revision"], format!("{first}+dirty"), "a tree with changes is said");
    assert_eq!(
        (&runs[1]["revision"], &runs[1]["changed"], &runs[1]["skipped"]),
        (&first.clone().into(), &1.into(), &1.into())
    );
    assert_eq!(runs[0]["operator"], "ana");
    assert!(runs[0]["from"].as_str().unwrap().starts_with("ana@"));
    let id = runs[1]["id"].as_str().unwrap();
    let one = chapter.run(&["history", "web1", id]).success();
    let one = one.stdout_has("  create file:/a  [bench]: changed\n  create file:/bad  [bench]: failed\n");
    one.stdout_has("  create file:/late  [bench]: skipped\n").stdout_has("failed after ");
    let whole = json(&chapter, &["history", "web1", id]);
    assert_eq!(whole["runs"][0]["changes"][1]["result"], "failed");
}

#[test]
fn a_plan_that_finds_nothing_to_do_leaves_no_entry() {
    let chapter = chapter("  - file: { path: /a, content: one }\n");
    let _ = (chapter.apply().success(), chapter.apply().success());
    assert_eq!(runs(&chapter).len(), 1);
}

#[test]
fn an_id_cannot_name_another_file() {
    let chapter = chapter("  - file: { path: /a, content: one }\n");
    chapter.run(&["history", "web1", "../applied"]).status(1).stderr_has("`steward history HOST` lists the ids");
    chapter.run(&["history", "web1", "20200101T000000Z-1"]).status(1).stderr_has("remembers no run");
    chapter.run(&["history", "web2"]).status(1).stderr_has("there is no host `web2`").stderr_has("web1");
}

#[test]
fn at_most_two_hundred_runs_are_remembered() {
    let chapter = chapter("  - file: { path: /a, content: one }\n");
    let _ = chapter.apply().success();
    let id = "5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978";
    let entries = chapter.root("web1").join(format!("var/lib/steward/{id}/runs"));
    for number in 0..250 {
        std::fs::write(entries.join(format!("20200101T000000Z-{number}")), "run 1 20200101T000000Z-1\nover done\n")
            .unwrap();
    }
    let chapter = chapter.resources("  - file: { path: /a, content: two }\n");
    let _ = chapter.apply().success();
    assert_eq!(std::fs::read_dir(&entries).unwrap().count(), 200);
    assert_eq!(runs(&chapter).len(), 200);
}

/// Starts an apply whose first step does not end, and waits until it is there.
fn hanging(chapter: Chapter) -> (Chapter, std::process::Child) {
    let begun = chapter.path("begun");
    let chapter = chapter.resources(&SLOW.replace("WHERE", begun.to_str().unwrap()));
    let mut command = chapter.command(&["apply", "--yes"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the step has begun", Duration::from_secs(30), || begun.exists());
    (chapter, child)
}

#[test]
fn a_run_that_hangs_is_said_and_ended_in_order() {
    let (chapter, mut child) = hanging(Chapter::new().local("web1").variable("USER", "ana"));
    let shown = chapter.run(&["unlock", "web1", "--show"]).status(5);
    let shown = shown.stdout_has("web1: locked by ana since 20").stdout_has(", alive\n");
    shown.stdout_has("  at file:/first");
    assert_eq!(runs(&chapter)[0]["result"], "running");
    let refused = chapter.run(&["unlock", "web1"]).status(1).stderr_has("is alive, and there is nobody to ask");
    refused.stderr_has("steward unlock --yes");
    chapter.run(&["unlock", "web1", "--yes"]).success().stdout_has("its step was ended, then the run");
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(!chapter.root("web1").join("second").exists(), "no other step begins");
    assert_eq!(runs(&chapter)[0]["result"], "stopped");
    free(&chapter);
}

#[test]
fn what_a_killed_run_left_of_its_lock_is_removed() {
    let (chapter, mut child) = hanging(Chapter::new().local("web1").variable("USER", "ana"));
    let holder = std::fs::read_to_string(chapter.root("web1").join("var/lib/steward/holder")).unwrap();
    let lines: Vec<&str> = holder.lines().collect();
    let process = lines[3].split(' ').next().unwrap();
    assert!(std::process::Command::new("kill").args(["-KILL", process]).status().unwrap().success());
    child.wait().unwrap();
    let shown = chapter.run(&["unlock", "web1", "--show"]).success();
    shown.stdout_has("web1: not locked; left behind by ana since 20").stdout_has(", dead\n");
    assert_eq!(runs(&chapter)[0]["result"], "cut");
    chapter.run(&["unlock", "web1"]).success().stdout_has("what a dead run left of its lock is removed");
    assert!(!std::path::Path::new(lines[1]).exists(), "nor its private directory");
    free(&chapter);
}

fn free(chapter: &Chapter) {
    let free = json(chapter, &["unlock", "web1", "--show"]);
    assert_eq!((&free["state"], &free["holder"]), (&"free".into(), &serde_json::Value::Null));
    let _: Ran = chapter.run(&["unlock", "web1"]).success().stdout("web1: not locked\n");
}
