//! The road of a first evening: a bare Debian host, one `apply`, a website; then what drift, a reboot and the operator's
//! own account look like. One host serves the whole story, since each step needs the one before.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use crate::support::{Chapter, Host, wait_for};

const SERVICES: &str = "\
services:
  apt:      { module: apt, on: all }
  firewall: { module: firewall, on: all }
  baseline: { module: baseline, on: all, params: { timezone: Europe/Madrid } }
  nginx:    { module: nginx, on: web1 }
  website:  { module: static-site, on: web1, params: { domain: www.test.example, source: site } }
";

#[test]
fn a_bare_host_becomes_a_web_server_in_one_apply_and_stays_one() {
    let host = Host::new();
    let chapter = chapter(&host);
    host.sh("systemd-run --quiet --unit=stray --socket-property=ListenStream=0.0.0.0:8080 cat");
    assert!(is_open(&host, 8080) && !is_open(&host, 80));
    assert!(methods(&host).contains("password"));

    chapter.run(&["plan", "--detailed-exitcode", "-v"]).status(2).stderr_has("as admin (bootstrap login)");
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    assert!(fetch(&host).ends_with("\r\n\r\n<h1>Tuesday at seven</h1>\n"));
    assert_eq!(methods(&host), "publickey");
    assert_eq!(
        host.sh("cat /etc/timezone; readlink /etc/localtime"),
        "Europe/Madrid\n/usr/share/zoneinfo/Europe/Madrid\n"
    );
    only_the_declared_ports_are_open(&host);
    the_operator_has_an_account_of_their_own(&host);

    let again = chapter.run(&["apply", "--yes", "-v"]).success().no_changes();
    assert!(again.said().contains("web1: ") && !again.said().contains("bootstrap"), "{again}");
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 1);
    chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();

    drift_is_named_and_mended(&chapter, &host);

    host.kill();
    host.boot();
    chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
    only_the_declared_ports_are_open(&host);
    assert!(fetch(&host).contains("Tuesday at seven"));
}

fn chapter(host: &Host) -> Chapter {
    let key = std::fs::read_to_string(host.key().with_extension("pub")).unwrap();
    Chapter::new()
        .file(
            "chapter.yaml",
            format!(
                "id: 00112233445566778899aabbccddeeff\nchapter: {{ name: Test, domain: test.example, locale: en }}\n\
                 people: {{ ana: {{ name: Ana, role: maintainer, ssh: [{}] }} }}\n",
                key.trim()
            ),
        )
        .file("services.yaml", SERVICES)
        .file("site/index.html", "<h1>Tuesday at seven</h1>\n")
        .file("site/deep/binary.bin", [0, 255, 10, 13, 0])
        .host("web1", host)
}

fn drift_is_named_and_mended(chapter: &Chapter, host: &Host) {
    host.sh("echo '# by hand' >> /etc/nginx/conf.d/steward.conf");
    let plan = chapter.run(&["plan", "--detailed-exitcode", "--format", "json"]).status(2).json();
    let changes: Vec<_> = plan["hosts"][0]["changes"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(changes, ["file:/etc/nginx/conf.d/steward.conf", "service:nginx"]);
    assert_eq!(plan["summary"]["update"], 1);
    assert_eq!(plan["summary"]["reload"], 1);
    assert!(host.sh("cat /etc/nginx/conf.d/steward.conf").contains("by hand"), "a plan changes nothing");
    let before = host.sh("systemctl show -p MainPID nginx");
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    assert!(!host.sh("cat /etc/nginx/conf.d/steward.conf").contains("by hand"));
    assert_eq!(host.sh("systemctl show -p MainPID nginx"), before, "reloaded, not restarted");
    chapter.run(&["plan", "--detailed-exitcode"]).success();
}

fn only_the_declared_ports_are_open(host: &Host) {
    assert!(is_open(host, 22) && is_open(host, 80) && !is_open(host, 8080));
    let rules = host.sh("nft list chain inet steward input");
    let mut ports: Vec<&str> = rules.split(" dport ").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
    ports.sort_unstable();
    // 546: answers of DHCPv6, from the same link only.
    assert_eq!(ports, ["22", "546", "80"], "{rules}");
}

fn the_operator_has_an_account_of_their_own(host: &Host) {
    let whoami = ssh(host, "ana").args(["id -un; sudo -n id -un"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&whoami.stdout), "ana\nroot\n");
    assert_eq!(
        host.sh("stat -c '%U %a' /home/ana/.ssh/authorized_keys; passwd -S ana | cut -d' ' -f2"),
        "ana 600\nL\n"
    );
}

fn ssh(host: &Host, user: &str) -> Command {
    crate::support::ssh(host.key(), &host.host_key(), &host.address, 22, user)
}

/// The ways of logging in that the server offers to somebody without a key.
fn methods(host: &Host) -> String {
    let mut command = ssh(host, "admin");
    command.args(["-o", "PreferredAuthentications=none", "-i", "/dev/null", "true"]);
    let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
    let offered = said.rsplit_once("Permission denied (").unwrap_or_else(|| panic!("{said}")).1;
    offered.trim_end().trim_end_matches(").").to_owned()
}

fn is_open(host: &Host, port: u16) -> bool {
    let address: SocketAddr = format!("{}:{port}", host.address).parse().unwrap();
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

/// The website, as a browser gets it.
fn fetch(host: &Host) -> String {
    let mut answer = String::new();
    // a reload returns before the new configuration serves
    wait_for("the website answers", Duration::from_secs(10), || {
        let mut stream = TcpStream::connect((host.address.as_str(), 80)).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\nHost: www.test.example\r\n\r\n").unwrap();
        answer.clear();
        stream.read_to_string(&mut answer).unwrap();
        answer.starts_with("HTTP/1.1 200 ")
    });
    answer
}
