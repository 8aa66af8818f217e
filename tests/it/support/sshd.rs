//! A plain OpenSSH server on loopback, with its own configuration, host key and user key. Needs no root: it serves the
//! user who runs the tests, in an empty home so that nobody's `.bashrc` has a say. For root it has a `/run` and Steward's
//! records of its own, so that it stands for a host of its own. Dies with the test, its sessions included.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

pub(crate) struct Sshd {
    dir: TempDir,
    child: Child,
    port: u16,
    user: String,
    host_key: String,
}

/// A server that is not yet started.
#[derive(Default)]
pub(crate) struct Setup {
    config: String,
    environment: Vec<(String, String)>,
    files: Vec<(String, String)>,
    shell: Option<PathBuf>,
}

impl Sshd {
    /// A server as it comes, such as `Sshd::start()`; `Sshd::with().config("MaxSessions 1").start()` for another.
    pub(crate) fn start() -> Sshd {
        Sshd::with().start()
    }

    pub(crate) fn with() -> Setup {
        Setup::default()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn host_key(&self) -> &str {
        &self.host_key
    }

    /// The private key that the server accepts.
    pub(crate) fn key(&self) -> PathBuf {
        self.dir.path().join("id")
    }

    /// Lets in who has the key of another server, too.
    pub(crate) fn accept(&self, other: &Sshd) {
        let line = std::fs::read_to_string(other.key().with_extension("pub")).unwrap();
        let path = self.dir.path().join("authorized_keys");
        let own = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{own}\n{line}")).unwrap();
    }

    /// What sessions see as `/var/lib/steward`; for root only.
    pub(crate) fn records(&self) -> PathBuf {
        self.dir.path().join("records")
    }

    /// What sessions see as `/run`; for root only.
    pub(crate) fn run(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// What the server said, for a test that failed.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// OpenSSH's own client.
    pub(crate) fn ssh(&self, command: &str) -> Output {
        self.ssh_through(self.port, command)
    }

    pub(crate) fn ssh_through(&self, port: u16, command: &str) -> Output {
        super::ssh(&self.key(), &self.host_key, "127.0.0.1", port, &self.user).arg(command).output().unwrap()
    }
}

impl Setup {
    /// More lines of `sshd_config(5)`. The first value of a keyword counts, so these win over the usual ones.
    pub(crate) fn config(mut self, lines: &str) -> Setup {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// Another login shell for the user. Needs root, for a passwd file that only this server sees.
    pub(crate) fn shell(mut self, shell: impl Into<PathBuf>) -> Setup {
        self.shell = Some(shell.into());
        self
    }

    /// A file in the user's home, such as a noisy `.bashrc`.
    pub(crate) fn file(mut self, path: &str, text: &str) -> Setup {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// A variable of the sessions.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Setup {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn start(self) -> Sshd {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("home")).unwrap();
        for (file, text) in &self.files {
            std::fs::write(path("home").join(file), text).unwrap();
        }
        std::fs::write(path("authorized_keys"), super::keygen(&path("id"))).unwrap();
        let host_key = super::keygen(&path("host_key"));
        let host_key = host_key.rsplit_once(' ').unwrap().0.to_owned();
        let user = output(Command::new("id").arg("-un"));
        let port = super::free_port();
        let at = dir.path().display();
        let variables: String = self.environment.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let config = format!(
            "{}SetEnv HOME={at}/home{variables}\nPort {port}\nListenAddress 127.0.0.1\nHostKey {at}/host_key\nAuthorizedKeysFile {at}/authorized_keys\n\
             PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nMaxStartups 100\n\
             PerSourceMaxStartups none\nLogLevel VERBOSE\nSubsystem sftp internal-sftp\n",
            self.config
        );
        std::fs::write(path("sshd_config"), config).unwrap();
        let child = self.command(dir.path(), &user).spawn().expect("setpriv is in util-linux");
        let mut sshd = Sshd { dir, child, port, user, host_key };
        super::wait_for("sshd listens", Duration::from_secs(10), || {
            assert!(sshd.child.try_wait().unwrap().is_none(), "sshd ended: {}", sshd.log());
            super::answers(port)
        });
        sshd
    }

    fn command(&self, dir: &Path, user: &str) -> Command {
        // PDEATHSIG: the kernel ends the server when the test's thread is gone, killed or not.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        let at = dir.display();
        let mut script = format!("exec /usr/sbin/sshd -D -e -f '{at}/sshd_config'");
        if output(Command::new("id").arg("-u")) == "0" {
            // Steward's records, its lock and its private directories are one a machine: every server gets its own.
            command.args(["unshare", "--mount", "--"]);
            let own = format!(
                "mkdir -p /var/lib/steward '{at}/records' '{at}/run/sshd' && mount --bind '{at}/records' /var/lib/steward && mount --bind '{at}/run' /run"
            );
            script = format!("{own} && {script}");
            if let Some(shell) = &self.shell {
                std::fs::write(dir.join("passwd"), passwd(user, shell)).unwrap();
                script = format!("mount --bind '{at}/passwd' /etc/passwd && {script}");
            }
        }
        let log = std::fs::File::create(dir.join("log")).unwrap();
        command.args(["sh", "-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
        command
    }
}

/// This machine's passwd file with another shell for `user`.
fn passwd(user: &str, shell: &Path) -> String {
    let text = std::fs::read_to_string("/etc/passwd").unwrap();
    let changed = |line: &str| match line.rsplit_once(':') {
        Some((rest, _)) if rest.split(':').next() == Some(user) => format!("{rest}:{}\n", shell.display()),
        _ => format!("{line}\n"),
    };
    text.lines().map(changed).collect()
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let mut family = vec![self.child.id().to_string()];
        for at in 0.. {
            let Some(pid) = family.get(at) else { break };
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            family.extend(children.split_whitespace().map(str::to_owned));
        }
        let _ = Command::new("kill").arg("-KILL").args(family).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

fn output(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
}
