//! `steward ci`: the comment under a pull request, against a small forge on loopback; and the workflows, against the
//! schemas that `check-jsonschema` brings.

use std::path::PathBuf;
use std::process::Command;

use crate::support::{Chapter, Forge, TOKEN};

const MARKDOWN: &str = "<!-- steward review -->\n# Review\n\"quotes\" \\ and ünïcode\n";

fn chapter(forge: &Forge) -> Chapter {
    Chapter::new()
        .file("review.md", MARKDOWN)
        .variable("GITHUB_API_URL", &forge.address())
        .variable("CI_API_V4_URL", &forge.address())
        .variable("GITHUB_REPOSITORY", "ours/servers")
        .variable("GITHUB_REF", "refs/pull/12/merge")
        .variable("CI_PROJECT_ID", "7")
        .variable("CI_MERGE_REQUEST_IID", "12")
        .variable("GITHUB_TOKEN", TOKEN)
        .variable("FORGEJO_TOKEN", TOKEN)
        .variable("GITEA_TOKEN", TOKEN)
        .variable("GITLAB_TOKEN", TOKEN)
}

fn comment(forge: &str) -> [&str; 6] {
    ["ci", "comment", "--forge", forge, "--file", "review.md"]
}

#[test]
fn one_comment_is_written_and_then_updated_on_every_forge() {
    for name in ["github", "gitlab", "forgejo", "gitea"] {
        let forge = Forge::start(&[("ana", "Looks good")]);
        let chapter = chapter(&forge);
        chapter.run(&comment(name)).success().stdout("").stderr("wrote comment 102\n");
        assert_eq!(forge.comments(), ["Looks good", MARKDOWN]);
        let newer = MARKDOWN.replace("# Review", "# Another");
        let chapter = chapter.file("review.md", &newer);
        chapter.run(&comment(name)).success().stderr("updated comment 102\n").never_says(TOKEN);
        assert_eq!(forge.comments(), ["Looks good", newer.as_str()], "{name}");
        let path = if name == "gitlab" {
            "/projects/7/merge_requests/12/notes"
        } else {
            "/repos/ours/servers/issues/12/comments"
        };
        assert!(forge.requests().contains(&format!("POST {path}")), "{:?}", forge.requests());
    }
}

#[test]
fn the_comment_is_found_on_a_later_page() {
    let mut comments = vec![("ana", "Hello"); 120];
    comments.push(("steward-bot", "<!-- steward review -->\r\nold"));
    let forge = Forge::start(&comments);
    chapter(&forge).run(&comment("github")).success().stderr("updated comment 221\n");
    assert_eq!(forge.comments().len(), 121);
}

#[test]
fn a_stranger_who_copies_the_marker_gets_no_say() {
    let forge = Forge::start(&[("mallory", "<!-- steward review -->\nAll is fine")]);
    chapter(&forge).run(&comment("github")).success().stderr("wrote comment 102\n");
    assert_eq!(forge.comments()[0], "<!-- steward review -->\nAll is fine");
}

#[test]
fn what_the_forge_refuses_is_said_with_a_remedy() {
    for (status, headers, said) in [
        (401, "", "does not know the token (401): Odd"),
        (403, "", "does not let the token do this (403)"),
        (404, "", "knows no such pull request"),
        (403, "X-RateLimit-Remaining: 0\r\nRetry-After: 30\r\n", "run it again in 30 s"),
        (429, "", "asks to wait (429)"),
        (502, "", "has a fault (502)"),
    ] {
        let forge = Forge::start(&[]);
        forge.refuse(status, headers, r#"{ "message": "Odd" }"#);
        chapter(&forge).run(&comment("github")).status(1).stdout("").stderr_has(said).never_says(TOKEN);
    }
}

#[test]
fn nothing_is_sent_without_a_marker_or_a_token() {
    let forge = Forge::start(&[]);
    let unmarked = chapter(&forge).file("review.md", "# Review\n");
    unmarked.run(&comment("github")).status(1).stderr_has("does not begin with a hidden marker");
    let without = chapter(&forge).variable("GITHUB_TOKEN", "");
    without.run(&comment("github")).status(1).stderr_has("GITHUB_TOKEN is not set");
    let plain = chapter(&forge).variable("GITHUB_API_URL", "http://forge.example");
    plain.run(&comment("github")).status(1).stderr_has("is no https address");
    chapter(&forge)
        .run(&["ci", "comment", "--forge", "github", "--file", "none.md"])
        .status(1)
        .stderr_has("cannot read none.md");
    assert_eq!(forge.requests(), [""; 0]);
}

/// `script/test` installs it.
pub(crate) fn check_jsonschema() -> PathBuf {
    let program = PathBuf::from(std::env::var_os("STEWARD_CHECK_JSONSCHEMA").unwrap_or_else(|| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/target/check-jsonschema/bin/check-jsonschema").into()
    }));
    assert!(
        program.exists(),
        "{} is missing: script/test installs it, which needs the network once",
        program.display()
    );
    program
}

fn fits(schema: &str, file: &std::path::Path) -> Result<(), String> {
    let output = Command::new(check_jsonschema()).args(["--builtin-schema", schema]).arg(file).output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stdout).into_owned()) }
}

const SYSTEMS: [(&str, &str, &str); 4] = [
    ("github", ".github/workflows/steward.yml", "vendor.github-workflows"),
    ("gitlab", ".gitlab-ci.yml", "vendor.gitlab-ci"),
    ("forgejo", ".forgejo/workflows/steward.yml", "vendor.github-workflows"),
    ("woodpecker", ".woodpecker/steward.yml", "vendor.woodpecker-ci"),
];

#[test]
fn workflows_fit_the_schemas_of_their_systems() {
    let chapter = Chapter::new().local("web1").resources("  - file: { path: /a, content: x }\n");
    for (system, path, schema) in SYSTEMS {
        let write = ["ci", "write", system, "--install", "curl -fsS https://chapter.example/steward >/bin/steward"];
        chapter.run(&write).success().stderr(&format!("wrote {path}\n"));
        assert_eq!(fits(schema, &chapter.path(path)), Ok(()), "{system}");
        chapter.run(&write).status(1).stderr_has("exists already");
    }
    // a check that cannot fail proves nothing
    let chapter = chapter.file(".gitlab-ci.yml", "steward: { script: { no: list } }\n");
    assert!(fits("vendor.gitlab-ci", &chapter.path(".gitlab-ci.yml")).is_err());
    let chapter = chapter.file("x.yml", "on: push\njobs: { a: { steps: 3 } }\n");
    assert!(fits("vendor.github-workflows", &chapter.path("x.yml")).is_err());
    let chapter = chapter.file("x.yml", "steps: 3\n");
    assert!(fits("vendor.woodpecker-ci", &chapter.path("x.yml")).is_err());
}

#[test]
fn init_writes_a_workflow_at_the_top_of_the_repository() {
    let chapter = Chapter::new();
    chapter.commit();
    let init = ["init", "inventories/ours", "--name", "Ours", "--domain", "ours.example", "--ci", "github"];
    chapter.run(&init).status(1).stderr_has("--install");
    chapter
        .run(&[&init[..], &["--install", "true"]].concat())
        .success()
        .stderr_has("wrote .github/workflows/steward.yml");
    let text = std::fs::read_to_string(chapter.path(".github/workflows/steward.yml")).unwrap();
    assert!(text.contains("STEWARD_INVENTORY: \"inventories/ours\"\n"), "{text}");
}
