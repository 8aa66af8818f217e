//! The whole road on a real host: from a bare Debian to what the inventory says, and back to it after whatever happens.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Chapter, Host};

const WEBSITE: &str = r#"
  - package: nginx
  - file: { path: /etc/nginx/sites-enabled/default, state: absent }
  - file: { path: /etc/nginx/conf.d/test.conf, content: "server { listen 80; root /srv/www; }\n" }
  - directory: { path: /srv/www }
  - file: { path: /srv/www/index.html, content: "Meeting on Tuesday\n" }
  - service: { name: nginx, reload_on: [/etc/nginx/**], validate: nginx -t }
"#;

#[test]
fn a_bare_host_becomes_a_web_server_in_one_command() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).resources(WEBSITE);
    let events = chapter.run(&["apply", "--yes", "--format", "json"]).success().events();
    let summary = &events.last().unwrap()["hosts"][0];
    assert_eq!(summary["status"], "converged", "{events:?}");
    assert!(summary["exchanges"].as_u64().unwrap() <= 5, "{summary}");
    // nginx is reloaded before its new workers serve
    crate::support::wait_for("the website is served", Duration::from_secs(10), || {
        page(&host).ends_with("\r\n\r\nMeeting on Tuesday\n")
    });
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
    let again = chapter.run(&["apply", "--yes", "--format", "json"]).success().events();
    assert_eq!(again.last().unwrap()["hosts"][0]["exchanges"], 1, "{again:?}");
}

#[test]
fn what_somebody_edits_on_the_host_is_shown_and_mended() {
    let host = Host::new();
    let chapter =
        Chapter::new().host("web1", &host).resources("  - file: { path: /etc/motd, content: \"Welcome\\n\" }\n");
    let _ = chapter.apply().success();
    host.sh("echo Intruders welcome > /etc/motd");
    let _ = chapter
        .run(&["plan", "--detailed-exitcode"])
        .status(2)
        .never_says("Intruders")
        .stdout_has("~ file:/etc/motd  [bench] content differs")
        .stdout_has("Plan: 0 to create, 1 to update, 0 to delete, 0 to run on 1 host.");
    let _ =
        chapter.run(&["plan", "--show-remote"]).success().stdout_has("      -Intruders welcome\n      +Welcome\n");
    let _ = chapter.apply().success();
    assert_eq!(host.sh("cat /etc/motd"), "Welcome\n");
}

#[test]
fn planning_changes_nothing() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).resources(WEBSITE);
    let everything = "find /etc /srv /var/lib /usr /root /home -xdev -printf '%p %T@ %m %U %s\\n' | sort";
    host.ssh("sudo true"); // a login leaves its own traces the first time
    let before = host.sh(everything);
    let _ = chapter.plan().success().stdout_has("Plan: ");
    let after = host.sh(everything);
    assert!(after == before, "{}", similar::TextDiff::from_lines(&before, &after).unified_diff());
}

#[test]
fn a_failing_resource_says_what_the_command_said_and_stops_what_follows() {
    let host = Host::new();
    let _ = Chapter::new()
        .host("web1", &host)
        .resources(
            "  - file: { path: /etc/one, content: \"1\\n\" }\n  \
             - command: { name: breaks, run: \"echo the reason; exit 7\", creates: /etc/never }\n  \
             - file: { path: /etc/two, content: \"2\\n\" }\n",
        )
        .apply()
        .status(3)
        .stderr_has("the reason")
        .stderr_has("ended with status 7");
    assert_eq!(host.sh("ls /etc/one /etc/two 2>/dev/null || true"), "/etc/one\n");
}

#[test]
fn a_host_that_loses_power_during_an_apply_is_reported_and_converges_afterwards() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).resources(
        "  - file: { path: /etc/one, content: \"1\\n\" }\n  \
         - command: { name: slow, run: \"sleep 8; touch /etc/slow\", creates: /etc/slow }\n  \
         - file: { path: /etc/two, content: \"2\\n\" }\n",
    );
    std::thread::scope(|scope| {
        let run = scope.spawn(|| chapter.run(&["--silence-timeout", "5", "apply", "--yes"]));
        crate::support::wait_for("the slow step has begun", Duration::from_secs(20), || {
            host.try_sh("test -e /etc/one && pgrep -x sleep").status.success()
        });
        host.kill();
        let ran = run.join().unwrap();
        let _ = ran.within(Duration::from_mins(1)).status(3);
    });
    host.boot();
    let _ = chapter.apply().success();
    assert_eq!(host.sh("cat /etc/one /etc/two; ls /etc/slow"), "1\n2\n/etc/slow\n");
    let _ = chapter.plan().success().no_changes();
}

fn page(host: &Host) -> String {
    let mut stream = TcpStream::connect((host.address.as_str(), 80)).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
