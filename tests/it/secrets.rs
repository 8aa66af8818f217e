//! Secrets from the store to a host: what is readable by whom, what a plan shows, and that no value is anywhere else.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Chapter, Ran};

const CANARY: &str = "canary-Zq8'$w\"3";

const MODULE: &str = "version: 1
summary: { en: A wiki. }
secrets:
  db: { rotate: manual }
  token: { generate: { length: 24 }, rotate: auto }
resources:
  - directory: { path: /etc/wiki }
  - file:
      path: /etc/wiki/conf
      content: \"user = wiki\\npassword = {{ secrets.db }}\\nencoded = {{ secrets.db | b64encode }}\\nhost = db\\n\"
  - file: { path: /etc/wiki/token, content: '{{ secrets.token }}' }
";

struct Wiki {
    chapter: Chapter,
    identity: PathBuf,
}

/// A chapter of two maintainers whose identities the `age` command made; the first one is the operator.
fn wiki() -> Wiki {
    let chapter = Chapter::new().local("web1").file("modules/wiki.yaml", MODULE);
    let mut people = String::new();
    for name in ["ana", "bea"] {
        let identity = chapter.home().join(format!("{name}.agekey"));
        assert!(Command::new("age-keygen").arg("-o").arg(&identity).output().unwrap().status.success());
        let public = Command::new("age-keygen").arg("-y").arg(&identity).output().unwrap().stdout;
        let public = String::from_utf8(public).unwrap();
        people.push_str(&format!("  {name}: {{ name: {name}, role: maintainer, age: [{}] }}\n", public.trim()));
    }
    let top = format!(
        "id: 00112233445566778899aabbccddeeff\nchapter: {{ name: Test, domain: test.example }}\npeople:\n{people}\
         services:\n  wiki: {{ module: wiki, on: all }}\n"
    );
    let identity = chapter.home().join("ana.agekey");
    Wiki { chapter: chapter.file("chapter.yaml", top), identity }
}

impl Wiki {
    #[must_use = "a run that nothing is expected of tests nothing"]
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        self.chapter.run(&[arguments, &["--identity", self.identity.to_str().unwrap()]].concat())
    }

    #[track_caller]
    fn set(&self, value: &str) {
        let _ = self
            .chapter
            .run_with(&["secrets", "set", "wiki/db", "--identity", self.identity.to_str().unwrap()], value)
            .success();
    }

    fn store(&self, file: &str) -> PathBuf {
        self.chapter.path("secrets/wiki").join(file)
    }

    fn on_host(&self, path: &str) -> String {
        std::fs::read_to_string(self.chapter.root("web1").join(path)).unwrap()
    }
}

fn decrypted(file: &Path, identity: &Path) -> String {
    let output = Command::new("age").arg("-d").arg("-i").arg(identity).arg(file).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every file below that holds the value in clear, in base64 or quoted for a shell.
fn leaks(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() {
            leaks(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.extend(holds(&String::from_utf8_lossy(&bytes)).then_some(path));
        }
    }
}

fn holds(text: &str) -> bool {
    let encoded = STANDARD.encode(CANARY);
    text.contains(CANARY) || text.contains("Zq8") || text.contains(encoded.trim_end_matches('='))
}

#[test]
fn the_age_command_reads_what_was_set_and_what_it_encrypts_is_read() {
    let wiki = wiki();
    wiki.set(CANARY);
    for person in ["ana", "bea"] {
        let identity = wiki.chapter.home().join(format!("{person}.agekey"));
        assert_eq!(decrypted(&wiki.store("db.age"), &identity), CANARY, "{person}");
    }
    let _ = wiki.run(&["secrets", "get", "wiki/db"]).success().stdout(CANARY);
    let public = Command::new("age-keygen").arg("-y").arg(&wiki.identity).output().unwrap().stdout;
    let source = wiki.chapter.home().join("value");
    std::fs::write(&source, "from age").unwrap();
    let made = Command::new("age")
        .args(["--armor", "-r", String::from_utf8(public).unwrap().trim(), "-o"])
        .arg(wiki.store("db.age"))
        .arg(&source)
        .status();
    assert!(made.unwrap().success());
    let _ = wiki.run(&["secrets", "get", "wiki/db"]).success().stdout("from age");
    let _ =
        wiki.run(&["secrets", "check"]).status(1).stderr_has("is not the one that its `.recipients` was written for");
}

#[test]
fn check_says_what_is_missing_and_who_can_read_what_until_it_is_mended() {
    let wiki = wiki();
    let _ = wiki.run(&["secrets", "check"]).status(1).stderr_has("wiki/db is declared, but not set");
    wiki.set(CANARY);
    let _ = wiki.run(&["secrets", "generate"]).success().stdout_has("made wiki/token");
    let token = decrypted(&wiki.store("token.age"), &wiki.identity);
    assert_eq!(token.len(), 24);
    let _ = wiki.run(&["secrets", "generate"]).success().stdout_has("Every declared secret is set.");
    assert_eq!(decrypted(&wiki.store("token.age"), &wiki.identity), token, "never replaced");
    let _ = wiki.run(&["secrets", "check"]).success();
    let _ = wiki.run(&["secrets", "who", "wiki/db"]).success().stdout_has("ana: maintainers read everything");

    let path = wiki.chapter.path("chapter.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("bea: { name: bea, role: maintainer", "bea: { name: bea, role: reader"))
        .unwrap();
    let _ = wiki.run(&["secrets", "check"]).status(1).stderr_has("only 1 can read it").stderr_has("not ana, bea");
    let before = std::fs::read_to_string(wiki.store("db.recipients")).unwrap();
    let _ = wiki.run(&["secrets", "rekey"]).success();
    let after = std::fs::read_to_string(wiki.store("db.recipients")).unwrap();
    let id = |text: &str| text.lines().find(|line| line.starts_with("id ")).unwrap().to_owned();
    assert_eq!(id(&before), id(&after), "the value is the same");
    assert!(!after.contains("person bea"), "{after}");
    let bea = wiki.chapter.home().join("bea.agekey");
    let refused = Command::new("age").arg("-d").arg("-i").arg(bea).arg(wiki.store("db.age")).output().unwrap();
    assert!(!refused.status.success());
    let _ = wiki.run(&["secrets", "get", "wiki/dB"]).status(1).stderr_has("did you mean `wiki/db`?");
}

#[test]
fn key_pairs_and_forms_are_made_and_follow_their_parent() {
    let wiki = wiki();
    let more = "  words: { generate: { passphrase: 6 }, rotate: auto }
  line: { generate: { from: words, form: htpasswd, user: ana } }
  shadow: { generate: { from: words, form: sha512crypt } }
  of_db: { generate: { from: db, form: argon2 } }
  ssh: { generate: { ssh: ed25519 } }
  tunnel: { generate: { wireguard: true } }
resources:";
    std::fs::write(wiki.chapter.path("modules/wiki.yaml"), MODULE.replace("resources:", more)).unwrap();
    let ran = wiki.run(&["secrets", "generate"]).success().stdout_has("made wiki/line").stdout_has("made wiki/ssh");
    let _ = ran.stderr_has("wiki/of_db is missing, since `db` is");
    wiki.set(CANARY);
    assert!(decrypted(&wiki.store("of_db.age"), &wiki.identity).starts_with("$argon2id$"), "made with its parent");
    let _ = wiki.run(&["secrets", "check"]).success();
    let line = decrypted(&wiki.store("line.age"), &wiki.identity);
    let words = decrypted(&wiki.store("words.age"), &wiki.identity);
    assert!(bcrypt::verify(&words, line.strip_prefix("ana:").unwrap()).unwrap());
    assert!(std::fs::read_to_string(wiki.store("ssh.pub")).unwrap().starts_with("ssh-ed25519 "));
    assert_eq!(std::fs::read_to_string(wiki.store("tunnel.pub")).unwrap().len(), 45);
    let _ = wiki.run(&["secrets", "generate"]).success().stdout("Every declared secret is set.\n");

    let old = ["age", "recipients"].map(|end| std::fs::read(wiki.store(&format!("line.{end}"))).unwrap());
    let _ = wiki.run(&["secrets", "rotate", "wiki/line"]).status(1).stderr_has("is a form of `words`");
    let _ = wiki.run(&["secrets", "rotate", "wiki/words"]).success();
    let words = decrypted(&wiki.store("words.age"), &wiki.identity);
    let agrees = || {
        let line = decrypted(&wiki.store("line.age"), &wiki.identity);
        bcrypt::verify(&words, line.strip_prefix("ana:").unwrap()).unwrap()
    };
    assert!(agrees(), "it follows");
    let _ = wiki.run(&["secrets", "check"]).success();
    for (end, bytes) in ["age", "recipients"].iter().zip(old) {
        std::fs::write(wiki.store(&format!("line.{end}")), bytes).unwrap();
    }
    let _ = wiki.run(&["secrets", "check"]).status(1).stderr_has("wiki/line was not made of the present value");
    let _ = wiki.run(&["secrets", "generate"]).success().stdout("made wiki/line\n");
    assert!(agrees());
}

#[test]
fn a_file_with_secrets_converges_and_a_plan_without_a_key_still_tells() {
    let wiki = wiki();
    wiki.set(CANARY);
    let _ = wiki.run(&["secrets", "generate"]).success();
    let _ = wiki.run(&["plan"]).success().stdout_has("+password = ‹secret wiki/db›").stdout_has("+host = db");
    let _ = wiki.run(&["apply", "--yes"]).success();
    let encoded = STANDARD.encode(CANARY);
    assert_eq!(
        wiki.on_host("etc/wiki/conf"),
        format!("user = wiki\npassword = {CANARY}\nencoded = {encoded}\nhost = db\n")
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(wiki.chapter.root("web1").join("etc/wiki/conf")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600, "nobody else may read it unless the module says so");
    let _ = wiki.run(&["plan"]).success().stdout("No changes.\n");
    let _ = wiki.chapter.plan().success().stdout("No changes.\n");

    // a new value: shown by whoever can read it and by whoever cannot, applied only by whoever can
    wiki.set("another value");
    for plan in [wiki.run(&["plan"]), wiki.chapter.plan()] {
        let plan = plan
            .success()
            .stdout_has("-password = ‹secret wiki/db›")
            .stdout_has("+password = ‹secret wiki/db: changed›");
        let _ = plan.stdout_has(" user = wiki");
    }
    let _ = wiki.chapter.apply().status(3).stderr_has("secrets cannot be read here").stderr_has("wiki/db");
    assert!(wiki.on_host("etc/wiki/conf").contains(CANARY), "nothing was changed");
    let _ = wiki.run(&["apply", "--yes"]).success();
    assert!(wiki.on_host("etc/wiki/conf").contains("another value"));

    // somebody edits it on the host: seen with and without a key, never shown
    let path = wiki.chapter.root("web1").join("etc/wiki/conf");
    std::fs::write(&path, "password = typed-by-hand\n").unwrap();
    for plan in [wiki.run(&["plan", "--show-remote"]), wiki.chapter.run(&["plan", "--show-remote"])] {
        let plan = plan.success().stdout_has("it is not what Steward wrote there");
        assert!(!plan.text().contains("typed-by-hand"));
    }
    let _ = wiki.run(&["apply", "--yes"]).success();

    // without the host's memory and without a key nothing is known; with a key it is
    let state = wiki.chapter.root("web1").join("var/lib/steward/00112233445566778899aabbccddeeff");
    std::fs::remove_file(state.join("ledger")).unwrap();
    let _ = wiki.chapter.plan().success().stdout_has("not compared: secret wiki/db: you have no key");
    let _ = wiki.run(&["plan"]).success().stdout("No changes.\n");
}

#[test]
fn no_value_is_anywhere_but_in_its_file() {
    let wiki = wiki();
    wiki.set(CANARY);
    let _ = wiki.run(&["secrets", "generate"]).success();
    let mut said = String::new();
    let hear = |said: &mut String, ran: &Ran| {
        said.push_str(ran.text());
        said.push_str(ran.said());
    };
    for arguments in [
        &["-vvv", "plan"][..],
        &["plan", "--format", "json", "--show-remote"],
        &["-vvv", "apply", "--yes"],
        &["plan", "--format", "json", "--show-remote"],
        &["validate", "--format", "json"],
        &["explain", "web1"],
        &["secrets", "list", "--format", "json"],
        &["secrets", "who", "wiki/db", "--format", "json"],
        &["people", "show", "ana", "--format", "json"],
    ] {
        hear(&mut said, &wiki.run(arguments));
    }
    let _ = wiki.run(&["plan", "--out", wiki.chapter.home().join("saved.plan").to_str().unwrap()]).success();
    // a template that fails with the value, and one that would show it in its message
    for wrong in ["{{ secrets.db | int }}", "{{ [1][secrets.db] }}", "{{ secrets.db.x.y }}"] {
        let module = MODULE.replace("'{{ secrets.token }}'", &format!("'{wrong}'"));
        std::fs::write(wiki.chapter.path("modules/wiki.yaml"), module).unwrap();
        let _ = wiki.chapter.run(&["module", "update"]).success();
        hear(&mut said, &wiki.run(&["-vvv", "plan"]).status(1));
    }
    // a validation that prints what it was given, and refuses it
    let module = MODULE.replace(
        "      path: /etc/wiki/conf\n",
        "      path: /etc/wiki/conf2\n      validate: 'cat %s; base64 <%s; false'\n",
    );
    std::fs::write(wiki.chapter.path("modules/wiki.yaml"), module).unwrap();
    let _ = wiki.chapter.run(&["module", "update"]).success();
    let failed = wiki.run(&["-vvv", "apply", "--yes"]).status(3).stderr_has("‹secret›");
    hear(&mut said, &failed);
    hear(&mut said, &wiki.run(&["apply", "--yes", "--format", "json"]).status(3));
    assert!(!holds(&said), "{said}");

    let everything = wiki.chapter.home().parent().unwrap().to_owned();
    let mut found = Vec::new();
    leaks(&everything, &mut found);
    assert_eq!(found, [wiki.chapter.root("web1").join("etc/wiki/conf")]);

    // and it would be seen: a leak in each of the forms
    for leak in [CANARY.to_owned(), STANDARD.encode(CANARY)] {
        let planted = wiki.chapter.home().join("planted");
        std::fs::write(&planted, format!("x{leak}x")).unwrap();
        let mut found = Vec::new();
        leaks(&everything, &mut found);
        assert!(found.contains(&planted), "{leak}");
    }
}

#[test]
fn no_process_is_started_with_a_value_in_its_arguments_or_environment() {
    let wiki = wiki();
    wiki.set(CANARY);
    let _ = wiki.run(&["secrets", "generate"]).success();
    let traced = |program: &mut Command| {
        let trace = wiki.chapter.home().join("trace");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-v", "-s", "65535", "-e", "trace=execve", "-o"]).arg(&trace);
        strace.arg(program.get_program()).args(program.get_args()).env_clear();
        strace.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        strace.current_dir(program.get_current_dir().unwrap_or(Path::new("/")));
        let output = strace.output().expect("strace is installed by script/test");
        (output, std::fs::read_to_string(trace).unwrap())
    };
    // first: what would be seen
    let path = ("PATH", "/usr/bin:/bin");
    let (_, trace) = traced(Command::new("sh").args(["-c", "/bin/true \"$1\"; :", "sh", CANARY]).envs([path]));
    assert!(holds(&trace), "an argument");
    let (_, trace) = traced(Command::new("sh").args(["-c", "/bin/true; :"]).envs([path, ("X", CANARY)]));
    assert!(holds(&trace), "an environment");

    let identity = wiki.identity.to_str().unwrap();
    let mut apply = wiki.chapter.command(&["apply", "--yes", "--identity", identity]);
    let (output, trace) = traced(&mut apply);
    assert!(output.status.success(), "{output:?}");
    assert!(trace.contains("sha256sum"), "the script on the host was seen: {trace}");
    assert!(wiki.on_host("etc/wiki/conf").contains(CANARY));
    assert!(!holds(&trace));
}
