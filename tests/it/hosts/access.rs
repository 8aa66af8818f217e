//! Who can get into a real host though nobody declared it: what is planted is named, and no hash comes along.

use std::collections::BTreeMap;

use steward::access::Seen;
use steward::kinds::Site;
use steward::script::{probe_program, request};

use super::laws::bench;
use super::laws::bench::NONCE;
use crate::support::{Chapter, Host};

const EVE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl eve";
const PRINT: &str = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";

#[test]
fn a_planted_key_account_and_right_are_named_until_they_are_gone() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).resources("  - directory: { path: /etc/demo.d }\n");
    // the section is asked for and does not make the change stale
    chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 3);
    let before = chapter.plan().success().no_changes();
    let before = before.stdout_has("  ! bootstrap login still open: admin, by key SHA256:");
    for planted in [PRINT, "toor", "operations"] {
        assert!(!before.text().contains(planted), "{before}");
    }

    host.sh(&format!(
        "echo '{EVE}' >>/root/.ssh/authorized_keys
         echo 'toor:x:0:0::/nowhere:/bin/sh' >>/etc/passwd; echo 'toor:{HASH}:1::::::' >>/etc/shadow
         echo 'operations ALL=(ALL) NOPASSWD: /bin/sh -c canary' >/etc/sudoers.d/operations"
    ));
    let ran = chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes().never_says("canary");
    let ran = ran
        .stdout_has(&format!("  ! undeclared access: key {PRINT} (eve) of root (/root/.ssh/authorized_keys)\n"))
        .stdout_has("  ! undeclared access: account toor has the number of root, 0 (/etc/passwd)\n")
        .stdout_has("  ! undeclared access: account toor (uid 0) can log in by a password (/etc/passwd)\n")
        .stdout_has("operations may use ALL=(ALL) NOPASSWD: /bin/sh ... (/etc/sudoers.d/operations)\n");
    let _ = ran;
    let json = chapter.run(&["plan", "--format", "json"]).success().never_says("canary").json();
    let whats: Vec<_> = json["hosts"][0]["access"].as_array().unwrap().iter().map(|it| &it["what"]).collect();
    for what in ["bootstrap", "key", "uid-0", "account", "sudo"] {
        assert!(whats.iter().any(|it| *it == what), "{what}: {json}");
    }
    let audit =
        chapter.run(&["people", "audit"]).success().stdout_has(&format!("  ! undeclared access: key {PRINT} (eve)"));
    let _ = audit.stdout_has("web1: no declared account; login of the hosting: admin").never_says("canary");
    let _ = chapter.run(&["people", "audit", "--declared"]).success().never_says(PRINT);
    no_hash_is_in_the_answer(&host);
    // a part of the services says nothing about who may log in
    let part = chapter.run(&["plan", "--limit", "service:bench"]).success();
    assert!(!part.text().contains("access"), "{part}");

    host.sh("sed -i '/ eve$/d' /root/.ssh/authorized_keys; sed -i /^toor:/d /etc/passwd /etc/shadow
         rm /etc/sudoers.d/operations");
    let after = chapter.plan().success();
    assert_eq!(after.text(), before.text());
}

const HASH: &str = "$y$j9T$canary$canarycanarycanarycanarycanarycanarycan";

fn no_hash_is_in_the_answer(host: &Host) {
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(host, shared.path());
    let request = request::request(
        &BTreeMap::new(),
        &Site::default(),
        "/nonexistent",
        request::Asked { access: true, ..request::Asked::default() },
        NONCE,
    );
    let answer = |program: &str| bench.sections(program, &request).remove("access").unwrap();
    let leaks = |answer: &steward::kinds::Answer| String::from_utf8_lossy(&answer.bytes).contains("canary");
    // the check can fail: a program that says the field itself is found out
    let leaky = probe_program().replace("shadow[field[1]] = kind(field[2])", "shadow[field[1]] = field[2]");
    assert_ne!(leaky, probe_program());
    assert!(leaks(&answer(&leaky)));
    let seen = answer(&probe_program());
    assert!(!leaks(&seen));
    let seen = Seen::read(Some(&seen));
    assert!(seen.accounts.iter().any(|account| account.name == "toor" && account.password));
    assert_eq!(seen.unknown, []);
}
