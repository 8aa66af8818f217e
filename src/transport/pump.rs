//! What every exchange does, whatever carries it: bytes that wait to be sent, signs of life, the last words on
//! standard error, and what to say when it breaks. Holds no file descriptor and never blocks.

use std::time::{Duration, Instant};

use zeroize::Zeroize;

use super::{Broken, Conversation, Input, privilege};
use crate::diag::Diagnostic;

/// How much is read from a link at once.
pub(super) const CHUNK: usize = 64 * 1024;
/// The longest time without asking `talk` for input.
const ASK: Duration = Duration::from_secs(1);
/// How much of standard error is kept for messages.
const LAST_WORDS: usize = 4096;

pub(super) struct Pump<'a> {
    talk: &'a mut dyn Conversation,
    silence: Duration,
    heard: Instant,
    unsent: Vec<u8>,
    sent: usize,
    ended: bool,
    errors: Vec<u8>,
}

impl<'a> Pump<'a> {
    pub(super) fn new(talk: &'a mut dyn Conversation, silence: Duration) -> Self {
        Self { talk, silence, heard: Instant::now(), unsent: Vec::new(), sent: 0, ended: false, errors: Vec::new() }
    }

    /// What to send next; empty when there is nothing now. The same slice until [`Pump::sent`].
    pub(super) fn unsent(&mut self) -> &[u8] {
        if self.sent == self.unsent.len() && !self.ended {
            // What was sent may have held secrets.
            self.unsent.zeroize();
            self.sent = 0;
            match self.talk.input() {
                Input::Bytes(bytes) => self.unsent = bytes,
                Input::Wait => {}
                Input::End => self.ended = true,
            }
        }
        self.unsent.get(self.sent..).unwrap_or_default()
    }

    pub(super) fn sent(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.unsent.len());
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.sent < self.unsent.len()
    }

    /// Nobody reads what we send any more.
    pub(super) fn refuse_input(&mut self) {
        self.ended = true;
        self.sent = self.unsent.len();
    }

    /// Standard input is to be closed: everything was said, and sent.
    pub(super) fn input_ended(&self) -> bool {
        self.ended && !self.has_unsent()
    }

    pub(super) fn output(&mut self, bytes: &[u8]) {
        self.alive();
        self.talk.output(bytes);
    }

    pub(super) fn errors(&mut self, bytes: &[u8]) {
        self.alive();
        self.talk.errors(bytes);
        self.errors.extend_from_slice(bytes);
        if self.errors.len() > 2 * LAST_WORDS {
            self.errors.drain(..self.errors.len() - LAST_WORDS);
        }
    }

    pub(super) fn finished(&self) -> bool {
        self.talk.finished()
    }

    /// The host gave a sign of life other than output.
    pub(super) fn alive(&mut self) {
        self.heard = Instant::now();
    }

    /// When the host will be taken for frozen.
    pub(super) fn deadline(&self) -> Instant {
        self.heard + self.silence
    }

    /// How long to sleep unless the link wakes us.
    pub(super) fn nap(&self) -> Duration {
        ASK.min(self.deadline().saturating_duration_since(Instant::now()))
    }

    /// The host has been silent for too long.
    pub(super) fn frozen(&self, name: &str) -> Option<Broken> {
        (Instant::now() >= self.deadline()).then(|| {
            let fact = format!("{name} said nothing for {} s while a command ran", seconds(self.silence));
            Broken::Lost(Box::new(Diagnostic::error(fact).remedy(UNKNOWN_STATE)))
        })
    }

    /// The command ended without its end record.
    pub(super) fn ended(&self, name: &str, how: &Ending) -> Broken {
        let said = last_lines(&self.errors);
        let status = match how {
            Ending::Status(status) => Some(*status),
            Ending::Signal(_) | Ending::Unknown => None,
        };
        let diagnostic = match privilege::explain(&said, status) {
            Some((fact, remedy)) => Diagnostic::error(format!("{name}: {fact}{}", quoted(&said))).remedy(remedy),
            None => Diagnostic::error(format!("{name}: the command ended early, {how}{}", quoted(&said)))
                .remedy("try `sh -c true` over ssh as the same user, then run `steward plan` to see what was done"),
        };
        Broken::Ended(Box::new(diagnostic))
    }
}

/// The connection broke while a command ran.
pub(super) fn lost(name: &str, why: &str) -> Broken {
    let fact = format!("the connection to {name} was lost while a command ran: {why}");
    Broken::Lost(Box::new(Diagnostic::error(fact).remedy(UNKNOWN_STATE)))
}

/// A link that breaks leaves something unsent, and that may hold secrets, too.
impl Drop for Pump<'_> {
    fn drop(&mut self) {
        self.unsent.zeroize();
    }
}

const UNKNOWN_STATE: &str =
    "look whether the host and the network are up, then run `steward plan` to see what was done";

/// How a command ended, as far as the link tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Status(i32),
    Signal(String),
    Unknown,
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "with exit status {status}"),
            Self::Signal(name) => write!(f, "killed by signal {name}"),
            Self::Unknown => f.write_str("without an exit status"),
        }
    }
}

/// A duration for people: whole seconds, or tenths below ten.
pub(super) fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 || duration >= Duration::from_secs(10) {
        duration.as_secs().to_string()
    } else {
        format!("{:.1}", duration.as_secs_f64())
    }
}

/// The last five lines that say something, made harmless for a terminal.
pub(super) fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n");
    last.chars().filter(|character| *character == '\n' || !character.is_control()).collect()
}

/// `: “line”, “line”`, or nothing.
fn quoted(lines: &str) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = lines.lines().map(|line| format!("`{line}`")).collect();
    format!(", after saying {}", lines.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Silent;

    impl Conversation for Silent {
        fn input(&mut self) -> Input {
            Input::End
        }
        fn output(&mut self, _: &[u8]) {}
        fn errors(&mut self, _: &[u8]) {}
        fn finished(&self) -> bool {
            false
        }
    }

    #[test]
    fn the_last_words_of_a_command_are_in_the_message() {
        let mut talk = Silent;
        let mut pump = Pump::new(&mut talk, Duration::from_secs(30));
        pump.errors(&b"x".repeat(100_000));
        pump.errors(b"\n\nsh: 1: \x1b[31mnonsense: not found\r\n");
        let Broken::Ended(diagnostic) = pump.ended("web1", &Ending::Status(127)) else { panic!("not ended") };
        assert!(diagnostic.fact.starts_with("web1: the command ended early, with exit status 127, after saying "));
        assert!(diagnostic.fact.ends_with("`sh: 1: [31mnonsense: not found`"), "{}", diagnostic.fact);
        assert!(diagnostic.fact.len() < 9_000);
    }

    #[test]
    fn a_refusal_of_sudo_is_explained() {
        let mut talk = Silent;
        let mut pump = Pump::new(&mut talk, Duration::from_secs(30));
        pump.errors(b"sudo: a password is required\n");
        let Broken::Ended(diagnostic) = pump.ended("web1", &Ending::Status(1)) else { panic!("not ended") };
        assert_eq!(
            diagnostic.fact,
            "web1: sudo wants a password, and none was given, after saying `sudo: a password is required`"
        );
    }
}
