//! Sessions against real OpenSSH servers on loopback.

mod exchanges;
mod freezing;
mod ways;

use std::time::{Duration, Instant};

use super::script::Script;
use super::{Broken, Nobody, Remote, Session, Target};
use crate::diag::Diagnostic;

const SILENCE: Duration = Duration::from_secs(10);

fn connect(remote: &Remote) -> Result<Box<dyn Session>, Broken> {
    super::connect(&Target::Ssh(Box::new(remote.clone())), &Nobody)
}

fn session(remote: &Remote) -> Box<dyn Session> {
    connect(remote).unwrap_or_else(|broken| panic!("{broken:?}"))
}

/// Runs a command that ends by saying `done`, and gives what it said before.
fn run(session: &mut dyn Session, command: &str) -> Result<String, Broken> {
    let mut talk = Script::new(b"").until_text("done\n");
    session.exchange(&format!("{command}; echo done"), &mut talk, SILENCE)?;
    let text = String::from_utf8(talk.output).unwrap();
    Ok(text.strip_suffix("done\n").unwrap().trim_end().to_owned())
}

fn refusal(remote: &Remote) -> Diagnostic {
    match connect(remote) {
        Err(Broken::Unreachable(diagnostic)) => *diagnostic,
        Err(other) => panic!("{other:?}"),
        Ok(session) => panic!("connected: {}", session.description()),
    }
}

fn timed<T>(action: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    (action(), begin.elapsed())
}
