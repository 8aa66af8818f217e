//! `steward review`: what a change means, told from git alone, and what a stranger's fork cannot do.

use std::time::{Duration, Instant};

use crate::support::Chapter;

const MODULE: &str = "\
version: 1
summary: { en: A test. }
params:
  text: { type: string, default: hello }
  port: { type: port, default: 8080 }
offers:
  ports:
    - { port: \"{{ port }}\" }
resources:
  - file: { path: \"/etc/{{ service }}\", content: \"{{ text }}\\n\" }
";
const HEAD: &str =
    "id: 00112233445566778899aabbccddeeff\nchapter: { name: Test, domain: test.example, locale: en }\n";
const ONE: &str = "services:\n  one: { module: demo, on: web1 }\n";

/// What stands beside a secret of this value id.
fn recipients(id: char, person: &str) -> String {
    let (id, digest) = (id.to_string().repeat(32), "0".repeat(64));
    format!(
        "id {id}\ndigest {digest}\nperson {person} age1262a9syf670l5aa832y97cpy6vq9ey39xp4ff5825yls4zrdeppqn7z2ry\n"
    )
}

/// A chapter with one service, committed; what follows is the working tree.
fn chapter() -> Chapter {
    let chapter = Chapter::new()
        .file("chapter.yaml", HEAD)
        .file("modules/demo.yaml", MODULE)
        .file("services.yaml", ONE)
        .file("secrets/one/db.recipients", recipients('a', "ana"))
        .local("web1");
    let _ = chapter.run(&["module", "update"]).success();
    chapter.commit();
    chapter
}

const REVIEW: &[&str] = &["review", "--base", "HEAD"];

#[test]
fn without_a_change_there_is_nothing_to_show() {
    chapter().run(&["review", "--base", "HEAD", "--detailed-exitcode"]).success().stdout("No changes.\n");
}

#[test]
fn a_changed_param_is_a_diff_of_the_rendered_file_and_pends() {
    let chapter = chapter().file("services.yaml", ONE.replace("on: web1", "on: web1, params: { text: bye }"));
    let pending = chapter.run(&["review", "--base", "HEAD", "--detailed-exitcode"]).status(2);
    pending.stdout_has("-hello").stdout_has("+bye").stdout_has("Review: 0 to create, 1 to update, 0 to delete");
    let json = chapter.run(&["review", "--base", "HEAD", "--format", "json"]).success().json();
    assert_eq!(json["summary"]["update"], 1);
}

#[test]
fn what_goes_and_what_opens_is_the_first_thing_one_sees() {
    let two = ONE.replace("one:", "two:").replace("on: web1", "on: web1, params: { port: 9 }");
    let chapter = chapter().file("services.yaml", two).file("secrets/one/db.recipients", recipients('b', "bea"));
    let seen = chapter.run(REVIEW).success();
    let seen =
        seen.stdout_has("! Port      web1: opens tcp 9 (two)").stdout_has("! Deletion  web1: file:/etc/one: no");
    seen.stdout_has("  Port      web1: closes tcp 8080 (one)")
        .stdout_has("one/db: value changed")
        .stdout_has("one/db: readers changed: +bea -ana");
    let markdown = chapter.run(&["review", "--base", "HEAD", "--format", "markdown"]).success();
    markdown.stdout_has("<!-- steward:review:00112233445566778899aabbccddeeff -->\n## ").stdout_has("<details>");
}

#[test]
fn a_broken_head_shows_its_mistakes_and_exits_with_1() {
    let chapter = chapter().file("services.yaml", ONE.replace("demo", "gone"));
    chapter.run(REVIEW).status(1).stderr_has("gone");
    chapter.run(&["review", "--base", "HEAD", "--format", "markdown"]).status(1).stdout_has("gone");
}

#[test]
fn a_command_without_markdown_says_so() {
    chapter().run(&["validate", "--format", "markdown"]).status(1).stderr_has("no Markdown form");
}

#[test]
fn a_revision_that_looks_like_an_option_is_none() {
    chapter().run(&["review", "--base=--output=x"]).status(1).stderr_has("git knows no revision");
}

#[test]
fn filters_and_attributes_of_the_repository_have_no_say() {
    let chapter = chapter().file(".gitattributes", "* filter=evil export-ignore\n");
    chapter.commit();
    let config = chapter.path(".git/config");
    let ran = chapter.path("ran");
    let text = std::fs::read_to_string(&config).unwrap();
    let evil = format!("[filter \"evil\"]\n\tsmudge = touch {} && cat\n\tclean = cat\n", ran.display());
    std::fs::write(&config, text + &evil).unwrap();
    chapter.run(&["review", "--base", "HEAD", "--head", "HEAD~1"]).success().stdout("No changes.\n");
    assert!(!ran.exists());
}

#[test]
fn a_hostile_fork_fails_cleanly_and_soon() {
    let bomb = "{% for a in range(9999) %}{% for b in range(9999) %}xxxxxxxx{% endfor %}{% endfor %}";
    let forks = [
        format!("  - file: {{ path: /etc/x, content: \"{bomb}\" }}\n"),
        "  - file: { path: /etc/x, source: ../../../../etc/passwd }\n".to_owned(),
        "  - file: { path: /etc/x, source: link }\n".to_owned(),
        "  - file: { path: /etc/x, template: ../../../etc/passwd }\n".to_owned(),
        format!("  - file: {{ path: /etc/x, content: {}1{} }}\n", "[".repeat(5000), "]".repeat(5000)),
    ];
    for (fork, why) in forks.into_iter().zip([
        "too much",
        "not a path inside",
        "leads out of the repository",
        "there is no template",
        "too many nested",
    ]) {
        let chapter = chapter().file("modules/demo.yaml", format!("{MODULE}{fork}"));
        std::os::unix::fs::symlink("/etc/passwd", chapter.path("link")).unwrap();
        let _ = chapter.run(&["module", "update"]);
        chapter.commit();
        let start = Instant::now();
        let seen = chapter.run(&["review", "--base", "HEAD~1", "--head", "HEAD", "--format", "markdown"]).status(1);
        assert!(start.elapsed() < Duration::from_secs(20), "{fork:.80}");
        seen.stdout_has("<!-- steward:review:").stderr_has(why).never_says("root:x:0").never_says("is undefined");
    }
}

#[test]
fn hostile_content_stays_in_its_fence() {
    let text = "text: \"````` </details> @ana #1 \\e[2J\"";
    let services = ONE.replace("on: web1", &format!("on: web1, params: {{ {text} }}"));
    let seen = chapter().file("services.yaml", services).run(&["review", "--base", "HEAD", "--format", "markdown"]);
    seen.success().stdout_has("\n``````diff\n").never_says("\u{1b}");
}

#[test]
fn a_plan_is_a_comment_too_and_what_a_host_holds_cannot_break_out_of_it() {
    let chapter = Chapter::new()
        .local("web1")
        .resources("  - file: { path: /etc/motd, content: \"Hello.\\n```\\n</details> @everyone\\n\" }\n");
    let ran = chapter.run(&["plan", "--format", "markdown"]).success();
    let ran = ran.stdout_has("<!-- steward:plan").stdout_has("| web1 |").stdout_has("````diff\n");
    let after =
        ran.text().split("````diff\n").nth(1).and_then(|rest| rest.split("\n````\n").nth(1)).unwrap_or_default();
    assert!(!after.contains("@everyone"), "{ran}");
    let _ = chapter.run(&["apply", "--yes", "--format", "markdown"]).status(1);
}
