//! Chat and voice on one host, each as a person meets it: the checks of these modules log in, and are refused. With
//! `STEWARD_MODULES=all`, since their packages take a minute.

use super::applications::lives;
use crate::support::{Chapter, Host};

#[test]
fn chat_and_voice_answer_encrypted_to_those_who_have_a_password() {
    if std::env::var("STEWARD_MODULES").as_deref() != Ok("all") {
        eprintln!("only with STEWARD_MODULES=all");
        return;
    }
    let host = Host::new();
    let services = "services:\n  tls: { module: tls, on: web1 }\n  backup: { module: backup, on: web1, params: { repository: /srv/backup } }\n";
    let both = "  chat: { module: prosody, on: web1, params: { domain: chat.test.example, users: [ana, beto] } }\n  voice: { module: mumble, on: web1, params: { domain: voice.test.example } }\n";
    let chapter = Chapter::new().host("web1", &host).maintainer().file("services.yaml", format!("{services}{both}"));
    let _ = chapter.run(&["secrets", "generate"]).success();
    lives(&chapter, &host);
    assert_eq!(
        host.sh("ss -Hltn | awk '{ print $4 }' | sed 's/.*://' | sort -u | paste -sd' '"),
        "22 5222 5223 64738\n",
        "nothing else is open, nor was before it was configured"
    );

    // new passwords everywhere in one apply; who leaves the list of the chat cannot log in
    for secret in ["chat/password-ana", "chat/check_password", "voice/password", "voice/superuser"] {
        let _ = chapter.run(&["secrets", "rotate", secret]).success();
    }
    let locked = "sha256sum /var/lib/prosody/chat%2etest%2eexample/accounts/beto.dat";
    let before = host.sh(locked);
    let chapter = chapter.file("services.yaml", format!("{services}{}", both.replace(", beto", "")));
    let _ = chapter.apply().success();
    let _ = chapter.run(&["verify"]).success().stdout_has("0 failed, 0 unknown");
    let _ = chapter.plan().success().no_changes();
    assert_ne!(host.sh(locked), before);

    for service in ["chat", "voice"] {
        let _ = chapter.run(&["backup", "run", service]).success();
        let _ = chapter.run(&["backup", "drill", service]).success();
    }
    let chapter = chapter.file("services.yaml", services);
    let _ = chapter.run(&["apply", "--yes", "--allow-deletions", "60"]).success();
    let _ = chapter.plan().success().no_changes();
    assert_eq!(host.sh("ss -Hltun | grep -c ':64738\\|:522' || true"), "0\n");
    assert_ne!(host.sh("ls -A /var/lib/prosody /var/lib/mumble-server"), "", "what people wrote stays");
}

#[test]
fn a_matrix_server_of_wheels_from_here_lives_on_a_host_that_reaches_no_index() {
    if std::env::var("STEWARD_MODULES").as_deref() != Ok("all") {
        eprintln!("only with STEWARD_MODULES=all");
        return;
    }
    let host = Host::new();
    let services = "services:
  tls: { module: tls, on: web1 }
  nginx: { module: nginx, on: web1, params: { https: true } }
  db: { module: postgres, on: web1 }
  backup: { module: backup, on: web1, params: { repository: /srv/backup } }
  matrix: { module: synapse, on: web1, params: { domain: matrix.test.example } }
";
    let chapter = Chapter::new().host("web1", &host).maintainer().file("services.yaml", services);
    let _ = chapter.run(&["secrets", "generate"]).success();
    lives(&chapter, &host);
    let _ = chapter.run(&["secrets", "fetch", "matrix/signing_key"]).success();
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    for secret in ["matrix/database", "matrix/registration"] {
        let _ = chapter.run(&["secrets", "rotate", secret]).success();
    }
    let _ = chapter.apply().success();
    let _ = chapter.run(&["verify"]).success().stdout_has("0 failed, 0 unknown");
    let _ = chapter.run(&["backup", "run", "matrix"]).success();
    let _ = chapter.run(&["backup", "drill", "matrix"]).success();
}

#[test]
fn calls_are_relayed_between_people_and_never_into_private_networks() {
    let host = Host::new();
    let services = "services:\n  tls: { module: tls, on: web1 }\n  turn: { module: coturn, on: web1, params: { domain: turn.test.example } }\n";
    let chapter = Chapter::new().host("web1", &host).maintainer().file("services.yaml", services);
    let _ = chapter.run(&["secrets", "generate"]).success();
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    let check = "/usr/local/lib/steward/turn-check";
    assert_eq!(host.sh(check), "relayed, refused to others and into private networks\n");
    // a test network is private: with the server's own address refused, too, nobody can call
    host.sh("sed -i /^allowed-peer-ip/d /etc/steward-turn.conf; systemctl restart coturn");
    let refused = host.try_sh(check);
    assert!(String::from_utf8_lossy(&refused.stdout).contains("the other side is refused: 403"), "{refused:?}");
    // an old secret opens nothing
    let _ = chapter.run(&["secrets", "rotate", "turn/shared"]).success();
    host.sh("cp /etc/turn-check.json /root/old.json");
    let _ = chapter.apply().success();
    let _ = chapter.run(&["verify"]).success().stdout_has("0 failed, 0 unknown");
    host.sh(&format!("sed 's|/etc/turn-check.json|/root/old.json|' {check} >/root/old"));
    let refused = host.try_sh("python3 /root/old");
    assert!(String::from_utf8_lossy(&refused.stdout).contains("no relay"), "{refused:?}");
}
