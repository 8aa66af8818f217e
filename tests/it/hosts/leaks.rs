//! Secrets on a real host: handed to commands on standard input, and never to be seen by others there.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Chapter, Host};

const CANARY: &str = "canary-Zq8w3-of-the-chapter";

const MODULE: &str = "version: 1
summary: { en: For a test. }
secrets: { password: { rotate: manual } }
resources:
  - user: { name: robot, shell: /bin/sh }
  - command:
      name: set the password
      run: chpasswd
      stdin: \"robot:{{ secrets.password }}\\n\"
  - file: { path: /etc/robot.conf, content: \"password = {{ secrets.password }}\\n\", owner: robot, mode: '0400' }
";

const FAILS: &str = "  - command:
      name: fail aloud
      run: 'cat >&2; exit 1'
      stdin: 'tell {{ secrets.password }} and {{ secrets.password | b64encode }}'
";

/// Looks at the arguments and environments of all processes, those of test hosts included, until it is told to stop.
/// Gives those that hold the value, the process with this number aside.
fn watched(stop: &AtomicBool) -> Vec<String> {
    let mut found = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            if entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
                for file in ["cmdline", "environ"] {
                    let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
                    let text = String::from_utf8_lossy(&bytes);
                    if text.contains("Zq8w3") {
                        found.push(text.into_owned());
                    }
                }
            }
        }
    }
    found
}

#[test]
fn a_value_reaches_its_file_and_its_command_and_nothing_else() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).file("modules/robot.yaml", MODULE);
    let identity = chapter.home().join("ana.agekey");
    assert!(Command::new("age-keygen").arg("-o").arg(&identity).output().unwrap().status.success());
    let public = Command::new("age-keygen").arg("-y").arg(&identity).output().unwrap().stdout;
    let top = format!(
        "id: 00112233445566778899aabbccddeeff\nchapter: {{ name: Test, domain: test.example, min_readers: 1 }}\n\
         people: {{ ana: {{ name: Ana, role: maintainer, age: [{}] }} }}\n\
         services:\n  robot: {{ module: robot, on: all }}\n",
        String::from_utf8(public).unwrap().trim()
    );
    let chapter = chapter.file("chapter.yaml", top);
    std::fs::create_dir_all(chapter.home().join(".config/steward")).unwrap();
    std::fs::copy(&identity, chapter.home().join(".config/steward/identities.txt")).unwrap();
    let _ = chapter.run_with(&["secrets", "set", "robot/password"], CANARY).success();
    let planned = chapter.plan().success().stdout_has("+password = ‹secret robot/password›");
    let _ = planned.never_says(CANARY);

    let stop = Arc::new(AtomicBool::new(false));
    let watcher = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || watched(&stop)
    });
    let _ = chapter.run(&["-vvv", "apply", "--yes"]).success().never_says(CANARY);
    // the watcher sees what it should: a process on the host with the word in its arguments
    let planted = "exec -a planted-Zq8w3 sleep 1";
    host.sh(&format!("bash -c '{planted}'"));
    stop.store(true, Ordering::SeqCst);
    let seen = watcher.join().unwrap();
    assert!(!seen.is_empty(), "the watcher works");
    assert!(seen.iter().all(|text| text.contains("planted-Zq8w3")), "{seen:?}");

    assert_eq!(
        host.sh("stat -c '%U %a' /etc/robot.conf; cat /etc/robot.conf"),
        format!("robot 400\npassword = {CANARY}\n")
    );
    let hash = host.sh("sed -n 's/^robot:\\([^:]*\\):.*/\\1/p' /etc/shadow");
    assert!(hash.starts_with('$'), "the command read it: {hash}");
    let _ = chapter.plan().success().no_changes();
    let everywhere = "grep -rlF -e Zq8w3 -e Q2FuYXJ5 -e Y2FuYXJ5LVpxOHcz /etc /var /run /root /home /tmp /dev/shm 2>/dev/null | sort";
    assert_eq!(host.sh(&format!("{everywhere}; true")), "/etc/robot.conf\n");
    host.sh(&format!("echo {CANARY} >/var/tmp/planted"));
    assert_eq!(host.sh(&format!("{everywhere}; true")), "/etc/robot.conf\n/var/tmp/planted\n");
    host.sh("rm /var/tmp/planted");

    // a new value is set everywhere, and nothing keeps the old one; without a key the plan says what would be done
    let _ = chapter.run_with(&["secrets", "set", "robot/password"], "another-Zq8w3").success();
    let planned = chapter.plan().success().stdout_has("run command:set the password");
    let _ = planned.stdout_has("+password = ‹secret robot/password: changed›").never_says("Zq8w3");
    let _ = chapter.apply().success();
    assert_ne!(host.sh("sed -n 's/^robot:\\([^:]*\\):.*/\\1/p' /etc/shadow"), hash);
    assert_eq!(
        host.sh(&format!("grep -rlF {CANARY} /etc /var /run /root /home /tmp /dev/shm 2>/dev/null; true")),
        ""
    );
    let _ = chapter.plan().success().no_changes();

    // a command that fails and tells all it knows
    std::fs::write(chapter.path("modules/robot.yaml"), format!("{MODULE}{FAILS}")).unwrap();
    let _ = chapter.run(&["module", "update"]).success();
    let failed = chapter.run(&["-vvv", "apply", "--yes"]).status(3).stderr_has("tell ‹secret› and ‹secret›");
    let _ = failed.never_says("Zq8w3");
    let _ = chapter.run(&["apply", "--yes", "--format", "json"]).status(3).never_says("Zq8w3");
}
