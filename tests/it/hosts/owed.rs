//! Reactions that services owe to changes, on a host with systemd: validated, failed, interrupted by a power cut or a
//! pulled plug, and in the end always paid. One host serves the whole story.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Chapter, Host, Ran, wait_for};

const CHAPTER: &str = "\
id: 00112233445566778899aabbccddeeff
chapter: { name: Test, domain: test.example, locale: en }
services:
  nginx: { module: nginx, on: all }
  apt: { module: apt, on: all }
  firewall: { module: firewall, on: all }
  baseline: { module: baseline, on: all }
  page: { module: page, on: all, params: { text: TEXT } }
  demo: { module: demo, on: all, params: { text: TEXT, slow: SLOW } }
";

/// A site that is as valid as its parameter.
const PAGE: &str = r#"version: 1
summary: { en: A page. }
params: { text: { type: string } }
needs: { nginx: {} }
resources:
  - file: { path: /etc/nginx/conf.d/page.conf, content: "server { listen 80; location / { return 200 '{{ text }}'; } }\n" }
"#;

/// A unit that notes its reloads, and fails at them while `/etc/demo.broken` is there.
const DEMO: &str = r#"version: 1
summary: { en: A unit. }
params: { text: { type: string }, slow: { type: string } }
resources:
  - file:
      path: /etc/systemd/system/demo.service
      content: |
        [Service]
        ExecStart=sleep infinity
        ExecReload=sh -c 'if test -e /etc/demo.broken; then echo the demo is broken; exit 3; fi; cat /etc/demo.conf >>/var/log/demo'
        [Install]
        WantedBy=multi-user.target
  - service: { name: demo, reload_on: [/etc/demo.conf] }
  - file: { path: /etc/demo.conf, content: "{{ text }}\n" }
  - command: { name: slow, run: "touch /run/running; sleep {{ slow }}; touch /etc/slow.{{ text }}", creates: "/etc/slow.{{ text }}" }
"#;

fn chapter(host: &Host) -> Chapter {
    let chapter = Chapter::new().file("modules/page.yaml", PAGE).file("modules/demo.yaml", DEMO).host("web1", host);
    with(chapter, "one", "0")
}

fn with(chapter: Chapter, text: &str, slow: &str) -> Chapter {
    chapter.file("chapter.yaml", CHAPTER.replace("TEXT", text).replace("SLOW", &format!("\"{slow}\"")))
}

fn json(chapter: &Chapter) -> Ran {
    chapter.run(&["apply", "--yes", "--format", "json"])
}

#[test]
fn what_is_owed_is_paid_whatever_happens_in_between() {
    let host = Host::new();
    let chapter = chapter(&host);
    json(&chapter).converged("web1", 3);
    wait_for("the page is served", Duration::from_secs(10), || page(&host).ends_with("one"));
    let chapter = without_room_to_note_it_nothing_is_changed(chapter, &host);
    let chapter = an_invalid_configuration_is_taken_back(chapter, &host);
    let chapter = a_reload_that_fails_stays_owed(chapter, &host);
    let chapter = what_was_owed_before_outlives_a_configuration_that_is_not_valid(chapter, &host);
    let chapter = a_power_cut_forgets_nothing(chapter, &host);
    let _ = a_pulled_plug_forgets_nothing(chapter, &host);
}

fn without_room_to_note_it_nothing_is_changed(chapter: Chapter, host: &Host) -> Chapter {
    let before = host.sh("cat /etc/nginx/conf.d/page.conf");
    host.sh("mount -t tmpfs -o size=16k full /var/lib/steward; head -c 16384 /dev/zero >/var/lib/steward/filler");
    let chapter = with(chapter, "none", "0");
    chapter.apply().status(3).stderr_has("error: host web1 did nothing: there is no room in /var/lib/steward/");
    assert_eq!(host.sh("find /var/lib/steward -name '*service*'; cat /etc/nginx/conf.d/page.conf"), before);
    host.unmount("/var/lib/steward");
    with(chapter, "one", "0")
}

fn an_invalid_configuration_is_taken_back(chapter: Chapter, host: &Host) -> Chapter {
    let before = host.sh("cat /etc/nginx/conf.d/page.conf; systemctl show -p MainPID nginx");
    let chapter = chapter.file("modules/page.yaml", PAGE.replace("location /", "lokation /"));
    chapter.run(&["module", "update"]).success();
    let ran = chapter.apply().status(3).stderr_has("unknown directive \"lokation\"");
    let ran = ran.stderr_has("the new files of service:nginx are not valid, the previous ones were restored");
    assert!(ran.text().contains("web1: failed; "), "{ran}");
    assert_eq!(host.sh("cat /etc/nginx/conf.d/page.conf; systemctl show -p MainPID nginx"), before);
    assert_eq!(debts(host), "");
    assert!(page(host).ends_with("one"));
    let plan =
        chapter.run(&["plan", "--detailed-exitcode"]).status(2).stdout_has("~ file:/etc/nginx/conf.d/page.conf");
    assert!(!plan.text().contains("owed"), "{plan}");
    let chapter = chapter.file("modules/page.yaml", PAGE);
    chapter.run(&["module", "update"]).success();
    chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
    chapter
}

fn a_reload_that_fails_stays_owed(chapter: Chapter, host: &Host) -> Chapter {
    let chapter = with(chapter, "two", "0");
    host.sh("touch /etc/demo.broken");
    let ran = chapter.apply().status(3).stderr_has("error: web1: service:demo failed\n");
    assert!(ran.said().contains("the demo is broken") || ran.said().contains("status=3"), "{ran}");
    // another service is no part of this
    wait_for("the page is served", Duration::from_secs(10), || page(host).ends_with("two"));
    assert_eq!(debts(host), "reload.service:demo\n");
    let owed = "^ reload service:demo  [demo] owed since an interrupted run: file:/etc/demo.conf changed\n";
    chapter.run(&["plan", "--detailed-exitcode"]).status(2).stdout_has(owed).stdout_has("Then: 1 to reload.\n");
    host.sh("rm /etc/demo.broken");
    json(&chapter).converged("web1", 3);
    assert_eq!(host.sh("cat /var/log/demo"), "one\ntwo\n");
    settled(&chapter, host);
    chapter
}

/// Nothing of this run is to blame and nothing can be put back, so the earlier run's debt must stay.
fn what_was_owed_before_outlives_a_configuration_that_is_not_valid(chapter: Chapter, host: &Host) -> Chapter {
    host.sh("cd /var/lib/steward/*/debts && echo 'an earlier change' >reload.service:nginx; echo nonsense >/etc/nginx/conf.d/zz.conf");
    let _ = chapter.apply().status(3).stderr_has("in /etc/nginx/conf.d/zz.conf").stdout_has("1 failed");
    assert_eq!(debts(host), "reload.service:nginx\n");
    host.sh("rm /etc/nginx/conf.d/zz.conf");
    json(&chapter).converged("web1", 3);
    settled(&chapter, host);
    chapter
}

fn a_power_cut_forgets_nothing(chapter: Chapter, host: &Host) -> Chapter {
    let chapter = with(chapter, "three", "20");
    let ran = interrupted(&chapter, host, Host::kill);
    assert!(matches!(ran.0, Some(3 | 4)), "{}", ran.1);
    host.boot();
    assert_eq!(host.sh("cat /etc/demo.conf /var/log/demo"), "three\none\ntwo\n");
    let chapter = with(chapter, "three", "0");
    json(&chapter).converged("web1", 3);
    assert_eq!(host.sh("tail -n 1 /var/log/demo"), "three\n");
    settled(&chapter, host);
    chapter
}

/// What takes less than half a minute the host ends by itself; for what takes longer see `failing.rs`.
fn a_pulled_plug_forgets_nothing(chapter: Chapter, host: &Host) -> Chapter {
    let chapter = with(chapter, "four", "3");
    let ran = interrupted(&chapter, host, Host::cut);
    assert_eq!(ran.0, Some(3), "{}", ran.1);
    let over = || !host.try_sh("test -e /var/lib/steward/holder").status.success();
    wait_for("the host gave up", Duration::from_mins(1), over);
    host.join();
    json(&chapter).converged("web1", 1);
    assert_eq!(host.sh("tail -n 1 /var/log/demo"), "four\n");
    settled(&chapter, host);
    chapter
}

/// An apply that is interrupted while its slow step runs, the reload still owed.
fn interrupted(chapter: &Chapter, host: &Host, by: fn(&Host)) -> (Option<i32>, String) {
    host.sh("rm -f /run/running");
    let mut command = chapter.command(&["apply", "--yes", "--silence-timeout", "12"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the apply is in the middle", Duration::from_secs(30), || {
        host.try_sh("test -e /run/running").status.success()
    });
    by(host);
    let start = Instant::now();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "{said}");
    (output.status.code(), said)
}

/// As the inventory wants it, without a trace of what happened.
fn settled(chapter: &Chapter, host: &Host) {
    chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
    assert_eq!(debts(host), "");
    let left = "find / -xdev '(' -name '.steward.*' -o -path '/run/steward.*' -o -path /var/lib/steward/holder -o -name 'stage.*' -path '/var/lib/steward/*' ')' -prune -print; find /run /dev/shm -maxdepth 1 -name 'steward.*'";
    assert_eq!(host.sh(left), "");
    host.sh("flock -n /var/lib/steward/lock true");
}

fn debts(host: &Host) -> String {
    host.sh("ls /var/lib/steward/*/debts 2>/dev/null || true")
}

fn page(host: &Host) -> String {
    let mut stream = TcpStream::connect((host.address.as_str(), 80)).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
