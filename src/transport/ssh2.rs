//! A session over libssh2: one channel an exchange, pumped without ever blocking. Takes a verified, authenticated
//! [`Link`]; gives exchanges. Trusts no exit status: libssh2 reports 0 even when the connection died.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use ssh2::{BlockDirections, Channel};
use zeroize::Zeroizing;

use super::link::{Link, Trouble, code, code_of, says};
use super::pump::{CHUNK, Ending, Pump, lost};
use super::{Broken, Conversation, Login, Session, Timeouts};
use crate::diag::Diagnostic;

/// How long the previous command may take to go away after its end record.
const LINGER: Duration = Duration::from_secs(5);
/// How often a word is said while nothing else is, so that no firewall forgets the connection.
const KEEPALIVE: u32 = 15;

pub(super) struct Ssh2 {
    // Before the link: channels are freed while their session is there, sockets shut first by `Drop`.
    previous: Option<Previous>,
    link: Link,
    name: String,
    login: Login,
    timeouts: Timeouts,
    note: String,
    exchanges: usize,
    /// What a host sends may be a secret that is fetched.
    buffer: Zeroizing<Vec<u8>>,
}

impl Ssh2 {
    pub(super) fn new(link: Link, name: String, login: Login, timeouts: Timeouts, note: String) -> Self {
        // No answer is asked for: an answer that nobody reads makes libssh2's reads fail.
        link.session.set_keepalive(false, KEEPALIVE);
        Self {
            previous: None,
            link,
            name,
            login,
            timeouts,
            note,
            exchanges: 0,
            buffer: Zeroizing::new(vec![0; CHUNK]),
        }
    }

    /// Opens a channel, once the previous one is gone: the server may allow only one (`MaxSessions 1`).
    fn open(&mut self) -> Result<Channel, Broken> {
        if let Some(previous) = self.previous.take() {
            let deadline = Instant::now() + LINGER;
            self.see_off(previous, deadline).map_err(|trouble| self.no_channel(&trouble))?;
        }
        let deadline = Instant::now() + LINGER;
        loop {
            let limit = Instant::now() + self.timeouts.silence;
            match self.link.drive(limit, || self.link.session.channel_session()) {
                Ok(channel) => return Ok(channel),
                Err(trouble) if trouble.code() == code::CHANNEL_FAILURE && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(trouble) => return Err(self.no_channel(&trouble)),
            }
        }
    }

    fn no_channel(&self, trouble: &Trouble) -> Broken {
        let why = trouble.says(self.timeouts.silence);
        if trouble.is_broken_link() {
            return lost(&self.name, &why);
        }
        let fact = format!("{} does not let a command run: {why}", self.name);
        Broken::Ended(Box::new(
            Diagnostic::error(fact).remedy("look at MaxSessions and ForceCommand in its sshd_config"),
        ))
    }

    /// Lets a finished command end and throws away what it still says. Past the deadline it is left alone.
    fn see_off(&mut self, previous: Previous, deadline: Instant) -> Result<(), Trouble> {
        let Previous { mut channel, mut closed } = previous;
        let buffer = &mut self.buffer;
        let gone = self.link.drive(deadline, || {
            if !closed {
                // Once only: a server hangs up on those who talk to a channel that is gone.
                channel.send_eof()?;
                closed = true;
            }
            // Again: reading the second stream may bring in the end of the first, and then no poll would tell.
            for _ in 0..16 {
                for stream in [0, 1] {
                    while matches!(channel.stream(stream).read(buffer), Ok(1..)) {}
                }
                if channel.read_window().available == 0 {
                    break;
                }
            }
            if !channel.eof() {
                return Err(ssh2::Error::from_errno(ssh2::ErrorCode::Session(code::EAGAIN)));
            }
            channel.close()
        });
        match gone {
            Err(trouble @ Trouble::Failed(_)) if trouble.is_broken_link() => Err(trouble),
            _ => Ok(()),
        }
    }

    /// One exchange over an open channel, to its end record (`true`) or the end of the command.
    fn pump(
        &mut self,
        channel: &mut Channel,
        command: &str,
        pump: &mut Pump<'_>,
        state: &mut State,
    ) -> Result<bool, Broken> {
        loop {
            let mut progress = self.start(channel, command, state)?;
            if state.requested {
                progress |= self.write(channel, pump, state)?;
            }
            progress |= self.read(channel, pump)?;
            if pump.finished() {
                return Ok(true);
            }
            if channel.eof() {
                return Ok(false);
            }
            if let Some(broken) = pump.frozen(&self.name) {
                return Err(broken);
            }
            // Reading one stream may have brought in something for the other, or room to write.
            let arrived = channel.read_window().available > 0 || state.room_came(channel);
            if !progress && !arrived {
                let blocked = pump.has_unsent() && channel.write_window().remaining > 0;
                self.link.wait(blocked, pump.nap());
                if !pump.has_unsent() {
                    // A keepalive that fits only in part would wedge libssh2, so none is sent into a busy link.
                    self.link.session.keepalive_send().map_err(|error| lost(&self.name, &says(&error)))?;
                }
            }
        }
    }

    /// Sends the request for the command, and takes note of the answer. Bytes for the command may follow the request
    /// before the answer is there, which saves a round trip.
    fn start(&self, channel: &mut Channel, command: &str, state: &mut State) -> Result<bool, Broken> {
        if state.started {
            return Ok(false);
        }
        match channel.exec(command) {
            Ok(()) => {
                (state.requested, state.started) = (true, true);
                Ok(true)
            }
            Err(error) if code_of(&error) == code::EAGAIN => {
                let outbound = self.link.session.block_directions();
                let sent = !matches!(outbound, BlockDirections::Outbound | BlockDirections::Both);
                let news = sent && !state.requested;
                state.requested |= sent;
                Ok(news)
            }
            Err(error) if code_of(&error) == code::CHANNEL_REQUEST_DENIED => {
                let fact = format!("{} refuses to run commands", self.name);
                let diagnostic =
                    Diagnostic::error(fact).remedy("look at the account's login shell and authorized_keys");
                Err(Broken::Ended(Box::new(diagnostic)))
            }
            Err(error) => Err(lost(&self.name, &says(&error))),
        }
    }

    fn write(&self, channel: &mut Channel, pump: &mut Pump<'_>, state: &mut State) -> Result<bool, Broken> {
        let mut progress = false;
        // A limit, so that a conversation with much to say still hears.
        for _ in 0..16 {
            if state.closed {
                return Ok(progress);
            }
            let bytes = pump.unsent();
            if bytes.is_empty() {
                if pump.input_ended() {
                    match channel.send_eof() {
                        Err(error) if code_of(&error) == code::EAGAIN => {}
                        _ => state.closed = true,
                    }
                }
                return Ok(progress);
            }
            match channel.write(bytes) {
                Ok(0) => return Ok(progress),
                Ok(count) => {
                    pump.sent(count);
                    state.written += count as u64;
                    progress = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // What a frozen server swallows is no sign of life; that it makes room is one.
                    if state.room_came(channel) {
                        pump.alive();
                    }
                    return Ok(progress);
                }
                Err(error) => match last_code(&self.link) {
                    code::CHANNEL_CLOSED | code::CHANNEL_EOF_SENT => {
                        pump.refuse_input();
                        state.closed = true;
                    }
                    _ => return Err(self.lost(&error)),
                },
            }
        }
        if state.room_came(channel) {
            pump.alive();
        }
        Ok(progress)
    }

    fn read(&mut self, channel: &mut Channel, pump: &mut Pump<'_>) -> Result<bool, Broken> {
        let mut progress = false;
        for stream in [0, 1] {
            match channel.stream(stream).read(&mut self.buffer) {
                Ok(0) => {}
                Ok(count) => {
                    let bytes = self.buffer.get(..count).unwrap_or_default();
                    if stream == 0 {
                        pump.output(bytes);
                    } else {
                        pump.errors(bytes);
                    }
                    progress = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(self.lost(&error)),
            }
        }
        Ok(progress)
    }

    /// An error of a stream has lost its code on the way; libssh2 still knows it.
    fn lost(&self, error: &std::io::Error) -> Broken {
        let why =
            ssh2::Error::last_session_error(&self.link.session).map_or_else(|| error.to_string(), |it| says(&it));
        lost(&self.name, &why)
    }

    /// How the command ended, once the server says so.
    fn ending(&self, channel: &mut Channel) -> Ending {
        if self.link.drive(Instant::now() + LINGER, || channel.wait_close()).is_err() {
            return Ending::Unknown;
        }
        match channel.exit_signal().map(|signal| signal.exit_signal) {
            Ok(Some(signal)) => Ending::Signal(signal),
            _ => channel.exit_status().map_or(Ending::Unknown, Ending::Status),
        }
    }
}

impl Session for Ssh2 {
    fn exchange(&mut self, command: &str, talk: &mut dyn Conversation, silence: Duration) -> Result<(), Broken> {
        let mut channel = self.open()?;
        self.exchanges += 1;
        let mut pump = Pump::new(talk, silence);
        let mut state = State::default();
        if self.pump(&mut channel, command, &mut pump, &mut state)? {
            self.previous = Some(Previous { channel, closed: state.closed });
            return Ok(());
        }
        let how = self.ending(&mut channel);
        Err(pump.ended(&self.name, &how))
    }

    fn login(&self) -> &Login {
        &self.login
    }

    fn exchanges(&self) -> usize {
        self.exchanges
    }

    fn description(&self) -> String {
        format!("ssh2{}", self.note)
    }
}

/// The channel of a command that gave its end record, and may still be running.
struct Previous {
    channel: Channel,
    closed: bool,
}

/// How far an exchange has come.
#[derive(Default)]
struct State {
    /// The request for the command has left.
    requested: bool,
    /// The server has agreed to it.
    started: bool,
    /// Our end of file has left, or nobody listens.
    closed: bool,
    written: u64,
    /// The most that the server ever had allowed us to write.
    granted: u64,
}

impl State {
    /// Whether the server made room since the last time we looked.
    fn room_came(&mut self, channel: &Channel) -> bool {
        let granted = self.written + u64::from(channel.write_window().remaining);
        std::mem::replace(&mut self.granted, granted) < granted && self.started
    }
}

fn last_code(link: &Link) -> i32 {
    ssh2::Error::last_session_error(&link.session).map_or(0, |error| code_of(&error))
}
