//! `steward verify`, and the checks at the end of an apply, on a real web server.

use std::process::Command;

use crate::schemas::fits;
use crate::support::{Chapter, Host};

const RESOURCES: &str = r#"
  - package: nginx-light
  - file: { path: /etc/nginx/sites-enabled/default, state: absent }
  - file: { path: /etc/ssl/wiki.pem, source: wiki.pem, mode: "0600" }
  - file:
      path: /etc/nginx/conf.d/test.conf
      content: |
        server { listen 80; location / { return 301 https://wiki.test.example/; } }
        server { listen 443 ssl; ssl_certificate /etc/ssl/wiki.pem; ssl_certificate_key /etc/ssl/wiki.pem;
          add_header X-Frame-Options DENY; location / { return 200 "Meeting on Tuesday\n"; } }
  - service: { name: nginx, reload_on: [/etc/nginx/**], validate: nginx -t }
checks:
  - http: { url: "http://wiki.test.example/", redirect: "https://wiki.test.example/" }
  - http:
      url: https://wiki.test.example/
      contains: Tuesday
      lacks: Wednesday
      header: { x-frame-options: DENY }
      ca: CERTIFICATE
  - tls: { name: wiki.test.example, ca: CERTIFICATE }
  - for_each: "{{ [22, 80, 443] }}"
    tcp: { port: "{{ item }}" }
  - tcp: { port: 22, greets: SSH-2.0 }
  - tcp: { port: 3306, open: false }
  - dns: { name: localhost, address: 127.0.0.1 }
  - unit: { name: nginx, enabled: true }
  - port_set: { open: [22, 80, 443] }
  - command: { run: "id -un; echo \"it's $((40 + 2)) | \\\\ é\"", prints: "nobody\nit's 42 | \\ é", user: nobody }
  - { when: false, tcp: { port: 1 } }
"#;

/// With a certificate of its own, and `days` left of it.
fn chapter(host: &Host, days: u32) -> Chapter {
    let chapter = Chapter::new().host("web1", host);
    let (key, certificate) = (chapter.path("key.pem"), chapter.path("certificate.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=wiki.test.example"])
        .args(["-addext", "subjectAltName=DNS:wiki.test.example", "-days", &days.to_string(), "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let both = std::fs::read_to_string(&key).unwrap() + &std::fs::read_to_string(&certificate).unwrap();
    std::fs::remove_file(&key).unwrap();
    std::fs::write(chapter.path("wiki.pem"), both).unwrap();
    chapter.resources(&RESOURCES.replace("CERTIFICATE", &certificate.display().to_string()))
}

#[test]
fn a_service_that_was_changed_is_checked_and_one_that_broke_is_named() {
    let host = Host::new();
    let chapter = chapter(&host, 90);
    let _ = chapter.apply().success().stdout_has("Checks: 12 passed, 0 failed, 0 unknown.");
    let _ = chapter.apply().success().never_says("Checks");
    let json = chapter.run(&["verify", "--format", "json", "--junit", "checks.xml"]).success();
    assert_eq!(fits(&chapter, "verify", json.text()), Ok(()));
    assert_eq!(json.json()["summary"]["passed"], 12);
    assert!(std::fs::read_to_string(chapter.path("checks.xml")).unwrap().contains("tests=\"12\" failures=\"0\""));

    host.sh("systemctl stop nginx");
    let broken = chapter.run(&["verify", "--within", "0"]).status(3);
    let _ = broken
        .stdout_has("web1  bench    unit nginx ")
        .stdout_has("failed: it is inactive")
        .stdout_has("failed: port 443 cannot be reached: Connection refused")
        .stdout_has("Checks: 6 passed, 6 failed, 0 unknown.");
}

#[test]
fn an_apply_whose_service_does_not_answer_fails() {
    let host = Host::new();
    let lines = "  - file: { path: /etc/motd, content: x }\nchecks:\n  - { within: 1, tcp: { port: 8080 } }\n";
    let chapter = Chapter::new().host("web1", &host).resources(lines);
    let events = chapter.run(&["apply", "--yes", "--format", "json"]).status(3);
    let _ = events.stderr_has("bench on web1: the check `tcp 8080` failed: port 8080 cannot be reached");
    let events = chapter.run(&["verify", "--within", "0", "--format", "json"]).status(3).json();
    assert_eq!(events["hosts"][0]["checks"][0]["result"], "failed");
}

#[test]
fn a_canary_whose_service_does_not_answer_keeps_the_others_as_they_are() {
    let [one, other] = Host::several();
    let lines = "  - file: { path: /etc/motd, content: new }\nchecks:\n  - { within: 1, tcp: { port: 8080 } }\n";
    let chapter = Chapter::new().host("web1", &one).host("web2", &other).resources(lines);
    let summary = chapter.run(&["apply", "--yes", "--canary", "--format", "json"]).status(3).events();
    let hosts = &summary.last().unwrap()["hosts"];
    assert_eq!((&hosts[0]["status"], &hosts[1]["status"]), (&"failed".into(), &"not-started".into()), "{summary:?}");
    assert!(summary.iter().any(|event| event["event"] == "check-failed" && event["host"] == "web1"), "{summary:?}");
    assert_eq!((one.sh("cat /etc/motd"), other.sh("grep -c new /etc/motd || true")), ("new".into(), "0\n".into()));
}

#[test]
fn what_is_about_to_end_or_listens_without_being_declared_fails() {
    let host = Host::new();
    let chapter = chapter(&host, 10);
    let _ = chapter.apply().status(3).stderr_has("the check `tls wiki.test.example` failed: the certificate ends in");
    let guest = "pid /run/guest.pid; events {} http { server { listen 4444; } server { listen 127.0.0.1:4445; } }";
    host.sh(&format!("echo '{guest}' >/tmp/guest.conf; nginx -c /tmp/guest.conf >/dev/null 2>&1"));
    let _ = chapter
        .run(&["verify", "--within", "0"])
        .status(3)
        .stdout_has("something listens to the network on 4444 too");
}

#[test]
fn a_host_that_cannot_be_asked_is_unknown_not_passed() {
    let host = Host::new();
    let lines = "  - file: { path: /etc/motd, content: x }\nchecks:\n  - { unit: { name: cron } }\n";
    let chapter = Chapter::new().host("web1", &host).resources(lines);
    let _ = chapter.run(&["verify"]).success();
    host.cut();
    let cut = chapter.run(&["verify", "--within", "0", "--connect-timeout", "2"]).status(3);
    let _ = cut.stdout_has("unknown: ").stdout_has("Checks: 0 passed, 0 failed, 1 unknown.");
    host.join();
}
