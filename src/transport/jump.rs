//! A way through other machines: a direct-tcpip channel of a verified, authenticated connection to each, handed on as
//! a socket. A thread copies in both directions with two fixed buffers, and ends with either side.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, Channel};

use super::Broken;
use super::link::{Link, unreachable};
use super::pump::CHUNK;

/// A connection from the machine behind `link` to `host:port`.
pub(super) fn tunnel(link: Link, host: &str, port: u16, name: &str, limit: Duration) -> Result<UnixStream, Broken> {
    let open = || link.session.channel_direct_tcpip(host, port, None);
    let channel = link.drive(Instant::now() + limit, open).map_err(|trouble| {
        unreachable(name, &format!("the jump host does not connect to {host}:{port}: {}", trouble.says(limit)))
    })?;
    let broken = |error: std::io::Error| unreachable(name, &error.to_string());
    let (ours, theirs) = UnixStream::pair().map_err(broken)?;
    ours.set_nonblocking(true).map_err(broken)?;
    link.session.set_keepalive(false, 15);
    let copy = move || Copy { link, channel, local: ours, up: Buffer::new(), down: Buffer::new() }.run();
    std::thread::Builder::new().name("jump".into()).spawn(copy).map_err(broken)?;
    Ok(theirs)
}

struct Copy {
    // In the order of dropping: the channel needs the link.
    channel: Channel,
    link: Link,
    local: UnixStream,
    up: Buffer,
    down: Buffer,
}

impl Copy {
    fn run(mut self) {
        loop {
            let before = (self.up.moved, self.down.moved);
            let up = self.up.step(&mut self.local, &mut self.channel);
            let down = self.down.step(&mut self.channel, &mut self.local);
            if up == Flow::Over || down == Flow::Over || (self.down.is_empty() && self.channel.eof()) {
                // The session over us sees an end of file, as from a closed TCP connection.
                let _ = self.local.shutdown(Shutdown::Both);
                return;
            }
            // Reading may have brought in room to write, of which no poll would tell.
            let room = !self.up.is_empty() && !self.outbound() && self.channel.write_window().remaining > 0;
            if before == (self.up.moved, self.down.moved) && !room {
                self.wait();
            }
        }
    }

    /// libssh2 has something to send that the socket does not take.
    fn outbound(&self) -> bool {
        matches!(self.link.session.block_directions(), BlockDirections::Outbound | BlockDirections::Both)
    }

    fn wait(&self) {
        let mut there = PollFlags::IN;
        there.set(PollFlags::OUT, self.outbound());
        let mut here = PollFlags::empty();
        here.set(PollFlags::IN, self.up.is_empty());
        here.set(PollFlags::OUT, !self.down.is_empty());
        let mut fds = [PollFd::new(self.link.socket(), there), PollFd::new(&self.local, here)];
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        if poll(&mut fds, Some(&second)) == Ok(0) && self.up.is_empty() {
            // A dead link shows at the next read or write.
            let _ = self.link.session.keepalive_send();
        }
    }
}

#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Over,
}

struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    moved: u64,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; CHUNK], start: 0, end: 0, moved: 0 }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Reads if there is nothing left to write, and writes what there is.
    fn step(&mut self, from: &mut impl Read, to: &mut impl Write) -> Flow {
        if self.is_empty() {
            match from.read(&mut self.bytes) {
                Ok(0) => return Flow::Over,
                Ok(count) => (self.start, self.end) = (0, count),
                Err(error) if waits(&error) => return Flow::On,
                Err(_) => return Flow::Over,
            }
            self.moved += 1;
        }
        match to.write(self.bytes.get(self.start..self.end).unwrap_or_default()) {
            Ok(count) => {
                self.start += count;
                self.moved += u64::from(count > 0);
                Flow::On
            }
            Err(error) if waits(&error) => Flow::On,
            Err(_) => Flow::Over,
        }
    }
}

fn waits(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
