//! A backup, a listing, a drill or a restore on one host. It is a unit of systemd there, so that a cut connection does not
//! end it; here it is asked again and again how far it is, each time in a short exchange.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::diag::Diagnostic;
use crate::exchange::{ask, nonce};
use crate::plan::fleet::HostError;
use crate::script::backup_program;
use crate::transport::{Broken, Session};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Run,
    List,
    Drill,
    Restore,
}

impl Verb {
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::List => "list",
            Self::Drill => "drill",
            Self::Restore => "restore",
        }
    }

    /// `the backup`, in messages.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Run => "backup",
            Self::List => "list",
            Self::Drill => "drill",
            Self::Restore => "restore",
        }
    }
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Job {
    pub verb: Verb,
    pub service: String,
    /// Digits of a snapshot's id; empty: the newest.
    pub snapshot: String,
}

/// How it ended on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub succeeded: bool,
    /// The id of the snapshot that it was about, if it came so far.
    pub snapshot: Option<String>,
    /// What it said, a line each.
    pub said: Vec<String>,
}

/// A host that is asked says something at least so often, in seconds.
const PATIENCE: u64 = 10;

/// Does it, and waits for its end. `told` gets what it says meanwhile, a line each.
pub fn done(
    session: &mut dyn Session,
    host: &str,
    job: &Job,
    silence: Duration,
    mut told: impl FnMut(&str),
) -> Result<Ended, HostError> {
    let id = nonce()?;
    let Job { verb, service, snapshot } = job;
    let start = format!("start|{}|{service}|{snapshot}|{id}", verb.word());
    match answer(session, &start, silence)? {
        Answer::Started => {}
        other => return Err(refused(host, job, &other)),
    }
    let patience = (silence.as_secs() / 3).clamp(1, PATIENCE);
    let poll = format!("poll|{}|{service}|{patience}|{id}", verb.word());
    let mut shown = 0;
    loop {
        match answer(session, &poll, silence).map_err(|broken| left_alone(host, job, broken))? {
            Answer::Working(said) => {
                said.iter().skip(shown).for_each(|line| told(line));
                shown = shown.max(said.len());
            }
            Answer::Ended(ended) => return Ok(ended),
            other => return Err(refused(host, job, &other)),
        }
    }
}

enum Answer {
    Started,
    Working(Vec<String>),
    Ended(Ended),
    Refused(String),
    None,
}

fn answer(session: &mut dyn Session, line: &str, silence: Duration) -> Result<Answer, Broken> {
    let nonce = nonce()?;
    let request = format!("steward-request 2 {nonce} \nbackup {}\n{line}\nend 0\n", line.len() + 1);
    let answers = ask(session, backup_program().as_bytes(), request.as_bytes(), &nonce, silence)?;
    let said = answers.sections.get("backup");
    let read = |line: &str| match line.split('|').collect::<Vec<_>>()[..] {
        ["S"] => Some(Answer::Started),
        ["W", said] => Some(Answer::Working(lines(said))),
        ["R", said] => Some(Answer::Ended(ended(lines(said)))),
        ["E", "refused", said] => Some(Answer::Refused(lines(said).join("; "))),
        ["E", word] => Some(Answer::Refused(word.to_owned())),
        _ => None,
    };
    Ok(said.iter().flat_map(|said| said.text_lines()).find_map(read).unwrap_or(Answer::None))
}

fn lines(encoded: &str) -> Vec<String> {
    let bytes = STANDARD.decode(encoded).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
}

fn ended(said: Vec<String>) -> Ended {
    let mut said = said.into_iter();
    let first = said.next().unwrap_or_default();
    let (word, snapshot) = first.split_once('|').unwrap_or((&first, ""));
    let is_id = !snapshot.is_empty() && snapshot.chars().all(|digit| digit.is_ascii_hexdigit());
    Ended { succeeded: word == "ok", snapshot: is_id.then(|| snapshot.to_owned()), said: said.collect() }
}

/// Why it did not begin, or has no end.
fn refused(host: &str, job: &Job, answer: &Answer) -> HostError {
    let Job { verb, service, .. } = job;
    let noun = verb.noun();
    let word = match answer {
        Answer::Refused(word) => word.as_str(),
        _ => "",
    };
    let (fact, remedy) = match word {
        "absent" => (
            format!("host {host}: nothing makes backups there"),
            format!("add the module `backup` (`steward add backup --on {host}`) and apply"),
        ),
        "undeclared" => (
            format!("host {host}: nothing is saved of {service} there"),
            "its module must say what (`offers: backups`, docs/backups.md), and that must be applied; `steward module show` of it says".to_owned(),
        ),
        "busy" => {
            (format!("host {host}: another {noun} of {service} is at work"), "wait until it has ended".to_owned())
        }
        "root" => (
            format!("host {host}: the login is not root there and did not become it"),
            "log in as root or as a user who may use sudo (`--user`)".to_owned(),
        ),
        "systemd" => (
            format!("host {host}: systemd does not run there, so that backups are unsupported here"),
            "run them on a host with systemd".to_owned(),
        ),
        "ended" => (
            format!(
                "host {host}: the {noun} of {service} was ended from outside; it says nothing of how far it came"
            ),
            format!(
                "what it had begun is finished or cleared away by the host; see `journalctl -u steward-backup-{}-{service}` there, and run it again",
                verb.word()
            ),
        ),
        "" => (
            format!("host {host} gave no answer that can be read about the {noun} of {service}"),
            "look at what its login scripts print".to_owned(),
        ),
        other => (
            format!("host {host}: the {noun} of {service} does not begin: {other}"),
            "mend what it says, and run it again".to_owned(),
        ),
    };
    HostError { unreachable: false, diagnostic: Diagnostic::error(fact).remedy(remedy) }
}

/// The link broke while it was at work: it goes on there.
fn left_alone(host: &str, job: &Job, broken: Broken) -> HostError {
    let (Broken::Unreachable(why) | Broken::Lost(why) | Broken::Ended(why)) = broken;
    let Job { verb, service, .. } = job;
    let fact =
        format!("host {host}: the connection broke while the {} of {service} was at work: {}", verb.noun(), why.fact);
    let remedy =
        format!("it goes on there; `journalctl -u steward-backup-{}-{service}` says how it ends", verb.word());
    HostError { unreachable: true, diagnostic: Diagnostic::error(fact).remedy(remedy) }
}
