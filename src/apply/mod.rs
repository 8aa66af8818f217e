//! Making a host what its plan says: one script, then a look to see that it is so. Takes a session and a plan, gives
//! an [`Outcome`]; decides nothing that the plan did not say, prints nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::catalog::HostCatalog;
use crate::diag::Diagnostic;
use crate::kinds::Argument;
use crate::observed::Observed;
use crate::outcome::{Event, Outcome, Status, StepResult};
use crate::plan::{HostPlan, plan};
use crate::probe::{look, observed};
use crate::resource::Id;
use crate::script::change::{Run, change};
use crate::transport::{Broken, Login, Session, privilege};

mod confirm;
mod conversation;

use confirm::{Verdict, Way, confirm};
use conversation::{Changing, Ending};

/// Makes a new connection as this login.
pub type Reconnect<'a> = dyn Fn(&Login) -> Result<Box<dyn Session>, Broken> + Sync + 'a;

/// The grace of an ordinary apply: to find out that its operator is gone, to undo, and to boot, a host needs no more.
pub const GRACE: Duration = Duration::from_secs(100);

/// What stays the same for all hosts of one apply.
pub struct Apply<'a> {
    pub run: &'a Run,
    /// Set when the operator wants to stop: the current step ends, no other begins.
    pub stop: &'a Arc<AtomicBool>,
    /// How long a host may say nothing before it is taken for frozen.
    pub silence: Duration,
    /// What a host gets beyond the deadline of a confirmation, to undo or to boot; then it counts as silent.
    pub grace: Duration,
    /// A new connection to the same host, as this login.
    pub reconnect: &'a Reconnect<'a>,
    pub watch: &'a (dyn Fn(&str, Event) + Sync),
}

/// Applies the plan and looks again. If that look differs because of this very run, changes once more.
pub fn apply(session: &mut Box<dyn Session>, mut todo: HostPlan, how: &Apply<'_>) -> Outcome {
    let mut outcome = nothing_yet(&todo, &**session);
    let mut way = Way { session, spent: 0 };
    for round in [Round::First, Round::Again] {
        let result = once(&mut way, &todo, how, &mut outcome);
        outcome.exchanges = way.exchanges();
        let next = match result {
            Ok(next) => next,
            Err(End { status, diagnostic }) => {
                outcome.status = status;
                outcome.failures.extend(diagnostic.map(|it| *it));
                return outcome;
            }
        };
        if next.is_empty() && next.unknown.is_empty() {
            return outcome;
        }
        if round == Round::Again || next.is_empty() {
            outcome.status = Status::Failed;
            outcome.failures.push(not_converged(&next));
            return outcome;
        }
        todo = next;
    }
    outcome
}

/// Lets the host remember that what the plan names as adopted is Steward's; changes nothing else, whatever differs.
pub fn adopt(session: &mut Box<dyn Session>, mut todo: HostPlan, how: &Apply<'_>) -> Outcome {
    todo.changes.clear();
    todo.steps.clear();
    todo.owed.clear();
    let mut outcome = nothing_yet(&todo, &**session);
    let mut way = Way { session, spent: 0 };
    if let Err(End { status, diagnostic }) = once(&mut way, &todo, how, &mut outcome) {
        outcome.status = status;
        outcome.failures.extend(diagnostic.map(|it| *it));
    }
    outcome
}

fn nothing_yet(todo: &HostPlan, session: &dyn Session) -> Outcome {
    Outcome {
        host: todo.catalog.host.clone(),
        status: Status::Converged,
        changed: 0,
        failed: 0,
        skipped: 0,
        exchanges: session.exchanges(),
        failures: Vec::new(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    First,
    Again,
}

struct End {
    status: Status,
    diagnostic: Option<Box<Diagnostic>>,
}

impl End {
    fn with(status: Status, diagnostic: Diagnostic) -> Self {
        Self { status, diagnostic: Some(Box::new(diagnostic)) }
    }
}

impl From<Broken> for End {
    fn from(broken: Broken) -> Self {
        let (status, diagnostic) = match broken {
            Broken::Unreachable(diagnostic) => (Status::Unreachable, diagnostic),
            Broken::Lost(diagnostic) | Broken::Ended(diagnostic) => (Status::Failed, diagnostic),
        };
        Self { status, diagnostic: Some(diagnostic) }
    }
}

/// One change and one look. What is still to do afterwards.
fn once(way: &mut Way<'_>, todo: &HostPlan, how: &Apply<'_>, outcome: &mut Outcome) -> Result<HostPlan, End> {
    let catalog = &todo.catalog;
    bring(todo).map_err(|why| End::with(Status::Failed, why))?;
    let upload = change(todo, how.run);
    let sudo = way.session.login().sudo.clone();
    let nonce = &todo.look.nonce;
    let watch = |event| (how.watch)(&catalog.host, event);
    let mut talk = Changing::new(
        catalog,
        nonce,
        privilege::preamble(&sudo, nonce, &upload.script),
        upload.payloads,
        &watch,
        how.stop,
    );
    let exchanged = way.session.exchange(&privilege::command(&sudo, nonce), &mut talk, how.silence);
    outcome.changed += talk.count(|result| matches!(result, StepResult::Changed | StepResult::Paid));
    outcome.skipped += talk.count(|result| matches!(result, StepResult::Skipped));
    let failures = talk.failures();
    outcome.failed += failures.len();
    outcome.failures.extend(failures);
    let mut confirmed = None;
    if upload.guarded && talk.may_be_pending(&exchanged) {
        watch(Event::Verifying);
        match confirm(way, &todo.declared, how, !matches!(exchanged, Err(Broken::Lost(_)))) {
            Verdict::Stands(seen) => confirmed = Some(*seen),
            Verdict::RolledBack(why) => return Err(End::with(Status::RolledBack, rolled_back(todo, &why))),
            Verdict::Silent(why) => return Err(End::with(Status::Unreachable, silent(catalog, &why))),
        }
    }
    exchanged.map_err(|broken| told(broken, &catalog.host))?;
    match talk.ending() {
        Ending::Done if outcome.failed == 0 && outcome.skipped == 0 => {}
        Ending::Done => return Err(End { status: Status::Failed, diagnostic: None }),
        Ending::Stopped => return Err(End::with(Status::Failed, stopped(&catalog.host))),
        Ending::Locked(holder) => return Err(End::with(Status::Locked, locked(&catalog.host, &holder))),
        Ending::Refused(why) => {
            let fact = format!("host {} did nothing: {}", catalog.host, why.trim());
            return Err(End::with(
                Status::Failed,
                Diagnostic::error(fact).remedy("free space there, or mend what it says, and apply again"),
            ));
        }
        Ending::Stale => {
            let seen = observed(&todo.declared, talk.sections(), todo.look.clone());
            return Err(End::with(Status::Stale, stale(todo, &seen)));
        }
        Ending::Cut => {
            let fact = format!("host {} ended the run in the middle", catalog.host);
            return Err(End::with(
                Status::Failed,
                Diagnostic::error(fact).remedy("apply again; it goes on where this run ended"),
            ));
        }
    }
    let seen = match confirmed {
        Some(seen) => seen,
        None => {
            watch(Event::Verifying);
            look(&mut **way.session, &todo.declared, &how.run.records(&catalog.site), how.silence)?
        }
    };
    let mut next = plan(&todo.declared, &seen);
    // what no look can decide was decided: its guard said that there is nothing to do
    next.changes.retain(|change| !(change.decides_itself() && talk.left(&change.id)));
    Ok(next)
}

/// Loads what the steps bring, before anything is changed.
fn bring(todo: &HostPlan) -> Result<(), Diagnostic> {
    let steps = todo.steps.iter().filter_map(|index| todo.catalog.resources.get(*index));
    for resource in steps {
        for argument in resource.item.call(&todo.catalog.site).arguments {
            if let Argument::Carried(carried) = argument {
                carried.load().map_err(|why| why.at(&resource.place))?;
            }
        }
    }
    Ok(())
}

fn rolled_back(todo: &HostPlan, why: &str) -> Diagnostic {
    // a new account, too: nothing in it takes away a way in, but it is made of the files that all accounts are
    let steps = todo.steps.iter().filter_map(|index| todo.catalog.resources.get(*index));
    let guarded = steps.filter(|resource| !resource.item.lifelines().is_empty());
    let ids: Vec<String> = guarded.map(|resource| resource.id.to_string()).collect();
    let fact =
        format!("host {} took back what could lock everybody out ({}): {why}", todo.catalog.host, ids.join(", "));
    Diagnostic::error(fact).remedy("`steward plan` shows it as changes again; correct it, then apply again")
}

fn silent(catalog: &HostCatalog, last: &Diagnostic) -> Diagnostic {
    let fact = format!(
        "host {} did not answer any more after a change that could lock everybody out: {}",
        catalog.host, last.fact
    );
    Diagnostic::error(fact)
        .remedy("if it is on and has a network, it has undone that change: `steward plan` says so once it answers")
}

/// What the run did after the link was lost is known on the host.
fn told(broken: Broken, host: &str) -> Broken {
    let Broken::Lost(why) = broken else { return broken };
    let remedy = "look whether the host and the network are up; then `steward history";
    let remedy = format!("{remedy} {host}` says what the run did to its end, and apply goes on");
    Broken::Lost(Box::new(why.remedy(remedy)))
}

fn stopped(host: &str) -> Diagnostic {
    Diagnostic::error(format!("the run on {host} was stopped before its end"))
        .remedy("apply again; it goes on where this run ended")
}

fn locked(host: &str, holder: &str) -> Diagnostic {
    let fact =
        format!("another run is changing {host}: {}", if holder.is_empty() { "no name given" } else { holder });
    Diagnostic::error(fact)
        .remedy(format!("wait for it, give more time with `--lock-wait SECONDS`, or see `steward unlock {host}`"))
}

/// Names what is not any more as the plan saw it.
fn stale(todo: &HostPlan, seen: &Observed) -> Diagnostic {
    let now = plan(&todo.declared, seen);
    let say = |plan: &HostPlan| -> Vec<(Id, String)> {
        plan.changes.iter().map(|change| (change.id.clone(), change.reason.program().to_owned())).collect()
    };
    let (before, after) = (say(todo), say(&now));
    let moved = after.iter().find(|it| !before.contains(it)).map(|(id, reason)| format!("{id}: {reason}"));
    let settled = || before.iter().find(|it| !after.contains(it)).map(|(id, _)| format!("{id} is as it should be"));
    let what = moved.or_else(settled).unwrap_or_else(|| "what it would replace".to_owned());
    Diagnostic::error(format!("host {} changed since the plan: {what}", todo.catalog.host))
        .remedy("plan again, and look at what is different now")
}

fn not_converged(left: &HostPlan) -> Diagnostic {
    let what: Vec<String> = left
        .changes
        .iter()
        .map(|change| format!("{} ({})", change.id, change.reason.program()))
        .chain(left.unknown.iter().map(|unknown| format!("{} (unknown: {})", unknown.id, unknown.why)))
        .take(5)
        .collect();
    let fact = format!("host {} is still not as the inventory wants it: {}", left.catalog.host, what.join(", "));
    Diagnostic::error(fact)
        .remedy("something on the host puts it back, or two resources disagree: `steward plan` shows the difference")
}

#[cfg(test)]
mod tests;
