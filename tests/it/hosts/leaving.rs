//! Somebody leaves: from `people remove` until their key opens nothing on a real host, and `people offboard` says so.

use crate::support::{Chapter, Host, keygen, ssh};

const SERVICES: &str = "services:\n  apt: { module: apt, on: all }\n  firewall: { module: firewall, on: all }\n  baseline: { module: baseline, on: all }\n";

#[test]
fn who_left_cannot_log_in_and_the_leaving_ends_only_when_that_was_seen() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host);
    let key = chapter.home().join("cem");
    let (bea, cem) = (keygen(&chapter.home().join("bea")), keygen(&key));
    let own = std::fs::read_to_string(host.key().with_extension("pub")).unwrap();
    let people = format!(
        "id: 00112233445566778899aabbccddeeff\nchapter: {{ name: Test, domain: test.example }}\npeople:\n  \
         ana: {{ name: Ana, role: maintainer, ssh: [{}] }}\n  # since 2019\n  \
         cem: {{ name: Cem, role: operator, ssh: [{cem}] }}\n  bea: {{ name: Bea, role: maintainer, ssh: [{bea}] }}\n",
        own.trim()
    );
    let chapter = chapter.file("chapter.yaml", people).file("services.yaml", SERVICES);
    let _ = chapter.apply().success();
    let log_in = || ssh(&key, &host.host_key(), &host.address, 22, "cem").arg("sudo -n id -un").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&log_in().stdout), "root\n");
    let show = chapter.run(&["people", "show", "cem", "--format", "json"]).success().json();
    assert_eq!(show["hosts"], serde_json::json!(["web1"]));

    let _ = chapter.run(&["people", "remove", "cem", "--yes"]).success();
    let status = ["people", "offboard", "cem", "--status", "--connect-timeout", "3"];
    let _ = chapter.run(&status).status(2).stdout_has("web1: the account `cem` is not closed: user:cem is to change");
    assert_eq!(String::from_utf8_lossy(&log_in().stdout), "root\n", "a look closes nothing");

    let _ = chapter.apply().success();
    assert_eq!(log_in().status.code(), Some(255));
    let said = String::from_utf8(log_in().stderr).unwrap();
    assert!(said.contains("Permission denied"), "{said}");
    assert_eq!(host.sh("cat /home/cem/.ssh/authorized_keys 2>/dev/null | grep -c ssh-ed25519 || true"), "0\n");
    assert!(!host.sh("cat /etc/sudoers.d/steward").contains("cem"));

    let _ = chapter.run(&status).status(2).stdout_has("Accounts: 1 of 1 done").stdout_has("[ ] forge: ");
    for item in ["forge", "registrar", "hosting", "passwords", "chats"] {
        let _ = chapter.run(&["people", "offboard", "cem", "--ack", item]).success();
    }
    host.cut();
    let _ = chapter.run(&status).status(2).stdout_has("[ ] web1: unreachable: ");
    host.join();
    let _ = chapter.run(&status).success().stdout_has("Finished: nothing of Cem's is left open.");

    // a key put back by hand is seen
    host.sh(
        "install -d -o cem -g cem -m 700 /home/cem/.ssh; echo 'ssh-ed25519 AAAA x' >/home/cem/.ssh/authorized_keys",
    );
    let _ = chapter.run(&status).status(2).stdout_has("[ ] web1: the account `cem` is not closed");

    let add = ["people", "add", "cem", "--role", "operator", "--ssh-key", "-"];
    let _ = chapter.run_with(&add, &cem).success();
    let _ = chapter.apply().success();
    assert_eq!(String::from_utf8_lossy(&log_in().stdout), "root\n", "who comes back can log in again");
}
