//! The ways to a host as operators have them: passwords at a terminal, agents, encrypted keys, jump hosts, their own
//! configuration of ssh.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{Chapter, Host, Proxy, Sshd, at_terminal, free_port, wait_for};

const MOTD: &str = "  - file: { path: /etc/motd, content: \"Welcome\\n\" }\n";

/// A file that a loopback server may write.
fn file(dir: &TempDir) -> String {
    format!("  - file: {{ path: {}/motd, content: \"Welcome\\n\" }}\n", dir.path().display())
}

#[test]
fn sudo_with_a_password_asks_once_at_the_terminal() {
    let host = Host::new();
    host.sh(
        "useradd -m -s /bin/bash carl; echo \"carl:it's \\$HOME\" | chpasswd; echo 'carl ALL=(ALL) ALL' >/etc/sudoers.d/carl
         cp -r /home/admin/.ssh /home/carl/; chown -R carl: /home/carl/.ssh",
    );
    let entry = format!("{{ address: {}, user: carl, host_key: {} }}", host.address, host.host_key());
    let chapter = Chapter::new().key(host.key()).entry("web1", &entry).resources(MOTD);
    let plan = chapter.plan();
    assert!(matches!(plan.code(), Some(3 | 4)) && plan.text().contains("-K"), "{plan}");
    chapter.run(&["plan", "-K"]).status(1).stderr_has("there is no terminal to ask for the sudo password");

    let command = chapter.command(&["apply", "--yes", "-K"]);
    let (status, screen) = at_terminal(&command, &[("sudo password:", "it's $HOME")]);
    assert_eq!(status, Some(0), "{screen}");
    assert!(screen.contains("web1: converged; 1 changed") && !screen.contains("it's $HOME"), "{screen}");
    assert_eq!(host.sh("cat /etc/motd"), "Welcome\n");
    let (status, screen) = at_terminal(&command, &[("sudo password:", "wrong")]);
    assert!(matches!(status, Some(3 | 4)) && screen.contains("password"), "{status:?} {screen}");
    let traces = "grep -rlaF \"it's \\$HOME\" /var/log /tmp /run /var/lib/steward /home 2>/dev/null || true";
    host.sh("echo \"it's \\$HOME\" >/tmp/planted");
    assert_eq!(host.sh(traces), "/tmp/planted\n");
}

#[test]
fn an_operator_at_a_terminal_is_asked_before_anything_changes() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let chapter = Chapter::new().sshd("web1", &sshd).resources(&file(&dir));
    let command = chapter.command(&["apply"]);
    let (status, screen) = at_terminal(&command, &[("Apply this? [y/N]", "")]);
    assert_eq!(status, Some(1), "{screen}");
    assert!(screen.contains("Plan: 1 to create") && screen.contains("nothing was changed"), "{screen}");
    assert!(!dir.path().join("motd").exists());
    let (status, screen) = at_terminal(&command, &[("Apply this? [y/N]", "y")]);
    assert_eq!(status, Some(0), "{screen}");
    assert!(dir.path().join("motd").exists());
}

#[test]
fn an_encrypted_key_asks_for_its_passphrase() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let chapter = Chapter::new().sshd("web1", &sshd).resources(&file(&dir));
    let key = chapter.home().join(".ssh/id_ed25519");
    let encrypted =
        Command::new("ssh-keygen").args(["-q", "-p", "-P", "", "-N", "open sesame", "-f"]).arg(&key).status();
    assert!(encrypted.unwrap().success());
    chapter.plan().status(4).stdout_has("id_ed25519");
    let command = chapter.command(&["plan", "--color", "never"]);
    let (status, screen) = at_terminal(&command, &[("id_ed25519", "open sesame")]);
    assert_eq!(status, Some(0), "{screen}");
    assert!(screen.contains("Plan: 1 to create") && !screen.contains("open sesame"), "{screen}");
}

#[test]
fn an_agent_serves_keys_that_are_nowhere_on_the_disk() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let agent = Agent::start(&dir.path().join("agent"));
    agent.add(&sshd.key());
    let chapter =
        Chapter::new().variable("SSH_AUTH_SOCK", dir.path().join("agent").to_str().unwrap()).sshd("web1", &sshd);
    for name in ["id_ed25519", "id_ed25519.pub"] {
        std::fs::remove_file(chapter.home().join(".ssh").join(name)).unwrap();
    }
    let chapter = chapter.resources(&file(&dir));
    chapter.plan().success().stdout_has("Plan: 1 to create");
    drop(agent);
    chapter.plan().status(4);
}

struct Agent(Child, std::path::PathBuf);

impl Agent {
    fn start(socket: &Path) -> Agent {
        let child = Command::new("ssh-agent").arg("-D").arg("-a").arg(socket).stdout(Stdio::null()).spawn().unwrap();
        wait_for("the agent listens", Duration::from_secs(5), || socket.exists());
        Agent(child, socket.to_owned())
    }

    fn add(&self, key: &Path) {
        let added = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &self.1).status();
        assert!(added.unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_host_behind_another_is_reached_through_it() {
    let (gate, inner, dir) = (Sshd::start(), Sshd::start(), tempfile::tempdir().unwrap());
    inner.accept(&gate);
    let way = Proxy::new(gate.address(), Duration::ZERO);
    let chapter = |port: u16| {
        let entry = |sshd: &Sshd, port: u16, more: &str| {
            format!(
                "{{ address: 127.0.0.1, port: {port}, user: {}, host_key: {}{more} }}",
                sshd.user(),
                sshd.host_key()
            )
        };
        Chapter::new()
            .key(&gate.key())
            .entry("gate", &entry(&gate, port, ""))
            .entry("inner", &entry(&inner, inner.port(), ", jump: gate"))
            .resources(&file(&dir))
    };
    chapter(way.port)
        .run(&["apply", "--yes", "--limit", "inner"])
        .success()
        .stdout_has("inner: converged; 1 changed");
    assert_eq!(way.connections(), 1);
    let lost = chapter(free_port()).run(&["plan", "--limit", "inner"]).status(4);
    assert!(lost.text().contains("inner  unreachable"), "{lost}");
    // the jump host's own key counts, too
    let other = chapter(way.port).run(&["plan", "--limit", "inner"]).success();
    assert!(other.text().contains("No changes."), "{other}");
    let swapped = chapter(inner.port()).run(&["plan", "--limit", "inner"]).status(4);
    assert_eq!(swapped.text().matches("SHA256:").count(), 2, "{swapped}");
}

#[test]
fn the_operators_own_configuration_of_ssh_counts() {
    let (sshd, dir) = (Sshd::start(), tempfile::tempdir().unwrap());
    let chapter =
        Chapter::new().key(&sshd.key()).entry("web1", &format!("{{ address: nickname, user: {} }}", sshd.user()));
    let ssh = chapter.home().join(".ssh");
    for name in ["", ".pub"] {
        std::fs::rename(ssh.join(format!("id_ed25519{name}")), ssh.join(format!("elsewhere{name}"))).unwrap();
    }
    let known = format!("[127.0.0.1]:{} {}\n", sshd.port(), sshd.host_key());
    let config =
        format!("Host nickname\n  HostName 127.0.0.1\n  Port {}\n  IdentityFile ~/.ssh/elsewhere\n", sshd.port());
    let chapter = chapter.resources(&file(&dir));
    std::fs::write(ssh.join("known_hosts"), known).unwrap();
    chapter.plan().status(4);
    std::fs::write(ssh.join("config"), config).unwrap();
    let output = at_home(&chapter, &chapter.command(&["plan"]));
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("Plan: 1 to create"),
        "{output:?}"
    );
}

/// Runs a command with the chapter's home as the user's own: ssh looks that up, whatever `$HOME` says.
fn at_home(chapter: &Chapter, command: &Command) -> Output {
    let home = chapter.home();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap().replace(":/root:", &format!(":{}:", home.display()));
    std::fs::write(home.join("passwd"), passwd).unwrap();
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "sh", "-c", "mount --bind \"$HOME/passwd\" /etc/passwd && exec \"$@\"", "sh"]);
    inside.arg(command.get_program()).args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    inside.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    inside.output().unwrap()
}
