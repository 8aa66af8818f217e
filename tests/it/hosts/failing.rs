//! What goes wrong in the middle of an apply, and what is left of it: one plain `apply` later everything is as it should
//! be, and nothing of the accident remains. Loopback servers; what needs systemd is in `owed.rs`.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{Chapter, Proxy, Sshd, wait_for};

const CHAPTER: &str =
    "id: 00112233445566778899aabbccddeeff\nchapter: { name: Test, domain: test.example, locale: en }\n";

/// A service for each module, in this order; `DIR` in them stands for the directory they work in.
fn chapter(dir: &TempDir, modules: &[(&str, &str)]) -> Chapter {
    let services: String =
        modules.iter().map(|(name, _)| format!("  {name}: {{ module: {name}, on: all }}\n")).collect();
    let chapter =
        Chapter::new().file("chapter.yaml", CHAPTER).file("services.yaml", format!("services:\n{services}"));
    modules.iter().fold(chapter, |chapter, (name, text)| module(chapter, dir, name, text))
}

fn module(chapter: Chapter, dir: &TempDir, name: &str, text: &str) -> Chapter {
    let text = text.replace("DIR", dir.path().to_str().unwrap());
    chapter.file(&format!("modules/{name}.yaml"), format!("version: 1\nsummary: {{ en: A test. }}\n{text}"))
}

#[test]
fn a_failure_stops_its_service_and_those_that_need_it_and_nothing_else() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let broken = "\
resources:
  - file: { path: DIR/before, content: x }
  - command: { name: break, run: \"seq -f 'line %g' 1 30; echo out of luck >&2; exit 7\", creates: DIR/never }
  - file: { path: DIR/after, content: x }
";
    let modules = [
        ("broken", broken),
        ("dependent", "needs: { broken: {} }\nresources:\n  - file: { path: DIR/dependent, content: x }\n"),
        ("bystander", "resources:\n  - file: { path: DIR/bystander, content: x }\n"),
    ];
    let chapter = chapter(&dir, &modules).sshd("h1", &sshd);
    let ran = chapter.apply().status(3).stdout_has("h1: failed; 2 changed, 1 failed, 2 skipped (2 exchanges)\n");
    let ran = ran.stderr_has("error: h1: command:break failed\n").stderr_has("line 29\n").stderr_has("out of luck\n");
    assert!(!ran.said().contains("line 5\n"), "only the last lines: {ran}");
    let there = |name: &str| dir.path().join(name).exists();
    assert!(there("before") && there("bystander") && !there("after") && !there("dependent"));
    nothing_is_left(&sshd, dir.path());

    let ran = chapter.run(&["apply", "--yes", "--format", "json"]).status(3);
    let events: Vec<String> =
        ran.events().iter().map(|event| format!("{} {}", event["event"], event["id"])).collect();
    let at = dir.path().display();
    let unchanged = format!("\"unchanged\" \"file:{at}/bystander\"");
    let skipped = |name: &str| format!("\"skipped\" \"file:{at}/{name}\"");
    let wanted = [
        "\"failed\" \"command:break\"".into(),
        skipped("after"),
        skipped("dependent"),
        unchanged,
        "\"summary\" null".to_owned(),
    ];
    assert_eq!(events, wanted);
    assert!(
        ran.events()[0]["output"].as_str().unwrap().ends_with("line 30\nout of luck\nended with status 7"),
        "{ran}"
    );

    let mended = broken.replace("exit 7", "touch DIR/never");
    let chapter = module(chapter, &dir, "broken", &mended);
    chapter.run(&["module", "update"]).success();
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("h1", 3);
    assert!(there("after") && there("dependent"));
}

/// Owes a reaction, then takes a while, then goes on.
const SLOW: &str = "\
resources:
  - file: { path: DIR/conf, content: \"TEXT\\n\" }
  - command: { name: react, run: \"cat DIR/conf >>DIR/reactions\", on_change: [DIR/conf] }
  - command: { name: slow, run: \"touch DIR/running; sleep 4; touch DIR/slow\", creates: DIR/slow }
  - file: { path: DIR/last, content: x }
";

/// The same with the reaction behind what takes a while.
fn slow(text: &str) -> String {
    let lines: Vec<&str> = SLOW.lines().collect();
    format!("{}\n", [lines[0], lines[1], lines[3], lines[4], lines[2]].join("\n")).replace("TEXT", text)
}

/// Starts an apply and waits until it is in the middle.
fn in_the_middle(chapter: &Chapter, dir: &TempDir, more: &[&str]) -> Child {
    let mut command = chapter.command(&[&["apply", "--yes", "--silence-timeout", "3"], more].concat());
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the apply is in the middle", Duration::from_secs(30), || dir.path().join("running").exists());
    child
}

fn the_run_ends_on_the_host(sshd: &Sshd, limit: u64) {
    wait_for("the run ended on the host", Duration::from_secs(limit), || !sshd.records().join("holder").exists());
}

/// One plain apply: everything is as it should be, all that was owed has happened, nothing is left.
fn the_next_apply_mends_it(chapter: &Chapter, sshd: &Sshd, dir: &TempDir) {
    let owed = chapter.run(&["plan", "--detailed-exitcode"]).status(2);
    assert!(owed.text().contains("owed since an interrupted run") || owed.text().contains("react"), "{owed}");
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("h1", 3);
    assert_eq!(std::fs::read_to_string(dir.path().join("reactions")).unwrap(), "one\n");
    chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
    nothing_is_left(sshd, dir.path());
}

fn nothing_is_left(sshd: &Sshd, dir: &Path) {
    nothing_but_debts_is_left(sshd, dir);
    let inventory = sshd.records().join("00112233445566778899aabbccddeeff");
    assert_eq!(std::fs::read_dir(inventory.join("debts")).map_or(0, Iterator::count), 0);
}

fn nothing_but_debts_is_left(sshd: &Sshd, dir: &Path) {
    let mut left = Vec::new();
    for (place, prefix) in [(dir, ".steward"), (&sshd.run(), "steward."), (&sshd.records(), "holder")] {
        let names = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name());
        left.extend(names.filter(|name| name.to_string_lossy().starts_with(prefix)));
    }
    assert!(left.is_empty(), "{left:?}");
    // the script's last word comes just before its end
    wait_for("the lock is free", Duration::from_secs(5), || {
        Command::new("flock").arg("-n").arg(sshd.records().join("lock")).arg("true").status().unwrap().success()
    });
}

#[test]
fn an_operator_who_is_killed_leaves_a_host_that_the_next_apply_mends() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let chapter = chapter(&dir, &[("slow", &slow("one"))]).sshd("h1", &sshd);
    let mut child = in_the_middle(&chapter, &dir, &[]);
    child.kill().unwrap();
    child.wait().unwrap();
    the_run_ends_on_the_host(&sshd, 15);
    assert!(dir.path().join("slow").exists(), "the current step ends in peace");
    assert!(!dir.path().join("last").exists(), "no other begins");
    assert!(!dir.path().join("reactions").exists());
    the_next_apply_mends_it(&chapter, &sshd, &dir);
}

/// What lives on of it must neither pass for the run nor keep what the run was given.
#[test]
fn a_shell_that_is_killed_is_noticed_and_buried() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let modules = slow("one").replace("sleep 4", "sleep 1");
    let chapter = chapter(&dir, &[("slow", &modules)]).sshd("h1", &sshd);
    let child = in_the_middle(&chapter, &dir, &[]);
    assert_ne!(std::fs::read_dir(sshd.run()).unwrap().count(), 0);
    let inode = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let lock = inode(&sshd.records().join("lock"));
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let holder = processes.into_iter().find(|process| inode(&process.join("fd/9")) == lock);
    let pid = holder.expect("the run has the lock").file_name().unwrap().to_owned();
    assert!(Command::new("kill").arg("-9").arg(pid).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    the_run_ends_on_the_host(&sshd, 15);
    nothing_but_debts_is_left(&sshd, dir.path());
    the_next_apply_mends_it(&chapter, &sshd, &dir);
}

/// As after a cut of the power: nobody is left to tidy up, and nothing is to change.
#[test]
fn what_an_interrupted_run_left_is_cleared_though_nothing_is_to_change() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let chapter =
        chapter(&dir, &[("one", "resources:\n  - file: { path: DIR/one, content: x }\n")]).sshd("h1", &sshd);
    chapter.apply().success();
    let own = sshd.records().join("00112233445566778899aabbccddeeff");
    let kept = own.join("previous/x/1.1");
    std::fs::create_dir_all(own.join("stage.x")).unwrap();
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    std::fs::write(&kept, "a secret").unwrap();
    let named = "/var/lib/steward/00112233445566778899aabbccddeeff/previous/x/1.1\n";
    std::fs::write(own.join("shred"), named).unwrap();
    std::fs::write(sshd.records().join("holder"), "ana since long ago\n/run/steward.none\n").unwrap();
    chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes().stdout_has("an earlier run was interrupted");
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("h1", 3);
    assert!(!kept.exists() && !own.join("stage.x").exists() && !own.join("shred").exists());
    nothing_is_left(&sshd, dir.path());
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("h1", 1);
}

#[test]
fn a_connection_that_breaks_is_reported_and_the_next_apply_mends_it() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let proxy = Proxy::new(sshd.address(), Duration::ZERO);
    let chapter = chapter(&dir, &[("slow", &slow("one"))]).reached("h1", &sshd, proxy.port);
    let child = in_the_middle(&chapter, &dir, &[]);
    proxy.cut();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("error: ") && said.contains("help: "), "{said}");
    the_run_ends_on_the_host(&sshd, 15);
    the_next_apply_mends_it(&chapter, &sshd, &dir);
}

#[test]
fn a_network_that_goes_silent_is_reported_in_time_and_the_host_gives_up_by_itself() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let proxy = Proxy::new(sshd.address(), Duration::ZERO);
    let modules = slow("one").replace("sleep 4", "sleep 45");
    let through = chapter(&dir, &[("slow", &modules)]).reached("h1", &sshd, proxy.port);
    let child = in_the_middle(&through, &dir, &[]);
    proxy.freeze();
    let start = std::time::Instant::now();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(start.elapsed() < Duration::from_secs(20), "{said}");
    let chapter = chapter(&dir, &[("slow", &modules)]).sshd("h1", &sshd);
    let locked = chapter.run(&["apply", "--yes", "--lock-wait", "1"]).status(5);
    assert!(locked.said().contains("another run is changing h1: "), "{locked}");
    the_run_ends_on_the_host(&sshd, 60);
    assert!(!dir.path().join("last").exists());
    the_next_apply_mends_it(&chapter, &sshd, &dir);
}

#[test]
fn a_second_apply_waits_or_says_who_is_at_work() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let other = "resources:\n  - file: { path: DIR/other, content: x }\n";
    let chapter =
        chapter(&dir, &[("slow", &slow("one")), ("other", other)]).variable("USER", "ana").sshd("h1", &sshd);
    let first = in_the_middle(&chapter, &dir, &["--limit", "service:slow"]);
    let limited = ["apply", "--yes", "--limit", "service:other", "--lock-wait"];
    let refused = chapter.run(&[&limited[..], &["0"]].concat()).status(5).within(Duration::from_secs(5));
    refused.stderr_has("error: another run is changing h1: ana since 20").stderr_has("--lock-wait");
    assert!(!dir.path().join("other").exists());
    let waited = chapter.run(&[&limited[..], &["60"]].concat()).success().stdout_has("h1: converged; 1 changed");
    assert_eq!(waited.said().matches("h1: waiting for another run: ana since 20").count(), 1, "{waited}");
    let first = first.wait_with_output().unwrap();
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    chapter.run(&["plan", "--detailed-exitcode"]).success();
}

#[test]
fn a_full_disk_is_said_and_nothing_is_half_written() {
    let dir = tempfile::tempdir().unwrap();
    let small = Small::mount(&dir.path().join("small"));
    let sshd = Sshd::start(); // sees what is mounted by now
    let text = |size: usize| {
        format!("resources:\n  - file: {{ path: DIR/small/file, content: \"{}\" }}\n", "x".repeat(size))
    };
    let chapter = chapter(&dir, &[("big", &text(10_000))]).sshd("h1", &sshd);
    chapter.run(&["apply", "--yes"]).success();
    let chapter = module(chapter, &dir, "big", &text(200_000));
    chapter.run(&["module", "update"]).success();
    chapter.apply().status(3).stderr_has("file:").stderr_has("No space left on device");
    assert_eq!(std::fs::read(small.0.join("file")).unwrap().len(), 10_000);
    assert_eq!(std::fs::read_dir(&small.0).unwrap().count(), 1);
    nothing_is_left(&sshd, dir.path());
}

/// A file system of 64 KiB.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(at: &Path) -> Small {
        std::fs::create_dir(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "steward-test"]).arg(at).status();
        assert!(mounted.unwrap().success());
        Small(at.to_owned())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
