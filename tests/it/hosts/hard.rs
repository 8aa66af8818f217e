//! What a login can look like in the wild, and what a file can: everything here passes on a real OpenSSH server. Needs
//! root, since Steward does on the host; boots nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{Chapter, Proxy, Sshd};

const CHAPTER: &str =
    "id: 00112233445566778899aabbccddeeff\nchapter: { name: Test, domain: test.example, locale: en }\n";
const SERVICES: &str = "services: { test: { module: test, on: all } }\n";

/// A chapter whose one module has these resources; `DIR` stands for the directory they live in.
fn chapter(dir: &TempDir, resources: &str) -> Chapter {
    let resources = resources.replace("DIR", dir.path().to_str().unwrap());
    Chapter::new()
        .file("chapter.yaml", CHAPTER)
        .file("services.yaml", SERVICES)
        .file("modules/test.yaml", format!("version: 1\nsummary: {{ en: A test. }}\nresources:\n{resources}"))
}

/// Applies in three exchanges, and finds nothing to do in one.
fn converges(chapter: &Chapter) {
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("h1", 3);
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("h1", 1);
    chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
}

const SIMPLE: &str = "  - directory: { path: DIR/a }\n  - file: { path: DIR/a/b, content: \"hello\\n\" }\n";

fn converges_with(sshd: &Sshd) {
    let dir = tempfile::tempdir().unwrap();
    converges(&chapter(&dir, SIMPLE).sshd("h1", sshd));
    assert_eq!(std::fs::read_to_string(dir.path().join("a/b")).unwrap(), "hello\n");
}

#[test]
fn login_shells_that_are_not_posix_do_not_matter() {
    for shell in ["/usr/bin/fish", "/usr/bin/tcsh", "/bin/bash", "/bin/dash"] {
        converges_with(&Sshd::with().shell(shell).start());
    }
}

#[test]
fn noisy_startup_files_do_not_matter() {
    let noise = "echo Welcome to the server!; echo oops >&2; printf '@0 done\\n\\n@ffff done\\n'\n";
    let files = [".bashrc", ".profile", ".bash_profile", ".cshrc"];
    let noisy = files.iter().fold(Sshd::with(), |sshd, file| sshd.file(file, noise));
    converges_with(&noisy.file(".hushlogin", "").shell("/bin/bash").start());
}

#[test]
fn one_session_at_a_time_is_enough() {
    converges_with(&Sshd::with().config("MaxSessions 1").start());
}

#[test]
fn the_hosts_own_umask_and_temporary_directory_do_not_matter() {
    let sshd =
        Sshd::with().file(".bashrc", "umask 077\n").variable("TMPDIR", "/proc/nowhere").shell("/bin/bash").start();
    let dir = tempfile::tempdir().unwrap();
    converges(&chapter(&dir, SIMPLE).sshd("h1", &sshd));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(dir.path().join("a/b")).unwrap().permissions());
    assert_eq!(mode & 0o7777, 0o644);
}

#[test]
fn a_file_of_64_mib_arrives_whole() {
    let sshd = Sshd::start();
    let dir = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..64_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let chapter =
        chapter(&dir, "  - file: { path: DIR/big, source: big.bin }\n").file("big.bin", &bytes).sshd("h1", &sshd);
    converges(&chapter);
    assert!(std::fs::read(dir.path().join("big")).unwrap() == bytes);
}

#[test]
fn five_thousand_small_files_are_one_tree() {
    let sshd = Sshd::start();
    let dir = tempfile::tempdir().unwrap();
    let chapter = chapter(&dir, "  - tree: { path: DIR/site, source: site }\n").sshd("h1", &sshd);
    let source = chapter.path("site");
    for n in 0..5_000 {
        let below = source.join(format!("d{}", n % 50));
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(below.join(format!("f{n}.txt")), format!("file {n}\n")).unwrap();
    }
    converges(&chapter);
    assert_eq!(std::fs::read_to_string(dir.path().join("site/d7/f4957.txt")).unwrap(), "file 4957\n");
    std::fs::remove_file(source.join("d7/f4957.txt")).unwrap();
    std::fs::write(dir.path().join("site/d8/planted"), "x").unwrap();
    chapter.apply().success();
    assert!(!dir.path().join("site/d7/f4957.txt").exists() && !dir.path().join("site/d8/planted").exists());
}

#[test]
fn hostile_names_stay_names() {
    let sshd = Sshd::start();
    let dir = tempfile::tempdir().unwrap();
    let names =
        ["with space", "quo'te\\\"s", "$(touch PWNED)", "-rf", "new\\nline", "a|b;c&d", "päge", "%s%n", "~", "*"];
    let declared: String =
        names.iter().map(|name| format!("  - file: {{ path: \"DIR/{name}\", content: \"x\" }}\n")).collect();
    let chapter =
        chapter(&dir, &format!("{declared}  - tree: {{ path: DIR/tree, source: tree }}\n")).sshd("h1", &sshd);
    let source = chapter.path("tree");
    std::fs::create_dir(&source).unwrap();
    for name in [&b"not \xff utf-8"[..], b"new\nline", b"$(touch PWNED)", b"--version", b"back\\slash", b"`id`"] {
        std::fs::write(source.join(OsStr::from_bytes(name)), name).unwrap();
    }
    converges(&chapter);
    for name in ["with space", "quo'te\"s", "$(touch PWNED)", "-rf", "new\nline", "a|b;c&d", "päge", "%s%n", "~", "*"]
    {
        assert_eq!(std::fs::read(dir.path().join(name)).unwrap(), b"x", "{name}");
    }
    let odd = dir.path().join("tree").join(OsStr::from_bytes(b"not \xff utf-8"));
    assert_eq!(std::fs::read(odd).unwrap(), b"not \xff utf-8");
    assert!(!Path::new("PWNED").exists() && !dir.path().join("PWNED").exists());
}

#[test]
fn a_server_that_freezes_in_the_middle_is_reported_and_never_a_success() {
    let sshd = Sshd::start();
    let dir = tempfile::tempdir().unwrap();
    let through = |proxy: &Proxy| {
        let arguments = ["plan", "--detailed-exitcode", "--silence-timeout", "2", "--connect-timeout", "2"];
        chapter(&dir, SIMPLE).reached("h1", &sshd, proxy.port).run(&arguments).within(Duration::from_secs(15))
    };
    let healthy = Proxy::new(sshd.address(), Duration::ZERO);
    let whole = through(&healthy).status(2).text().to_owned();
    let length = healthy.passed();
    for percent in [0, 1, 30, 60, 80, 90, 95] {
        let proxy = Proxy::new(sshd.address(), Duration::ZERO);
        proxy.freeze_after(length * percent / 100);
        let ran = through(&proxy);
        // once the last record has come, what follows it (the exit status) is not waited for
        let finished = percent > 80 && ran.code() == Some(2) && ran.text() == whole;
        assert!(finished || matches!(ran.code(), Some(3 | 4)), "frozen after {percent} %: {ran}");
    }
}

#[test]
fn an_unknown_or_changed_host_key_is_refused_with_its_fingerprint() {
    let sshd = Sshd::start();
    let other = Sshd::start();
    let dir = tempfile::tempdir().unwrap();
    let chapter = chapter(&dir, SIMPLE).sshd("h1", &sshd);
    let hosts = std::fs::read_to_string(chapter.path("hosts.yaml")).unwrap();
    let changed = hosts.replace(sshd.host_key(), other.host_key());
    let unknown = hosts.replace(&format!(", host_key: {}", sshd.host_key()), "");
    assert!(changed != hosts && unknown != hosts);
    let chapter = chapter.file("hosts.yaml", changed);
    let ran = chapter.plan().status(4);
    assert_eq!(ran.text().matches("SHA256:").count(), 2, "{}", ran.text());
    let ran = chapter.file("hosts.yaml", unknown).plan().status(4);
    assert!(ran.text().contains("SHA256:") && ran.text().contains(sshd.host_key()), "{}", ran.text());
}
