//! The lock-out drill: changes after which nobody could get in. Each is undone by the host itself, and the host answers
//! again. Three are tried in every run, all of them with `STEWARD_DRILLS=all`.

use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::{Chapter, Host, wait_for};

struct Drill {
    name: &'static str,
    login: &'static str,
    /// What the host is before, beyond the usual; a shell command.
    before: &'static str,
    resources: &'static str,
    ends: Ends,
}

#[derive(Clone, Copy, PartialEq)]
enum Ends {
    /// Taken back, exit code 7.
    RolledBack,
    /// The same, after a power cut before anybody could confirm it.
    PowerCut,
    /// Refused by its own step, exit code 3.
    Refused,
}

const SSHD: &str = "  - service: { name: ssh, reload_on: [/etc/ssh/**] }\n";

const DRILLS: &[Drill] = &[
    Drill {
        name: "users without oneself, and the power fails",
        login: "admin",
        before: "",
        resources: "  - file: { path: /etc/ssh/sshd_config.d/drill.conf, content: \"AllowUsers nobody\\n\" }\nSSHD",
        ends: Ends::PowerCut,
    },
    Drill {
        name: "a firewall without 22",
        login: "admin",
        before: "",
        resources: "  - file: { path: /etc/nftables.conf, content: \"flush ruleset\\ntable inet drill { chain in { type filter hook input priority 0; policy drop; ct state established accept; iif lo accept;\\n}\\n}\\n\" }
  - service: { name: nftables, reload_on: [/etc/nftables.conf] }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "sudo for one command only",
        login: "admin",
        before: "",
        resources: "  - file: { path: /etc/sudoers.d/admin, content: \"admin ALL=(ALL) NOPASSWD: /bin/true\\n\", mode: \"0440\" }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "another port",
        login: "admin",
        before: "",
        resources: "  - file: { path: /etc/ssh/sshd_config.d/drill.conf, content: \"Port 2222\\n\" }\nSSHD",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "sudoers that nobody can read",
        login: "admin",
        before: "",
        resources: "  - file: { path: /etc/sudoers.d/drill, content: \"admin ALL=(ALL NOPASSWD\\n\", mode: \"0440\" }\n",
        ends: Ends::Refused,
    },
    Drill {
        name: "keys without one's own",
        login: "admin",
        before: "",
        resources: "  - user: { name: admin, authorized_keys: [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZ0Zm5nZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dn other\"] }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "an sshd that is valid and takes no keys",
        login: "admin",
        before: "",
        resources: "  - file: { path: /etc/ssh/sshd_config.d/drill.conf, content: \"AuthenticationMethods password\\n\" }\nSSHD",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "no root, by root",
        login: "root",
        before: "",
        resources: "  - file: { path: /etc/ssh/sshd_config.d/drill.conf, content: \"PermitRootLogin no\\n\" }\nSSHD",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "another address",
        login: "admin",
        before: "",
        // these hosts have no manager of networks that works without udev; this is one
        resources: "  - file:
      path: /etc/systemd/system/networking.service
      content: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=sh -c 'ip address flush dev host0; ip address add $(cat /etc/network/drill) dev host0'
        [Install]
        WantedBy=multi-user.target
  - directory: { path: /etc/network }
  - file: { path: /etc/network/drill, content: \"192.0.2.7/24\\n\" }
  - service: { name: networking, reload_on: [/etc/network/**] }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "the group that may use sudo",
        login: "admin",
        before: "groupadd ops && usermod -aG ops admin && echo '%ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin",
        resources: "  - group: { name: ops, state: absent }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "no shell",
        login: "admin",
        before: "",
        resources: "  - user: { name: admin, shell: /bin/false }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "an expired account",
        login: "admin",
        before: "",
        resources: "  - user: { name: admin, expires: 2020-01-01 }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "PAM denies everybody, and the power fails",
        login: "admin",
        before: "",
        resources: "  - file: { path: /etc/pam.d/sshd, content: \"account required pam_deny.so\\n\" }\n",
        ends: Ends::PowerCut,
    },
    Drill {
        name: "a home that everybody may write to",
        login: "admin",
        before: "",
        resources: "  - directory: { path: /home/admin, mode: \"0777\", owner: admin, group: admin }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "a firewall that cuts even this connection",
        login: "admin",
        before: "",
        resources: "  - file: { path: /etc/nftables.conf, content: \"flush ruleset\\ntable inet drill { chain in { type filter hook input priority 0; policy drop;\\n}\\n}\\n\" }
  - service: { name: nftables, reload_on: [/etc/nftables.conf] }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "a firewall that nft cannot read, and a start that fails",
        login: "admin",
        before: "",
        resources: "  - file: { path: /etc/nftables.conf, content: \"table inet drill {\\n\" }
  - service: { name: nftables, reload_on: [/etc/nftables.conf] }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "a socket of systemd that listens elsewhere",
        login: "admin",
        before: "systemctl disable --now ssh.service; systemctl enable --now ssh.socket; systemctl start ssh.service",
        resources: "  - directory: { path: /etc/systemd/system/ssh.socket.d }
  - file: { path: /etc/systemd/system/ssh.socket.d/drill.conf, content: \"[Socket]\\nListenStream=\\nListenStream=2222\\n\" }
  - service: { name: ssh.socket, restart_on: [/etc/systemd/system/ssh.socket.d/**] }\n",
        ends: Ends::RolledBack,
    },
    Drill {
        name: "ufw without 22",
        login: "admin",
        before: "systemctl disable --now ssh.socket 2>/dev/null; systemctl enable --now ssh.service; \
            apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qqy ufw && ufw allow 22/tcp && sed -i s/ENABLED=no/ENABLED=yes/ /etc/ufw/ufw.conf && systemctl start ufw",
        resources: "  - file: { path: /etc/ufw/user.rules, mode: \"0640\", content: \"*filter\\n:ufw-user-input - [0:0]\\n:ufw-user-output - [0:0]\\n:ufw-user-forward - [0:0]\\n:ufw-user-limit - [0:0]\\n:ufw-user-limit-accept - [0:0]\\nCOMMIT\\n\" }
  - service: { name: ufw, restart_on: [/etc/ufw/user.rules] }\n",
        ends: Ends::RolledBack,
    },
];

/// What a rollback must bring back to the byte.
const LIFELINES: &str = "all='/etc/ssh /etc/sudoers /etc/sudoers.d /etc/pam.d /etc/nftables.conf /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/systemd/network /etc/systemd/system /home/admin/.ssh /root/.ssh'
  find $all -printf '%M %u %g %p %l\\n' | sort | grep -v steward-rollback; find $all -type f -exec sha256sum {} + | sort | grep -v steward-rollback; stat -c '%n %U %a' /home/admin
  nft -s list ruleset; ip -4 -o address show dev host0 | awk '{ print $4 }'; ip route
  for unit in ssh nftables; do echo $unit $(systemctl is-enabled $unit) $(systemctl is-active $unit); done";

#[test]
fn users_without_oneself_are_undone_after_a_power_cut() {
    every_third(0);
}

#[test]
fn a_firewall_that_lets_nobody_in_is_undone() {
    every_third(1);
}

#[test]
fn sudo_that_does_not_make_root_any_more_is_undone() {
    every_third(2);
}

/// The drill of this place in the table. With `STEWARD_DRILLS=all` every third one after it, too; with any other word those
/// of them that have it in their names.
fn every_third(first: usize) {
    let asked = std::env::var("STEWARD_DRILLS");
    let chosen = |(place, drill): &(usize, &'static Drill)| match &asked {
        Ok(word) => word == "all" || drill.name.contains(word.as_str()),
        Err(_) => *place == first,
    };
    let host = Host::new();
    for (_, drill) in DRILLS.iter().enumerate().skip(first).step_by(3).filter(chosen) {
        tried(drill, &host);
        said(drill.name);
    }
}

/// For whoever runs all of them.
#[allow(clippy::print_stdout, reason = "the runner of tests shows it if asked")]
fn said(drill: &str) {
    println!("drill: {drill}: undone, and the host answers");
}

fn chapter(drill: &Drill, host: &Host) -> Chapter {
    let entry = format!(
        "{{ address: {}, user: {}, host_key: {}, os: debian-12 }}",
        host.address,
        drill.login,
        host.host_key()
    );
    Chapter::new().key(host.key()).entry("web1", &entry).resources(&drill.resources.replace("SSHD", SSHD))
}

fn tried(drill: &Drill, host: &Host) {
    if !drill.before.is_empty() {
        host.sh(drill.before);
    }
    let chapter = chapter(drill, host);
    let before = host.sh(LIFELINES);
    let plan = chapter.run(&["plan", "--detailed-exitcode"]).status(2).stdout_has("could lock you out");
    match drill.ends {
        Ends::RolledBack => {
            let ran = chapter.run(&["apply", "--yes", "--confirm-timeout", "10"]).status(7);
            let ran = ran.stderr_has("error: host web1 took back what could lock everybody out (");
            assert!(ran.text().contains("web1: rolled-back; "), "{}: {ran}", drill.name);
        }
        Ends::PowerCut => {
            let child = waiting(&chapter, host, "60");
            host.kill();
            host.boot();
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(7), "{}: {said}", drill.name);
            assert!(said.contains("the host started again before anybody confirmed it"), "{}: {said}", drill.name);
        }
        Ends::Refused => {
            let _ = chapter.run(&["apply", "--yes", "--confirm-timeout", "10"]).status(3).stderr_has("visudo says:");
        }
    }
    let after = host.sh(LIFELINES);
    let differs = |one: &str, other: &str| {
        one.lines().filter(|line| !other.contains(line)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(differs(&after, &before), differs(&before, &after), "{}", drill.name);
    let now = chapter.run(&["plan", "--detailed-exitcode"]).status(2);
    let changes =
        |text: &str| text.lines().filter(|line| line.contains("[bench]")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(changes(now.text()), changes(plan.text()), "{}", drill.name);
    if drill.ends != Ends::Refused {
        assert!(now.text().contains("was rolled back"), "{}: {now}", drill.name);
        let _ = chapter.run(&["history", "web1"]).success().stdout_has("  rolled-back  ");
    }
    nothing_waits(host);
}

/// An apply that has changed the host, and has not confirmed it.
fn waiting(chapter: &Chapter, host: &Host, within: &str) -> Child {
    let mut command = chapter.command(&["apply", "--yes", "--confirm-timeout", within]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the host waits for a confirmation", Duration::from_secs(30), || {
        host.try_sh("test -e /var/lib/steward/pending/over").status.success()
    });
    child
}

fn nothing_waits(host: &Host) {
    let left = "ls -d /var/lib/steward/pending* /var/lib/steward/rolling /var/lib/steward/confirmed 2>/dev/null; find / -xdev -name '.steward.*' -prune -print; ls /var/lib/steward/rolled-back 2>/dev/null | grep saved; true";
    assert_eq!(host.sh(left), "");
    wait_for("nobody waits any more", Duration::from_secs(5), || {
        host.sh("systemctl list-units --plain --no-legend 'steward-guard-*'").is_empty()
    });
}

const HARMLESS: &str = "  - file: { path: /etc/ssh/sshd_config.d/drill.conf, content: \"MaxAuthTries 4\\n\" }\nSSHD";
const HARMFUL: &str =
    "  - file: { path: /etc/ssh/sshd_config.d/drill.conf, content: \"AllowUsers nobody\\n\" }\nSSHD";

fn with(chapter: Chapter, resources: &str) -> Chapter {
    chapter.resources(&resources.replace("SSHD", SSHD))
}

#[test]
fn whatever_becomes_of_the_operator_the_host_stays_open() {
    let host = Host::new();
    let chapter = with(Chapter::new().host("web1", &host), HARMLESS);
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    nothing_waits(&host);
    let before = host.sh(LIFELINES);
    let chapter = an_operator_who_is_killed_leaves_the_undoing_to_the_host(chapter, &host);
    assert_eq!(host.sh(LIFELINES), before);
    let chapter = a_rollback_that_the_power_interrupts_goes_on_at_boot(chapter, &host);
    assert_eq!(host.sh(LIFELINES), before);
    let chapter = without_room_to_save_what_is_there_nothing_is_changed(chapter, &host);
    assert_eq!(host.sh(LIFELINES), before);
    let chapter = with(chapter, HARMLESS);
    let plan = chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
    assert!(!plan.text().contains("rolled back"), "{plan}");
}

fn an_operator_who_is_killed_leaves_the_undoing_to_the_host(chapter: Chapter, host: &Host) -> Chapter {
    let chapter = with(chapter, HARMFUL);
    let mut child = waiting(&chapter, host, "12");
    child.kill().unwrap();
    child.wait().unwrap();
    // over the connection that is still open there is none; who comes as root, past SSH, is told whom to wait for
    let holder = host.sh("cat /var/lib/steward/pending/holder");
    assert!(holder.contains(" since "), "{holder}");
    // its guard is no more trusted than the operator
    host.sh("systemctl kill --signal=KILL 'steward-guard-*'");
    wait_for("the host has undone the change", Duration::from_secs(40), || {
        host.try_sh("test -e /var/lib/steward/rolled-back/why").status.success()
    });
    let why = "was rolled back (";
    let plan = chapter.run(&["plan", "--detailed-exitcode"]).status(2).stdout_has(why);
    assert!(plan.text().contains("nobody confirmed it within 12 s"), "{plan}");
    let json = chapter.run(&["plan", "--format", "json"]).success().json();
    assert_eq!(json["hosts"][0]["pending"]["state"], "rolled-back");
    let _ = chapter.run(&["history", "web1"]).success().stdout_has("  rolled-back  ");
    nothing_waits(host);
    chapter
}

/// As if it had been cut off right after it began.
fn a_rollback_that_the_power_interrupts_goes_on_at_boot(chapter: Chapter, host: &Host) -> Chapter {
    let chapter = with(chapter, HARMFUL);
    let mut child = waiting(&chapter, host, "60");
    host.sh("systemctl kill --signal=STOP 'steward-guard-*'; mv /var/lib/steward/pending /var/lib/steward/rolling");
    host.kill();
    child.kill().unwrap();
    child.wait().unwrap();
    host.boot();
    let _ = chapter
        .run(&["plan", "--detailed-exitcode"])
        .status(2)
        .stdout_has("the host started again before anybody confirmed it");
    nothing_waits(host);
    chapter
}

fn without_room_to_save_what_is_there_nothing_is_changed(chapter: Chapter, host: &Host) -> Chapter {
    let chapter = with(chapter, HARMFUL);
    host.sh("mount -t tmpfs -o size=256k full /var/lib/steward");
    let _ = chapter.apply().status(3).stderr_has("could not be saved, so nothing was changed");
    nothing_waits(host);
    host.unmount("/var/lib/steward");
    chapter
}

#[test]
fn through_a_jump_host_too_it_is_confirmed_or_undone() {
    let [web, gate] = Host::several();
    let entry = format!(
        "{{ address: {}, user: admin, host_key: {}, os: debian-12, jump: gate }}",
        web.address,
        web.host_key()
    );
    let chapter = |resources: &str| {
        let module =
            format!("version: 1\nsummary: {{ en: For a test. }}\nresources:\n{}", resources.replace("SSHD", SSHD));
        let chapter = Chapter::new().host("gate", &gate).entry("web1", &entry).file("modules/bench.yaml", module);
        let top = "id: 5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978\nchapter: { name: Test, domain: test.example }\n\
             services:\n  bench: { module: bench, on: web1 }\n";
        let chapter = chapter.file("chapter.yaml", top);
        let _ = chapter.run(&["module", "update"]).success();
        chapter
    };
    chapter(HARMLESS).run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    nothing_waits(&web);
    let before = web.sh(LIFELINES);
    let closed = format!(
        "  - file: {{ path: /etc/nftables.conf, content: \"flush ruleset\\ntable inet drill {{ chain in {{ type filter hook input priority 0; ip saddr {} tcp dport 22 ct state new drop;\\n}}\\n}}\\n\" }}
  - service: {{ name: nftables, reload_on: [/etc/nftables.conf] }}\n",
        gate.address
    );
    let ran = chapter(&closed).run(&["apply", "--yes", "--confirm-timeout", "10"]).status(7);
    let _ = ran.stderr_has("error: host web1 took back what could lock everybody out (");
    assert_eq!(web.sh(LIFELINES), before);
    nothing_waits(&web);
}

#[test]
fn another_operator_is_told_whom_to_wait_for() {
    let host = Host::new();
    let chapter = with(Chapter::new().host("web1", &host), HARMLESS);
    // a first run that is slow to be confirmed: its operator is stopped for a while
    let mut child = chapter.command(&["apply", "--yes", "--confirm-timeout", "60"]);
    let child = child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the host waits for a confirmation", Duration::from_secs(30), || {
        host.try_sh("test -e /var/lib/steward/pending/id").status.success()
    });
    let signal = |name: &str| {
        let pid = rustix::process::Pid::from_child(&child);
        let signal = if name == "STOP" { rustix::process::Signal::STOP } else { rustix::process::Signal::CONT };
        rustix::process::kill_process(pid, signal).unwrap();
    };
    signal("STOP");
    wait_for("the run is over", Duration::from_secs(30), || {
        host.try_sh("test -e /var/lib/steward/pending/over").status.success()
    });
    let other = with(Chapter::new().host("web1", &host), "  - file: { path: /etc/motd, content: other }\n");
    let plan = other.run(&["plan", "--detailed-exitcode"]).status(2);
    assert!(plan.text().contains("a change waits to be confirmed ("), "{plan}");
    let ran = other.run(&["apply", "--yes", "--lock-wait", "1"]).status(5);
    assert!(
        ran.said().contains("that change is not confirmed yet, and the host undoes it by itself unless it is"),
        "{ran}"
    );
    signal("CONT");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(other.apply().success().text().contains("web1: converged"));
    nothing_waits(&host);
}

#[test]
fn what_no_rollback_could_help_is_refused_before_any_change() {
    let host = Host::new();
    let resources = "  - file: { path: /etc/motd, content: new }\n  - user: { name: admin, state: absent }\n";
    let chapter = Chapter::new().host("web1", &host).resources(resources);
    let said = "admin is the account that this is done with; it cannot close itself";
    let plan = chapter.run(&["plan"]);
    assert!(plan.text().contains(said), "{plan}");
    let _ = chapter.apply().status(3).stderr_has(said);
    let chapter = chapter.resources("  - package: { name: sudo, state: absent }\n");
    let _ = chapter.apply().status(3).stderr_has("removing the package sudo could lock everybody out");
    assert_eq!(
        host.sh(
            "cat /etc/motd | grep -c '^new$' || true; test -x /usr/bin/sudo; ls /var/lib/steward 2>/dev/null || true"
        ),
        "0\n"
    );
}
