//! A stranger's fork under `steward review` and `steward validate`: nothing leaks, nothing runs, nothing breaks out, and
//! nothing takes the runner with it.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::{Chapter, Ran};

const MODULE: &str =
    "version: 1\nsummary: { en: A test. }\nresources:\n  - file: { path: /etc/motd, content: hello }\n";
const HEAD: &str =
    "id: 00112233445566778899aabbccddeeff\nchapter: { name: Test, domain: test.example, locale: en }\n";
/// What stands outside of the repository, and must not be seen.
const OUTSIDE: &str = "token: hunter2-outside\nhosts: [hunter2-outside\n";
const LONG: Duration = Duration::from_mins(1);

/// A chapter with one service, committed; what a fork changes comes on top.
fn chapter() -> Chapter {
    let chapter = Chapter::new()
        .file("chapter.yaml", HEAD)
        .file("modules/demo.yaml", MODULE)
        .file("services.yaml", "services:\n  one: { module: demo, on: web1 }\n")
        .file("../outside.yaml", OUTSIDE)
        .entry("web1", "{ address: 203.0.113.10, user: admin, os: debian-12 }");
    let _ = chapter.run(&["module", "update"]).success();
    chapter.commit();
    let config = chapter.path(".git/config");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(config, format!("{text}[http \"x\"]\n\textraheader = AUTHORIZATION: basic hunter2-git\n"))
        .unwrap();
    chapter
}

/// Everything that a runner does with a fork: as a working tree, and as a commit.
fn all(chapter: &Chapter) -> Vec<Ran> {
    let mut runs = vec![chapter.run(&["validate"])];
    for format in ["text", "json", "markdown"] {
        runs.push(chapter.run(&["review", "--base", "HEAD", "--format", format]));
    }
    chapter.commit();
    for format in ["text", "json", "markdown"] {
        runs.push(chapter.run(&["review", "--base", "HEAD~1", "--head", "HEAD", "--format", format]));
    }
    runs
}

fn leaks_nothing(runs: Vec<Ran>) -> Vec<Ran> {
    runs.into_iter().map(|ran| ran.within(LONG).never_says("hunter2").never_says("steward-revision-")).collect()
}

/// As `git` in the chapter, for what [`Chapter::commit`] does not do.
fn git(chapter: &Chapter, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.arg("-C").arg(chapter.path("")).args(arguments).env("HOME", chapter.home());
    assert!(git.output().unwrap().status.success(), "{arguments:?}");
}

#[test]
fn links_lead_nowhere() {
    for (link, to, said) in [
        ("evil.yaml", "OUTSIDE", "leads out of the repository"),
        ("evil.yaml", ".git/config", "evil.yaml"),
        ("evil.yaml", "/dev/zero", "leads out of the repository"),
        ("steward.lock", "OUTSIDE", "leads out of the repository"),
        ("modules/other.yaml", "OUTSIDE", "is not a plain file"),
        ("templates", "..", ""),
        ("templates/demo", "/etc", "is not a plain file"),
        ("secrets", "..", ""),
        ("secrets/one/db.recipients", "OUTSIDE", ""),
    ] {
        let chapter = chapter();
        let path = chapter.path(link);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&path);
        let outside = chapter.path("../outside.yaml");
        symlink(if to == "OUTSIDE" { outside.as_path() } else { Path::new(to) }, &path).unwrap();
        let runs = leaks_nothing(all(&chapter));
        let refused = |ran: &Ran| ran.code() == Some(1) && ran.said().contains(said);
        assert!(said.is_empty() || runs.iter().all(refused), "{link} -> {to}: {}", runs[0]);
    }
}

#[test]
fn paths_lead_nowhere() {
    for (field, said) in [
        ("source: ../outside.yaml", "is not a path inside the repository"),
        ("source: /etc/passwd", "is not a path inside the repository"),
        ("source: link", "leads out of the repository"),
        ("source: .git/config", "belongs to git"),
        ("source: gitlink", "belongs to git"),
        ("source: modules", "is not a plain file"),
        ("template: ../outside.yaml", "there is no template"),
        ("content: \"{% include '../outside.yaml' %}\"", "../outside.yaml"),
        ("content: \"{{ config | env }}\"", "env"),
    ] {
        let chapter = chapter();
        let chapter = chapter.file("modules/demo.yaml", MODULE.replace("content: hello", field));
        symlink(chapter.path("../outside.yaml"), chapter.path("link")).unwrap();
        symlink(".git/config", chapter.path("gitlink")).unwrap();
        let _ = chapter.run(&["module", "update"]);
        for ran in leaks_nothing(all(&chapter)) {
            // a commit holds no .git to name
            let _ = ran.status(1).stderr_has(if field.contains("git") { "" } else { said });
        }
        if field.contains("git") {
            let _ = chapter.run(&["validate"]).status(1).stderr_has(said);
        }
    }
}

#[test]
fn bombs_do_not_go_off() {
    let aliases: String =
        (1..20).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "))).collect();
    let nested = format!("vars: {{ x: {}1{} }}\n", "[".repeat(100_000), "]".repeat(100_000));
    for (file, text, said) in [
        ("evil.yaml", format!("a0: &a0 [x]\n{aliases}"), ""),
        ("evil.yaml", nested, "nested"),
        ("evil.yaml", "# a comment\n".repeat(500_000), "MiB"),
        ("modules/big.yaml", "# a comment\n".repeat(500_000), "MiB"),
        ("evil.yaml", format!("hosts:\n{}", "  a: [\n".repeat(20_000)), ""),
        ("evil.yaml", format!("vars:\n{}", "  a: 1\n".repeat(3_000)), "a"),
    ] {
        let chapter = chapter().file(file, &text);
        let review = chapter.run(&["review", "--base", "HEAD", "--format", "markdown"]);
        for ran in leaks_nothing(vec![chapter.validate(), review]) {
            let ran = ran.status(1).stderr_has(said);
            assert!(ran.said().len() + ran.text().len() < 4_000_000, "{file}: {} bytes", ran.said().len());
        }
    }
}

#[test]
fn what_grows_with_everything_is_cut_off() {
    for (resources, said) in [
        (
            "  - for_each: \"{{ range(35000) | list }}\"\n    file: { path: \"/etc/{{ item }}\", content: x }\n",
            "resources, which is the limit",
        ),
        (
            "  - for_each: \"{{ range(300) | list }}\"\n    file: { path: \"/etc/{{ item }}\", content: \"{{ 'x' * 1000000 }}\" }\n",
            "MiB, which is the limit",
        ),
    ] {
        let chapter = chapter().file("modules/demo.yaml", format!("{MODULE}{resources}"));
        let chapter = chapter
            .entry("web2", "{ address: 203.0.113.11, user: admin, os: debian-12 }")
            .entry("web3", "{ address: 203.0.113.12, user: admin, os: debian-12 }")
            .file("services.yaml", "services:\n  one: { module: demo, on: all }\n");
        let _ = chapter.run(&["module", "update"]);
        let ran = chapter.run(&["review", "--base", "HEAD", "--format", "markdown"]).status(1).within(LONG);
        let ran = ran.stderr_has(said).stderr_has("modules/demo.yaml").stdout_has("Mistake");
        assert_eq!(ran.said().matches("error:").count(), 1, "{ran}");
    }
}

#[test]
fn nothing_that_a_repository_brings_is_run() {
    let chapter = chapter();
    let ran = chapter.path("../ran");
    let touch = format!("touch {}", ran.display());
    // what a fork brings, and what a careless clone may have made of it
    let chapter = chapter
        .file(".gitattributes", "* filter=evil diff=evil merge=evil\n")
        .file(
            ".gitmodules",
            format!("[submodule \"sub\"]\n\tpath = sub\n\turl = ext::sh -c '{touch}'\n\tupdate = !{touch}\n"),
        )
        .file("services.yaml", "services:\n  two: { module: demo, on: web1 }\n");
    let commit = "0123456789012345678901234567890123456789";
    git(&chapter, &["update-index", "--add", "--cacheinfo", &format!("160000,{commit},sub")]);
    git(&chapter, &["add", "--all"]);
    let author = ["-c", "user.name=T", "-c", "user.email=t@test.example", "-c", "core.hooksPath=/dev/null"];
    git(&chapter, &[&author[..], &["commit", "--quiet", "-m", "evil"]].concat());
    for hook in ["post-checkout", "post-index-change", "pre-commit", "reference-transaction", "fsmonitor-watchman"] {
        let path = chapter.path(".git/hooks").join(hook);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{touch}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let config = std::fs::read_to_string(chapter.path(".git/config")).unwrap();
    let evil = format!(
        "[core]\n\tfsmonitor = {touch}\n[diff]\n\texternal = {touch}\n[diff \"evil\"]\n\ttextconv = {touch}\n\tcommand = {touch}\n[filter \"evil\"]\n\tsmudge = {touch}\n\tprocess = {touch}\n"
    );
    std::fs::write(chapter.path(".git/config"), config + &evil).unwrap();
    std::fs::create_dir_all(chapter.path("secrets")).unwrap();
    std::fs::write(chapter.path("secrets/.journal"), "x").unwrap();
    for head in [&["--head", "HEAD"][..], &[]] {
        let review = chapter.run(&[&["review", "--base", "HEAD~1"], head].concat());
        assert!(!review.text().is_empty() || review.code() == Some(1), "{review}");
        assert!(!ran.exists(), "{review}");
    }
}

#[test]
fn a_review_writes_nothing() {
    let chapter = chapter().file("services.yaml", "services:\n  two: { module: demo, on: web1 }\n");
    let snapshot = || {
        let listed = Command::new("find").arg(chapter.path("")).args(["-printf", "%p %s %T@ %m\n"]).output().unwrap();
        String::from_utf8(listed.stdout).unwrap()
    };
    let before = snapshot();
    let _ = chapter.run(&["review", "--base", "HEAD"]).success();
    let _ = chapter.run(&["review", "--base", "HEAD", "--head", "HEAD"]).success();
    assert_eq!(snapshot(), before);
    assert_eq!(std::fs::read_dir(chapter.path("../tmp")).unwrap().count(), 0, "what was extracted is gone");
}

/// What stands in a document but not in its fences.
fn outside_fences(markdown: &str) -> String {
    let mut fence: Option<String> = None;
    let mut outside = String::new();
    for line in markdown.lines() {
        match &fence {
            Some(end) if line == end => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => fence = Some(line.trim_end_matches("diff").to_owned()),
            None => outside.push_str(&format!("{line}\n")),
        }
    }
    assert!(fence.is_none(), "a fence is left open: {markdown}");
    outside
}

/// Without `&#64;` and its like, which are only text.
fn without_references(text: &str) -> String {
    let mut parts = text.split("&#");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(';')
    })
}

#[test]
fn nothing_breaks_out_of_what_is_shown() {
    let evil = "``````` </details></summary> @everyone #1 !1 https://evil.example/ www.evil.example ![i](x.png) <img src=x> GH-7 \\e[2J\\e]0;t\\a \\u202e\\u200f\\u2028 | %5D :smile: ::set-env name=A::b";
    let module = MODULE
        .replace("version: 1", &format!("version: 2\nnotes: {{ \"2\": \"{evil}\" }}"))
        .replace("content: hello", &format!("content: \"{evil}\\n\""))
        + "  - file: { path: \"/etc/<b> @ana #1\", content: x }\n";
    let people = format!(
        "people:\n  ana: {{ name: \"{evil}\", role: maintainer, ssh: [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILe5z3H5aXY+1GaLJUj+6XsmOjHzDUKylyOG1ciBduuq </b> @ana #1 ![i](x.png)\"] }}\n"
    );
    let bad =
        chapter().file("evil.yaml", format!("hosts:\n  \"{evil}\": {{ address: \"{evil}\" }}\n\"{evil}\": 1\n"));
    let good = chapter().file("modules/demo.yaml", module).file("people.yaml", people);
    let _ = good.run(&["module", "update"]);
    for (chapter, status) in [(good, 0), (bad, 1)] {
        for ran in all(&chapter) {
            let ran = ran.status(status);
            for text in [ran.text(), ran.said()] {
                let obeyed =
                    |c: char| (c.is_control() && c != '\n' && c != '\t') || "\u{202e}\u{200f}\u{2028}".contains(c);
                // JSON is escaped, as JSON is
                assert!(!text.contains(obeyed) || text.starts_with("{\"format\""), "{text:?}");
            }
            if ran.text().starts_with("<!--") {
                let outside = outside_fences(ran.text());
                let ours =
                    outside.replace("<details><summary>", "").replace("</summary>", "").replace("</details>", "");
                let ours = ours.replace("<br>", "").replacen("<!--", "", 1).replacen("-->", "", 1);
                let ours = without_references(&ours);
                for bad in ["<", "@", "![", "](", "://", "www.e", "#1", "!1", "GH-7", ":smile:", "`"] {
                    assert!(!ours.replace("\n## ", "").contains(bad), "{bad:?} in {ours}");
                }
                assert_eq!(outside.matches("<details>").count(), outside.matches("</details>").count(), "{outside}");
            }
        }
    }
}
