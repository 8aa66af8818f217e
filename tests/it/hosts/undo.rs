//! History and undo on a real host: over SSH and sudo, with a web server that reloads, a file with secrets, and a power cut.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Chapter, Host, wait_for};

const OLD: &str = "old-value-Kx7Qw";
const NEW: &str = "new-value-Pz4Rt";

const CHAPTER: &str = "\
id: 00112233445566778899aabbccddeeff
chapter: { name: Test, domain: test.example, min_readers: 1 }
people: { ana: { name: Ana, role: maintainer, age: [PUBLIC] } }
services:
  nginx: { module: nginx, on: all }
  page: { module: page, on: all, params: { text: TEXT } }
";

const PAGE: &str = r#"version: 1
summary: { en: A page and what it needs. }
params: { text: { type: string } }
secrets: { password: { rotate: manual } }
needs: { nginx: {} }
resources:
  - file: { path: /etc/nginx/conf.d/page.conf, content: "server { listen 80; location / { return 200 '{{ text }}'; } }\n" }
  - file: { path: /etc/page.conf, content: "text = {{ text }}\npassword = {{ secrets.password }}\n" }
  - line: { path: /etc/environment, line: "PAGE={{ text }}", match: "^PAGE=", create: true }
  - file: { path: "/etc/page {{ text }}", content: "{{ text }}" }
  - command: { name: "note {{ text }}", run: "touch /etc/noted.{{ text }}", creates: "/etc/noted.{{ text }}" }
"#;

fn with(chapter: Chapter, text: &str) -> Chapter {
    let public = std::fs::read_to_string(chapter.home().join("public")).unwrap();
    chapter.file("chapter.yaml", CHAPTER.replace("PUBLIC", public.trim()).replace("TEXT", text))
}

fn chapter(host: &Host) -> Chapter {
    let chapter = Chapter::new().host("web1", host).file("modules/page.yaml", PAGE);
    let identities = chapter.home().join(".config/steward");
    std::fs::create_dir_all(&identities).unwrap();
    let identity = identities.join("identities.txt");
    assert!(Command::new("age-keygen").arg("-o").arg(&identity).output().unwrap().status.success());
    let public = Command::new("age-keygen").arg("-y").arg(&identity).output().unwrap().stdout;
    std::fs::write(chapter.home().join("public"), public).unwrap();
    with(chapter, "one")
}

fn page(host: &Host) -> String {
    let mut stream = TcpStream::connect((host.address.as_str(), 80)).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_run_is_undone_with_its_reloads_and_the_secrets_of_today() {
    let host = Host::new();
    let chapter = chapter(&host);
    let _ = chapter.run_with(&["secrets", "set", "page/password"], OLD).success();
    let _ = chapter.plan();
    let first = chapter.commit();
    let _ = chapter.apply().success();
    let chapter = with(chapter, "two");
    let second = chapter.commit();
    let _ = chapter.apply().success();
    wait_for("the second page is served", Duration::from_secs(10), || page(&host).ends_with("two"));

    let history = chapter.run(&["history", "web1", "--format", "json"]).success().json();
    let runs = history["runs"].as_array().unwrap();
    assert_eq!(
        (runs.len(), &runs[0]["revision"], &runs[0]["before"]),
        (2, &second.into(), &first.into()),
        "{history}"
    );
    assert_eq!(runs[0]["result"], "done");

    let _ = chapter.run_with(&["secrets", "set", "page/password"], NEW).success();
    let ran = chapter.run(&["undo", "web1", "--yes"]).success().never_says(OLD).never_says(NEW);
    let ran = ran.stdout_has("  ^ reload service:nginx  [undo] file:/etc/nginx/conf.d/page.conf changes\n");
    ran.stdout_has("  command:note two: what a command did is not known\n").stdout_has("web1: converged; ");
    wait_for("the first page is served again", Duration::from_secs(10), || page(&host).ends_with("one"));
    assert_eq!(host.sh("cat /etc/page.conf"), format!("text = one\npassword = {NEW}\n"));
    assert_eq!(host.sh("stat -c '%U %a' /etc/page.conf; grep ^PAGE /etc/environment"), "root 600\nPAGE=one\n");
    assert_eq!(host.sh("ls -d '/etc/page two' /etc/noted.* 2>/dev/null || true"), "/etc/noted.one\n/etc/noted.two\n");
    for value in [OLD, NEW] {
        let found = format!(
            "grep -rlF -- {value} /etc /var/lib/steward /run /dev/shm 2>/dev/null | grep -vx /etc/page.conf || true"
        );
        assert_eq!(host.sh(&found), "", "{value}");
    }
    a_power_cut_leaves_an_entry_without_an_end(chapter, &host);
}

fn a_power_cut_leaves_an_entry_without_an_end(chapter: Chapter, host: &Host) {
    let slow = "touch /etc/noted.{{ text }}; touch /run/begun; sleep 60";
    let chapter = with(chapter, "three").file("modules/page.yaml", PAGE.replace("touch /etc/noted.{{ text }}", slow));
    chapter.run(&["module", "update"]).success();
    let mut command = chapter.command(&["apply", "--yes", "--silence-timeout", "12"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the run is in the middle", Duration::from_secs(30), || {
        host.try_sh("test -e /run/begun").status.success()
    });
    host.kill();
    assert!(!child.wait().unwrap().success());
    host.boot();
    let run = chapter.run(&["history", "web1", "--format", "json"]).success().json()["runs"][0].clone();
    assert_eq!((&run["result"], &run["seconds"]), (&"cut".into(), &serde_json::Value::Null), "{run}");
    let one = chapter.run(&["history", "web1", run["id"].as_str().unwrap()]).success();
    let one = one
        .stdout_has(": cut off: killed, or without power")
        .stdout_has("  run command:note three  [page]: not reached\n");
    one.stdout_has("  update file:/etc/nginx/conf.d/page.conf  [page]: changed\n");
    let left = chapter.run(&["unlock", "web1"]).success().stdout_has("left behind by ");
    left.stdout_has(", dead\n").stdout_has("what a dead run left of its lock is removed");
    // what was changed before the cut is known to be the run's
    let ran = chapter.run(&["undo", "web1", "--yes"]).success();
    ran.stdout_has("web1: converged; ").never_says("somebody changed");
    wait_for("the page is served", Duration::from_secs(10), || page(host).ends_with("one"));
}
