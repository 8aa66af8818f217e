//! People come and go: the files of the repository before and after, and what a volunteer reads.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::support::{Chapter, at_terminal, keygen};

const TOP: &str = "id: 00112233445566778899aabbccddeeff\nchapter: { name: Test, domain: test.example } # ours\n";

/// Keys of somebody, in the chapter's home: the public SSH line and the public age key.
struct Keys {
    ssh: String,
    age: String,
    /// The file of the age identity.
    identity: PathBuf,
}

fn keys(dir: &Path, name: &str) -> Keys {
    let ssh = keygen(&dir.join(name));
    let secret = age::x25519::Identity::generate();
    let identity = dir.join(format!("{name}.agekey"));
    std::fs::write(&identity, secrecy::ExposeSecret::expose_secret(&secret.to_string())).unwrap();
    Keys { ssh, age: secret.to_public().to_string(), identity }
}

fn git(chapter: &Chapter, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@test.example", "-C"])
        .arg(chapter.path(""))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn commit(chapter: &Chapter) {
    if !chapter.path(".git").exists() {
        git(chapter, &["init", "--quiet"]);
    }
    git(chapter, &["add", "--all"]);
    git(chapter, &["commit", "--quiet", "--message", "x"]);
}

fn text(chapter: &Chapter, path: &str) -> String {
    std::fs::read_to_string(chapter.path(path)).unwrap()
}

#[test]
fn somebody_is_added_by_flags_and_nothing_else_changes() {
    let chapter =
        Chapter::new().file("chapter.yaml", TOP).file("people.yaml", "# the board\npeople: {} # nobody\n# end\n");
    let (ana, bea) = (keys(&chapter.home(), "ana"), keys(&chapter.home(), "bea"));
    let file = chapter.home().join("ana.pub");
    let flags =
        ["--name", "Ana: née no", "--role", "maintainer", "--ssh-key", file.to_str().unwrap(), "--age", &ana.age];
    chapter.run(&[&["people", "add", "ana"], flags.as_slice()].concat()).success();
    let written = format!(
        "# the board\npeople: # nobody\n  ana:\n    name: \"Ana: née no\"\n    role: maintainer\n    ssh: [{}]\n    age: [{}]\n# end\n",
        ana.ssh, ana.age
    );
    assert_eq!(text(&chapter, "people.yaml"), written);
    assert_eq!(text(&chapter, "chapter.yaml"), TOP);

    let from_stdin = ["people", "add", "bea", "--name", "Bea", "--role", "operator", "--ssh-key", "-"];
    chapter.run_with(&from_stdin, &format!("{}\n{}\n", bea.ssh, bea.age)).success();
    let list = chapter.run(&["people", "list"]).success();
    assert_eq!(
        list.text(),
        "ana  Ana: née no  maintainer  1 SSH, 1 age\nbea  Bea          operator    1 SSH, 1 age\n"
    );
    let shown = chapter.run(&["people", "show", "bea", "--format", "json"]).success().json();
    assert_eq!((shown["role"].as_str(), shown["login"].as_str()), (Some("operator"), Some("bea")));
    assert!(shown["ssh"][0]["fingerprint"].as_str().unwrap().starts_with("SHA256:"));
}

#[test]
fn a_key_of_somebody_else_or_a_private_one_is_refused_and_nothing_is_written() {
    let chapter = Chapter::new();
    let ana = keys(&chapter.home(), "ana");
    let people = format!("{TOP}people:\n  ana: {{ name: Ana, role: maintainer, ssh: [{}] }}\n", ana.ssh);
    let chapter = chapter.file("chapter.yaml", &people);
    let add = |key: &Path| {
        let key = key.to_str().unwrap().to_owned();
        chapter.run(&["people", "add", "bea", "--name", "Bea", "--role", "reader", "--ssh-key", &key]).status(1)
    };
    let _ = add(&chapter.home().join("ana.pub")).stderr_has("this is a key of `ana` already");
    let _ = add(&chapter.home().join("ana")).stderr_has("holds a private key");
    let secret = std::fs::read_to_string(&ana.identity).unwrap();
    let flags =
        ["people", "add", "bea", "--name", "Bea", "--role", "reader", "--age", ana.identity.to_str().unwrap()];
    let _ = chapter.run(&flags).status(1).stderr_has("holds a private key").never_says(secret.trim());
    let _ = chapter.run(&["people", "add", "ana"]).status(1).stderr_has("`ana` is a person already");
    let missing = chapter.run(&["people", "add", "bea"]).status(1);
    let _ = missing.stderr_has("give --name and --role and --ssh-key, or run it at a terminal");
    assert_eq!(text(&chapter, "chapter.yaml"), people);
}

#[test]
fn at_a_terminal_what_is_missing_is_asked() {
    let chapter = Chapter::new().file("chapter.yaml", TOP);
    let ana = keys(&chapter.home(), "ana");
    let command = chapter.command(&["people", "add", "ana"]);
    let answers = [
        ("Name of ana", "Ana"),
        ("Role (", "maintainer"),
        ("Public SSH key", &ana.ssh),
        ("Public age key", &ana.age),
    ];
    let (status, screen) = at_terminal(&command, &answers);
    assert_eq!(status, Some(0), "{screen}");
    let entry = format!(
        "people:\n  ana:\n    name: Ana\n    role: maintainer\n    ssh: [{}]\n    age: [{}]\n",
        ana.ssh, ana.age
    );
    assert_eq!(text(&chapter, "chapter.yaml"), format!("{TOP}\n{entry}"));
}

const MODULE: &str = "\
version: 1
summary: { en: For a test. }
secrets:
  auto: { generate: { length: 24 }, rotate: auto }
  manual: { rotate: manual }
  never: { generate: { hex: 16 }, rotate: never }
";

/// Ana runs Steward; bea is a maintainer too, cem an operator. The service `app` is read by all, `board` not by cem.
struct Cast {
    chapter: Chapter,
    ana: Keys,
    cem: Keys,
}

const SECRETS: [&str; 6] = ["app/auto", "app/manual", "app/never", "board/auto", "board/manual", "board/never"];

fn cast() -> Cast {
    let chapter = Chapter::new();
    let [ana, bea, cem] = ["ana", "bea", "cem"].map(|name| keys(&chapter.home(), name));
    let chapter = chapter
        .file("modules/app.yaml", MODULE)
        .file("chapter.yaml", TOP)
        .file(
            "people.yaml",
            format!(
                "people:\n  # who founded it\n  ana: {{ name: Ana, role: maintainer, ssh: [{}], age: [{}] }}\n\n  \
                 cem: # on leave\n    name: Cem\n    role: operator # for now\n    ssh: [{}]\n    age:\n    - {} # laptop\n\n  \
                 bea: {{ name: Bea, role: maintainer, ssh: [{}], age: [{}] }} # treasurer\n",
                ana.ssh, ana.age, cem.ssh, cem.age, bea.ssh, bea.age
            ),
        )
        .file(
            "services.yaml",
            "services:\n  app: { module: app, on: all, readers: [cem, operator] } # all\n  board: { module: app, on: all, readers: [bea] }\n",
        )
        .local("here");
    let config = chapter.home().join(".config/steward");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::copy(&ana.identity, config.join("identities.txt")).unwrap();
    for (number, name) in SECRETS.iter().enumerate() {
        let readers = [("ana", &ana), ("bea", &bea), ("cem", &cem)];
        let count = if name.starts_with("app") { 3 } else { 2 };
        secret(&chapter, name, number, &readers[..count]);
    }
    let _ = chapter.run(&["module", "update"]).success();
    commit(&chapter);
    Cast { chapter, ana, cem }
}

/// A secret as the store keeps it, encrypted by the `age` command.
fn secret(chapter: &Chapter, name: &str, number: usize, readers: &[(&str, &Keys)]) {
    let file = chapter.path(&format!("secrets/{name}.age"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut command = Command::new("age");
    command.arg("--encrypt").arg("--armor").arg("-o").arg(&file).stdin(Stdio::piped());
    for (_, keys) in readers {
        command.args(["-r", &keys.age]);
    }
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("plain value of {name}").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let digest = Sha256::digest(std::fs::read(&file).unwrap());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let people: String = readers.iter().map(|(person, keys)| format!("person {person} {}\n", keys.age)).collect();
    let text = format!("id {number:032x}\ndigest {digest}\n{people}");
    std::fs::write(file.with_extension("recipients"), text).unwrap();
}

/// The `age` command's answer, `None` if the identity does not open the file.
fn decrypted(chapter: &Chapter, identity: &Path, secret: &str) -> Option<String> {
    let file = chapter.path(&format!("secrets/{secret}.age"));
    let output = Command::new("age").arg("--decrypt").arg("-i").arg(identity).arg(file).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn who_is_removed_loses_every_secret_and_nothing_else_changes() {
    let Cast { chapter, ana, cem } = cast();
    let before = SECRETS.map(|name| decrypted(&chapter, &ana.identity, name).unwrap());
    assert!(decrypted(&chapter, &cem.identity, "app/auto").is_some());
    assert!(decrypted(&chapter, &cem.identity, "board/auto").is_none());
    let people = text(&chapter, "people.yaml");

    let _ = chapter.run(&["people", "remove", "cme"]).status(1).stderr_has("did you mean `cem`?");
    let _ = chapter.run(&["people", "remove", "cem"]).status(1).stderr_has("give `--yes`; nothing was changed");
    assert_eq!(git(&chapter, &["status", "--porcelain"]), "");
    let said = chapter.run(&["people", "remove", "cem", "--yes"]).success();
    assert!(said.said().contains("3 secrets are encrypted anew, without cem"), "{said}");

    for (name, value) in SECRETS.iter().zip(&before) {
        assert_eq!(decrypted(&chapter, &cem.identity, name), None, "{name}");
        let now = decrypted(&chapter, &ana.identity, name).unwrap();
        assert_eq!(now == *value, *name != "app/auto", "{name}");
        let _ = said.said().contains(value.as_str()).then(|| panic!("{said}"));
    }
    assert_eq!(decrypted(&chapter, &ana.identity, "app/auto.previous").as_ref(), Some(&before[0]));
    let changed = git(&chapter, &["status", "--porcelain", "--untracked-files=all"]);
    let mut paths: Vec<&str> = changed.lines().map(|line| &line[3..]).collect();
    paths.sort_unstable();
    let wanted = [
        "offboarding/cem.yaml",
        "people.yaml",
        "secrets/app/auto.age",
        "secrets/app/auto.previous.age",
        "secrets/app/auto.recipients",
        "secrets/app/manual.age",
        "secrets/app/manual.recipients",
        "secrets/app/never.age",
        "secrets/app/never.recipients",
        "services.yaml",
    ];
    paths.retain(|path| !path.ends_with(".previous.recipients"));
    assert_eq!(paths, wanted);

    // every other line is as it was
    let own = people.split_once("  cem:").unwrap().1.split_once("\n\n").unwrap().0;
    let kept = people.replace(&format!("  cem:{own}\n"), "");
    let day = jiff::Zoned::now().date();
    let former = format!(
        "\nformer:\n  cem:\n    name: Cem\n    since: \"{day}\"\n    ssh: [{}]\n    age: [{}]\n",
        cem.ssh, cem.age
    );
    assert_eq!(text(&chapter, "people.yaml"), format!("{kept}{former}"));
    assert!(text(&chapter, "services.yaml").contains("readers: [operator] } # all\n"));
    let _ = chapter.validate().success();

    let list = text(&chapter, "offboarding/cem.yaml");
    for value in &before {
        assert!(!list.contains(value.as_str()), "no secret in {list}");
    }
    assert!(!list.contains("board/") && list.contains("secret:app/never"), "{list}");
}

/// 50 by `STEWARD_KILLS=50`; a sample in the ordinary run.
fn kills() -> u32 {
    std::env::var("STEWARD_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(10)
}

#[test]
fn killed_at_any_moment_everything_is_old_or_everything_is_new() {
    let Cast { chapter, ana, cem } = cast();
    let old = git(&chapter, &["rev-parse", "HEAD"]);
    let remove = ["people", "remove", "cem", "--yes"];
    let start = Instant::now();
    let _ = chapter.run(&remove).success();
    let whole = start.elapsed();
    let (mut olds, mut news) = (0, 0);
    for point in 0..kills() {
        git(&chapter, &["reset", "--quiet", "--hard", old.trim()]);
        git(&chapter, &["clean", "--quiet", "-xfd"]);
        let mut child = chapter.command(&remove).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if point % 2 == 0 {
            // anywhere in the run
            std::thread::sleep(whole * (2 * point + 1) / (2 * kills()));
        } else {
            // how long a run takes changes with what else the machine does: these meet the writing itself
            let journal = chapter.path("secrets/.journal");
            while !journal.exists() && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            std::thread::sleep(Duration::from_millis(2) * (point / 2));
        }
        let _ = child.kill();
        child.wait().unwrap();
        // whoever comes next finds no half of it
        let _ = chapter.run(&["people", "list"]).success();
        let is_new = chapter.path("offboarding/cem.yaml").exists();
        let readable = SECRETS.iter().filter(|name| decrypted(&chapter, &cem.identity, name).is_some()).count();
        assert!(SECRETS.iter().all(|name| decrypted(&chapter, &ana.identity, name).is_some()), "point {point}");
        if is_new {
            news += 1;
            assert_eq!(readable, 0, "point {point}");
            assert!(!text(&chapter, "people.yaml").contains("# on leave"), "point {point}");
            assert!(chapter.path("secrets/app/auto.previous.age").exists(), "point {point}");
        } else {
            olds += 1;
            assert_eq!(git(&chapter, &["status", "--porcelain", "--untracked-files=all"]), "", "point {point}");
        }
    }
    assert!(olds > 0 && news > 0, "{olds} old, {news} new: the moments of this test are not spread well");
}

#[test]
fn what_would_lock_somebody_out_or_leave_a_secret_behind_is_refused_and_changes_nothing() {
    let Cast { chapter, ana: _, cem } = cast();
    let unchanged =
        |what: &str| assert_eq!(git(&chapter, &["status", "--porcelain", "--untracked-files=all"]), "", "{what}");
    let _ = chapter.run(&["people", "remove", "bea", "--yes"]).status(1).stderr_has("fewer than 2 maintainers: ana");
    unchanged("too few maintainers");
    let own = std::fs::read(chapter.home().join("cem.pub")).unwrap();
    std::fs::write(chapter.home().join(".ssh/id_ed25519.pub"), own).unwrap();
    let _ = chapter.run(&["people", "remove", "cem", "--yes"]).status(1).stderr_has("you would lose access yourself");
    std::fs::remove_file(chapter.home().join(".ssh/id_ed25519.pub")).unwrap();
    unchanged("oneself");
    // by their age key alone
    std::fs::copy(&cem.identity, chapter.home().join(".config/steward/identities.txt")).unwrap();
    let _ = chapter.run(&["people", "remove", "cem", "--yes"]).status(1).stderr_has("you would lose access yourself");
    unchanged("oneself by age key");
    std::fs::remove_file(chapter.home().join(".config/steward/identities.txt")).unwrap();
    let _ = chapter.run(&["people", "remove", "cem", "--yes"]).status(1).stderr_has("cannot decrypt");
    unchanged("no key");
}

#[test]
fn who_comes_reads_what_they_may_as_far_as_the_operator_can_read_it() {
    let Cast { chapter, ana, cem } = cast();
    let dia = keys(&chapter.home(), "dia");
    let lines = format!("{}\n{}\n", dia.ssh, dia.age);
    let add = ["people", "add", "dia", "--name", "Dia", "--role", "operator", "--ssh-key", "-"];
    let id = text(&chapter, "secrets/app/auto.recipients").lines().next().unwrap().to_owned();

    // cem reads only the secrets of `app`, which are those that dia may read
    let config = chapter.home().join(".config/steward/identities.txt");
    std::fs::remove_file(&config).unwrap();
    let said = chapter.run_with(&add, &lines).success();
    let _ = said.stderr_has(
        "You cannot read 3 of the secrets that dia may read: let a maintainer run `steward secrets rekey`.",
    );
    git(&chapter, &["checkout", "--quiet", "."]);
    std::fs::copy(&cem.identity, &config).unwrap();
    let _ = chapter.run_with(&add, &lines).success().stderr_has("3 secrets are encrypted to their key, too.");
    for name in SECRETS {
        let is_theirs = name.starts_with("app/");
        let wanted = is_theirs.then(|| format!("plain value of {name}"));
        assert_eq!(decrypted(&chapter, &dia.identity, name), wanted);
        let changed = git(&chapter, &["status", "--porcelain", &format!("secrets/{name}.age")]);
        assert_eq!(!changed.is_empty(), is_theirs, "{name}");
        assert!(decrypted(&chapter, &ana.identity, name).is_some());
    }
    assert!(text(&chapter, "secrets/app/auto.recipients").contains(&id), "the same value has the same id");
}

#[test]
fn the_checklist_names_what_git_shows_that_they_could_read_earlier_and_asks_for_it_until_it_is_done() {
    let Cast { chapter, ana, cem } = cast();
    secret(&chapter, "board/never", 90, &[("ana", &ana), ("cem", &cem)]);
    secret(&chapter, "old/gone", 91, &[("ana", &ana), ("cem", &cem)]);
    commit(&chapter);
    std::fs::remove_dir_all(chapter.path("secrets/old")).unwrap();
    secret(&chapter, "board/never", 90, &[("ana", &ana)]);
    commit(&chapter);
    let _ = chapter.run(&["people", "remove", "cem", "--yes"]).success();
    let list = text(&chapter, "offboarding/cem.yaml");
    assert!(list.contains("board/never:\n    read: earlier\n"), "{list}");
    assert!(list.contains("old/gone:\n    read: earlier\n"), "{list}");
    assert!(list.contains("app/manual:\n    read: until-the-end\n"), "{list}");

    let status = ["people", "offboard", "cem", "--status"];
    let open = chapter.run(&status).status(2).stdout_has("[ ] old/gone: no longer kept").stdout_has("[ ] forge: ");
    let open = open.stdout_has("[ ] app/manual: not changed: change it where it is used");
    let _ = open.stdout_has("[ ] here: nothing declares accounts there: look yourself, then `--ack account:here`");
    let _ =
        chapter.run(&["people", "offboard", "cem", "--ack", "forgge"]).status(1).stderr_has("did you mean `forge`?");
    let items = [
        "forge",
        "registrar",
        "hosting",
        "passwords",
        "chats",
        "account:here",
        "secret:old/gone",
        "secret:app/never",
        "secret:board/never",
    ];
    for item in items {
        let _ = chapter.run(&["people", "offboard", "cem", "--ack", item]).success();
    }
    // an apply has seen the new value, and a person has set the other
    std::fs::remove_file(chapter.path("secrets/app/auto.previous.age")).unwrap();
    let _ = chapter.run(&status).status(2).stdout_has("Not finished: 1 of ");
    secret(&chapter, "app/manual", 92, &[("ana", &ana)]);
    let done = chapter.run(&status).success().stdout_has("Finished: nothing of Cem's is left open.");
    let _ = done.stdout_has("Secrets: 5 of 5 done");
    let _ = chapter.run(&["people", "offboard", "ana", "--status"]).status(1).stderr_has("`ana` has not left");
    let _ = chapter.run(&["people", "offboard", "cme", "--status"]).status(1).stderr_has("did you mean `cem`?");
}
