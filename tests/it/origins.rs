//! `plan --base REV`: which changes come from a pull request, and which the host owes to others.

use crate::support::Chapter;

fn module(site: &str, motd: &str) -> String {
    format!(
        "  - directory: {{ path: /etc }}\n  - file: {{ path: /etc/site, content: \"{site}\\n\" }}\n  - file: {{ path: /etc/motd, content: \"{motd}\\n\" }}\n"
    )
}

fn origins(plan: &serde_json::Value) -> Vec<String> {
    let changes = plan["hosts"][0]["changes"].as_array().unwrap();
    changes.iter().map(|change| format!("{} {}", change["id"].as_str().unwrap(), change["origin"])).collect()
}

#[test]
fn a_plan_tells_this_change_from_what_was_there_before() {
    let chapter = Chapter::new().local("web1").resources(&module("one", "hello"));
    let base = chapter.commit();
    let chapter = chapter.resources(&module("two", "hello"));
    chapter.commit();
    chapter
        .run(&["plan", "--base", "HEAD~1"])
        .success()
        .stdout_has("file:/etc/site  [bench] absent (this change)\n")
        .stdout_has("file:/etc/motd  [bench] absent (not this change)\n")
        .stdout_has("Of these: 1 this change, 2 not this change.\n")
        .stderr_has("not known which revision was applied last: web1");
    let plan = chapter.run(&["plan", "--base", "HEAD~1", "--format", "json"]).success().json();
    assert_eq!(plan["base"], base.as_str());
    assert_eq!(origins(&plan), ["directory:/etc null", "file:/etc/site \"change\"", "file:/etc/motd null"]);
    let plan = chapter.run(&["plan", "--format", "json"]).success().json();
    assert!(plan["base"].is_null() && origins(&plan)[1].ends_with(" null"), "{plan}");
}

#[test]
fn what_was_merged_but_not_applied_is_told_from_drift() {
    let more = "  - file: { path: /etc/issue, content: \"ours\\n\" }\n";
    let with = |site: &str, motd: &str| module(site, motd) + more;
    let chapter = Chapter::new().local("web1").resources(&with("one", "hello"));
    chapter.commit();
    chapter.apply().success();
    let chapter = chapter.resources(&with("one", "merged"));
    chapter.commit();
    let chapter = chapter.resources(&with("two", "merged"));
    chapter.commit();
    std::fs::write(chapter.root("web1").join("etc/issue"), "by hand\n").unwrap();
    let ran = chapter.run(&["plan", "--base", "HEAD~1"]).success().stderr("");
    let ran = ran.stdout_has("file:/etc/issue  [bench] content differs (drift)\n");
    let _ = ran.stdout_has("Of these: 1 this change, 1 merged but not applied, 1 drift.\n");
    let plan = chapter.run(&["plan", "--base", "HEAD~1", "--format", "json"]).success().json();
    assert_eq!(
        origins(&plan),
        ["file:/etc/site \"change\"", "file:/etc/motd \"unapplied\"", "file:/etc/issue \"drift\""]
    );
}

#[test]
fn a_base_that_is_not_there_or_does_not_compile_ends_the_plan() {
    let chapter = Chapter::new().local("web1").resources(&module("one", "hello"));
    chapter.run(&["plan", "--base", "main"]).status(1).stdout("").stderr_has("is in no git repository");
    chapter.commit();
    chapter
        .run(&["plan", "--base", "nowhere"])
        .status(1)
        .stdout("")
        .stderr_has("git knows no revision `nowhere`")
        .stderr_has("git fetch");
    let chapter = chapter.file("more.yaml", "hosts: [1]\n");
    let broken = chapter.commit();
    std::fs::remove_file(chapter.path("more.yaml")).unwrap();
    chapter.run(&["plan", "--base", &broken]).status(1).stdout("").stderr_has("has mistakes: `hosts` must be a map");
}
