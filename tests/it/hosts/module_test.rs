//! `steward module test`: the modules on which the others stand, and those that the last commit changed, go through their
//! life; a module that breaks a promise is caught in the step in which it does.

use std::path::Path;

use crate::schemas::fits;
use crate::support::Chapter;

/// The commit before this one, if it is here.
fn before() -> Option<String> {
    let mut git = std::process::Command::new("git");
    git.args(["-C", env!("CARGO_MANIFEST_DIR"), "rev-parse", "--verify", "--quiet", "HEAD~1"]);
    let output = git.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

/// Tries these in this repository; gives what was said of each.
fn lives(names: &[&str], more: &[&str]) -> Vec<serde_json::Value> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories/example");
    let chapter = Chapter::new();
    let words = [&["-i", example.to_str().unwrap(), "module", "test", "--format", "json"], names, more].concat();
    let ran = chapter.run(&words).success();
    assert_eq!(fits(&chapter, "module-test", ran.text()), Ok(()));
    ran.json()["modules"].as_array().unwrap().clone()
}

fn result(module: &serde_json::Value, step: &str) -> String {
    let steps = module["steps"].as_array().unwrap();
    steps.iter().find(|it| it["step"] == step).unwrap()["result"].as_str().unwrap().to_owned()
}

#[test]
fn a_web_server_a_database_and_a_wiki_live_from_a_clean_host_to_their_removal() {
    let dir = tempfile::tempdir().unwrap();
    let junit = dir.path().join("junit.xml");
    let tried = lives(&["nginx", "postgres", "dokuwiki"], &["--junit", junit.to_str().unwrap()]);
    assert_eq!(tried.len(), 3);
    for module in &tried {
        for step in ["apply", "again", "checks", "power-cut", "removal"] {
            assert_eq!(result(module, step), "passed", "{} {step}", module["module"]);
        }
    }
    for (module, kept) in [("postgres", "/var/lib/postgresql"), ("dokuwiki", "/var/lib/dokuwiki")] {
        let module = tried.iter().find(|it| it["module"] == module).unwrap();
        assert_eq!(result(module, "restore"), "passed");
        assert!(module["left"].to_string().contains(kept), "{module}");
    }
    let junit = std::fs::read_to_string(junit).unwrap();
    assert!(junit.contains("<testsuite name=\"dokuwiki\" tests=\"7\" failures=\"0\""), "{junit}");
}

#[test]
#[allow(clippy::print_stderr, reason = "which they were")]
fn modules_that_the_last_commit_changed_live() {
    let Some(before) = before() else {
        eprintln!("the commit before this one is not here");
        return;
    };
    let mut git = std::process::Command::new("git");
    git.args(["-C", env!("CARGO_MANIFEST_DIR"), "diff", "--name-only", &before, "--", "modules", "templates"]);
    let changed = String::from_utf8(git.output().unwrap().stdout).unwrap();
    let name = |path: &str| {
        let path = path.strip_prefix("modules/").or_else(|| path.strip_prefix("templates/"))?;
        path.split(['/', '.']).next().map(str::to_owned)
    };
    let names: std::collections::BTreeSet<String> = changed.lines().filter_map(name).collect();
    for name in names.iter().filter(|name| !["nginx", "postgres", "dokuwiki"].contains(&name.as_str())) {
        if Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("modules/{name}.yaml")).exists() {
            eprintln!("{name}");
            lives(&[name], &[]);
        }
    }
}

const GOOD: &str =
    "version: 1\nsummary: { en: For a test. }\nresources:\n  - file: { path: /etc/good, content: \"x\\n\" }\n";

/// A module that breaks one promise, and what is said of it.
const BROKEN: [(&str, &str, &str); 5] = [
    ("restless", "  - command: { name: always, run: \"true\", unless: \"false\" }\n", "it ran, but it is not done"),
    ("silent", "checks:\n  - tcp: { port: 81 }\n    within: 1\n", "port 81"),
    (
        "forgetful",
        "  - command: { name: make, run: \"echo x >/run/forgetful\", unless: \"test -e /run/forgetful\" }\n",
        "another apply changed command:make",
    ),
    (
        "asking",
        "params:\n  domain: { type: hostname }\n",
        "nobody knows what a test should give `domain` of `asking`",
    ),
    ("failing", "  - command: { name: fail, run: \"echo on purpose; false\", unless: \"false\" }\n", "on purpose"),
];

#[test]
fn a_module_that_breaks_a_promise_is_caught_where_it_does() {
    let mut chapter = Chapter::new().maintainer().file("modules/good.yaml", GOOD);
    for (name, more, _) in BROKEN {
        chapter = chapter.file(
            &format!("modules/{name}.yaml"),
            format!("{GOOD}{more}").replace("/etc/good", &format!("/etc/{name}")),
        );
    }
    let _ = chapter.run(&["module", "test"]).status(1).stderr_has("no module is named");
    let _ = chapter.run(&["module", "test", "god"]).status(1).stderr_has("did you mean `good`?");
    let _ = chapter.run(&["module", "test", "good", "--hosts", "/nonexistent"]).status(1).stderr_has("/nonexistent");
    chapter.commit();
    let _ = chapter
        .run(&["module", "test", "--changed", "nowhere"])
        .status(1)
        .stderr_has("git knows no revision `nowhere`");
    let nothing = chapter.run(&["module", "test", "--changed", "HEAD", "--format", "json"]).success().json();
    assert_eq!(nothing["summary"], serde_json::json!({ "passed": 0, "failed": 0, "unsupported": 0 }));

    // what was edited and what is new, in a repository
    let chapter = chapter
        .file("modules/good.yaml", GOOD.replace("\"x\\n\"", "\"y\\n\""))
        .file("templates/restless/new.j2", "x");
    let ran =
        chapter.run(&["module", "test", "--changed", "HEAD", "silent", "forgetful", "asking", "failing"]).status(3);
    let ran = ran.stdout_has("Modules: 1 passed, 5 failed.\n");
    for (_, _, said) in BROKEN {
        assert!(ran.text().contains(said), "{said}: {ran}");
    }
    assert!(!ran.text().contains("good leaves"), "{ran}");

    // what a container cannot have is neither passed nor failed
    let partly = GOOD.replace("\"x\\n\" }", "\"x\\n\" }\n    supported: { needs: [clock] }");
    let chapter =
        chapter.file("modules/partly.yaml", format!("{partly}  - file: {{ path: /etc/else, content: x }}\n"));
    let ran = chapter.run(&["module", "test", "partly"]).status(3);
    let ran =
        ran.stdout_has("partly: file:/etc/good was not tried: unsupported here: the host lacks setting the clock");
    let _ = ran.stdout_has("Modules: 0 passed, 0 failed, 1 only as far as it is possible here.\n");
}
