//! The chapter of the campaign: one host, about 60 resources, and a *generation* that changes nearly all of them; and what
//! a host must look like once a generation is applied. Accounts are among them: a change of those waits for its confirmation,
//! so whatever comes next has to wait for what becomes of it.

use std::fmt::Write as _;

use crate::support::{Chapter, Host, Proxy};

/// Part of the one secret; must be nowhere but in the files that are to hold it.
const CANARY: &str = "Vk7m2canary";
/// Units that note which generation they read when they start, reload or restart.
const UNITS: usize = 4;

const MODULE: &str = r#"version: 1
summary: { en: For a test. }
params: { generation: { type: string }, even: { type: bool } }
secrets: { password: { rotate: manual } }
resources:
  - group: { name: team0 }
  - group: { name: team1 }
  - directory: { path: /etc/campaign, mode: "0700" }
"#;

fn module() -> String {
    let mut text = MODULE.to_owned();
    for n in 0..4 {
        let _ = write!(
            text,
            "  - directory: {{ path: /srv/campaign{n}, mode: \"{{{{ '0755' if even else '0750' }}}}\" }}\n  \
               - user: {{ name: member{n}, comment: \"Number {{{{ generation }}}}\", groups: [\"{{{{ 'team0' if even else 'team1' }}}}\"] }}\n  \
               - link: {{ path: /srv/campaign{n}/link, target: \"to-{{{{ generation }}}}\" }}\n  \
               - file: {{ path: /srv/campaign{n}/secret, content: \"{{{{ generation }}}} {{{{ secrets.password }}}}\\n\" }}\n"
        );
    }
    for n in 0..20 {
        let at = n % 4;
        let _ = writeln!(
            text,
            "  - file: {{ path: /srv/campaign{at}/file{n}, content: \"{n} {{{{ generation }}}}\\n\", mode: \"{{{{ '0644' if even else '0600' }}}}\" }}"
        );
    }
    text.push_str(
        r#"  - tree: { path: /srv/campaign0/tree, source: site }
  - line: { path: /etc/campaign.conf, match: "^Level=", line: "Level={{ generation }}", create: true }
  - block: { path: /etc/campaign.conf, name: own, content: "of {{ generation }}\n" }
  - sysctl: { key: net.ipv4.ip_local_port_range, value: "{{ '32768 60000' if even else '32769 60001' }}" }
  - command: { name: take a while, run: "sleep 0.7; touch /srv/slow-{{ generation }}", creates: "/srv/slow-{{ generation }}" }
  - command: { name: react, run: "cat /etc/campaign.conf >/srv/reacted", on_change: [/etc/campaign.conf] }
"#,
    );
    for n in 0..UNITS {
        let reacts = if n % 2 == 0 { "reload_on" } else { "restart_on" };
        // the first one's configuration holds the secret, too; only its first line goes on
        let more = if n == 0 { "{{ secrets.password }}\\n" } else { "" };
        let _ = write!(
            text,
            "  - file:
      path: /etc/systemd/system/campaign{n}.service
      content: |
        # {{{{ 'even' if even else 'odd' }}}}
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=sh -c 'head -n 1 /etc/campaign/{n}.conf >>/var/log/campaign.{n}'
        ExecReload=sh -c 'head -n 1 /etc/campaign/{n}.conf >>/var/log/campaign.{n}'
        [Install]
        WantedBy=multi-user.target
  - file: {{ path: /etc/campaign/{n}.conf, content: \"{{{{ generation }}}}\\n{more}\" }}
  - service: {{ name: campaign{n}, {reacts}: [/etc/campaign/{n}.conf] }}
"
        );
    }
    text
}

/// A chapter that reaches the host through a proxy, with its secret set.
pub(super) fn chapter(host: &Host, proxy: &Proxy) -> Chapter {
    let chapter = Chapter::new().file("modules/campaign.yaml", module());
    let top = format!(
        "id: 00112233445566778899aabbccddeeff\nchapter: {{ name: Test, domain: test.example, min_readers: 1 }}\n\
         people: {{ ana: {{ name: Ana, role: maintainer, age: [{}] }} }}\n",
        chapter.age_identity()
    );
    let chapter = reached(of(chapter.file("chapter.yaml", top).key(host.key()), 0), host, proxy);
    let _ = chapter.run(&["module", "update"]).success();
    let _ = chapter.run_with(&["secrets", "set", "campaign/password"], CANARY).success();
    chapter
}

/// The same chapter at another generation.
pub(super) fn of(chapter: Chapter, generation: u64) -> Chapter {
    let even = generation.is_multiple_of(2);
    let params = format!("{{ generation: \"g{generation}\", even: {even} }}");
    let site = format!("page of g{generation}\n");
    chapter
        .file("services.yaml", format!("services:\n  campaign: {{ module: campaign, on: all, params: {params} }}\n"))
        .file("site/index.html", &site)
        .file(if even { "site/even.html" } else { "site/odd.html" }, &site)
}

/// The same chapter through another proxy.
pub(super) fn reached(chapter: Chapter, host: &Host, proxy: &Proxy) -> Chapter {
    let (port, key) = (proxy.port, host.host_key());
    let hosts = format!("hosts:\n  web1: {{ address: 127.0.0.1, port: {port}, user: admin, host_key: {key} }}\n");
    chapter.file("hosts.yaml", hosts)
}

/// What is wrong with a host to which this generation was applied; nothing if all is well.
pub(super) fn wrong(host: &Host, generation: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |what: &str, command: &str, wanted: &str| {
        let output = host.try_sh(command);
        let said = String::from_utf8_lossy(&output.stdout);
        if said != wanted || !output.status.success() {
            wrong.push(format!("{what}: {said}{}", String::from_utf8_lossy(&output.stderr)));
        }
    };
    for n in 0..UNITS {
        let last = format!("tail -n 1 /var/log/campaign.{n}; systemctl is-active campaign{n}");
        expect(&format!("what unit {n} runs with"), &last, &format!("g{generation}\nactive\n"));
    }
    expect("what reacted", "grep ^Level /srv/reacted", &format!("Level=g{generation}\n"));
    expect("debts", "ls /var/lib/steward/*/debts 2>/dev/null || true", "");
    expect("temporary files", LEFT, "");
    expect("the lock", "flock -n -w 0 /var/lib/steward/lock true", "");
    expect("processes", PROCESSES, "");
    expect(
        "accounts",
        "for n in 0 1 2 3; do getent passwd member$n | cut -d : -f 5; done",
        &format!("Number g{generation}\n").repeat(4),
    );
    let held = (0..4).map(|n| format!("/srv/campaign{n}/secret\n")).collect::<String>();
    expect("files with the secret", SECRETS, &format!("/etc/campaign/0.conf\n{held}"));
    wrong
}

/// Those of a run. Helpers of a shell that was killed notice within seconds; where one does not, what it waits for is said.
const PROCESSES: &str = "for i in 1 2 3 4 5 6 7 8 9; do pgrep -f 'LC_ALL=[C]; PATH=.*sha256[s]um' >/dev/null || break; sleep 1; done; \
    for p in $(pgrep -f 'LC_ALL=[C]; PATH=.*sha256[s]um'); do grep -E '^(Pid|PPid|State):' /proc/$p/status; cat /proc/$p/wchan; \
    ls -l /proc/$p/fd; ps -o pid,ppid,lstart,wchan:20,args --ppid $p; done 2>&1; true";

const LEFT: &str = "find / -xdev '(' -path /proc -o -path /sys -o -path /usr -o -path /var/cache ')' -prune -o \
    '(' -name '.steward.*' -o -name '*.steward-*' -o -path /var/lib/steward/holder -o -path /var/lib/steward/lock.d -o \
    -path '/var/lib/steward/*/stage.*' -o -path '/var/lib/steward/*/run.*' -o -path '/var/lib/steward/*.new' ')' -print; \
    find /run /dev/shm -maxdepth 1 -name 'steward.*'";

const SECRETS: &str = "grep -rlF -e Vk7m2canary -e Vms3bTJjYW5hc -e ZrN20yY2FuYX -e WazdtMmNhbmFye \
    /etc /srv /home /root /tmp /run /dev/shm /var/lib/steward /var/log /var/tmp /var/spool 2>/dev/null | sort";

/// That the search finds what it looks for.
pub(super) fn plant(host: &Host) {
    host.sh(&format!(
        "echo 'x {CANARY}' >/srv/campaign1/.steward.abcdef; mkdir /run/steward.x; echo x >/var/log/campaign.1"
    ));
    let found = wrong(host, 1).join("\n");
    for word in [".steward.abcdef", "/run/steward.x", "unit 1 runs with: x", "the secret: "] {
        assert!(found.contains(word), "not found: {word}: {found}");
    }
    host.sh("rm -r /srv/campaign1/.steward.abcdef /run/steward.x; echo g1 >>/var/log/campaign.1");
}
