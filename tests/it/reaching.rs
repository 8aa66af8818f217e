//! What an operator meets when a host cannot be reached, or is not the one it should be. Over a real sshd on loopback,
//! by whoever runs the tests.

use std::time::Duration;

use crate::support::{Chapter, Proxy, Sshd, free_port};

const MOTD: &str = "  - file: { path: /etc/motd, content: \"Welcome\\n\" }\n";

#[test]
fn a_host_where_nothing_answers_is_unreachable() {
    let sshd = Sshd::start();
    let chapter = Chapter::new().reached("web1", &sshd, free_port()).resources(MOTD);
    let _ = chapter.plan().status(4).stdout_has("web1  unreachable");
}

#[test]
fn an_unreachable_host_is_in_the_json_too() {
    let sshd = Sshd::start();
    let ran = Chapter::new()
        .reached("web1", &sshd, free_port())
        .resources(MOTD)
        .run(&["plan", "--format", "json"])
        .status(4);
    assert_eq!(ran.json()["hosts"][0]["status"], "unreachable");
    assert_eq!(ran.json()["summary"]["unreachable"], 1);
}

#[test]
fn another_host_key_is_refused() {
    let (sshd, impostor) = (Sshd::start(), Sshd::start());
    let chapter = Chapter::new().reached("web1", &sshd, impostor.port()).resources(MOTD);
    let _ = chapter.plan().status(4).stdout_has("SHA256:");
}

#[test]
fn a_host_that_freezes_is_reported_within_the_timeout() {
    let sshd = Sshd::start();
    let proxy = Proxy::new(sshd.address(), Duration::ZERO);
    let chapter = Chapter::new().reached("web1", &sshd, proxy.port).resources(MOTD);
    proxy.freeze_after(1500);
    let _ = chapter
        .run(&["--connect-timeout", "3", "--silence-timeout", "3", "plan"])
        .status(4)
        .within(Duration::from_secs(10));
}
