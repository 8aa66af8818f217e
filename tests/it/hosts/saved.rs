//! Saved plans over a real SSH server.

use crate::support::{Chapter, Sshd, free_port};

#[test]
fn a_saved_plan_is_applied_over_ssh_or_refused_when_the_host_changed() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let motd = dir.path().join("motd");
    let file = format!("  - file: {{ path: {}, content: \"Welcome\\n\" }}\n", motd.display());
    let chapter = Chapter::new().sshd("web1", &sshd).resources(&file);
    std::fs::write(&motd, "Hello\n").unwrap();
    chapter.run(&["plan", "--out", "x.plan"]).success().stdout_has("Plan: 0 to create, 1 to update");
    std::fs::write(&motd, "Hullo\n").unwrap();
    let said = format!("host web1: file:{} is not on the host what it was", motd.display());
    chapter.run(&["apply", "x.plan"]).status(6).stdout("").stderr_has(&said);
    assert_eq!(std::fs::read_to_string(&motd).unwrap(), "Hullo\n");
    std::fs::write(&motd, "Hello\n").unwrap();
    chapter.run(&["apply", "x.plan", "--format", "json"]).converged("web1", 3);
    assert_eq!(std::fs::read_to_string(&motd).unwrap(), "Welcome\n");
}

#[test]
fn a_plan_is_saved_only_if_every_host_was_seen() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let file = format!("  - file: {{ path: {}/motd, content: \"Welcome\\n\" }}\n", dir.path().display());
    let chapter = Chapter::new().sshd("web1", &sshd).reached("web2", &sshd, free_port()).resources(&file);
    let ran = chapter.run(&["plan", "--out", "x.plan"]).status(4);
    assert!(ran.said().contains("x.plan was not written"), "{ran}");
    assert!(!chapter.path("x.plan").exists());
}
