//! A whole service goes from a real host: its unit, its files, its account; and what happens to that when it is cut off.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Chapter, Host, wait_for};

const INVENTORY: &str = "\
id: 00112233445566778899aabbccddeeff
chapter: { name: Test, domain: test.example, min_readers: 1 }
people: { ana: { name: Ana, role: maintainer, age: [AGE] } }
services:
  base: { module: base, on: all }
";

const BASE: &str = r#"version: 1
summary: { en: What is always there. }
resources:
  - package: nginx-light
  - service: { name: nginx, reload_on: [/etc/nginx/**], validate: nginx -t }
  - for_each: "{{ range(10) }}"
    file: { path: "/etc/base.{{ item }}", content: "x\n" }
"#;

const WIKI: &str = r#"version: 1
summary: { en: A wiki. }
needs: { base: {} }
resources:
  - package: cowsay
  - group: wikigroup
  - user: { name: wiki, system: true, home: /srv/wiki, groups: [wikigroup] }
  - user: { name: editor, authorized_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE ana"] }
  - directory: { path: /srv/wiki, owner: wiki }
    data: true
  - directory: { path: /srv/wiki/cache, owner: wiki }
  - file: { path: /etc/wiki.conf, content: "key = {{ secrets.key }}\n", owner: wiki }
  - file: { path: /etc/nginx/conf.d/wiki.conf, content: "upstream wikiup { server 127.0.0.1:1; }\n" }
  - file:
      path: /etc/systemd/system/wiki.service
      content: |
        [Service]
        User=wiki
        ExecStart=sleep infinity
        [Install]
        WantedBy=multi-user.target
  - service: wiki
  - timer: { name: wiki-tidy, command: "true", on_calendar: daily }
  - line: { path: /etc/hosts, line: "203.0.113.7 wiki.test.example" }
  - block: { path: /etc/hosts, name: wiki, content: "203.0.113.8 w.test.example\n" }
  - sysctl: { key: net.ipv4.ip_local_port_range, value: "32768 60000" }
secrets:
  key: { generate: { length: 24 } }
"#;

fn chapter(host: &Host) -> Chapter {
    let chapter = Chapter::new().file("modules/wiki.yaml", WIKI).file("modules/base.yaml", BASE).host("web1", host);
    with_wiki(chapter)
}

fn with_wiki(chapter: Chapter) -> Chapter {
    without(chapter, "  wiki: { module: wiki, on: all }\n")
}

fn without(chapter: Chapter, more: &str) -> Chapter {
    let identity = chapter.home().join(".config/steward/identities.txt");
    if !identity.exists() {
        std::fs::create_dir_all(identity.parent().unwrap()).unwrap();
        assert!(Command::new("age-keygen").arg("-o").arg(&identity).output().unwrap().status.success());
    }
    let public = Command::new("age-keygen").arg("-y").arg(&identity).output().unwrap().stdout;
    let inventory = INVENTORY.replace("AGE", String::from_utf8(public).unwrap().trim());
    chapter.file("chapter.yaml", format!("{inventory}{more}"))
}

const STATE: &str = "systemctl is-active wiki wiki-tidy.timer; ls /etc/wiki.conf /etc/nginx/conf.d/wiki.conf /etc/systemd/system/wiki* \
    /etc/sysctl.d/*steward* /srv/wiki/cache 2>/dev/null; grep -c wiki /etc/hosts; getent group wikigroup; \
    passwd -S editor | cut -d ' ' -f 2; cat ~editor/.ssh/authorized_keys 2>/dev/null | grep -v '^#'; ls -d /srv/wiki ~editor; dpkg-query -W -f '${db:Status-Abbrev}' cowsay";

#[test]
fn a_service_goes_with_all_that_was_made_for_it() {
    let host = Host::new();
    let chapter = chapter(&host);
    chapter.run(&["secrets", "generate"]).success();
    host.sh("cp -p /etc/hosts /root/hosts.before");
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    host.sh("echo page >/srv/wiki/page; echo mine >~editor/mine");
    let chapter = without(chapter, "");
    let plan = chapter.plan().success();
    let first = plan.text().lines().find(|line| line.starts_with("  - ")).unwrap_or_default().to_owned();
    assert!(first.contains("- timer:wiki-tidy") || first.contains("- service:wiki"), "{plan}");
    let plan = plan.stdout_has("= directory:/srv/wiki stays: it holds data of wiki");
    let plan = plan.stdout_has("= package:cowsay stays: others may need it").stdout_has("^ reload service:nginx");
    assert!(!plan.text().contains("changed since Steward wrote it"), "nobody did: {plan}");
    assert!(!plan.text().contains("key = "), "the content of a file with secrets: {plan}");
    chapter.apply().status(1).stderr_has("--allow-deletions");
    chapter.run(&["apply", "--yes", "--format", "json", "--allow-deletions", "20"]).converged("web1", 3);
    chapter.run(&["plan", "--detailed-exitcode"]).success().stdout_has("= directory:/srv/wiki stays");
    gone(&host);
    host.sh("cmp /etc/hosts /root/hosts.before");
    assert_eq!(
        host.sh("grep -rl 'key = ' /var/lib/steward /run /dev/shm 2>/dev/null || true"),
        "",
        "no secret stays"
    );
    assert_eq!(
        host.sh("grep -c wiki /var/lib/steward/*/ledger /var/lib/steward/*/managed || true").lines().count(),
        2
    );
    let chapter = data_goes_by_a_word(chapter, &host);
    let chapter = with_wiki(chapter);
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    assert_eq!(host.sh("systemctl is-active wiki; id -nG wiki"), "active\nwiki wikigroup\n");
    chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
}

#[test]
fn whatever_cuts_it_off_one_apply_finishes_it() {
    let host = Host::new();
    let chapter = chapter(&host);
    chapter.run(&["secrets", "generate"]).success();
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    host.sh("echo page >/srv/wiki/page; echo mine >~editor/mine");
    let chapter = what_a_failed_validation_puts_back_is_not_forgotten(without(chapter, ""), &host);
    let chapter = a_kill_in_the_middle_loses_nothing(chapter, &host);
    chapter.run(&["apply", "--yes", "--format", "json", "--allow-deletions", "20"]).converged("web1", 3);
    chapter.run(&["plan", "--detailed-exitcode"]).success();
    gone(&host);
}

/// All that can go went, and nothing else.
fn gone(host: &Host) {
    assert_eq!(host.sh(&format!("{STATE}; true")), "inactive\ninactive\n0\nL\n/home/editor\n/srv/wiki\nii ");
    let kept = "cat /srv/wiki/page ~editor/mine; systemctl is-active nginx";
    assert_eq!(host.sh(kept), "page\nmine\nactive\n");
}

/// Somebody's own site needs what goes: nginx refuses to be without it.
fn what_a_failed_validation_puts_back_is_not_forgotten(chapter: Chapter, host: &Host) -> Chapter {
    host.sh("echo 'server { listen 81; location / { proxy_pass http://wikiup; } }' >/etc/nginx/conf.d/zz.conf");
    let ran = chapter.run(&["apply", "--yes", "--allow-deletions", "20"]).status(3);
    let _ = ran.stderr_has("the new files of service:nginx are not valid, the previous ones were restored");
    assert_eq!(host.sh("cat /etc/nginx/conf.d/wiki.conf"), "upstream wikiup { server 127.0.0.1:1; }\n");
    host.sh("rm /etc/nginx/conf.d/zz.conf");
    let _ =
        chapter.plan().success().stdout_has("- file:/etc/nginx/conf.d/wiki.conf  [wiki] no longer in the inventory");
    // all of it once more
    let chapter = with_wiki(chapter);
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    without(chapter, "")
}

/// The operator goes while the host takes away, and the power, too; one plain apply then finishes it.
fn a_kill_in_the_middle_loses_nothing(chapter: Chapter, host: &Host) -> Chapter {
    let slow = "/usr/local/sbin/usermod";
    for is_power in [false, true] {
        host.sh(&format!("printf '#!/bin/sh\\ntouch /run/closing\\nsleep 2\\nexec /usr/sbin/usermod \"$@\"\\n' >{slow}; chmod 755 {slow}"));
        let mut command = chapter.command(&["apply", "--yes", "--allow-deletions", "20", "--confirm-timeout", "10"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_for("an account is being closed", Duration::from_mins(1), || {
            host.try_sh("test -e /run/closing").status.success()
        });
        if is_power {
            host.kill();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if is_power {
            host.boot();
        } else {
            let over = || !host.try_sh("test -e /var/lib/steward/holder").status.success();
            wait_for("the host gave up", Duration::from_mins(1), over);
        }
        host.sh(&format!("rm -f /run/closing {slow}"));
        // nobody confirmed what happened to the accounts, so it is undone; what went before them stays done
        let settled = "! test -e /var/lib/steward/pending && ! test -e /var/lib/steward/rolling";
        wait_for("the accounts are back", Duration::from_mins(2), || host.try_sh(settled).status.success());
        let left = "- user:wiki  ! could lock you out  [wiki] no longer in the inventory";
        let plan = chapter.plan().success().stdout_has(left);
        for done in ["- file:/etc/wiki.conf", "cannot be read"] {
            assert!(!plan.text().contains(done), "{done}: {plan}");
        }
        assert_eq!(host.sh("cat /srv/wiki/page ~editor/mine"), "page\nmine\n");
    }
    chapter
}

fn data_goes_by_a_word(chapter: Chapter, host: &Host) -> Chapter {
    let chapter = without(chapter, "retire: { wiki: archive, \"package:cowsay\": remove }\n");
    chapter.plan().success().stdout_has("- directory:/srv/wiki").stdout_has("! data at risk");
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    assert_eq!(host.sh("cat /var/lib/steward/archive/*/1.wiki/page; ls -d /srv/wiki 2>/dev/null || true"), "page\n");
    assert_eq!(host.sh("stat -c %a%U /var/lib/steward/archive"), "700root\n");
    chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
    chapter
}
