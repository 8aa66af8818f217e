//! What `steward schema` publishes describes what commands really print: exactly, so that a field that is added without
//! being described fails here. Checked by `check-jsonschema`, which `script/test` installs.

use std::process::Command;

use crate::ci::check_jsonschema;
use crate::support::{Chapter, Sshd, free_port};

const RESOURCES: &str = "  - directory: { path: /etc }\n  - file: { path: /etc/a, content: \"hello\\n\" }\n  - file: { path: /etc/a/b, content: \"below a file\\n\" }\n";

pub(crate) fn fits(chapter: &Chapter, schema: &str, document: &str) -> Result<(), String> {
    let text = chapter.run(&["schema", schema]).success().text().to_owned();
    let (schema, instance) = (chapter.path(".schema.json"), chapter.path(".instance.json"));
    std::fs::write(&schema, text).unwrap();
    std::fs::write(&instance, document).unwrap();
    let mut checker = Command::new(check_jsonschema());
    let output = checker.arg("--schemafile").arg(&schema).arg(&instance).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{said}{document}")) }
}

#[test]
fn what_commands_print_fits_what_is_published() {
    let sshd = Sshd::start();
    let chapter = Chapter::new().local("web1").reached("gone", &sshd, free_port()).resources(RESOURCES);
    chapter.commit();
    let json = |arguments: &[&str]| chapter.run(&[arguments, &["--format", "json"]].concat());
    let plan = json(&["plan", "--base", "HEAD"]).status(4);
    assert_eq!(fits(&chapter, "plan", plan.text()), Ok(()));
    let drift = json(&["drift"]).status(4);
    assert_eq!(fits(&chapter, "drift", drift.text()), Ok(()));
    chapter.run(&["plan", "--limit", "web1", "--out", "x.plan"]).success();
    assert_eq!(fits(&chapter, "saved-plan", &std::fs::read_to_string(chapter.path("x.plan")).unwrap()), Ok(()));
    let apply = json(&["apply", "--yes"]).status(3);
    assert!(apply.text().lines().count() > 2, "{apply}");
    for line in apply.text().lines() {
        assert_eq!(fits(&chapter, "apply", line), Ok(()));
    }
    let runs = json(&["history", "web1"]).success();
    assert_eq!(fits(&chapter, "history", runs.text()), Ok(()));
    let id = runs.json()["runs"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(fits(&chapter, "history", json(&["history", "web1", &id]).success().text()), Ok(()));
    assert_eq!(fits(&chapter, "unlock", json(&["unlock", "web1"]).success().text()), Ok(()));
    std::fs::write(chapter.root("web1").join("var/lib/steward/holder"), "eve since noon\n").unwrap();
    assert_eq!(fits(&chapter, "unlock", json(&["unlock", "web1"]).success().text()), Ok(()));
    for line in json(&["undo", "web1", "--yes"]).success().text().lines() {
        assert_eq!(fits(&chapter, "apply", line), Ok(()));
    }
    assert_eq!(fits(&chapter, "validate", json(&["validate"]).success().text()), Ok(()));
    let chapter = chapter.file("more.yaml", "hosts: [1]\nother: 2\n");
    let invalid = chapter.run(&["validate", "--format", "json"]).status(1);
    assert_eq!(fits(&chapter, "validate", invalid.text()), Ok(()));
}

#[test]
fn every_schema_is_one() {
    let chapter = Chapter::new();
    let help = chapter.run(&["schema", "--help"]).success();
    let described = help.text().split("Options:").next().unwrap();
    let names = described.lines().filter_map(|line| line.trim().strip_prefix("- ")?.split(':').next());
    let files: Vec<_> = names
        .map(|name| {
            let file = chapter.path(&format!("{name}.json"));
            std::fs::write(&file, chapter.run(&["schema", name]).success().text()).unwrap();
            file
        })
        .collect();
    assert!(files.len() > 15, "{help}");
    let checked = Command::new(check_jsonschema()).arg("--check-metaschema").args(&files).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn a_field_more_or_less_does_not_fit() {
    let chapter = Chapter::new().local("web1").resources(RESOURCES);
    let drift = chapter.run(&["drift", "--format", "json"]).status(2).json();
    let mut more = drift.clone();
    more["hosts"][0]["password"] = "x".into();
    assert!(fits(&chapter, "drift", &more.to_string()).is_err());
    let mut less = drift.clone();
    less["hosts"][0].as_object_mut().unwrap().remove("state");
    assert!(fits(&chapter, "drift", &less.to_string()).is_err());
    assert_eq!(fits(&chapter, "drift", &drift.to_string()), Ok(()));
}

#[test]
fn commands_that_write_say_in_json_what() {
    let module = "version: 2\nsummary: { en: Newer. }\nresources: []\n";
    let chapter = Chapter::new().local("web1").resources(RESOURCES).file("modules/bench.yaml", module);
    let update = chapter.run(&["module", "update", "--format", "json"]).success().json();
    let update = &update["updates"][0];
    assert_eq!((&update["old"]["version"], &update["new"]["version"]), (&1.into(), &2.into()), "{update}");
    let init = ["init", "ours", "--name", "Ours", "--domain", "ours.example", "--format", "json"];
    let init = chapter.run(&init).success().json();
    assert!(init["written"].as_array().unwrap().contains(&"ours/chapter.yaml".into()), "{init}");
}

/// What a person reads with `--format json`, from a chapter that has some of everything.
#[test]
fn every_command_that_shows_something_has_a_schema() {
    let recipient = "age1262a9syf670l5aa832y97cpy6vq9ey39xp4ff5825yls4zrdeppqn7z2ry";
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILe5z3H5aXY+1GaLJUj+6XsmOjHzDUKylyOG1ciBduuq";
    let people = |more: &str| {
        format!("people:\n  ana: {{ name: Ana, role: maintainer, ssh: [{key} ana], age: [{recipient}] }}\n{more}")
    };
    let chapter = Chapter::new().local("web1").resources(RESOURCES);
    let module = std::fs::read_to_string(chapter.path("modules/bench.yaml")).unwrap();
    let module = module.replace("resources:\n", "params: { o: { type: object, optional: true, fields: { x: { type: int, help: X } } } }\nsecrets: { db: { rotate: manual } }\nresources:\n");
    let bea = "  bea: { name: Bea, role: reader }\n";
    let chapter = chapter.file("modules/bench.yaml", &module).file("people.yaml", people(bea));
    let _ = chapter.run(&["module", "update"]).success();
    chapter.commit();
    let checked = |schema: &str, arguments: &[&str], status: i32| {
        let ran = chapter.run(&[arguments, &["--format", "json"]].concat()).status(status);
        assert_eq!(fits(&chapter, schema, ran.text()), Ok(()), "{schema}");
    };
    checked("explain", &["explain", "web1"], 0);
    checked("module-list", &["module", "list"], 0);
    checked("module-show", &["module", "show", "bench"], 0);
    checked("module-show", &["module", "show", "baseline"], 0);
    checked("module-update", &["module", "update"], 0);
    checked("people-list", &["people", "list"], 0);
    checked("people-show", &["people", "show", "ana"], 0);
    checked("people-audit", &["people", "audit"], 0);
    checked("secrets-list", &["secrets", "list"], 0);
    checked("secrets-who", &["secrets", "who", "bench/db"], 0);
    checked("secrets-check", &["secrets", "check"], 1);
    checked("review", &["review", "--base", "HEAD"], 0);
    let newer = module.replace("version: 1", "version: 2\nnotes: { \"2\": Newer. }").replace("hello", "bye");
    let chapter = chapter.file("modules/bench.yaml", newer).file("people.yaml", people(""));
    let review = |status| chapter.run(&["review", "--base", "HEAD", "--format", "json"]).status(status);
    assert_eq!(fits(&chapter, "review", review(1).text()), Ok(()), "not recorded yet");
    assert_eq!(
        fits(&chapter, "module-update", chapter.run(&["module", "update", "--format", "json"]).text()),
        Ok(())
    );
    let seen = review(0);
    assert!(seen.json()["notes"].as_array().unwrap().len() > 2, "{seen}");
    assert_eq!(fits(&chapter, "review", seen.text()), Ok(()));
}

#[test]
fn the_summary_page_of_a_run_gets_the_markdown_whatever_the_format() {
    let chapter = Chapter::new().local("web1").resources(RESOURCES);
    chapter.commit();
    let _ = chapter
        .run(&["review", "--base", "HEAD", "--step-summary"])
        .status(1)
        .stderr_has("GITHUB_STEP_SUMMARY is not set");
    let page = chapter.path("../page.md");
    std::fs::write(&page, "before\n").unwrap();
    let chapter = chapter.variable("GITHUB_STEP_SUMMARY", page.to_str().unwrap());
    for (command, status) in [(&["review", "--base", "HEAD"][..], 0), (&["plan"], 0), (&["drift"], 2)] {
        let ran = chapter.run(&[command, &["--step-summary"]].concat()).status(status);
        assert!(!ran.text().contains("<!--"), "{ran}");
    }
    let chapter = chapter.file("modules/bench.yaml", "version: 3\n");
    let _ = chapter.run(&["review", "--base", "HEAD", "--step-summary"]).status(1);
    let text = std::fs::read_to_string(&page).unwrap();
    let markers: Vec<&str> = text.lines().filter(|line| line.starts_with("<!--")).collect();
    let id = "5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978";
    let expected = ["review", "plan", "drift", "review"].map(|what| format!("<!-- steward:{what}:{id} -->"));
    assert!(text.starts_with("before\n") && markers == expected, "{text}");
}
