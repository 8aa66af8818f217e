//! One question to a host: a program and its data go there as one exchange, and the framed answer comes back. What a plan
//! compares afterwards, and changes, have conversations of their own (`probe`, `apply`).

use std::time::Duration;

use crate::diag::Diagnostic;
use crate::script::frames::Answers;
use crate::transport::{Broken, Conversation, Input, Session, privilege};

/// A random name for the frames of one exchange, that no earlier data on the host can contain.
pub fn nonce() -> Result<String, Broken> {
    let mut bytes = [0_u8; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    if filled != Ok(bytes.len()) {
        let fact = "the system gave no random bytes";
        return Err(Broken::Ended(Box::new(Diagnostic::error(fact).remedy("look at /dev/urandom of this machine"))));
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Runs the program as root, with the data on its standard input; both frame by this nonce. Gives what was answered up to the
/// end record.
pub fn ask(
    session: &mut dyn Session,
    program: &[u8],
    data: &[u8],
    nonce: &str,
    silence: Duration,
) -> Result<Answers, Broken> {
    let sudo = session.login().sudo.clone();
    let upload = privilege::with_input(&sudo, nonce, program, data);
    let mut talk = Asking { upload: Some(upload), answers: Answers::new(nonce) };
    session.exchange(&privilege::command(&sudo, nonce), &mut talk, silence)?;
    if talk.answers.done {
        return Ok(talk.answers);
    }
    let fact = "the host answered with more than it was asked";
    Err(Broken::Ended(Box::new(Diagnostic::error(fact).remedy("look at what its login scripts print"))))
}

struct Asking {
    upload: Option<Vec<u8>>,
    answers: Answers,
}

impl Conversation for Asking {
    fn input(&mut self) -> Input {
        self.upload.take().map_or(Input::End, Input::Bytes)
    }

    fn output(&mut self, bytes: &[u8]) {
        self.answers.feed(bytes);
    }

    fn errors(&mut self, _bytes: &[u8]) {}

    fn finished(&self) -> bool {
        self.answers.done || self.answers.is_too_much()
    }
}
