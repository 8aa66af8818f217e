//! A real OpenSSH server on loopback for tests, with keys of its own, on a port of its own.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::config::Settings;
use super::{Login, Remote, Sudo, Timeouts};

pub(super) struct Sshd {
    pub(super) dir: tempfile::TempDir,
    pub(super) port: u16,
    child: Child,
}

impl Sshd {
    pub(super) fn start() -> Self {
        Self::with("")
    }

    // SHLVL keeps bash from reading ~/.bashrc: what the developer has there is not what these tests are about.
    /// With more lines for its configuration; the first value counts there, so these win.
    pub(super) fn with(lines: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        keygen(dir.path(), "host_ed25519", "ed25519", "", &[]);
        keygen(dir.path(), "host_ecdsa", "ecdsa", "", &[]);
        let client = keygen(dir.path(), "client", "ed25519", "", &[]);
        std::fs::copy(client.with_extension("pub"), dir.path().join("authorized_keys")).unwrap();
        // Where sshd separates privileges; a boot creates it, a container has none.
        let _ = std::fs::create_dir_all("/run/sshd");
        for _ in 0..5 {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
            let config = format!(
                "{lines}\nPort {port}\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nStrictModes no\n\
                 PermitRootLogin yes\nSetEnv SHLVL=5\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 300\nLogLevel ERROR\n\
                 HostKey DIR/host_ecdsa\nHostKey DIR/host_ed25519\n\
                 AuthorizedKeysFile DIR/authorized_keys\n"
            );
            std::fs::write(dir.path().join("config"), config.replace("DIR", &dir.path().display().to_string()))
                .unwrap();
            let log = std::fs::File::create(dir.path().join("log")).unwrap();
            let mut command = Command::new("/usr/sbin/sshd");
            command.args(["-D", "-e", "-f"]).arg(dir.path().join("config"));
            let mut child = command
                .stdin(Stdio::null())
                .stderr(log)
                .spawn()
                .expect("these tests need an SSH server: apt-get install openssh-server");
            // Connecting is how one learns that it listens; this is loopback, and our own server.
            for _ in 0..500 {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                    return Self { dir, port, child };
                }
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("sshd does not start: {}", std::fs::read_to_string(dir.path().join("log")).unwrap());
    }

    pub(super) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn host_key(&self, kind: &str) -> String {
        std::fs::read_to_string(self.path(&format!("host_{kind}.pub"))).unwrap().trim().to_owned()
    }

    /// Lets the key in `file` (a public key, or a line of options) log in too.
    pub(super) fn authorize(&self, file: &Path) {
        let line = std::fs::read(file).unwrap();
        let mut keys = std::fs::OpenOptions::new().append(true).open(self.path("authorized_keys")).unwrap();
        keys.write_all(&line).unwrap();
    }

    /// The way here, with the right key and the right pin, and nothing from the home directory.
    pub(super) fn remote(&self) -> Remote {
        self.remote_by(self.port)
    }

    /// The same through a proxy's port.
    pub(super) fn remote_by(&self, port: u16) -> Remote {
        Remote {
            port: Some(port),
            host_keys: vec![self.host_key("ed25519")],
            identities: vec![self.path("client")],
            timeouts: Timeouts { connect: Duration::from_secs(10), silence: Duration::from_secs(10) },
            config: false,
            ..Remote::new("127.0.0.1", login(&me()))
        }
    }

    /// The processes that serve connections.
    pub(super) fn children(&self) -> Vec<rustix::process::Pid> {
        let mut found = Vec::new();
        let mut parents = vec![self.child.id().to_string()];
        while let Some(parent) = parents.pop() {
            let list = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
            for pid in list.split_whitespace() {
                parents.push(pid.to_owned());
                found.extend(pid.parse().ok().and_then(rustix::process::Pid::from_raw));
            }
        }
        found
    }

    pub(super) fn signal(&self, signal: rustix::process::Signal) {
        for pid in self.children() {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::KILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn me() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub(super) fn login(user: &str) -> Login {
    Login { user: Some(user.to_owned()), sudo: Sudo::None }
}

/// Makes a key pair and gives the private half's path.
pub(super) fn keygen(dir: &Path, name: &str, kind: &str, passphrase: &str, more: &[&str]) -> PathBuf {
    let path = dir.join(name);
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", kind, "-N", passphrase, "-C", name, "-f"]).arg(&path).args(more);
    assert!(command.status().unwrap().success());
    path
}

/// Settings that say nothing.
pub(super) fn settings() -> Settings {
    Settings {
        name: "127.0.0.1".into(),
        host: "127.0.0.1".into(),
        port: 22,
        user: me(),
        identities: Vec::new(),
        identities_only: true,
        certificates: Vec::new(),
        agent: None,
        jumps: Vec::new(),
        known_hosts: Vec::new(),
        alias: None,
        gssapi: false,
        system: None,
    }
}
