//! Plans that are saved, reviewed and applied later. The host is a directory here.

use std::os::unix::fs::PermissionsExt;

use crate::support::Chapter;

const TWO: &str = "  - directory: { path: /etc }\n  - file: { path: /etc/a, content: \"password1\\n\" }\n";

fn chapter() -> Chapter {
    let chapter = Chapter::new().local("web1").resources(TWO).file(".gitignore", "*.plan\n");
    chapter.commit();
    chapter
}

fn save(chapter: &Chapter) {
    chapter
        .run(&["plan", "--out", "x.plan"])
        .success()
        .stdout_has("Plan: 2 to create")
        .stderr_has("steward apply x.plan\n");
}

#[test]
fn what_was_saved_is_applied_without_asking() {
    let chapter = chapter();
    save(&chapter);
    let file = chapter.path("x.plan");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(file).unwrap().contains("password1"));
    chapter.run(&["apply", "x.plan"]).success().stdout_has("web1: converged; 2 changed");
    assert_eq!(std::fs::read_to_string(chapter.root("web1").join("etc/a")).unwrap(), "password1\n");
    // it was true once
    chapter
        .run(&["apply", "x.plan"])
        .status(6)
        .stdout("")
        .stderr_has("host web1: file:/etc/a would not create any more");
}

#[test]
fn a_saved_plan_overwrites_nothing() {
    let chapter = chapter().file("x.plan", "mine");
    chapter.run(&["plan", "--out", "x.plan"]).status(1).stdout("").stderr_has("x.plan exists already");
    assert_eq!(std::fs::read_to_string(chapter.path("x.plan")).unwrap(), "mine");
    chapter.run(&["plan", "--out", "no/such/x.plan"]).status(1).stdout_has("Plan: ").stderr_has("cannot write");
    chapter.run(&["plan", "--expires", "3"]).status(1).stderr_has("--out");
}

#[test]
fn a_change_on_the_host_makes_it_stale_and_nothing_is_done() {
    let chapter = chapter();
    save(&chapter);
    let etc = chapter.root("web1").join("etc");
    std::fs::create_dir(&etc).unwrap();
    std::fs::write(etc.join("a"), "somebody's\n").unwrap();
    chapter.run(&["apply", "x.plan"]).status(6).stderr_has("host web1: file:/etc/a would now update: content");
    assert_eq!(std::fs::read_to_string(etc.join("a")).unwrap(), "somebody's\n");
}

#[test]
fn another_commit_or_a_dirty_tree_makes_it_stale() {
    let chapter = chapter();
    save(&chapter);
    let chapter = chapter.file("notes.txt", "something else");
    chapter.run(&["apply", "x.plan"]).status(6).stderr_has("+dirty");
    chapter.commit();
    let ran = chapter.run(&["apply", "x.plan", "--format", "json"]).status(6).stderr_has("the plan was made at ");
    assert_eq!(ran.summary("web1")["status"], "stale");
    assert!(!chapter.root("web1").join("etc").exists());
}

#[test]
fn a_dirty_tree_can_be_saved_and_must_stay_as_it_was() {
    let chapter = chapter().resources(&TWO.replace("password1", "edited"));
    save(&chapter);
    let chapter = chapter.resources(&TWO.replace("password1", "edited again"));
    chapter
        .run(&["apply", "x.plan"])
        .status(6)
        .stderr_has("host web1: file:/etc/a is wanted to be something else than was reviewed");
    let chapter = chapter.resources(&TWO.replace("password1", "edited"));
    chapter.run(&["apply", "x.plan"]).success();
    assert_eq!(std::fs::read_to_string(chapter.root("web1").join("etc/a")).unwrap(), "edited\n");
}

#[test]
fn an_expired_plan_another_inventory_and_no_plan_are_refused() {
    let chapter = chapter();
    save(&chapter);
    let text = std::fs::read_to_string(chapter.path("x.plan")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let with = |name: &str, value: &str| {
        let mut changed = plan.clone();
        changed[name] = value.into();
        changed.to_string()
    };
    for (name, value, said) in [
        ("expires", "2020-01-01T00:00:00Z", "the plan expired at 2020-01-01T00:00:00Z"),
        ("inventory", "00", "the plan was made for another inventory"),
        ("steward", "9.9.9", "the plan was made by Steward 9.9.9"),
    ] {
        std::fs::write(chapter.path("y.plan"), with(name, value)).unwrap();
        chapter.run(&["apply", "y.plan"]).status(6).stdout("").stderr_has(said);
    }
    for wrong in ["", "{}", "[1]", &text.replace("\"format\": 1", "\"format\": 2")] {
        std::fs::write(chapter.path("y.plan"), wrong).unwrap();
        chapter.run(&["apply", "y.plan"]).status(1).stdout("").stderr_has("cannot read the saved plan y.plan");
    }
    chapter.run(&["apply", "none.plan"]).status(1).stderr_has("No such file");
    assert!(!chapter.root("web1").join("etc").exists());
}

#[test]
fn a_saved_plan_keeps_its_limit() {
    let chapter = chapter().local("web2");
    chapter.commit();
    chapter.run(&["plan", "--limit", "web2", "--out", "x.plan"]).success();
    chapter.run(&["apply", "x.plan", "--limit", "web1"]).status(1).stderr_has("saved with `--limit web2`");
    chapter.run(&["apply", "x.plan"]).success().stdout_has("web2: converged");
    assert!(!chapter.root("web1").join("etc").exists());
}
