//! What the operator's side brings to hosts that have no way out: an archive, a commit, wheels. Made, left alone, found
//! changed, replaced and taken away, on a real host; and what a look never loads.

use std::process::Command;

use super::laws::bench::{sha256, wheel};
use crate::support::{Chapter, Host};

/// A `.tar.gz` with a program below `app/`.
fn archive(says: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let program = format!("#!/bin/sh\necho {says}\n");
    for (path, text, mode) in [("app/bin/run", program.as_str(), 0o755), ("app/it's a file", "text\n", 0o644)] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// A repository of this machine with one more commit, and its name.
fn commit(chapter: &Chapter, text: &str) -> (String, String) {
    let repository = chapter.home().join("site.git");
    std::fs::create_dir_all(&repository).unwrap();
    std::fs::write(repository.join("index.html"), text).unwrap();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@test.example"];
        let mut command = Command::new("git");
        command.args(identity).args(arguments).current_dir(&repository).env("HOME", "/nonexistent");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "-m", text]);
    (repository.display().to_string(), git(&["rev-parse", "HEAD"]))
}

#[test]
fn archives_and_commits_are_unpacked_whole_and_what_is_changed_in_them_is_replaced() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).file("carried/app.tar.gz", archive("one"));
    let (url, first) = commit(&chapter, "first");
    let resources = |commit: &str| {
        format!(
            "  - archive: {{ path: /opt/app, source: carried/app.tar.gz, strip: 1 }}\n  - git: {{ path: /srv/site, url: {url}, commit: {commit} }}\n"
        )
    };
    let chapter = chapter.resources(&resources(&first));
    let _ = chapter.plan().success().stdout_has("archive:/opt/app").stdout_has(&first);
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    assert_eq!(host.sh("/opt/app/bin/run; cat /opt/app/it*; cat /srv/site/index.html"), "one\ntext\nfirst");
    assert_eq!(host.sh("ls -A /srv/site"), ".steward-unpacked\nindex.html\n");
    assert_eq!(
        host.sh("stat -c '%U %a' /opt/app /opt/app/bin/run /opt/app/.steward-unpacked"),
        "root 755\nroot 755\nroot 600\n"
    );

    // somebody's change is kept where only root can read it, and undone
    host.sh("echo evil >/opt/app/bin/run; touch /srv/site/more");
    let plan = chapter.run(&["plan", "--detailed-exitcode"]).status(2).stdout_has("archive:/opt/app");
    let _ = plan.stdout_has("git:/srv/site");
    let _ = chapter.apply().success();
    assert_eq!(host.sh("/opt/app/bin/run; ls /srv/site"), "one\nindex.html\n");

    let (_, second) = commit(&chapter, "second");
    let chapter = chapter.file("carried/app.tar.gz", archive("two")).resources(&resources(&second));
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    assert_eq!(host.sh("/opt/app/bin/run; cat /srv/site/index.html"), "two\nsecond");

    // what cannot be brought changes nothing, and a look reaches nobody
    let away = "0123456789012345678901234567890123456789";
    let chapter = chapter.resources(&format!("  - file: {{ path: /etc/motd, content: new }}\n{}", resources(away)));
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).status(2).stdout_has(away);
    let _ = chapter.apply().status(3).stderr_has("cannot be brought: it has no commit");
    assert_eq!(host.sh("cat /srv/site/index.html; grep -c '^new' /etc/motd || true"), "second0\n");

    // where a folder of the repository was, a commit takes its place, and the other way round
    let tree = "  - tree: { path: /srv/site, source: site }\n";
    let chapter = chapter.file("site/index.html", "folder").file("site/more.html", "more").resources(tree);
    let _ = chapter.run(&["apply", "--yes", "--allow-deletions", "5"]).success();
    let _ = chapter.plan().success().no_changes();
    assert_eq!(host.sh("cat /srv/site/index.html; ls -A /srv/site"), "folderindex.html\nmore.html\n");
    let chapter = chapter.resources(&resources(&second));
    let _ = chapter.run(&["apply", "--yes", "--allow-deletions", "5"]).success();
    let _ = chapter.plan().success().no_changes();
    assert_eq!(host.sh("cat /srv/site/index.html; ls /srv/site"), "secondindex.html\n");

    // what it made goes; where something was before it came, something stays
    let chapter = chapter.resources("  - file: { path: /etc/motd, content: new }\n");
    let gone = chapter.run(&["apply", "--yes", "--allow-deletions", "5"]).success();
    let _ = gone.stdout_has("git:/srv/site stays: it was there before Steward managed it");
    assert_eq!(host.sh("ls -d /opt/app /srv/site 2>/dev/null || true"), "/srv/site\n");
}

#[test]
fn a_virtual_environment_is_made_of_wheels_that_the_lock_names_and_replaced_whole() {
    let host = Host::new();
    let resources = "  - package: python3-venv\n  - wheelhouse: { path: /opt/hello, lock: carried/hello.lock, wheels: carried/wheels, python: \"3.11\" }\n";
    let lock = |version: &str| format!("hello=={version} --hash=sha256:{}\n", sha256(&wheel(version)));
    let chapter = Chapter::new()
        .host("web1", &host)
        .file("carried/hello.lock", lock("1.0"))
        .file("carried/wheels/hello-1.0-py3-none-any.whl", wheel("1.0"))
        .file("carried/wheels/hello-2.0-py3-none-any.whl", wheel("2.0"))
        .resources(resources);
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    assert_eq!(host.sh("/opt/hello/bin/hello"), "hello 1.0\n");
    let _ = chapter.plan().success().no_changes();

    // a wheel that is not what the lock names
    let chapter = chapter.file("carried/hello.lock", format!("hello==2.0 --hash=sha256:{}\n", sha256(b"other")));
    let _ = chapter.apply().status(3).stderr_has("none of its wheels has a digest that the lock names");
    assert_eq!(host.sh("/opt/hello/bin/hello"), "hello 1.0\n");

    let chapter = chapter.file("carried/hello.lock", lock("2.0"));
    let _ = chapter.apply().success();
    assert_eq!(host.sh("/opt/hello/bin/hello; ls -d /opt/hello.* | wc -l"), "hello 2.0\n1\n");
    host.sh("echo 'x = 1' >>/opt/hello/lib/python3.11/site-packages/hello.py");
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).status(2).stdout_has("wheelhouse:/opt/hello");
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();

    let chapter = chapter.resources("  - package: python3-venv\n");
    let _ = chapter.run(&["apply", "--yes", "--allow-deletions", "5"]).success();
    assert_eq!(host.sh("ls -d /opt/hello* 2>/dev/null || echo gone"), "gone\n");
}
