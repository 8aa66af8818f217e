//! Keys behind a plugin of age (a hardware token, say), by the plugin protocol itself; and age keys behind a passphrase.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Chapter, at_terminal};

const MODULE: &str = "version: 1
summary: { en: A wiki. }
secrets: { db: {} }
resources:
  - file: { path: /etc/db, content: '{{ secrets.db }}' }
";

/// What `support/age-plugin-fortest` takes; the data is the same sixteen bytes.
const RECIPIENT: &str = "age1fortest1xqcnyve5x5mrwwpev93xxer9vctzyutc";
const IDENTITY: &str = "AGE-PLUGIN-FORTEST-1XQCNYVE5X5MRWWPEV93XXER9VC2T2VRX";

fn people(keys: &[&str]) -> String {
    let person = |(number, key): (usize, &&str)| {
        format!("  {}: {{ name: X, role: maintainer, age: [{key}] }}\n", ["ana", "bea"][number])
    };
    let people: String = keys.iter().enumerate().map(person).collect();
    format!(
        "id: 00112233445566778899aabbccddeeff\nchapter: {{ name: Test, domain: test.example, min_readers: 1 }}\n\
         people:\n{people}services:\n  wiki: {{ module: wiki, on: all }}\n"
    )
}

fn chapter(keys: &[&str]) -> Chapter {
    Chapter::new().local("web1").file("modules/wiki.yaml", MODULE).file("chapter.yaml", people(keys))
}

/// `age-keygen`, with the public key that it tells.
fn age_key(path: &Path) -> String {
    assert!(Command::new("age-keygen").arg("-o").arg(path).output().unwrap().status.success());
    String::from_utf8(Command::new("age-keygen").arg("-y").arg(path).output().unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

fn with_plugin(mut command: Command) -> Command {
    let support = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support");
    command.env("PATH", format!("{}:{}", support.display(), std::env::var("PATH").unwrap()));
    command
}

fn run(chapter: &Chapter, arguments: &[&str], stdin: &str) -> (Option<i32>, String, String) {
    let mut command = with_plugin(chapter.command(arguments));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_key_behind_a_plugin_encrypts_and_decrypts_and_one_that_is_missing_is_said() {
    let chapter = chapter(&[RECIPIENT]);
    let other = age_key(&chapter.home().join("other.txt"));
    let chapter = chapter.file("chapter.yaml", people(&[RECIPIENT, &other]));
    let identity = chapter.home().join("token.txt");
    std::fs::write(&identity, format!("# a token\n{IDENTITY}\n")).unwrap();
    let identity = identity.to_str().unwrap();

    // without the program, by name
    let _ = chapter
        .run_with(&["secrets", "set", "wiki/db"], "swordfish")
        .status(1)
        .stderr_has("age-plugin-fortest")
        .never_says("swordfish");
    let (status, _, said) = run(&chapter, &["secrets", "set", "wiki/db"], "swordfish");
    assert_eq!(status, Some(0), "{said}");
    let get = ["secrets", "get", "wiki/db", "--identity", identity];
    assert_eq!(run(&chapter, &get, ""), (Some(0), "swordfish".into(), String::new()));
    let _ = chapter.run(&get).status(1).stderr_has("age-plugin-fortest");
    // the age command with the same plugin reads it, and so does the other person without one
    let file = chapter.path("secrets/wiki/db.age");
    let mut age = with_plugin(Command::new("age"));
    let output = age.args(["-d", "-i", identity]).arg(&file).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "swordfish", "{output:?}");
    let other = chapter.home().join("other.txt");
    let get = ["secrets", "get", "wiki/db", "--identity", other.to_str().unwrap()];
    let _ = chapter.run(&get).success().stdout("swordfish");
    let (status, planned, said) = run(&chapter, &["plan", "--identity", identity], "");
    assert!(status == Some(0) && planned.contains("+‹secret wiki/db›"), "{planned}{said}");
}

#[test]
fn what_a_plugin_asks_is_asked_at_the_terminal() {
    let chapter = chapter(&[RECIPIENT]);
    let identity = chapter.home().join("token.txt");
    std::fs::write(&identity, IDENTITY).unwrap();
    assert_eq!(run(&chapter, &["secrets", "set", "wiki/db"], "swordfish").0, Some(0));
    let get = ["secrets", "get", "wiki/db", "--identity", identity.to_str().unwrap()];
    let mut command = with_plugin(chapter.command(&get));
    command.env("ASKS", "yes");
    let (status, screen) = at_terminal(&command, &[("PIN of the test", "1234")]);
    assert!(status == Some(0) && screen.contains("swordfish") && !screen.contains("1234"), "{screen}");
    let (status, screen) = at_terminal(&command, &[("PIN of the test", "4321")]);
    assert!(status == Some(1) && !screen.contains("swordfish"), "{screen}");
}

#[test]
fn an_age_key_behind_a_passphrase_is_asked_for_once() {
    let chapter = chapter(&[]);
    let plain = chapter.home().join("plain.txt");
    let public = age_key(&plain);
    let chapter = chapter.file("chapter.yaml", people(&[&public]));
    let locked = chapter.home().join("locked.age");
    let mut lock = Command::new("age");
    lock.current_dir(chapter.home()).env("PATH", std::env::var("PATH").unwrap());
    lock.args(["-p", "-a", "-o"]).arg(&locked).arg(&plain);
    let (status, screen) = at_terminal(&lock, &[("assphrase", "geheim geheim"), ("onfirm", "geheim geheim")]);
    assert_eq!(status, Some(0), "{screen}");
    std::fs::remove_file(&plain).unwrap();
    let _ = chapter.run_with(&["secrets", "set", "wiki/db"], "swordfish").success();
    let locked = locked.to_str().unwrap();
    let get = ["secrets", "get", "wiki/db", "--identity", locked];
    let (status, screen) = at_terminal(&chapter.command(&get), &[("assphrase", "geheim geheim")]);
    assert!(status == Some(0) && screen.contains("swordfish") && !screen.contains("geheim"), "{screen}");
    let (status, screen) =
        at_terminal(&chapter.command(&["plan", "--identity", locked]), &[("assphrase", "geheim geheim")]);
    assert!(status == Some(0) && screen.matches("assphrase").count() == 1, "asked once: {screen}");
    // nobody is there to ask
    let _ = chapter.run(&get).status(1).never_says("swordfish");
}
