//! What the tests are written with: [`Chapter`] runs `steward` in an inventory of its own, [`Host`] is a Debian machine,
//! [`Sshd`] an SSH server on loopback, [`Proxy`] a bad network. All of it is gone when the test is.

mod chapter;
mod forge;
mod host;
mod keys;
mod proxy;
mod ran;
mod sshd;
mod terminal;
mod watch;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

pub(crate) use chapter::Chapter;
pub(crate) use forge::{Forge, TOKEN};
pub(crate) use host::Host;
pub(crate) use proxy::Proxy;
pub(crate) use ran::Ran;
pub(crate) use sshd::Sshd;
pub(crate) use terminal::at_terminal;
pub(crate) use watch::Watch;

/// A port on loopback where nothing listens; the kernel does not give it to others for a while.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until `done` says so. Panics with `what` after `limit`: a test that waits for ever says nothing.
pub(crate) fn wait_for(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn answers(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Makes an Ed25519 key pair, `path` and `path.pub`, and gives the public line.
pub(crate) fn keygen(path: &Path) -> String {
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path).status();
    assert!(made.expect("ssh-keygen is in openssh-client").success());
    std::fs::read_to_string(path.with_extension("pub")).unwrap().trim().to_owned()
}

/// The command of OpenSSH's own client, for what tests want to know past Steward.
pub(crate) fn ssh(key: &Path, host_key: &str, address: &str, port: u16, user: &str) -> Command {
    let known = if port == 22 { address.to_owned() } else { format!("[{address}]:{port}") };
    let known_hosts = key.with_extension(format!("known-{address}-{port}"));
    std::fs::write(&known_hosts, format!("{known} {host_key}\n")).unwrap();
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "IdentitiesOnly=yes", "-o"]);
    ssh.arg(format!("UserKnownHostsFile={}", known_hosts.display())).arg("-i").arg(key);
    ssh.args(["-p", &port.to_string(), &format!("{user}@{address}")]);
    ssh
}
