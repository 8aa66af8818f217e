//! One SSH connection by libssh2: TCP, handshake, host key. libssh2 is never allowed to block: every step is driven
//! by [`Link::drive`] with a deadline, and [`Link`] can be dropped at any moment without waiting for anybody.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, ErrorCode, MethodType};

use super::Broken;
use super::host_key::{Key, Known};
use super::pump::seconds;
use crate::diag::Diagnostic;

/// libssh2's error codes that mean something here (libssh2.h).
pub(super) mod code {
    pub(in super::super) const KEX_FAILURE: i32 = -5;
    pub(in super::super) const FILE: i32 = -16;
    pub(in super::super) const METHOD_NONE: i32 = -17;
    pub(in super::super) const CHANNEL_FAILURE: i32 = -21;
    pub(in super::super) const CHANNEL_REQUEST_DENIED: i32 = -22;
    pub(in super::super) const CHANNEL_CLOSED: i32 = -26;
    pub(in super::super) const CHANNEL_EOF_SENT: i32 = -27;
    pub(in super::super) const EAGAIN: i32 = -37;
    /// The link itself is broken: send, timeout, disconnect, protocol, receive, bad socket.
    pub(in super::super) const BROKEN: [i32; 6] = [-7, -9, -13, -14, -43, -45];
}

/// Why a step did not succeed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The peer did not answer before the deadline.
    Frozen,
    Failed(ssh2::Error),
}

impl Trouble {
    pub(super) fn code(&self) -> i32 {
        match self {
            Self::Frozen => 0,
            Self::Failed(error) => code_of(error),
        }
    }

    pub(super) fn says(&self, limit: Duration) -> String {
        match self {
            Self::Frozen => format!("no answer for {} s", seconds(limit)),
            Self::Failed(error) => says(error),
        }
    }

    pub(super) fn is_broken_link(&self) -> bool {
        matches!(self, Self::Frozen) || code::BROKEN.contains(&self.code())
    }
}

/// What an error of libssh2 means; its own words for a broken link are "Unexpected error" and the like.
pub(super) fn says(error: &ssh2::Error) -> String {
    match code_of(error) {
        -13 => "the server closed it".to_owned(),
        -7 | -43 | -45 => "the network broke it".to_owned(),
        code if code::BROKEN.contains(&code) => format!("{} (libssh2 error {code})", error.message()),
        _ => error.message().to_owned(),
    }
}

pub(super) fn code_of(error: &ssh2::Error) -> i32 {
    match error.code() {
        ErrorCode::Session(code) => code,
        ErrorCode::SFTP(_) => 0,
    }
}

/// A handshaken, verified connection.
pub(super) struct Link {
    pub(super) session: ssh2::Session,
    socket: OwnedFd,
}

impl Link {
    /// The SSH handshake over a connected socket, and the verdict on the host key.
    pub(super) fn handshake<S>(socket: S, known: &Known, name: &str, limit: Duration) -> Result<Self, Handshake>
    where
        S: AsFd + AsRawFd + 'static,
    {
        let start = || -> Result<(ssh2::Session, OwnedFd), String> {
            let copy = socket.as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
            rustix::io::ioctl_fionbio(&copy, true).map_err(|error| error.to_string())?;
            let session = ssh2::Session::new().map_err(|error| error.message().to_owned())?;
            let prefer =
                |kind, list: &str| session.method_pref(kind, list).map_err(|error| error.message().to_owned());
            prefer(MethodType::HostKey, &known.preference())?;
            // AES has instructions of its own in nearly every processor; chacha20, libssh2's first, does not.
            prefer(MethodType::CryptCs, CIPHERS)?;
            prefer(MethodType::CryptSc, CIPHERS)?;
            session.set_blocking(false);
            Ok((session, copy))
        };
        let (mut session, copy) = start().map_err(|why| Handshake::Broken(unreachable(name, &why)))?;
        session.set_tcp_stream(socket);
        let link = Self { session, socket: copy };
        let mut handle = link.session.clone();
        link.drive(Instant::now() + limit, || handle.handshake()).map_err(|trouble| match trouble.code() {
            code::KEX_FAILURE | code::METHOD_NONE => Handshake::NoCommonMethod(trouble.says(limit)),
            _ => Handshake::Broken(unreachable(name, &format!("no SSH handshake: {}", trouble.says(limit)))),
        })?;
        let (blob, _) = link.session.host_key().unwrap_or((&[], ssh2::HostKeyType::Unknown));
        known
            .verify(&Key::from_blob(blob), name)
            .map_err(|refusal| Handshake::Broken(Broken::Unreachable(refusal)))?;
        Ok(link)
    }

    /// Repeats a step of libssh2 until it is done or the deadline has come.
    pub(super) fn drive<T>(
        &self,
        deadline: Instant,
        mut step: impl FnMut() -> Result<T, ssh2::Error>,
    ) -> Result<T, Trouble> {
        loop {
            match step() {
                Ok(value) => return Ok(value),
                Err(error) if code_of(&error) != code::EAGAIN => return Err(Trouble::Failed(error)),
                Err(_) if Instant::now() >= deadline => return Err(Trouble::Frozen),
                Err(_) => self.wait(false, deadline.saturating_duration_since(Instant::now())),
            }
        }
    }

    /// Sleeps until the socket is ready for what libssh2 waits for, or (`writing`) can take more.
    pub(super) fn wait(&self, writing: bool, time: Duration) {
        let outbound = matches!(self.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both);
        let flags = if writing || outbound { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        // A signal ends the sleep early, which does no harm.
        let _ = poll(&mut [PollFd::new(&self.socket, flags)], Timespec::try_from(time).ok().as_ref());
    }

    pub(super) fn socket(&self) -> &OwnedFd {
        &self.socket
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // One farewell if it can be sent at once; then libssh2 finds the socket closed and frees without waiting.
        let _ = self.session.disconnect(None, "done", None);
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }
}

const CIPHERS: &str = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,\
                       aes128-ctr,aes256-ctr,aes192-ctr";

/// Why there is no link.
pub(super) enum Handshake {
    Broken(Broken),
    /// libssh2 and the server have no method in common; the system's `ssh` may.
    NoCommonMethod(String),
}

/// A TCP connection to the first address that answers, within `limit` for all of them.
pub(super) fn tcp(host: &str, port: u16, name: &str, limit: Duration) -> Result<TcpStream, Broken> {
    let deadline = Instant::now() + limit;
    let addresses = lookup(host, port, limit).map_err(|why| {
        let diagnostic = Diagnostic::error(format!("{name}: the name `{host}` has no address: {why}"));
        Broken::Unreachable(Box::new(diagnostic.remedy("look at `address` in the inventory, and at the name server")))
    })?;
    let mut refusals = Vec::new();
    for (index, address) in addresses.iter().enumerate() {
        let share = u32::try_from(addresses.len() - index).unwrap_or(1);
        let time = deadline.saturating_duration_since(Instant::now()) / share;
        match TcpStream::connect_timeout(address, time.max(Duration::from_millis(1))) {
            Ok(stream) => {
                // Without it, small packets wait up to 40 ms for the peer's delayed acknowledgement.
                let _ = stream.set_nodelay(true);
                let _ = rustix::net::sockopt::set_socket_keepalive(&stream, true);
                return Ok(stream);
            }
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                refusals.push(format!("{address}: no answer for {} s", seconds(time)));
            }
            Err(error) => refusals.push(format!("{address}: {error}")),
        }
    }
    Err(unreachable(name, &refusals.join("; ")))
}

/// The resolver has no deadline of its own, so a thread waits for it.
fn lookup(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let (sender, receiver) = mpsc::channel();
    let host = bare.to_owned();
    let resolve = move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // Nobody may be waiting any more.
        let _ = sender.send(found.map_err(|error| error.to_string()));
    };
    std::thread::Builder::new().name("resolver".into()).spawn(resolve).map_err(|error| error.to_string())?;
    match receiver.recv_timeout(limit) {
        Ok(Ok(addresses)) if addresses.is_empty() => Err("none found".to_owned()),
        Ok(found) => found,
        Err(_) => Err(format!("no answer for {} s", seconds(limit))),
    }
}

pub(super) fn unreachable(name: &str, why: &str) -> Broken {
    let diagnostic = Diagnostic::error(format!("{name} cannot be reached: {why}"));
    Broken::Unreachable(Box::new(
        diagnostic.remedy("look whether the host is up, and at its address, port and firewall"),
    ))
}
