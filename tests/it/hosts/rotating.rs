//! Secrets that software must be told of: the command of a module gets the old and the new value, once, on each host that
//! has the old one, before anything else there changes.

use crate::support::{Chapter, Host};

/// However many values there were since, each host's software is told the one that it has.
#[test]
fn a_host_that_was_away_for_two_rotations_and_one_that_was_not_both_get_their_own_old_value() {
    let [one, two] = Host::several::<2>();
    let module = MODULE.replace("@script@", &serde_json::to_string(SCRIPT).unwrap());
    let chapter =
        Chapter::new().host("web1", &one).host("web2", &two).file("modules/vault.yaml", module).maintainer();
    let chapter = chapter.file("services.yaml", "services:\n  vault: { module: vault, on: all }\n");
    let _ = chapter.run(&["secrets", "generate"]).success();
    let _ = chapter.apply().success();
    for host in [&one, &two] {
        host.sh("cp /etc/vault.key /var/lib/vault");
    }
    let first = one.sh("cat /etc/vault.key");

    let _ = chapter.run(&["secrets", "rotate", "vault/key"]).success();
    let _ = chapter.run(&["apply", "--yes", "--limit", "web1"]).success();
    assert_ne!(one.sh("cat /var/lib/vault"), first);
    assert_eq!(two.sh("cat /var/lib/vault"), first);
    let _ = chapter.run(&["secrets", "rotate", "vault/key"]).status(1).stderr_has("--again");
    let _ = chapter.run(&["secrets", "rotate", "vault/key", "--again"]).success();
    let _ = chapter.run_with(&["secrets", "set", "vault/key"], "a value with  two blanks ").success();
    let kept = || {
        let names = std::fs::read_dir(chapter.path("secrets/vault")).unwrap().flatten();
        names.filter(|it| it.file_name().to_string_lossy().contains(".previous.")).count()
    };
    assert_eq!(kept(), 3, "the first value, and two that some host may have since");
    let _ = chapter.apply().success().never_says("two blanks");
    for (host, changes) in [(&one, "changed\nchanged\n"), (&two, "changed\n")] {
        assert_eq!(host.sh("cat /etc/vault.key"), "a value with  two blanks ");
        assert_eq!(host.sh("cat /var/lib/vault"), "a value with  two blanks \n");
        assert_eq!(host.sh("cat /var/lib/vault.log"), changes);
    }
    let _ = chapter.plan().success().no_changes();

    // a value that nobody kept: the host says so, instead of being told another one
    let _ = chapter.run(&["secrets", "rotate", "vault/key", "--again"]).success();
    one.sh("sed -i 's|vault/key=[0-9a-f]*|vault/key=ffffffffffffffffffffffffffffffff|g' /var/lib/steward/*/ledger");
    let _ = chapter.apply().status(3).stderr_has("has a value of the secret vault/key that nobody kept");
    assert_eq!(one.sh("cat /var/lib/vault.log"), "changed\nchanged\n");
    assert_eq!(two.sh("cat /var/lib/vault.log"), "changed\nchanged\n");

    one.sh("cp /etc/vault.key /var/lib/vault");
    let _ = chapter.run(&["secrets", "rotate", "--verified"]).status(1).stderr_has("was not seen on web1");
}

const MODULE: &str = r#"version: 1
summary: { en: For a test. }
secrets:
  key: { generate: { length: 24 }, rotate: command, rotate_command: [/usr/local/sbin/change-key] }
resources:
  - file: { path: /usr/local/sbin/change-key, mode: "0755", content: @script@ }
  - file: { path: /etc/vault.key, content: "{{ secrets.key }}" }
"#;

/// A program that keeps a key, and changes it only for who knows the old one. It ends with 3 while /etc/broken is there.
const SCRIPT: &str = "#!/bin/sh
IFS= read -r old && IFS= read -r new || exit 4
[ ! -e /etc/broken ] || { echo \"cannot change $old to $new\"; exit 3; }
[ \"$(cat /var/lib/vault)\" = \"$old\" ] || { echo 'the vault does not know the old key'; exit 1; }
echo \"$new\" >/var/lib/vault; echo changed >>/var/lib/vault.log
";

#[test]
fn software_learns_a_new_value_before_anything_else_changes_and_until_it_did_that_is_owed() {
    let host = Host::new();
    let module = MODULE.replace("@script@", &serde_json::to_string(SCRIPT).unwrap());
    let chapter = Chapter::new().host("web1", &host).file("modules/vault.yaml", module).maintainer();
    let chapter = chapter.file("services.yaml", "services:\n  vault: { module: vault, on: all }\n");
    let _ = chapter.run(&["secrets", "generate"]).success();
    let _ = chapter.apply().success();
    host.sh("cp /etc/vault.key /var/lib/vault");
    let old = host.sh("cat /etc/vault.key");

    let _ = chapter.run(&["secrets", "rotate", "vault/key"]).success();
    let _ = chapter.run(&["secrets", "rotate", "--verified"]).status(1).stderr_has("was not seen on web1: ");
    let _ = chapter.plan().success().stdout_has("command:change the secret vault/key").never_says(&old);
    let _ = chapter.without_keys(&["plan"]).success().stdout_has("command:change the secret vault/key");
    // the program does not take it: nothing else is told of the new value, and the next plan says what is owed
    host.sh("touch /etc/broken");
    let _ = chapter
        .run(&["-vvv", "apply", "--yes"])
        .status(3)
        .stderr_has("cannot change ‹secret› to ‹secret›")
        .never_says(&old);
    assert_eq!(host.sh("cat /etc/vault.key /var/lib/vault"), format!("{old}{old}"));
    let _ = chapter.plan().success().stdout_has("command:change the secret vault/key");
    host.sh("rm /etc/broken");
    let _ = chapter.apply().success();
    let new = host.sh("cat /etc/vault.key");
    assert_ne!(new, old);
    assert_eq!(host.sh("cat /var/lib/vault /var/lib/vault.log"), format!("{new}\nchanged\n"));
    let _ = chapter.plan().success().no_changes();

    let _ = chapter.run(&["secrets", "rotate", "--verified", "--limit", "web1"]).status(1);
    host.cut();
    let away = ["secrets", "rotate", "--verified", "--connect-timeout", "3"];
    let _ = chapter.run(&away).status(1).stderr_has("was not seen on web1: unreachable");
    host.join();
    assert!(chapter.path("secrets/vault/key.previous.age").exists());
    let _ =
        chapter.run(&["secrets", "rotate", "--verified"]).success().stderr_has("previous value of vault/key is gone");
    assert!(!chapter.path("secrets/vault/key.previous.age").exists());
    let _ = chapter.plan().success().no_changes();

    // a host that never had the old value is not told of it
    let _ = chapter.run(&["secrets", "rotate", "vault/key"]).success();
    host.sh("rm -rf /var/lib/steward /etc/vault.key; echo broken >/var/lib/vault");
    let _ = chapter.apply().success();
    assert_eq!(host.sh("cat /var/lib/vault.log"), "changed\n");
    let _ = chapter.plan().success().no_changes();
}
