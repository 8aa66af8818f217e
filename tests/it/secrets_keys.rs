//! The keys that people have: SSH keys of both types that age knows, and encrypted ones.

use std::path::Path;
use std::process::Command;

use crate::support::{Chapter, at_terminal};

const MODULE: &str = "version: 1
summary: { en: A wiki. }
secrets: { db: {}, mail: {} }
resources:
  - file: { path: /etc/db, content: '{{ secrets.db }}' }
  - file: { path: /etc/mail, content: '{{ secrets.mail }}' }
";

fn keygen(path: &Path, kind: &str, passphrase: &str) -> String {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", kind, "-b", "2048", "-C", "test", "-N", passphrase, "-f"]).arg(path);
    assert!(command.status().unwrap().success());
    std::fs::read_to_string(path.with_extension("pub")).unwrap().trim().to_owned()
}

#[test]
fn ssh_keys_read_what_they_shall_and_a_passphrase_is_asked_for_once() {
    let chapter = Chapter::new().local("web1").file("modules/wiki.yaml", MODULE);
    let home = chapter.home();
    let (rsa, locked) = (home.join("keys/rsa"), home.join(".ssh/id_ed25519"));
    let (rsa_line, locked_line) = (keygen(&rsa, "rsa", ""), keygen(&locked, "ed25519", "geheim geheim"));
    let chapter = chapter.file(
        "chapter.yaml",
        format!(
            "id: 00112233445566778899aabbccddeeff\nchapter: {{ name: Test, domain: test.example }}\npeople:\n  \
             ana: {{ name: Ana, role: maintainer, ssh: ['{locked_line}'] }}\n  \
             bea: {{ name: Bea, role: maintainer, ssh: ['{rsa_line}'] }}\n\
             services:\n  wiki: {{ module: wiki, on: all }}\n"
        ),
    );
    for name in ["wiki/db", "wiki/mail"] {
        let _ = chapter.run_with(&["secrets", "set", name], &format!("value of {name}")).success();
    }
    let _ = chapter.run(&["secrets", "check"]).success();
    // the age command, with the RSA key
    let output =
        Command::new("age").arg("-d").arg("-i").arg(&rsa).arg(chapter.path("secrets/wiki/db.age")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "value of wiki/db", "{output:?}");
    let rsa = rsa.to_str().unwrap();
    let _ = chapter.run(&["secrets", "get", "wiki/db", "--identity", rsa]).success().stdout("value of wiki/db");

    // an encrypted SSH key, for two secrets
    let (status, screen) = at_terminal(&chapter.command(&["plan"]), &[("assphrase", "geheim geheim")]);
    assert_eq!(status, Some(0), "{screen}");
    assert_eq!(screen.matches("assphrase").count(), 1, "asked once: {screen}");
    assert!(screen.contains("+‹secret wiki/db›"), "{screen}");
}
