//! `steward unlock`

use clap::Args;
use serde_json::json;

use super::one_host::{OneHost, Unanswered, reached};
use super::{Context, Outcome};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::history::{Holder, Lock, State};
use crate::plan::diff::visible;
use crate::records::Question;
use crate::ui::Format;

/// Say who has the lock of a host, and free it: from a run that is dead, or, after a question, by ending one that hangs.
#[derive(Debug, Args)]
pub struct Unlock {
    /// A host of the inventory.
    host: String,
    /// End a run that is at work without asking.
    #[arg(short, long)]
    yes: bool,
    /// Only say who has it.
    #[arg(long, conflicts_with = "yes")]
    show: bool,
}

impl Unlock {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { host, yes, show } = self;
        unlocked(context, &host, yes, show).or_else(|why| why.outcome(context))
    }
}

fn unlocked(context: &Context, host: &str, yes: bool, show: bool) -> Result<Exit, Unanswered> {
    let mut reached = reached(context, host)?;
    let lock = reached.ask(Question::Lock)?.lock;
    if context.ui.format == Format::Text {
        context.ui.data(&text(host, &lock));
    }
    let done = match (lock.state, show) {
        (State::Free, _) | (_, true) => None,
        (State::Left, false) => Some(free(&mut reached)?),
        (State::Held, false) => Some(end(context, &mut reached, lock.holder.as_ref(), yes)?),
    };
    if context.ui.format == Format::Json {
        context.ui.json(&told(host, &lock, done));
    } else if let Some(done) = done {
        context.ui.data(&format!("{host}: {}\n", done.1));
    }
    Ok(match done {
        Some((_, _, exit)) => exit,
        None if lock.state == State::Held => Exit::Locked,
        None => Exit::Success,
    })
}

/// What was done: a word for programs, a sentence for people, and the exit code.
type Done = (&'static str, &'static str, Exit);

fn free(host: &mut OneHost) -> Result<Done, Unanswered> {
    let said = host.ask(Question::Free)?;
    Ok(if said.section("freed").starts_with(b"freed") {
        ("freed", "what a dead run left of its lock is removed; apply goes on where it ended", Exit::Success)
    } else {
        ("held", "meanwhile another run has taken the lock", Exit::Locked)
    })
}

fn end(context: &Context, host: &mut OneHost, holder: Option<&Holder>, yes: bool) -> Result<Done, Unanswered> {
    let Some(holder) = holder.filter(|holder| holder.alive && crate::history::is_id(&holder.run)) else {
        let fact =
            format!("host {}: a process has the lock that is no run of Steward's, or an older one's", host.name);
        let remedy =
            "look there who holds /var/lib/steward/lock open: `lslocks`, or `fuser -v /var/lib/steward/lock`";
        return Err(Unanswered::Mistakes(Diagnostic::error(fact).remedy(remedy).into()));
    };
    if !yes {
        agreed(context, &host.name)?;
    }
    let said = host.ask(Question::End(&holder.run))?;
    let word = String::from_utf8_lossy(said.section("freed")).trim().to_owned();
    Ok(match word.as_str() {
        "gone" => ("gone", "it has ended by itself meanwhile", Exit::Success),
        "stopped" => ("stopped", "it finished its step and ended; apply goes on where it stopped", Exit::Success),
        "ended" => {
            ("ended", "its step was ended, then the run; what it owes stays noted, apply goes on", Exit::Success)
        }
        "killed" => ("killed", "it had to be killed; what it owes stays noted, apply goes on", Exit::Success),
        _ => ("held", "it could not be ended: look at that process on the host", Exit::Locked),
    })
}

fn agreed(context: &Context, host: &str) -> Result<(), Diagnostics> {
    match context.ui.confirm("It is alive. End it?") {
        Some(true) => Ok(()),
        Some(false) => Err(Diagnostic::error(format!("the run on {host} goes on, as you wished")).into()),
        None => Err(Diagnostic::error(format!(
            "the run on {host} is alive, and there is nobody to ask whether to end it"
        ))
        .remedy("wait for it; if it hangs, end it with `steward unlock --yes`")
        .into()),
    }
}

fn text(host: &str, lock: &Lock) -> String {
    let Some(holder) = &lock.holder else {
        return match lock.state {
            State::Held => format!("{host}: locked, and no holder is named\n"),
            State::Free | State::Left => format!("{host}: not locked\n"),
        };
    };
    let mut text = match lock.state {
        State::Held => format!("{host}: locked by {}\n", holder.who),
        State::Free | State::Left => format!("{host}: not locked; left behind by {}\n", holder.who),
    };
    let process = holder.process.map(|process| format!("process {process}, ")).unwrap_or_default();
    let alive = if holder.alive { "alive" } else { "dead" };
    text.push_str(&format!("  run {}, {process}{alive}\n", holder.run));
    if let (Some(step), true) = (&holder.step, holder.alive) {
        let silent = holder.silent.map(|seconds| format!(", for {seconds} s")).unwrap_or_default();
        text.push_str(&format!("  at {step}{silent}\n"));
    }
    if let (Some(seconds), true) = (holder.unheard, holder.alive) {
        text.push_str(&format!("  its operator was not heard for {seconds} s\n"));
    }
    if holder.stopping && holder.alive {
        text.push_str("  it ends after this step\n");
    }
    visible(&text)
}

fn told(host: &str, lock: &Lock, done: Option<Done>) -> serde_json::Value {
    let holder = lock.holder.as_ref().map(|holder| {
        let Holder { who, run, process, alive, step, silent, unheard, stopping } = holder;
        json!({
            "who": who, "run": run, "process": process, "alive": alive, "step": step, "silent": silent,
            "unheard": unheard, "stopping": stopping,
        })
    });
    let done = done.map(|(word, ..)| word);
    json!({ "format": 1, "host": host, "state": lock.state.word(), "holder": holder, "done": done })
}
