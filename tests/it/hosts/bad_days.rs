//! Days on which the host is not what it should be. Each failure names the place, the fact and a remedy, and exits other
//! than 0; once the cause is gone, one plain `apply` makes everything as it should be. Those of packages are in `bad_packages.rs`.

use std::process::Stdio;
use std::time::Duration;

use crate::support::{Chapter, Host, Ran, wait_for};

pub(super) fn chapter(host: &Host, resources: &str) -> Chapter {
    Chapter::new().host("web1", host).resources(resources)
}

/// The apply failed, said so of this resource or host, in these words, and what to do.
#[track_caller]
pub(super) fn refused(chapter: &Chapter, words: &[&str]) -> Ran {
    words.iter().fold(chapter.apply().status(3).stderr_has("help: "), |ran, word| ran.stderr_has(word))
}

#[track_caller]
pub(super) fn mended(chapter: &Chapter) {
    let _ = chapter.apply().success().stdout_has("web1: converged");
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
}

/// A bit of everything that needs no other network.
const PLAIN: &str = "  - group: { name: team }
  - user: { name: ana, groups: [team], comment: Ana }
  - directory: { path: /srv/a, owner: ana, mode: \"2750\" }
  - file: { path: /srv/a/file, content: \"one\\n\", owner: ana, group: team }
  - link: { path: /srv/link, target: a/file }
  - line: { path: /etc/hosts, line: 203.0.113.9 lists.chapter.example }
  - block: { path: /etc/hosts, name: wiki, content: \"203.0.113.8 wiki.chapter.example\\n\" }
  - command: { name: once, run: \"cp /srv/a/file /srv/copy\", creates: /srv/copy }
  - command: { name: react, run: \"cat /srv/a/file >>/srv/reacted\", on_change: [/srv/a/file] }
  - sysctl: { key: net.ipv4.ip_local_port_range, value: 32768 60001 }
  - timer: { name: beat, command: \"true\", every: 1h }
  - file: { path: /etc/systemd/system/demo.service, content: \"[Service]\\nExecStart=sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n\" }
  - service: { name: demo, restart_on: [/srv/a/file] }
";

#[test]
fn a_full_disk() {
    let host = Host::new();
    let text = "x".repeat(100_000);
    let owes = "  - command: { name: react, run: \"true\", on_change: [/srv/small/*] }\n";
    let chapter = chapter(&host, &format!("  - file: {{ path: /srv/small/big, content: {text} }}\n{owes}"));
    host.sh("mkdir -p /srv/small /var/lib/steward; mount -t tmpfs -o size=64k none /srv/small");
    refused(&chapter, &["web1: file:/srv/small/big failed", "No space left on device"]);
    assert_eq!(host.sh("ls -A /srv/small"), "");
    host.sh(
        "mount -t tmpfs -o size=16k none /var/lib/steward; dd if=/dev/zero of=/var/lib/steward/full 2>/dev/null || :",
    );
    refused(&chapter, &["host web1 did nothing: ", "free space there"]);
    host.unmount("/var/lib/steward");
    host.unmount("/srv/small");
    mended(&chapter);
}

#[test]
fn a_file_system_that_is_read_only() {
    let host = Host::new();
    let chapter = chapter(&host, PLAIN);
    host.sh("mount --bind /var/lib /var/lib; mount -o remount,bind,ro /var/lib");
    refused(&chapter, &["host web1 did nothing: cannot write to /var/lib/steward"]);
    host.sh("umount /var/lib; mount --bind /srv /srv; mount -o remount,bind,ro /srv");
    refused(&chapter, &["web1: directory:/srv/a failed", "Read-only file system"]);
    host.sh("umount /srv");
    mended(&chapter);
    assert_eq!(host.sh("cat /srv/reacted"), "one\n");
}

#[test]
fn no_directory_for_temporary_files() {
    let host = Host::new();
    let chapter = chapter(&host, PLAIN);
    host.sh("umount -l /tmp 2>/dev/null; rmdir /tmp; rm -rf /var/tmp");
    mended(&chapter);
    host.sh("! test -e /tmp && ! test -e /var/tmp");
}

#[test]
fn neither_memory_to_write_to_nor_a_secret_left_on_the_disk() {
    let host = Host::new();
    let chapter = chapter(&host, PLAIN).file(
        "modules/robot.yaml",
        "version: 1\nsummary: { en: For a test. }\nsecrets: { password: { rotate: manual } }\n\
         resources:\n  - file: { path: /etc/robot.conf, content: \"{{ secrets.password }}\\n\" }\n",
    );
    let top = format!(
        "id: 00112233445566778899aabbccddeeff\nchapter: {{ name: Test, domain: test.example, min_readers: 1 }}\n\
         people: {{ ana: {{ name: Ana, role: maintainer, age: [{}] }} }}\n\
         services:\n  bench: {{ module: bench, on: all }}\n  robot: {{ module: robot, on: all }}\n",
        chapter.age_identity()
    );
    let chapter = chapter.file("chapter.yaml", top);
    let _ = chapter.run(&["module", "update"]).success();
    let _ = chapter.run_with(&["secrets", "set", "robot/password"], "canary-Vk7m2").success();
    let own = "/etc/systemd/system/ssh.service.d";
    host.sh(&format!(
        "mkdir {own}; printf '[Service]\\nReadOnlyPaths=/run /dev/shm\\n' >{own}/a.conf; systemctl daemon-reload; systemctl restart ssh"
    ));
    assert_ne!(host.ssh("touch /dev/shm/x").status.code(), Some(0));
    mended(&chapter);
    let held =
        "grep -rl Vk7m2 /etc /var /run /tmp /root /srv 2>/dev/null; ls -d /var/lib/steward/*/run.* 2>/dev/null; true";
    assert_eq!(host.sh(held), "/etc/robot.conf\n");
}

#[test]
fn every_tool_is_busybox() {
    let host = Host::new();
    host.sh("apt-get -qq update && apt-get -qq install --no-install-recommends busybox >/dev/null");
    host.sh(
        "for a in $(busybox --list); do case $a in *dpkg* | *init* | login | su | reboot | halt | poweroff | busybox) ;; *) ln -s /bin/busybox /usr/local/bin/$a ;; esac; done",
    );
    assert_eq!(host.sh("for a in sh stat awk; do readlink -f $(command -v $a); done").matches("busybox").count(), 3);
    let chapter = chapter(&host, &format!("{PLAIN}  - tree: {{ path: /srv/tree, source: site }}\n"))
        .file("site/a b/c", "x")
        .file("site/d", "y");
    mended(&chapter);
    host.sh("echo drift >/srv/a/file; rm -r /srv/tree/d; usermod -c Eve ana");
    let _ = chapter.plan().success().stdout_has("Plan: 0 to create, 3 to update, 0 to delete, 1 to run");
    mended(&chapter);
    assert_eq!(host.sh("cat /srv/a/file /srv/tree/d; stat -c '%a %U' /srv/a"), "one\ny2750 ana\n");
}

/// A file takes no memory of its size, on either way, and installing packages has enough.
#[test]
fn a_host_with_little_memory() {
    let host = Host::new();
    host.memory(512);
    let bytes: Vec<u8> = (0..96_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let large =
        "  - file: { path: /srv/large, source: large.bin }\n  - package: nginx-light\n  - service: { name: nginx }\n";
    let chapter = chapter(&host, &format!("{PLAIN}{large}")).file("large.bin", &bytes);
    mended(&chapter);
    assert_eq!(host.sh("stat -c %s /srv/large; systemctl is-active nginx"), format!("{}\nactive\n", bytes.len()));
    let eaten = host.ssh("head -c 700m /dev/zero | tail -c 700m | wc -c");
    assert_ne!(String::from_utf8_lossy(&eaten.stdout).trim(), (700 << 20).to_string(), "there is a limit");
}

/// What `slow` does while another run comes.
const SLOW: &str =
    "  - command: { name: slow, run: \"touch /run/running; sleep SECONDS; touch /srv/slow\", creates: /srv/slow }\n";

fn in_the_middle(chapter: &Chapter, host: &Host) -> std::process::Child {
    let mut command = chapter.command(&["apply", "--yes", "--silence-timeout", "12"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the apply is in the middle", Duration::from_mins(1), || {
        host.try_sh("test -e /run/running").status.success()
    });
    child
}

#[test]
fn a_lock_without_flock() {
    let host = Host::new();
    host.sh("rm /usr/bin/flock");
    let chapter = chapter(&host, &SLOW.replace("SECONDS", "6"));
    let first = in_the_middle(&chapter, &host);
    let _ =
        chapter.run(&["apply", "--yes", "--lock-wait", "0"]).status(5).stderr_has("another run is changing web1: ");
    let first = first.wait_with_output().unwrap();
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    // the power goes while it is held, and a later process has the number of the one that held it
    host.sh("rm /srv/slow /run/running");
    let cut = in_the_middle(&chapter, &host);
    host.kill();
    assert_ne!(cut.wait_with_output().unwrap().status.code(), Some(0));
    host.boot();
    host.sh("test -e /var/lib/steward/lock.d || test -L /var/lib/steward/lock.d");
    host.sh("cd /var/lib/steward; if test -L lock.d; then l=$(readlink lock.d); ln -sfn \"1 ${l#* }\" lock.d; else echo 1 >lock.d/pid; fi");
    mended(&chapter);
    assert_eq!(host.sh("ls -A /var/lib/steward | grep lock.d || true"), "");
}

#[test]
fn a_reboot_in_the_middle() {
    let host = Host::new();
    let chapter = chapter(&host, &format!("{PLAIN}{}", SLOW.replace("SECONDS", "20")));
    let applying = in_the_middle(&chapter, &host);
    host.sh("touch /run/before; systemctl reboot");
    let output = applying.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        // 7 if it came back soon enough to say that it undid what nobody had confirmed
        matches!(output.status.code(), Some(3 | 4 | 7)) && said.contains("help: ") && said.contains("web1"),
        "{said}"
    );
    wait_for("the host is back", Duration::from_mins(1), || {
        host.try_sh("! test -e /run/before && systemctl is-system-running").status.success()
            && host.ssh("true").status.success()
    });
    let chapter = chapter.resources(PLAIN);
    mended(&chapter);
    assert_eq!(host.sh("cat /srv/reacted; systemctl is-active demo"), "one\nactive\n");
}

#[test]
fn sudo_that_is_refused() {
    let host = Host::new();
    let chapter = chapter(&host, PLAIN);
    host.sh("mv /etc/sudoers.d/admin /root/");
    refused(&chapter, &["web1", "sudo", "-K"]);
    host.sh("mv /root/admin /etc/sudoers.d/");
    mended(&chapter);
}

#[test]
fn a_unit_that_does_not_start() {
    let host = Host::new();
    let unit = "  - file:
      path: /etc/systemd/system/pod.service
      content: |
        [Service]
        ExecStart=sh -c 'test -e /etc/pod || { echo cannot open the pod bay doors >&2; exit 3; }; exec sleep infinity'
        [Install]
        WantedBy=multi-user.target
  - service: { name: pod }
";
    let chapter = chapter(&host, unit);
    refused(&chapter, &["web1: service:pod", "cannot open the pod bay doors", "status=3"]);
    host.sh("touch /etc/pod");
    mended(&chapter);
}

/// Both ways, and back. What Steward runs there has another idea of the time than the kernel that dates its files.
#[test]
fn a_clock_that_is_off_by_years() {
    let host = Host::new();
    let chapter = chapter(&host, &format!("{PLAIN}  - package: tree\n"));
    host.sh("apt-get -qq update && apt-get -qq install --no-install-recommends libfaketime >/dev/null");
    host.sh("echo 'Defaults env_file=/etc/fake.env' >/etc/sudoers.d/clock");
    let library = host.sh("find /usr/lib -name libfaketime.so.1").trim().to_owned();
    for offset in ["-9y", "+9y"] {
        host.sh(&format!("printf 'LD_PRELOAD={library}\nFAKETIME={offset}\nNO_FAKE_STAT=1\n' >/etc/fake.env"));
        let there = host.ssh("sudo sh -c 'date +%Y'").stdout;
        assert_ne!(String::from_utf8_lossy(&there), host.sh("date +%Y"));
        host.sh("rm -rf /srv/a /srv/copy; apt-get -qq remove tree >/dev/null 2>&1 || :");
        mended(&chapter);
        assert_eq!(host.sh("command -v tree; cat /srv/copy"), "/usr/bin/tree\none\n");
    }
    host.sh("rm /etc/sudoers.d/clock");
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
    host.sh("apt-get -qq remove tree >/dev/null; rm -r /srv/a");
    mended(&chapter);
}
