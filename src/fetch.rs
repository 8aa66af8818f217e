//! A secret that software made on a host, brought here in one exchange that writes nothing. Takes a session and a path, gives
//! a [`Secret`]; the value travels inside SSH and is shown to nobody.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::diag::Diagnostic;
use crate::kinds::Site;
use crate::kinds::paths::{Found, Paths};
use crate::probe::nonce;
use crate::quoting::encode;
use crate::script::frames::Answers;
use crate::script::{probe_program, request};
use crate::secret::Secret;
use crate::transport::{Broken, Conversation, Input, Session, privilege};

/// `None`: the host says that there is no such file. Fails if it is no file, or could not be read, or is too large.
pub fn fetch(
    session: &mut dyn Session,
    site: &Site,
    path: &str,
    silence: Duration,
) -> Result<Option<Secret>, Broken> {
    let nonce = nonce()?;
    let sudo = session.login().sudo.clone();
    let path = site.path(path);
    let mut upload = privilege::preamble(&sudo, &nonce, probe_program().as_bytes());
    upload.extend_from_slice(&request::content_of(&path, "/nonexistent", &nonce));
    let mut talk = Fetching { upload: Some(upload), answers: Answers::new(&nonce) };
    session.exchange(&privilege::command(&sudo, &nonce), &mut talk, silence)?;
    let answer = talk.answers.sections.remove("file").filter(|_| talk.answers.done).unwrap_or_default();
    let failed = |why: &str| {
        let fact = format!("{path} could not be fetched: {why}");
        Err(Broken::Ended(Box::new(Diagnostic::error(fact).remedy("look at it there; nothing was written"))))
    };
    match Paths::read(&answer).at(&path) {
        Found::Absent => return Ok(None),
        Found::Unknown(why) => return failed(&why),
        Found::There(stat) if !stat.is_regular() => return failed(&format!("it is a {}", stat.file_type())),
        Found::There(stat) if stat.size == 0 => return failed("it is empty"),
        Found::There(_) => {}
    }
    let begin = format!("C|{}|", encode(path.as_bytes()));
    let content = answer.text_lines().find_map(|line| STANDARD.decode(line.strip_prefix(&begin)?).ok());
    match content {
        Some(content) => Ok(Some(Secret::new(content))),
        None => failed("it cannot be read, or is larger than 64 KiB"),
    }
}

struct Fetching {
    upload: Option<Vec<u8>>,
    answers: Answers,
}

impl Conversation for Fetching {
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
