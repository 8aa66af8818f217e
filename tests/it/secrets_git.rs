//! Secrets under the hands of people: what a commit refuses, how two branches meet, and what an editor leaves behind. Real
//! git, real hook, real merge driver.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::{Chapter, Ran, at_terminal, wait_for};

const MODULE: &str = "version: 1
summary: { en: A wiki. }
secrets:
  db: { rotate: manual }
  token: { rotate: manual }
resources:
  - file: { path: /etc/wiki, content: '{{ secrets.db }}{{ secrets.token }}' }
";

struct Wiki {
    chapter: Chapter,
    identity: PathBuf,
}

fn age_key(chapter: &Chapter, name: &str) -> String {
    let identity = chapter.home().join(format!("{name}.agekey"));
    assert!(Command::new("age-keygen").arg("-o").arg(&identity).output().unwrap().status.success());
    let public = Command::new("age-keygen").arg("-y").arg(&identity).output().unwrap().stdout;
    String::from_utf8(public).unwrap().trim().to_owned()
}

/// A chapter in a repository, with hook and merge driver, and two secrets set and committed.
fn wiki() -> Wiki {
    let chapter = Chapter::new().local("web1").file("modules/wiki.yaml", MODULE);
    let identity = chapter.home().join("ana.agekey");
    let wiki = Wiki { chapter, identity };
    wiki.inventory(&["ana", "bea"]);
    let _ = wiki.git(&["init", "--quiet", "--initial-branch=main"]);
    let _ = wiki.run(&["secrets", "hook"]).success();
    wiki.set("db", "first");
    wiki.set("token", "first");
    wiki.commit();
    wiki
}

impl Wiki {
    /// Writes the inventory with these maintainers; who is new gets a key.
    fn inventory(&self, people: &[&str]) {
        let mut text = String::from(
            "id: 00112233445566778899aabbccddeeff\nchapter: { name: Test, domain: test.example }\n\
             services:\n  wiki: { module: wiki, on: all }\npeople:\n",
        );
        for name in people {
            let kept = self.chapter.home().join(format!("{name}.public"));
            let key = std::fs::read_to_string(&kept).unwrap_or_else(|_| age_key(&self.chapter, name));
            std::fs::write(kept, &key).unwrap();
            text.push_str(&format!("  {name}: {{ name: {name}, role: maintainer, age: [{key}] }}\n"));
        }
        std::fs::write(self.chapter.path("chapter.yaml"), text).unwrap();
    }

    fn arguments<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--identity", self.identity.to_str().unwrap()]].concat()
    }

    #[must_use = "a run that nothing is expected of tests nothing"]
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        self.chapter.run(&self.arguments(arguments))
    }

    #[track_caller]
    fn set(&self, name: &str, value: &str) {
        let name = format!("wiki/{name}");
        let _ = self.chapter.run_with(&self.arguments(&["secrets", "set", &name]), value).success();
    }

    #[track_caller]
    fn has(&self, name: &str, value: &str) {
        let _ = self.run(&["secrets", "get", &format!("wiki/{name}")]).success().stdout(value);
    }

    /// Git as a person has it, with the `steward` of this test in PATH.
    fn git(&self, arguments: &[&str]) -> Output {
        let bin = Path::new(env!("CARGO_BIN_EXE_steward")).parent().unwrap();
        Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@test.example", "-c", "rebase.autoStash=false"])
            .args(arguments)
            .current_dir(self.chapter.path(""))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("HOME", self.chapter.home())
            .env("GIT_EDITOR", "true")
            .output()
            .unwrap()
    }

    #[track_caller]
    fn does(&self, arguments: &[&str]) -> String {
        let output = self.git(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    #[track_caller]
    fn commit(&self) {
        self.does(&["add", "--all"]);
        self.does(&["commit", "--quiet", "-m", "A change"]);
    }

    /// Two branches from here: `other` with what the one does, `main`, which is checked out, with what the other does.
    fn branches(&self, other: impl FnOnce(&Self), main: impl FnOnce(&Self)) {
        self.does(&["checkout", "--quiet", "-b", "other"]);
        other(self);
        self.commit();
        self.does(&["checkout", "--quiet", "main"]);
        main(self);
        self.commit();
    }

    fn id(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.chapter.path(&format!("secrets/wiki/{name}.recipients"))).unwrap();
        text.lines().find(|line| line.starts_with("id ")).unwrap().to_owned()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_commit_of_plaintext_or_of_a_key_is_refused() {
    let wiki = wiki();
    let key = std::fs::read_to_string(&wiki.identity).unwrap();
    let pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n".to_owned();
    let plugin = format!("AGE-PLUGIN-YUBIKEY-1{}\n", "Q".repeat(30));
    for (path, content, why) in [
        ("secrets/wiki/db.age", "the password", "is no age file"),
        ("secrets/wiki/new.txt", "the password", "is below secrets/ and not encrypted"),
        ("secrets/wiki/db.recipients", "the password", "is not what Steward writes"),
        ("notes with space.txt", &key, "holds an age identity"),
        ("notes.txt", &plugin, "holds the identity of an age plugin"),
        ("deploy/key", &pem, "holds a private key"),
    ] {
        let file = wiki.chapter.path(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, content).unwrap();
        wiki.does(&["add", "--all"]);
        let refused = wiki.git(&["commit", "-m", "x"]);
        assert_eq!(refused.status.code(), Some(1), "{path}: {refused:?}");
        let text = said(&refused);
        assert!(text.contains(path) && text.contains(why) && text.contains("git restore --staged"), "{text}");
        assert!(!text.contains("the password") && !text.contains("AGE-SECRET-KEY-1"), "{text}");
        // of what is only in the working directory nothing is said
        wiki.does(&["reset", "--quiet", "--hard"]);
        std::fs::write(wiki.chapter.path("untracked"), &key).unwrap();
        let _ = wiki.run(&["secrets", "check", "--staged"]).success();
        std::fs::remove_file(wiki.chapter.path("untracked")).unwrap();
    }
    wiki.set("db", "another");
    wiki.commit();
    let _ = wiki.run(&["secrets", "check"]).success();

    // with an index of git's own making, and from below
    std::fs::write(wiki.chapter.path("secrets/wiki/db.age"), "the password").unwrap();
    for arguments in [&["-C", "secrets", "commit", "-am", "x"][..], &["commit", "-m", "x", "secrets/wiki/db.age"]] {
        let refused = wiki.git(arguments);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(said(&refused).contains("secrets/wiki/db.age is no age file"), "{refused:?}");
    }
}

#[test]
fn what_is_staged_counts_and_an_inventory_with_mistakes_is_no_hindrance() {
    let wiki = wiki();
    std::fs::write(wiki.chapter.path("chapter.yaml"), "people: {").unwrap();
    std::fs::write(wiki.chapter.path("secrets/wiki/db.age"), "plain").unwrap();
    wiki.does(&["add", "secrets"]);
    wiki.does(&["show", "HEAD:secrets/wiki/db.age"]);
    // put right in the working directory, but not in the index
    std::fs::write(wiki.chapter.path("secrets/wiki/db.age"), wiki.does(&["show", "HEAD:secrets/wiki/db.age"]))
        .unwrap();
    let _ = wiki.run(&["secrets", "check", "--staged"]).status(1).stderr_has("secrets/wiki/db.age is no age file");
    wiki.commit();
}

#[test]
fn a_hook_of_somebody_else_is_never_overwritten() {
    let chapter = Chapter::new().file("chapter.yaml", "chapter: { name: Test, domain: test.example }\n");
    let _ = chapter.run(&["secrets", "hook"]).status(1).stderr_has("is in no git repository");
    chapter.commit();
    let hook = chapter.path(".git/hooks/pre-commit");
    std::fs::write(&hook, "#!/bin/sh\nmake lint\n").unwrap();
    let _ = chapter.run(&["secrets", "hook"]).status(1).stderr_has("steward secrets check --staged || exit 1");
    assert_eq!(std::fs::read_to_string(&hook).unwrap(), "#!/bin/sh\nmake lint\n");
    assert!(!chapter.path(".git/hooks/pre-merge-commit").exists());
    std::fs::write(&hook, "#!/bin/sh\nmake lint\nsteward secrets check --staged || exit 1\n").unwrap();
    let _ = chapter.run(&["secrets", "hook"]).success().stderr_has("before each merge is committed");
    let _ = chapter.run(&["secrets", "hook"]).success().stderr_has("are there already");
    let attributes = std::fs::read_to_string(chapter.path(".gitattributes")).unwrap();
    assert_eq!(attributes.lines().count(), 2, "{attributes}");
    // one that is no text is somebody's, too
    std::fs::write(chapter.path(".gitattributes"), b"*.bin \xff\n").unwrap();
    let _ = chapter.run(&["secrets", "hook"]).status(1).stderr_has("the merge driver cannot be set up");
    assert_eq!(std::fs::read(chapter.path(".gitattributes")).unwrap(), b"*.bin \xff\n");
}

#[test]
fn a_merge_that_brings_plaintext_is_not_committed() {
    let wiki = wiki();
    wiki.does(&["checkout", "--quiet", "-b", "other"]);
    std::fs::write(wiki.chapter.path("secrets/wiki/token.age"), "swordfish").unwrap();
    wiki.does(&["add", "--all"]);
    wiki.does(&["commit", "--quiet", "--no-verify", "-m", "Past the hook"]);
    wiki.does(&["checkout", "--quiet", "main"]);
    wiki.set("db", "second");
    wiki.commit();
    let merged = wiki.git(&["merge", "--no-edit", "other"]);
    assert!(!merged.status.success(), "{merged:?}");
    assert!(String::from_utf8_lossy(&merged.stderr).contains("secrets/wiki/token.age is no age file"), "{merged:?}");
}

#[test]
fn init_offers_the_hook_where_there_is_a_repository() {
    let chapter = Chapter::new();
    let arguments = ["init", "ours", "--name", "Ours", "--domain", "ours.example"];
    let hooked = [&arguments[..], &["--git-hook"]].concat();
    let _ = chapter.run(&hooked).status(1).stderr_has("is in no git repository");
    assert!(!chapter.path("ours").exists(), "nothing was written");
    assert!(Command::new("git").args(["init", "--quiet"]).arg(chapter.path("")).status().unwrap().success());
    let (status, screen) = at_terminal(&chapter.command(&arguments), &[("before each commit?", "y")]);
    assert_eq!(status, Some(0), "{screen}");
    let hook = chapter.path(".git/hooks/pre-commit");
    assert!(hook.exists(), "{screen}");
    std::fs::remove_file(&hook).unwrap();
    std::fs::remove_dir_all(chapter.path("ours")).unwrap();
    let _ = chapter.run(&arguments).success();
    assert!(!hook.exists(), "nobody was there to ask");
    std::fs::remove_dir_all(chapter.path("ours")).unwrap();
    let _ = chapter.run(&hooked).success();
    assert!(hook.exists());
}

#[test]
fn branches_that_changed_different_secrets_merge_without_conflict() {
    let wiki = wiki();
    wiki.branches(|it| it.set("db", "second"), |it| it.set("token", "second"));
    wiki.does(&["merge", "--quiet", "--no-edit", "other"]);
    wiki.has("db", "second");
    wiki.has("token", "second");
    let _ = wiki.run(&["secrets", "check"]).success();
}

#[test]
fn two_new_values_of_one_secret_are_a_conflict_that_somebody_resolves() {
    for (how, kept, other) in [("merge", "ours", "theirs"), ("rebase", "theirs", "ours")] {
        let wiki = wiki();
        wiki.branches(|it| it.set("db", "theirs"), |it| it.set("db", "ours"));
        let output = wiki.git(&[how, "other"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = said(&output);
        for part in ["wiki/db", "both sides gave", "secrets set wiki/db", "git add", ":3:secrets/wiki/db.age"] {
            assert!(text.contains(part), "{how}, {part}: {text}");
        }
        let unmerged = wiki.does(&["diff", "--name-only", "--diff-filter=U"]);
        for file in ["db.age", "db.previous.age", "db.recipients"] {
            assert!(unmerged.contains(file), "{how}: {unmerged}");
        }
        // all files are of one side, and the other value can be read as the message says
        wiki.has("db", kept);
        let _ = wiki.run(&["secrets", "check"]).success();
        let theirs = wiki.git(&["show", ":3:secrets/wiki/db.age"]).stdout;
        let file = wiki.chapter.home().join("theirs.age");
        std::fs::write(&file, theirs).unwrap();
        let output = Command::new("age").arg("-d").arg("-i").arg(&wiki.identity).arg(&file).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), other);
        if how == "merge" {
            wiki.does(&["checkout", "--quiet", "--theirs", "secrets/wiki/db.*"]);
            wiki.has("db", other);
        } else {
            wiki.set("db", "third");
        }
        wiki.does(&["add", "secrets/wiki/db.*"]);
        wiki.does(if how == "merge" { &["commit", "--quiet", "--no-edit"] } else { &["rebase", "--continue"] });
        let _ = wiki.run(&["secrets", "check"]).success();
    }
}

#[test]
fn rekeyed_on_both_sides_is_kept_and_rekeyed_again() {
    for how in ["merge", "rebase"] {
        let wiki = wiki();
        let id = wiki.id("db");
        let rekeyed = |people: &[&str]| {
            wiki.inventory(people);
            let _ = wiki.run(&["secrets", "rekey"]).success();
        };
        wiki.branches(|_| rekeyed(&["ana", "bea", "cleo"]), |_| rekeyed(&["dora", "ana", "bea"]));
        // both branches added a person on a line of its own, so the inventory merges by itself
        let output = wiki.git(&[how, "other"]);
        assert!(output.status.success(), "{how}: {}", said(&output));
        assert!(said(&output).contains("run `steward secrets rekey`"), "{how}: {}", said(&output));
        assert_eq!(wiki.id("db"), id);
        let _ = wiki.run(&["secrets", "check"]).status(1).stderr_has("rekey");
        let _ = wiki.run(&["secrets", "rekey"]).success();
        let _ = wiki.run(&["secrets", "check"]).success();
        wiki.has("db", "first");
    }
}

#[test]
fn a_new_value_on_one_side_wins_over_rekeying_on_the_other() {
    for how in ["merge", "rebase", "cherry-pick"] {
        for new_is_theirs in [true, false] {
            let wiki = wiki();
            let set = |it: &Wiki| it.set("db", "second");
            let rekeyed = |it: &Wiki| {
                it.inventory(&["ana", "bea", "cleo"]);
                let _ = it.run(&["secrets", "rekey", "wiki/db"]).success();
            };
            if new_is_theirs {
                wiki.branches(set, rekeyed);
            } else {
                wiki.branches(rekeyed, set);
            }
            wiki.does(&["-C", "secrets", how, "other"]);
            wiki.has("db", "second");
            let _ = wiki.run(&["secrets", "rekey"]).success();
            let _ = wiki.run(&["secrets", "check"]).success();
        }
    }
}

/// An editor that is a shell script: `$1` is the file.
fn editor(wiki: &Wiki, script: &str) -> Command {
    let path = wiki.chapter.home().join("editor");
    std::fs::write(&path, script).unwrap();
    let mut command = wiki.chapter.command(&wiki.arguments(&["secrets", "edit", "wiki/db"]));
    command.env("VISUAL", format!("sh {}", path.display())).env("HERE", wiki.chapter.home());
    command
}

const NOTES: &str = "printf %s \"$1\" >\"$HERE/where\"; stat -c %a \"$1\" \"$TMPDIR\" >\"$HERE/modes\"\n";

fn edited_file(wiki: &Wiki) -> PathBuf {
    PathBuf::from(std::fs::read_to_string(wiki.chapter.home().join("where")).unwrap())
}

#[test]
fn an_editor_changes_the_value_in_a_file_that_is_gone_afterwards() {
    let wiki = wiki();
    let before = wiki.id("db");
    let edit = |script: &str| Ran::run(editor(&wiki, &format!("{NOTES}{script}")), "", &[]);

    let _ = edit("true\n").success().stderr_has("nothing was written");
    // vi ends the last line though the value had no end of line
    let _ = edit("echo >>\"$1\"\n").success().stderr_has("nothing was written");
    assert_eq!(wiki.id("db"), before);

    let _ = edit("echo second >\"$1\"; echo swap >\"$1.swp\"\n").success().never_says("second");
    wiki.has("db", "second");
    assert_ne!(wiki.id("db"), before);
    assert_eq!(std::fs::read_to_string(wiki.chapter.home().join("modes")).unwrap(), "600\n700\n");
    assert!(!edited_file(&wiki).parent().unwrap().exists());

    let changed = wiki.id("db");
    let _ = edit("echo third >\"$1\"; exit 3\n").status(1).stderr_has("nothing was written");
    let _ = edit(": >\"$1\"\n").status(1).stderr_has("the value is empty");
    assert_eq!(wiki.id("db"), changed);
    assert!(!edited_file(&wiki).parent().unwrap().exists());
}

#[test]
fn an_edit_that_is_killed_leaves_nothing_behind() {
    let wiki = wiki();
    let mut command =
        editor(&wiki, &format!("{NOTES}: >\"$HERE/ready\"; while test -e \"$1\"; do sleep 0.1; done\n"));
    let mut steward = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the editor", Duration::from_secs(30), || wiki.chapter.home().join("ready").exists());
    let file = edited_file(&wiki);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "first");
    steward.kill().unwrap(); // SIGKILL
    steward.wait().unwrap();
    wait_for("nothing left", Duration::from_secs(5), || !file.parent().unwrap().exists());
    wiki.has("db", "first");
}

#[test]
fn a_pull_of_commits_that_no_branch_here_leads_to_merges_as_well() {
    let wiki = wiki();
    let rekeyed = |it: &Wiki| {
        it.inventory(&["ana", "bea", "cleo"]);
        let _ = it.run(&["secrets", "rekey", "wiki/db"]).success();
    };
    wiki.branches(|it| it.set("db", "second"), rekeyed);
    let elsewhere = wiki.chapter.home().join("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    wiki.does(&["clone", "--quiet", "--bare", ".", elsewhere]);
    wiki.does(&["branch", "--quiet", "-D", "other"]);
    wiki.does(&["reflog", "expire", "--expire=now", "--all"]);
    wiki.does(&["gc", "--quiet", "--prune=now"]);
    wiki.does(&["pull", "--quiet", "--no-rebase", "--no-edit", elsewhere, "other"]);
    wiki.has("db", "second");
    let _ = wiki.run(&["secrets", "rekey"]).success();
    let _ = wiki.run(&["secrets", "check"]).success();
}
