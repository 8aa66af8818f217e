//! `steward audit` on a bare host, on one with things planted, and on one that `baseline` was applied to.

use serde_json::Value;

use crate::schemas::fits;
use crate::support::{Chapter, Host};

fn results(json: &Value) -> Vec<(&str, &str)> {
    let points = json["hosts"][0]["points"].as_array().unwrap();
    points.iter().map(|it| (it["id"].as_str().unwrap(), it["result"].as_str().unwrap())).collect()
}

fn failed(json: &Value) -> Vec<&str> {
    results(json).into_iter().filter(|(_, result)| *result == "fail").map(|(id, _)| id).collect()
}

fn chapter(host: &Host, services: &str) -> Chapter {
    let key = std::fs::read_to_string(host.key().with_extension("pub")).unwrap();
    let head = format!(
        "id: 00112233445566778899aabbccddeeff\nchapter: {{ name: Test, domain: test.example }}\n\
         people: {{ ana: {{ name: Ana, role: maintainer, ssh: [{}] }} }}\n{services}",
        key.trim()
    );
    Chapter::new().file("chapter.yaml", head).host("web1", host)
}

const PLANTED: &str = "\
    echo x >/etc/open.conf; chmod 666 /etc/open.conf
    mkdir -m 700 /srv/closed; echo x >/srv/closed/x.sql; mkdir /srv/web; echo x >/srv/web/members.sql
    printf '%s\\n' '-----BEGIN PRIVATE KEY-----' >/etc/ssl/mine.key; chmod 644 /etc/ssl/mine.key
    echo 'toor:x:0:0::/root:/bin/sh' >>/etc/passwd; echo 'toor:!:1::::::' >>/etc/shadow
    useradd -m bob; passwd -d bob >/dev/null
    systemd-run --quiet --unit=stray --socket-property=ListenStream=0.0.0.0:8080 --socket-property=ListenDatagram=0.0.0.0:161 cat
    systemd-run --quiet --unit=broken false; sleep 0.2";

#[test]
fn a_bare_host_fails_what_the_baseline_sets_right() {
    let host = Host::new();
    let chapter = chapter(&host, "services: {}\n");
    let bare = chapter.run(&["audit", "web1", "--format", "json", "--junit", "audit.xml"]).status(3);
    assert_eq!(fits(&chapter, "audit", bare.text()), Ok(()));
    let bare = bare.json();
    for id in ["ssh.passwords", "ssh.macs", "network.firewall", "updates.security", "updates.automatic"] {
        assert!(failed(&bare).contains(&id), "{id}: {bare:#}");
    }
    for id in ["files.writable", "files.keys", "files.dumps", "network.tcp", "accounts.root", "system.units"] {
        assert!(results(&bare).contains(&(id, "pass")), "{id}: {bare:#}");
    }
    assert!(std::fs::read_to_string(chapter.path("audit.xml")).unwrap().contains("ssh.passwords: nobody logs in"));

    host.sh(PLANTED);
    let text = chapter.run(&["audit"]).status(3);
    let text = text
        .stdout_has("        /etc/open.conf\n")
        .stdout_has("        /srv/web/members.sql\n")
        .stdout_has("        /etc/ssl/mine.key\n")
        .stdout_has("        account toor has the number of root, 0 (/etc/passwd)\n")
        .stdout_has("        bob\n        → `passwd --lock ACCOUNT`")
        .stdout_has("        8080\n        → `ss -lnp -t`")
        .stdout_has("        161\n")
        .stdout_has("        broken.service\n")
        .never_says("/srv/closed");
    assert!(text.text().rfind("fail  web1").unwrap() < text.text().find("pass  web1").unwrap(), "{text}");
    let _ = chapter.run(&["audit", "--limit", "service:x"]).status(1).stderr_has("whole hosts");

    host.cut();
    let gone = chapter.run(&["audit", "--format", "json", "--connect-timeout", "2"]).status(4);
    assert_eq!(fits(&chapter, "audit", gone.text()), Ok(()));
    assert_eq!(gone.json()["hosts"][0]["points"], serde_json::json!([]));
    host.join();
}

#[test]
fn a_host_with_the_baseline_passes() {
    let host = Host::new();
    let chapter = chapter(
        &host,
        "services: { apt: { module: apt, on: all }, firewall: { module: firewall, on: all }, base: { module: baseline, on: all } }\n",
    );
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    // what the hosting put there besides its login, and nobody declared
    let fixture = chapter.run(&["audit", "--format", "json"]).status(3).json();
    assert_eq!(failed(&fixture), ["accounts.keys"], "{fixture:#}");
    host.sh("rm /root/.ssh/authorized_keys");
    let json = chapter.run(&["audit", "--format", "json"]).success().json();
    assert_eq!(failed(&json), [""; 0], "{json:#}");
    let skipped: Vec<&str> =
        results(&json).into_iter().filter(|(_, result)| *result == "skip").map(|(id, _)| id).collect();
    assert_eq!(skipped, ["accounts.bootstrap", "tls.certificates"], "{json:#}");
}
