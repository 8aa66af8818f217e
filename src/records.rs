//! Asking a host what it remembers: one exchange. Takes a session and a question, gives the sections of the answer.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::diag::Diagnostic;
use crate::kinds::Answer;
use crate::probe::nonce;
use crate::quoting::encode;
use crate::script::change::RECORDS;
use crate::script::frames::{Answers, Line, Lines};
use crate::script::records_program;
use crate::transport::{Broken, Conversation, Input, Session, privilege};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// Who has the lock.
    Lock,
    /// All runs.
    Runs,
    /// One run, by its id.
    Run(&'a str),
    /// One run, and the contents that it kept.
    Kept(&'a str),
    /// Remove what a dead holder of the lock left.
    Free,
    /// End the run with this id.
    End(&'a str),
}

/// The sections of the answer: `lock` always, `runs`, `run`, `kept` or `freed` as was asked. `root`: of the site.
pub fn ask(
    session: &mut dyn Session,
    root: &str,
    inventory: &str,
    question: Question<'_>,
    silence: Duration,
) -> Result<BTreeMap<String, Answer>, Broken> {
    let nonce = nonce()?;
    let sudo = session.login().sudo.clone();
    let (word, argument) = match question {
        Question::Lock => ("lock", ""),
        Question::Runs => ("runs", ""),
        Question::Run(id) => ("run", id),
        Question::Kept(id) => ("kept", id),
        Question::Free => ("free", ""),
        Question::End(id) => ("end", id),
    };
    let base = encode(format!("{root}{RECORDS}").as_bytes()).replace(' ', "\\0040");
    let mut upload = privilege::preamble(&sudo, &nonce, records_program().as_bytes());
    upload.extend_from_slice(format!("{nonce} {base} {inventory} {word} {argument}\n").as_bytes());
    let mut talk = Asking { upload: Some(upload), lines: Lines::new(&nonce), answers: Answers::new(&nonce) };
    session.exchange(&privilege::command(&sudo, &nonce), &mut talk, silence)?;
    let said = |fact: &str, remedy: &str| Broken::Ended(Box::new(Diagnostic::error(fact).remedy(remedy)));
    if !talk.answers.done {
        return Err(said("the host answered with more than it was asked", "look at what its login scripts print"));
    }
    let denied = talk.answers.sections.get("access").is_some_and(|answer| answer.bytes.starts_with(b"denied"));
    if denied {
        return Err(said(
            "only root can read what a host remembers",
            "log in as root or as a user who may use sudo (`--user`)",
        ));
    }
    Ok(talk.answers.sections)
}

struct Asking {
    upload: Option<Vec<u8>>,
    lines: Lines,
    answers: Answers,
}

impl Conversation for Asking {
    fn input(&mut self) -> Input {
        self.upload.take().map_or(Input::End, Input::Bytes)
    }

    fn output(&mut self, bytes: &[u8]) {
        for line in self.lines.feed(bytes) {
            // said while something takes its time
            if line != Line::Record("beat".to_owned()) {
                self.answers.line(line);
            }
        }
    }

    fn errors(&mut self, _bytes: &[u8]) {}

    fn finished(&self) -> bool {
        self.answers.done || self.lines.is_too_much()
    }
}
