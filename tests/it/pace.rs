//! An apply over many hosts that goes wrong, is stopped, or goes on: directories of this machine stand for hosts.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Chapter, Ran, wait_for};

/// The second file is refused while there is `bad` beside it, and takes its time while there is `slow`.
const RESOURCES: &str = "  - file: { path: /first, content: x }\n  - file: { path: /second, content: x, validate: \"d=$(dirname %s); test ! -e $d/bad && touch $d/begun && while test -e $d/slow; do sleep 0.05; done\" }\n  - file: { path: /third, content: x }\n";

fn fleet(hosts: usize) -> Chapter {
    (1..=hosts).fold(Chapter::new(), |chapter, n| chapter.local(&format!("h{n:02}"))).resources(RESOURCES)
}

fn mark(chapter: &Chapter, host: &str, what: &str) {
    std::fs::write(chapter.root(host).join(what), "").unwrap();
}

fn unmark(chapter: &Chapter, host: &str, what: &str) {
    std::fs::remove_file(chapter.root(host).join(what)).unwrap();
}

fn statuses(ran: &Ran) -> Vec<String> {
    let last = ran.events().pop().unwrap();
    let hosts = last["hosts"].as_array().unwrap().clone();
    hosts
        .iter()
        .map(|host| {
            format!("{} {} {}", host["host"].as_str().unwrap(), host["status"].as_str().unwrap(), host["exchanges"])
        })
        .collect()
}

fn apply(chapter: &Chapter, more: &[&str]) -> Ran {
    chapter.run(&[&["apply", "--yes", "--format", "json"], more].concat())
}

#[test]
fn after_too_many_failures_no_further_host_is_begun_and_the_next_apply_goes_on() {
    let chapter = fleet(20);
    mark(&chapter, "h03", "bad");
    mark(&chapter, "h05", "bad");
    let ran = apply(&chapter, &["--serial", "1", "--max-fail", "10%"]).status(3);
    let expected: Vec<String> = (1..=20)
        .map(|n| match n {
            3 | 5 => format!("h{n:02} failed 2"),
            ..5 => format!("h{n:02} converged 3"),
            _ => format!("h{n:02} not-started 1"),
        })
        .collect();
    assert_eq!(statuses(&ran), expected);
    let ran =
        ran.stderr_has("error: nothing was begun on 15 hosts: too many hosts failed (`--max-fail`): h06, h07, ");
    assert!(!chapter.root("h06").join("first").exists(), "{ran}");
    let text = chapter.run(&["apply", "--yes", "--serial", "1", "--max-fail", "1"]).status(3);
    let text = text.stdout_has("h03: failed; 0 changed, 1 failed, 1 skipped (2 exchanges)\nh05: not started\n");
    assert_eq!(text.said().matches("nothing was begun on").count(), 1, "{text}");
}

#[test]
fn hosts_that_are_done_cost_only_a_look() {
    let chapter = fleet(3);
    mark(&chapter, "h02", "bad");
    let text = chapter.run(&["apply", "--yes", "--serial", "1", "--max-fail", "1"]).status(3);
    let text = text.stdout_has("h02: failed; 1 changed, 1 failed, 1 skipped (2 exchanges)\nh03: not started\n");
    text.stdout_has("h01: converged; 3 changed");
    unmark(&chapter, "h02", "bad");
    let ran = apply(&chapter, &["--serial", "1"]).success();
    assert_eq!(statuses(&ran), ["h01 converged 1", "h02 converged 3", "h03 converged 3"]);
}

#[test]
fn a_canary_goes_first_and_holds_the_others_back() {
    let chapter = fleet(4);
    mark(&chapter, "h02", "bad");
    let held = apply(&chapter, &["--canary=h02"]).status(3);
    assert_eq!(statuses(&held), ["h01 not-started 1", "h02 failed 2", "h03 not-started 1", "h04 not-started 1"]);
    held.stderr_has("nothing was begun on 3 hosts: the host that went first did not converge: h01, h03, h04");
    // the first one that has changes
    let ran = apply(&chapter, &["--canary", "--max-fail", "50%"]).status(3);
    assert_eq!(statuses(&ran)[0], "h01 converged 3");
    unmark(&chapter, "h02", "bad");
    let _ = apply(&chapter, &["--canary"]).success();
    let wrong = apply(&chapter, &["--canary=h2"]).status(1);
    wrong.stderr_has("`--canary=h2` is no selected host").stderr_has("did you mean `h0");
    let _ = apply(&chapter, &["--max-fail", "0"]).status(1);
}

#[test]
fn a_reviewed_plan_goes_on_with_the_hosts_that_are_not_done() {
    let chapter = fleet(3);
    chapter.run(&["plan", "--out", "reviewed.plan"]).success();
    mark(&chapter, "h02", "bad");
    chapter.run(&["apply", "reviewed.plan", "--serial", "1", "--max-fail", "1"]).status(3);
    unmark(&chapter, "h02", "bad");
    // h02 is neither as it was reviewed nor done: somebody must look
    chapter.run(&["apply", "reviewed.plan"]).status(6).stderr_has("host h02: ");
    std::fs::remove_file(chapter.root("h02").join("first")).unwrap();
    let ran = chapter.run(&["apply", "reviewed.plan", "--format", "json"]).success();
    assert_eq!(statuses(&ran), ["h01 converged 1", "h02 converged 3", "h03 converged 3"]);
}

/// An apply of one host after the other that is in the middle of the second.
fn in_the_middle(chapter: &Chapter) -> Child {
    mark(chapter, "h02", "slow");
    let mut command = chapter.command(&["apply", "--yes", "--serial", "1", "--format", "json"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the second host is begun", Duration::from_mins(1), || chapter.root("h02").join("begun").exists());
    child
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

fn the_lock_is_free(chapter: &Chapter, host: &str) {
    wait_for("the run ended", Duration::from_secs(30), || {
        let said = chapter.run(&["unlock", host, "--show", "--format", "json"]);
        said.code() == Some(0) && said.json()["state"] == "free" && said.json()["holder"].is_null()
    });
}

#[test]
fn control_c_once_finishes_the_step_and_begins_nothing_more() {
    let chapter = fleet(4);
    let mut child = in_the_middle(&chapter);
    interrupt(&child);
    // the word is on its way within a second; the step is still to be finished
    std::thread::sleep(Duration::from_millis(1500));
    assert!(child.try_wait().unwrap().is_none(), "the step is not abandoned");
    unmark(&chapter, "h02", "slow");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("Finishing the current step") && said.contains("the run on h02 was stopped"), "{said}");
    assert!(said.contains("nothing was begun on 2 hosts: the run was stopped: h03, h04"), "{said}");
    let there = |host: &str, path: &str| chapter.root(host).join(path).exists();
    assert!(there("h02", "second") && !there("h02", "third") && !there("h03", "first"));
    the_lock_is_free(&chapter, "h02");
    assert_eq!(
        statuses(&apply(&chapter, &[]).success()),
        ["h01 converged 1", "h02 converged 3", "h03 converged 3", "h04 converged 3"]
    );
}

#[test]
fn control_c_twice_stops_at_once_and_the_host_ends_after_its_step() {
    let chapter = fleet(3);
    let child = in_the_middle(&chapter);
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&child);
    let start = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "it waited for the step");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("The hosts finish their current step; apply again to go on."), "{said}");
    assert!(!chapter.root("h02").join("second").exists(), "the step is still at work");
    unmark(&chapter, "h02", "slow");
    the_lock_is_free(&chapter, "h02");
    let there = |host: &str, path: &str| chapter.root(host).join(path).exists();
    assert!(there("h02", "second") && !there("h02", "third") && !there("h03", "first"));
    let runs = chapter.run(&["history", "h02", "--format", "json"]).success().json();
    assert_eq!(runs["runs"][0]["result"], "stopped");
    assert_eq!(statuses(&apply(&chapter, &[]).success()), ["h01 converged 1", "h02 converged 3", "h03 converged 3"]);
}
