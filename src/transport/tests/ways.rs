//! Host keys, keys of ours, jump hosts, and the system's `ssh`.

use std::path::Path;
use std::process::{Command, Stdio};

use super::super::sshd::{Sshd, keygen};
use super::super::{Asker, Jump, Target};
use super::*;

/// A security key in software, from Debian's package openssh-tests.
const SOFTWARE_KEY: &str = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

/// An SSH agent of our own, and its socket.
struct Agent {
    child: std::process::Child,
    socket: std::path::PathBuf,
}

impl Agent {
    fn start(dir: &Path) -> Self {
        let socket = dir.join("agent");
        let mut command = Command::new("ssh-agent");
        command.args(["-P", "/usr/lib/*"]).env("SSH_SK_PROVIDER", SOFTWARE_KEY);
        let child = command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
        for _ in 0..200 {
            if socket.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, socket }
    }

    fn add(&self, key: &Path) {
        let mut command = Command::new("ssh-add");
        assert!(
            command
                .arg("-q")
                .arg(key)
                .env("SSH_AUTH_SOCK", &self.socket)
                .env("SSH_SK_PROVIDER", SOFTWARE_KEY)
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The way through one of our servers.
fn jump(sshd: &Sshd) -> Jump {
    let user = sshd.remote().login.user.unwrap();
    Jump { to: format!("{user}@127.0.0.1:{}", sshd.port), host_keys: vec![sshd.host_key("ed25519")] }
}

struct Answer(&'static str, std::sync::atomic::AtomicUsize);

impl Asker for Answer {
    fn secret(&self, question: &str) -> Option<secrecy::SecretString> {
        assert!(question.starts_with("Passphrase of ") && question.ends_with(':'), "{question}");
        self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Some(self.0.to_owned().into())
    }
}

#[test]
fn a_pinned_key_is_found_whatever_the_server_prefers() {
    let sshd = Sshd::start();
    for kind in ["ed25519", "ecdsa"] {
        let remote = Remote { host_keys: vec![sshd.host_key(kind)], ..sshd.remote() };
        assert_eq!(run(session(&remote).as_mut(), "echo in").unwrap(), "in", "{kind}");
    }
}

#[test]
fn a_changed_host_key_is_refused_before_any_key_of_ours_is_shown() {
    let (sshd, other) = (Sshd::with("LogLevel DEBUG1"), Sshd::start());
    let refused = refusal(&Remote { host_keys: vec![other.host_key("ed25519")], ..sshd.remote() });
    assert!(
        refused.fact.starts_with("the host key of 127.0.0.1 has changed: it showed ssh-ed25519 SHA256:"),
        "{refused}"
    );
    assert!(refused.fact.contains("but the inventory has ssh-ed25519 SHA256:"), "{refused}");
    let log = std::fs::read_to_string(sshd.path("log")).unwrap();
    assert!(!log.contains("userauth-request"), "{log}");
}

#[test]
fn every_kind_of_key_opens_the_door() {
    let sshd = Sshd::start();
    let dir = sshd.dir.path();
    for (kind, more) in [("rsa", &["-b", "2048"][..]), ("ecdsa", &[]), ("rsa", &["-b", "2048", "-m", "PEM"])] {
        let key = keygen(dir, &format!("{kind}{}", more.len()), kind, "", more);
        sshd.authorize(&key.with_extension("pub"));
        session(&Remote { identities: vec![key], ..sshd.remote() });
    }
}

#[test]
fn the_passphrase_of_a_key_is_asked_for_once_and_only_if_the_server_wants_the_key() {
    let sshd = Sshd::start();
    let unwanted = keygen(sshd.dir.path(), "unwanted", "ed25519", "other", &[]);
    for (name, more) in [("openssh", &[][..]), ("pem", &["-m", "PEM", "-b", "2048"])] {
        let kind = if name == "pem" { "rsa" } else { "ed25519" };
        let key = keygen(sshd.dir.path(), name, kind, "open sesame", more);
        sshd.authorize(&key.with_extension("pub"));
        let remote = Remote { identities: vec![unwanted.clone(), key], ..sshd.remote() };
        let target = Target::Ssh(Box::new(remote.clone()));
        let refused = refusal(&remote);
        assert!(refused.remedy.as_ref().unwrap().contains("give the right passphrase of "), "{refused}");
        let wrong = Answer("wrong", 0.into());
        assert!(super::super::connect(&target, &wrong).is_err());
        assert_eq!(wrong.1.into_inner(), 3, "three attempts");
        let right = Answer("open sesame", 0.into());
        for _ in 0..2 {
            super::super::connect(&target, &right).unwrap_or_else(|broken| panic!("{name}: {broken:?}"));
        }
        assert_eq!(right.1.into_inner(), 1, "asked once");
    }
}

#[test]
fn a_certificate_opens_the_door() {
    let sshd = Sshd::with("TrustedUserCAKeys DIR/authority.pub");
    let authority = keygen(sshd.dir.path(), "authority", "ed25519", "", &[]);
    let key = keygen(sshd.dir.path(), "certified", "ed25519", "", &[]);
    let remote = Remote { identities: vec![key.clone()], ..sshd.remote() };
    assert!(refusal(&remote).fact.contains("does not let"));
    let user = sshd.remote().login.user.unwrap();
    let mut sign = Command::new("ssh-keygen");
    sign.arg("-q").arg("-s").arg(authority).args(["-I", "x", "-n", &user]).arg(&key);
    assert!(sign.status().unwrap().success());
    session(&remote);
}

#[test]
fn the_agent_signs_for_keys_whose_file_is_only_public() {
    let sshd = Sshd::start();
    let agent = Agent::start(sshd.dir.path());
    let mut settings = super::super::sshd::settings();
    (settings.port, settings.agent) = (sshd.port, Some(agent.socket.clone()));
    // More keys than the server has patience for: only the configured one may be offered.
    for n in 0..8 {
        agent.add(&keygen(sshd.dir.path(), &format!("other{n}"), "ed25519", "", &[]));
    }
    agent.add(&sshd.path("client"));
    settings.identities = vec![sshd.path("client.pub")];
    let offers = super::super::keys::offers(&settings);
    let names: Vec<String> = offers.list.iter().map(super::super::keys::Offer::name).collect();
    assert!(matches!(names.as_slice(), [name] if name.ends_with("(agent)")), "{names:?}");
    let known = super::super::host_key::Known::gather(&[sshd.host_key("ed25519")], &[], "a", 22, None).unwrap();
    let limit = Duration::from_secs(5);
    let tcp = super::super::link::tcp("127.0.0.1", sshd.port, "a", limit).unwrap();
    let link = super::super::link::Link::handshake(tcp, &known, "a", limit).ok().unwrap();
    let nobody = super::super::auth::Person { ask: &Nobody, passwords: false };
    assert!(super::super::auth::authenticate(&link, &settings, &offers, &nobody, limit).is_ok());
}

#[test]
fn jump_hosts_are_verified_and_passed_through() {
    let (near, far, target) = (Sshd::start(), Sshd::start(), Sshd::start());
    // The same key of ours everywhere.
    for jump in [&near, &far] {
        jump.authorize(&target.path("client.pub"));
    }
    let remote = Remote { jumps: vec![jump(&near), jump(&far)], ..target.remote() };
    let mut session = session(&remote);
    assert_eq!(session.description(), "ssh2");
    let port = run(session.as_mut(), "echo $SSH_CLIENT").unwrap();
    assert!(port.starts_with("127.0.0.1 "), "{port}");
    let bytes = vec![b'x'; 8 << 20];
    let mut talk = Script::new(&bytes).until(bytes.len());
    session.exchange("cat", &mut talk, SILENCE).unwrap();
    drop(session);
    let wrong = Jump { host_keys: vec![target.host_key("ed25519")], ..jump(&near) };
    let refused = refusal(&Remote { jumps: vec![wrong, jump(&far)], ..remote.clone() });
    assert!(refused.fact.contains("has changed"), "{refused}");
    let nowhere = refusal(&Remote { jumps: vec![jump(&near)], port: Some(1), ..remote });
    assert!(nowhere.fact.contains("the jump host does not connect to 127.0.0.1:1"), "{nowhere}");
}

#[test]
fn a_jump_host_that_freezes_is_reported_in_time() {
    let (near, target) = (Sshd::start(), Sshd::start());
    near.authorize(&target.path("client.pub"));
    let mut session = session(&Remote { jumps: vec![jump(&near)], ..target.remote() });
    near.signal(rustix::process::Signal::STOP);
    let mut talk = Script::new(b"").until_text("done\n");
    let (result, time) = timed(|| session.exchange("echo done", &mut talk, Duration::from_secs(1)));
    assert!(matches!(result, Err(Broken::Lost(_))), "{result:?}");
    assert!(time < Duration::from_secs(12), "{time:?}");
    let ((), time) = timed(|| drop(session));
    assert!(time < Duration::from_millis(200), "{time:?}");
}

fn by_system(sshd: &Sshd, port: u16) -> Result<Box<dyn Session>, Broken> {
    use super::super::{config, connect, openssh};
    let remote = sshd.remote_by(port);
    let settings = config::resolve(&remote, remote.login.user.as_deref())?;
    let known = connect::known_keys(&remote, &settings)?;
    match openssh::OpenSsh::connect(&remote, &settings, &known, remote.login.clone(), "this is a test") {
        Ok(session) => Ok(Box::new(session)),
        Err(openssh::Failed::Broken(broken)) => Err(broken),
        Err(openssh::Failed::Denied(diagnostic)) => Err(Broken::Unreachable(diagnostic)),
    }
}

#[test]
fn the_system_ssh_serves_alike() {
    let sshd = Sshd::with("MaxSessions 1");
    let mut session = by_system(&sshd, sshd.port).unwrap();
    assert_eq!(session.description(), "system ssh, because this is a test");
    for n in 0..5 {
        assert_eq!(run(session.as_mut(), &format!("echo {n}")).unwrap(), n.to_string());
    }
    let bytes = vec![b'x'; 64 << 20];
    let mut talk = Script::new(&bytes).until(bytes.len());
    session.exchange("cat", &mut talk, SILENCE).unwrap();
    let mut talk = Script::new(b"").until_text("done\n");
    let result = session.exchange("exit 255", &mut talk, SILENCE);
    assert!(matches!(result, Err(Broken::Ended(_))), "{result:?}");
    assert_eq!(session.exchanges(), 7);
    sshd.signal(rustix::process::Signal::KILL);
    let result = run(session.as_mut(), "true");
    assert!(matches!(result, Err(Broken::Lost(_))), "{result:?}");
}

#[test]
fn the_system_ssh_is_not_waited_for_for_ever_either() {
    let sshd = Sshd::start();
    let mut session = by_system(&sshd, sshd.port).unwrap();
    sshd.signal(rustix::process::Signal::STOP);
    let mut talk = Script::new(b"").until_text("done\n").heartbeats();
    let (result, time) = timed(|| session.exchange("sleep 9; echo done", &mut talk, Duration::from_secs(1)));
    assert!(matches!(result, Err(Broken::Lost(_))), "{result:?}");
    let ((), drop_time) = timed(|| drop(session));
    assert!(time < Duration::from_secs(3) && drop_time < Duration::from_secs(1), "{time:?} {drop_time:?}");
}

#[test]
fn the_system_ssh_refuses_a_host_key_that_is_not_pinned() {
    let (sshd, other) = (Sshd::start(), Sshd::start());
    let Err(Broken::Unreachable(refused)) = by_system(&sshd, other.port) else { panic!("connected") };
    assert!(refused.fact.contains("Host key verification failed"), "{refused}");
}

#[test]
fn a_security_key_is_a_reason_for_the_system_ssh() {
    use super::super::{auth, connect, host_key, openssh};
    assert!(Path::new(SOFTWARE_KEY).exists(), "this test needs a security key: apt-get install openssh-tests");
    let sshd = Sshd::start();
    let agent = Agent::start(sshd.dir.path());
    let key = keygen(sshd.dir.path(), "token", "ed25519-sk", "", &["-w", SOFTWARE_KEY]);
    sshd.authorize(&key.with_extension("pub"));
    agent.add(&key);
    let mut settings = super::super::sshd::settings();
    (settings.port, settings.agent, settings.identities) = (sshd.port, Some(agent.socket.clone()), vec![key]);
    let known = host_key::Known::gather(&[sshd.host_key("ed25519")], &[], "a", 22, None).unwrap();
    let remote = Remote { identities: settings.identities.clone(), ..sshd.remote() };
    let nobody = auth::Person { ask: &Nobody, passwords: false };
    let Err(connect::NoLink::System(why)) = connect::link(&remote, &settings, &known, &nobody) else {
        panic!("libssh2 must not try");
    };
    assert!(why.ends_with(" is a security key"), "{why}");
    let session = openssh::OpenSsh::connect(&remote, &settings, &known, remote.login.clone(), &why);
    let mut session = session.unwrap_or_else(|failed| match failed {
        openssh::Failed::Broken(broken) => panic!("{broken:?}"),
        openssh::Failed::Denied(diagnostic) => panic!("{diagnostic:?}"),
    });
    assert_eq!(run(&mut session, "echo in").unwrap(), "in");
}
