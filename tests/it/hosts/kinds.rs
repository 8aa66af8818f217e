//! Kinds of whole hosts beyond their laws: interrupted, unplugged, and among people who mean harm.

use std::time::Duration;

use super::laws::bench;
use super::laws::bench::{Applied, assert_converged};
use crate::support::{Chapter, Host, keygen, ssh, wait_for};

fn apply(host: &Host, kind: &str, yaml: &str) -> Applied {
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(host, shared.path());
    bench.apply(kind, &*bench.item(kind, yaml))
}

/// Killed before every fourth command, and run again.
#[test]
fn an_apply_that_was_killed_converges_when_it_is_run_again() {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE";
    let user = format!("{{ name: ana, groups: [adm], password: none, authorized_keys: [{KEY}] }}");
    let cases = [
        ("group", "{ name: editors, gid: 4711 }", "groupdel -f editors"),
        ("user", user.as_str(), "userdel -rf ana"),
        ("user", "{ name: ana, state: absent }", "userdel -rf ana; useradd -m -G adm ana"),
        ("service", "{ name: cron }", "systemctl disable --now cron"),
        (
            "sysctl",
            "{ key: net.ipv4.ip_forward, value: 1 }",
            "sysctl -qw net.ipv4.ip_forward=0; rm -f /etc/sysctl.d/60-*",
        ),
        (
            "timer",
            "{ name: beat, command: x, every: 1h }",
            "systemctl disable --now beat.timer; rm -f /etc/systemd/system/beat.*",
        ),
    ];
    let host = Host::new();
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(&host, shared.path());
    for (kind, yaml, spoil) in cases {
        let item = bench.item(kind, yaml);
        let mut killed = 0;
        for command in (1..).step_by(4) {
            host.try_sh(spoil);
            if bench.interrupt(kind, &*item, command) != Applied::Silent {
                break;
            }
            killed += 1;
            let again = bench.apply(kind, &*item);
            assert!(matches!(again, Applied::Changed | Applied::Unchanged), "{yaml}, before {command}: {again:?}");
            assert_converged(&*item, &bench.probe_one(kind, &*item));
            assert_eq!(bench.apply(kind, &*item), Applied::Unchanged, "{yaml}, before {command}");
        }
        assert!(killed > 0, "{yaml} was never killed");
    }
}

#[test]
fn a_power_cut_in_the_middle_of_an_installation_is_repaired() {
    const NGINX: &str = "{ name: nginx }";
    let host = Host::new();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| apply(&host, "package", NGINX));
        wait_for("dpkg unpacks", Duration::from_mins(1), || {
            host.try_sh(
                "grep -q '^Status: install ok \\(unpacked\\|half\\)' /var/lib/dpkg/status || \
                         [ -n \"$(ls /var/lib/dpkg/updates)\" ]",
            )
            .status
            .success()
        });
        host.kill();
        assert_eq!(run.join().unwrap(), Applied::Silent);
    });
    host.boot();
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(&host, shared.path());
    let item = bench.item("package", NGINX);
    assert_eq!(bench.apply("package", &*item), Applied::Changed);
    assert_converged(&*item, &bench.probe_one("package", &*item));
    assert_eq!(host.sh("dpkg --audit; systemctl is-active nginx"), "active\n");
}

#[test]
fn apt_may_not_take_away_what_nobody_declared() {
    let host = Host::new();
    let apply = |yaml: &str| apply(&host, "package", yaml);
    assert_eq!(apply("{ name: msmtp-mta }"), Applied::Changed);
    let Applied::Failed(said) = apply("{ name: nullmailer }") else { panic!("msmtp-mta was removed") };
    assert!(said.contains("apt would also remove: msmtp-mta"), "{said}");
    assert_eq!(host.sh("dpkg-query -W -f '${Status}' msmtp-mta"), "install ok installed");
    assert_eq!(apply("{ name: nullmailer, may_remove: [msmtp-mta] }"), Applied::Changed);
    let Applied::Failed(said) = apply("{ name: mail-transport-agent }") else { panic!("it is virtual") };
    assert!(said.contains("virtual package"), "{said}");
}

#[test]
fn a_package_that_shall_not_start_does_not_and_the_policy_is_as_before() {
    let host = Host::new();
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(&host, shared.path());
    host.sh("printf '#!/bin/sh\\nexit 0\\n' >/usr/sbin/policy-rc.d; chmod 700 /usr/sbin/policy-rc.d");
    let before = host.sh("stat -c '%i %a' /usr/sbin/policy-rc.d; cat /usr/sbin/policy-rc.d");
    let item = bench.item("package", "{ name: nginx, start: false }");
    assert_eq!(bench.apply("package", &*item), Applied::Changed);
    assert_eq!(host.sh("systemctl is-active nginx || true; systemctl is-enabled nginx"), "inactive\nenabled\n");
    assert_eq!(host.sh("stat -c '%i %a' /usr/sbin/policy-rc.d; cat /usr/sbin/policy-rc.d"), before);
}

/// What an account's owner may do in its own home must not reach anything else.
#[test]
fn links_planted_in_a_home_lead_nowhere() {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE";
    let host = Host::new();
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(&host, shared.path());
    let item = bench.item("user", &format!("{{ name: ana, authorized_keys: [{KEY}] }}"));
    let gone = bench.item("user", "{ name: ana, state: absent }");
    host.sh("useradd -m ana");
    let guarded = "stat -c '%n %a %u %Y %Z' /root /root/.ssh /root/.ssh/* /etc/shadow; sha256sum /root/.ssh/*";
    for plant in [
        "ln -s /root/.ssh .ssh",
        "mkdir .ssh; ln -s /etc/shadow .ssh/authorized_keys",
        "mkdir .ssh; ln -s /root/.ssh/authorized_keys .ssh/authorized_keys2",
        "mkdir .ssh; mkfifo .ssh/authorized_keys",
        "mkdir -p .ssh/authorized_keys/x",
        "echo x >.ssh",
    ] {
        for item in [&item, &gone] {
            host.sh(&format!("cd /home/ana; rm -rf .ssh; {plant}; chown -hR ana: /home/ana"));
            bench.apply("user", &**item); // once for the account itself, so that shadow stays as it is below
            host.sh(&format!("cd /home/ana; rm -rf .ssh; {plant}; chown -hR ana: /home/ana"));
            let before = host.sh(guarded);
            let seen = format!("{:?}", bench.probe_one("user", &**item));
            assert!(!seen.contains("root:"), "{plant}: {seen}");
            let applied = bench.apply("user", &**item);
            assert!(matches!(applied, Applied::Changed | Applied::Unchanged), "{plant}: {applied:?}");
            assert_converged(&**item, &bench.probe_one("user", &**item));
            assert_eq!(host.sh(guarded), before, "{plant}");
        }
    }
}

#[test]
fn a_declared_key_logs_in_and_a_closed_account_does_not() {
    let host = Host::new();
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(&host, shared.path());
    let key = host.key().with_file_name(format!("{}-ana", host.name));
    let _ = std::fs::remove_file(&key);
    let public = keygen(&key);
    let login = || ssh(&key, &host.host_key(), &host.address, 22, "ana").arg("id -un").output().unwrap().stdout;
    let item = bench.item("user", &format!("{{ name: ana, password: none, authorized_keys: [{public}] }}"));
    assert_eq!(bench.apply("user", &*item), Applied::Changed);
    assert_eq!(String::from_utf8_lossy(&login()), "ana\n");
    host.sh("usermod -p \"$(echo secret | openssl passwd -stdin 2>/dev/null || echo '$1$x$y')\" ana");
    let gone = bench.item("user", "{ name: ana, state: absent }");
    assert_eq!(bench.apply("user", &*gone), Applied::Changed);
    assert_eq!(login(), b"");
    assert_eq!(host.sh("test -d /home/ana && passwd -S ana | cut -d ' ' -f 2"), "L\n");
    assert_eq!(bench.apply("user", &*item), Applied::Changed);
    assert_eq!(String::from_utf8_lossy(&login()), "ana\n");
}

const EVERYTHING: &str = r#"
  - group: { name: editors, gid: 4711 }
  - user: { name: ben, comment: "Ben $(x) 'B'", groups: [editors], password: none, authorized_keys: ["restrict ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE ben"] }
  - package: { name: nginx, start: false }
  - package: { name: nano, state: absent }
  - file: { path: /etc/nginx/conf.d/test.conf, content: "server { listen 8080; }\n" }
  - command: { name: make the site, run: "mkdir /srv/site && id -un >/srv/site/by", creates: /srv/site/by }
  - command: { name: count changes, run: "echo x >>/root/count", on_change: ["/etc/nginx/**"] }
  - command: { name: only the change can tell, run: "touch /root/told", unless: test -e /root/told }
  - service: { name: nginx, reload_on: ["/etc/nginx/**"], validate: nginx -t }
  - sysctl: { key: net.ipv4.ip_forward, value: 1 }
  - timer: { name: beat, command: "date >/root/beat", on_calendar: hourly, user: root }
"#;

#[test]
fn a_bare_host_gets_something_of_every_kind_in_one_command() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).resources(EVERYTHING);
    let _ = chapter.apply().success();
    let look = "id -Gn ben; cat /srv/site/by /root/count; systemctl is-active nginx beat.timer; sysctl -n net.ipv4.ip_forward";
    let expected = "ben editors\nroot\nx\nactive\nactive\n1\n";
    assert_eq!(host.sh(look), expected);
    let plan = chapter.run(&["plan", "--detailed-exitcode"]).status(2);
    let _ = plan.stdout_has("Plan: 0 to create, 0 to update, 0 to delete, 1 to run on 1 host.");
    let again = chapter.run(&["apply", "--yes", "--format", "json"]).success().events();
    let summary = &again.last().unwrap()["hosts"][0];
    assert_eq!((&summary["status"], &summary["changed"]), (&"converged".into(), &0.into()), "{again:?}");
    assert_eq!(host.sh(look), expected);
}
