//! Asking a host what it remembers: one exchange. Takes a session and a question, gives the sections of the answer.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::diag::Diagnostic;
use crate::exchange;
use crate::kinds::Answer;
use crate::quoting::encode;
use crate::script::change::RECORDS;
use crate::script::records_program;
use crate::transport::{Broken, Session};

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
    let nonce = exchange::nonce()?;
    let (word, argument) = match question {
        Question::Lock => ("lock", ""),
        Question::Runs => ("runs", ""),
        Question::Run(id) => ("run", id),
        Question::Kept(id) => ("kept", id),
        Question::Free => ("free", ""),
        Question::End(id) => ("end", id),
    };
    let base = encode(format!("{root}{RECORDS}").as_bytes()).replace(' ', "\\0040");
    let request = format!("{nonce} {base} {inventory} {word} {argument}\n");
    let answers = exchange::ask(session, records_program().as_bytes(), request.as_bytes(), &nonce, silence)?;
    let said = |fact: &str, remedy: &str| Broken::Ended(Box::new(Diagnostic::error(fact).remedy(remedy)));
    let denied = answers.sections.get("access").is_some_and(|answer| answer.bytes.starts_with(b"denied"));
    if denied {
        return Err(said(
            "only root can read what a host remembers",
            "log in as root or as a user who may use sudo (`--user`)",
        ));
    }
    Ok(answers.sections)
}
