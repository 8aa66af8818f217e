//! The command line as scripts and people meet it: arguments, selections, messages and exit codes. Hosts are directories
//! here, so that this needs neither root nor network.

use std::time::Duration;

use crate::support::Chapter;

const CHAPTER: &str =
    "id: 00112233445566778899aabbccddeeff\nchapter: { name: Test, domain: test.example, locale: en }\n";
const MODULE: &str = "\
version: 1
summary: { en: A test. }
params:
  text: { type: string, default: hello }
resources:
  - directory: { path: /etc/demo }
  - file: { path: /etc/demo/a.conf, content: \"{{ text }}\\n\" }
";

/// Two hosts, one in a group, with one service on each and another only on the first.
fn chapter() -> Chapter {
    Chapter::new()
        .file("chapter.yaml", CHAPTER)
        .file("modules/demo.yaml", MODULE)
        .file("modules/other.yaml", MODULE.replace("/demo", "/other"))
        .file(
            "services.yaml",
            "services:\n  one: { module: demo, on: all }\n  two: { module: other, on: web1 }\ngroups: { web: { hosts: [web1] } }\n",
        )
        .local("web1")
        .local("web2")
}

#[test]
fn usage_errors_exit_with_1_and_help_with_0() {
    let chapter = chapter();
    for arguments in [&["bogus"][..], &["plan", "--bogus"], &["plan", "--jobs", "many"], &["plan", "--format", "xml"]]
    {
        chapter.run(arguments).status(1).stdout("").stderr_has("--help");
    }
    chapter.run(&[]).status(1).stdout("").stderr_has("Usage: steward");
    chapter.run(&["--help"]).success().stdout_has("validate").stderr("");
    chapter.run(&["--version"]).success().stdout("steward 0.1.0\n").stderr("");
}

#[test]
fn apply_without_anybody_to_ask_changes_nothing() {
    let chapter = chapter();
    chapter.run(&["apply"]).status(1).stdout_has("Plan: 6 to create").stderr(
        "error: there is no terminal to ask whether to apply this\n |\n = help: look at the plan, then apply with `--yes`\n\n1 error\n",
    );
    assert!(!chapter.root("web1").join("etc").exists());
    chapter.run_with(&["apply"], "y\n").status(1);
    assert!(!chapter.root("web1").join("etc").exists());
    chapter
        .run(&["apply", "--yes"])
        .success()
        .stdout_has("web1: converged; 4 changed, 0 failed, 0 skipped (3 exchanges)\n");
    assert_eq!(std::fs::read_to_string(chapter.root("web1").join("etc/demo/a.conf")).unwrap(), "hello\n");
    // with nothing to change there is nothing to ask
    chapter.run(&["apply"]).success().stdout("No changes.\n").stderr("");
}

#[test]
fn a_limit_chooses_hosts_groups_and_services() {
    let chapter = chapter();
    let hosts = |limit: &str| {
        let plan = chapter.run(&["plan", "--format", "json", "--limit", limit]).success().json();
        let of = |host: &serde_json::Value| {
            format!("{} {}", host["host"].as_str().unwrap(), host["changes"].as_array().unwrap().len())
        };
        plan["hosts"].as_array().unwrap().iter().map(of).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(hosts("all"), "web1 4, web2 2");
    assert_eq!(hosts("web2,web1"), "web1 4, web2 2");
    assert_eq!(hosts("web"), "web1 4");
    assert_eq!(hosts("web*,!web"), "web2 2");
    assert_eq!(hosts("service:two"), "web1 2");
    assert_eq!(hosts("web2,service:one"), "web2 2");
}

#[test]
fn a_limit_that_selects_nothing_is_an_error_that_suggests() {
    let chapter = chapter();
    for (limit, said) in [
        ("wbe1", "error: there is no host or group `wbe1`\n |\n = help: did you mean `web1`?\n\n1 error\n"),
        (
            "one",
            "error: there is no host or group `one`\n |\n = help: `one` is a service: write `service:one`\n\n1 error\n",
        ),
        ("service:tow", "error: there is no service `tow`\n |\n = help: did you mean `two`?\n\n1 error\n"),
        ("!all", "error: `--limit !all` selects no host\n |\n = help: known here: web1, web2\n\n1 error\n"),
        (
            "web2,service:two",
            "error: `--limit web2,service:two` selects no host\n |\n = help: known here: web1, web2\n\n1 error\n",
        ),
    ] {
        for command in ["plan", "apply", "validate"] {
            chapter.run(&[command, "--limit", limit]).status(1).stdout("").stderr(said);
        }
    }
}

#[test]
fn the_inventory_is_the_one_that_was_named_or_the_only_one() {
    let chapter = chapter();
    let at = |dir: &str, arguments: &[&str]| chapter.run_in(dir, arguments);
    at(".", &["validate"]).success();
    at("modules", &["validate"]).status(1).stderr_has("error: there is no inventory in [DIR]/inventory/modules");
    at("modules", &["validate", "-i", ".."]).success();
    at("modules", &["-i", "nowhere", "validate"]).status(1).stderr_has("error: cannot read the inventory nowhere:");

    let several = Chapter::new().file("inventories/a/chapter.yaml", CHAPTER).file("inventories/a/hosts.yaml", HOST);
    let at = |arguments: &[&str]| several.run_in(".", arguments);
    at(&["module", "update", "-i", "inventories/a"]).success();
    at(&["validate"]).success().stderr_has("1 host");
    let several = several.file("inventories/b/chapter.yaml", CHAPTER).file("inventories/b/hosts.yaml", HOST);
    let said = several.run_in(".", &["validate"]).status(1);
    assert!(said.said().contains("inventories/a") && said.said().contains("inventories/b"), "{}", said.said());
    several.run_in(".", &["-i", "inventories/b", "module", "update"]).success();
    several.run_in(".", &["-i", "inventories/b", "validate"]).success();
}

const HOST: &str = "hosts: { web1: { address: 192.0.2.1 } }\nservices: { site: { module: static-site, on: web1, params: { domain: a.example } }, web: { module: nginx, on: web1 }, updates: { module: apt, on: web1 } }\n";

#[test]
fn validate_reports_all_mistakes_of_all_files_at_once() {
    let ran = Chapter::new()
        .file("chapter.yaml", format!("{CHAPTER}vars: {{ colour: red }}\n"))
        .file(
            "hosts.yaml",
            "hosts:\n  web1: { address: 192.0.2.1, usr: admin, groups: [wbe] }\n  web2: { address: 192.0.2.2, port: seven }\n  web1: { address: 192.0.2.3 }\n  good: { address: 192.0.2.4 }\ngroups: { web: {} }\n",
        )
        .file(
            "services.yaml",
            "services:\n  one: { module: dmeo, on: all }\n  two: { module: demo, on: web3, params: { txet: x } }\n  three: { module: demo, on: web2, parms: {} }\n  four: { module: demo, on: good }\n",
        )
        .file("modules/demo.yaml", format!("{MODULE}  - file: {{ path: /b, template: demo/b.j2 }}\n"))
        .file("modules/other.yaml", format!("{MODULE}  - fiel: {{ path: /x }}\n"))
        .file("steward.lock", "")
        .file("templates/demo/b.j2", "first\n{{ txet }}\n")
        .validate();
    let ran = ran.status(1).stdout("");
    let mut lines = ran.said().lines().peekable();
    let mut mistakes = Vec::new();
    while let Some(line) = lines.next() {
        let place = lines.peek().and_then(|next| next.trim().strip_prefix("--> ")).unwrap_or_default();
        if line.starts_with("error: ") || line.starts_with("warning: ") {
            mistakes.push(format!("{place} {line}"));
        }
    }
    assert_eq!(mistakes.join("\n"), MISTAKES, "{ran}");
    assert!(ran.said().ends_with("\n\n12 errors\n"), "{ran}");
    assert_eq!(ran.said().matches("= help: did you mean `").count(), 8, "{ran}");
    assert!(ran.said().contains("\n2 | {{ txet }}\n  |    ^^^^\n"), "{ran}");
}

const MISTAKES: &str = " error: no module is recorded in steward.lock yet
chapter.yaml:3:9 error: nothing uses the var `colour`
hosts.yaml:2:31 error: unknown key `usr`
hosts.yaml:2:52 error: there is no group `wbe`
hosts.yaml:3:37 error: `port` must be a whole number from 1 to 65535, not the text `seven`
hosts.yaml:4:3 error: the key `web1` appears twice
modules/other.yaml:8:5 error: there is no kind of resource `fiel`
services.yaml:2:18 error: there is no module `dmeo`
services.yaml:3:28 error: there is no host or group `web3`
services.yaml:3:44 error: the module `demo` has no parameter `txet`
services.yaml:4:36 error: unknown key `parms`
templates/demo/b.j2:2:4 error: `txet` is undefined";

#[test]
fn a_circle_of_parameters_is_printed() {
    let circle = MODULE.replace(
        "default: hello }",
        "default: \"{{ other }}\" }\n  other: { type: string, default: \"{{ text }}\" }",
    );
    let chapter = chapter().file("modules/demo.yaml", circle);
    chapter
        .validate()
        .status(1)
        .stderr_has("error: `text` refers to itself: text → other → text\n --> modules/demo.yaml:4:34\n");
}

#[test]
fn bombs_and_deep_nesting_are_refused_at_once() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let inner = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    for text in [bomb, "[".repeat(200_000), "a: &a [*a]\n".to_owned(), "- ".repeat(100_000)] {
        let ran = chapter().file("vars.yaml", text).validate().status(1).within(Duration::from_secs(20));
        assert!(ran.said().starts_with("error: ") && ran.said().contains("--> vars.yaml:"), "{}", ran.said());
    }
}

#[test]
fn a_json_plan_has_exactly_the_fields_of_the_contract() {
    let chapter = chapter();
    chapter.run(&["apply", "--yes", "--limit", "web2"]).success();
    std::fs::write(chapter.root("web2").join("etc/demo/a.conf"), "changed by hand\n").unwrap();
    let ran = chapter.run(&["plan", "--format", "json", "--limit", "web2", "--show-remote"]).success().stderr("");
    let expected = serde_json::json!({
        "format": 1, "inventory": "Test", "revision": null, "base": null,
        "hosts": [{
            "host": "web2", "status": "ok", "error": null, "unchanged": 1,
            "changes": [{
                "id": "file:/etc/demo/a.conf", "service": "one", "kind": "file", "action": "update",
                "reason": "content differs",
                "diff": "--- /etc/demo/a.conf\n+++ /etc/demo/a.conf\n@@ -1 +1 @@\n-changed by hand\n+hello\n",
                "sensitive": false, "deferred": false, "risk": [], "origin": null,
            }],
            "unknown": [], "gates": [], "access": [], "backups": [], "pending": null, "kept": [],
        }],
        "summary": {
            "create": 0, "update": 1, "delete": 0, "run": 0, "restart": 0, "reload": 0, "unchanged": 1, "unknown": 0,
            "unreachable": 0,
        },
    });
    assert_eq!(ran.json(), expected, "{ran}");
    let withheld = chapter.run(&["plan", "--format", "json", "--limit", "web2"]).success().never_says("by hand");
    assert!(withheld.json()["hosts"][0]["changes"][0]["diff"].as_str().unwrap().contains("withheld"), "{withheld}");
}

#[test]
fn json_events_name_every_change_and_end_in_a_summary() {
    let chapter = chapter();
    let ran = chapter.run(&["apply", "--yes", "--format", "json", "--jobs", "1"]).success();
    let events: Vec<String> =
        ran.events().iter().map(|event| format!("{} {} {}", event["event"], event["host"], event["id"])).collect();
    let changed = |host: &str, id: &str| format!("\"changed\" \"{host}\" \"{id}\"");
    assert_eq!(events[..2], [changed("web1", "directory:/etc/demo"), changed("web1", "file:/etc/demo/a.conf")]);
    assert_eq!(
        events[4..],
        [
            changed("web2", "directory:/etc/demo"),
            changed("web2", "file:/etc/demo/a.conf"),
            "\"summary\" null null".into()
        ]
    );
    let summary = |host: &str, changed: u64| serde_json::json!({ "host": host, "status": "converged", "changed": changed, "failed": 0, "skipped": 0, "exchanges": 3 });
    assert_eq!(ran.events()[6]["hosts"], serde_json::json!([summary("web1", 4), summary("web2", 2)]));
}
