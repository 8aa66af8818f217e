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
    let checker = || Command::new(check_jsonschema());
    assert!(checker().arg("--check-metaschema").arg(&schema).output().unwrap().status.success());
    let output = checker().arg("--schemafile").arg(&schema).arg(&instance).output().unwrap();
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
