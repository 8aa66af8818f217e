//! The work of `apply` over many hosts: wave after wave, watched, and stopped by Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::Context;
use super::looking::Looked;
use super::pace::{Candidate, Gate, Pace};
use super::verifying;
use crate::apply::{Apply, GRACE, apply};
use crate::catalog::HostCatalog;
use crate::checks::report::HostReport;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::fleet;
use crate::observed::Installed;
use crate::outcome::{Event, Outcome, Status, StepResult};
use crate::plan::HostPlan;
use crate::plan::fleet::{FleetPlan, HostError};
use crate::reader;
use crate::script::change::Run;
use crate::transport::{Broken, Login, Session, Target, connect};
use crate::ui::progress::Progress;
use crate::ui::{Format, Ui};

/// A host at work says every 5 s that it lives; to miss one such word, or to be late with it, is not yet a silence.
const LEAST_SILENCE: Duration = Duration::from_secs(12);

struct Work {
    host: String,
    wave: usize,
    plan: Result<HostPlan, HostError>,
    session: Option<Box<dyn Session>>,
    target: Target,
    /// What shows that the services which are changed work.
    checks: Option<verifying::Work>,
}

/// Applies wave after wave: a host comes after those that its services need. If one goes first, the others follow only
/// when it converged. A host whose services do not work then has not. Gives how the checks ended, too.
pub(super) fn outcomes(
    context: &Context,
    looked: Looked,
    run: Run,
    pace: &Pace,
    mut checks: Vec<verifying::Work>,
) -> Result<(Vec<Outcome>, Vec<HostReport>), Diagnostics> {
    let FleetPlan { hosts, .. } = looked.plan;
    let waves = looked.catalog.hosts.iter().map(|host| host.wave);
    let mut work: Vec<Work> = hosts
        .into_iter()
        .zip(looked.sessions)
        .zip(looked.targets)
        .zip(waves)
        .map(|(((entry, session), target), wave)| {
            let at = checks.iter().position(|work| work.is_of(&entry.host));
            let checks = at.map(|at| checks.swap_remove(at));
            Work { host: entry.host, wave, plan: entry.result, session, target, checks }
        })
        .collect();
    let first = canary(pace, &work)?;
    let order: Vec<String> = work.iter().map(|work| work.host.clone()).collect();
    let progress = Arc::new(Progress::new("applying", work.len(), context.global.verbose > 0));
    let stop = stop_on_interrupt(&progress);
    let unplanned = work.iter().filter(|work| work.plan.is_err()).count();
    let gate = Gate::new(pace, work.len(), unplanned, &stop);
    let doer = Arc::new(Doer {
        ui: context.ui,
        run,
        waited: looked.waited,
        stop,
        gate,
        silence: Duration::from_secs(context.global.silence_timeout).max(LEAST_SILENCE),
        progress: Arc::clone(&progress),
        checked: Mutex::default(),
    });
    let jobs = pace.jobs(context.global.jobs);
    let mut outcomes: Vec<Outcome> = Vec::new();
    if let Some(at) = work.iter().position(|work| Some(&work.host) == first.as_ref()) {
        let outcome = doer.host(work.remove(at));
        if outcome.status != Status::Converged {
            outcomes.extend(work.drain(..).map(|work| not_begun(work, "the host that went first did not converge")));
        }
        outcomes.push(outcome);
    }
    let mut wave = 0;
    while !work.is_empty() {
        let (now, later): (Vec<Work>, Vec<Work>) = work.into_iter().partition(|work| work.wave <= wave);
        let doer = Arc::clone(&doer);
        outcomes.extend(fleet::over(now, jobs, move |work| doer.host(work))?);
        work = later;
        wave += 1;
    }
    progress.finish();
    outcomes.sort_by_key(|outcome| order.iter().position(|host| *host == outcome.host));
    said_once(&mut outcomes);
    let checked = std::mem::take(&mut *doer.checked.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((outcomes, checked))
}

fn canary(pace: &Pace, work: &[Work]) -> Result<Option<String>, Diagnostic> {
    let candidate = |work| {
        let Work { host, wave, plan, session: _, target: _, checks: _ }: &Work = work;
        Candidate { host, wave: *wave, has_changes: plan.as_ref().is_ok_and(|plan| !plan.is_empty()) }
    };
    let candidates: Vec<Candidate<'_>> = work.iter().map(candidate).collect();
    Ok(pace.first(&candidates)?.map(str::to_owned))
}

/// A host that nothing was done to, though it was planned. One that is in order, or could not be planned, is what it is.
fn not_begun(work: Work, why: &str) -> Outcome {
    let exchanges = work.session.map_or(0, |session| session.exchanges());
    match work.plan {
        Ok(plan) if plan.is_empty() => unchanged(&plan, exchanges),
        Ok(_) => {
            let why = Diagnostic::error(why);
            Outcome { exchanges, ..ended(&work.host, Status::NotStarted, why) }
        }
        Err(error) => unplanned(&work.host, error),
    }
}

/// Why nothing was begun is the same for all hosts that it concerns.
fn said_once(outcomes: &mut [Outcome]) {
    let mut waiting: Vec<&mut Outcome> = outcomes.iter_mut().filter(|it| it.status == Status::NotStarted).collect();
    let hosts: Vec<String> = waiting.iter().map(|outcome| outcome.host.clone()).collect();
    let why = waiting.first().and_then(|first| first.failures.first()).map(|why| why.fact.clone());
    for outcome in &mut waiting {
        outcome.failures.clear();
    }
    if let (Some(last), Some(why)) = (waiting.last_mut(), why) {
        let count = if hosts.len() == 1 { "one host".to_owned() } else { format!("{} hosts", hosts.len()) };
        let fact = format!("nothing was begun on {count}: {why}: {}", hosts.join(", "));
        let remedy = "mend that, and apply again: what is done already costs only a look";
        last.failures.push(Diagnostic::error(fact).remedy(remedy));
    }
}

fn unplanned(host: &str, error: HostError) -> Outcome {
    let status = if error.unreachable { Status::Unreachable } else { Status::Failed };
    ended(host, status, error.diagnostic)
}

struct Doer {
    ui: Ui,
    run: Run,
    /// Seconds that those who are still at it were waited for already.
    waited: u64,
    stop: Arc<AtomicBool>,
    gate: Gate,
    silence: Duration,
    progress: Arc<Progress>,
    checked: Mutex<Vec<HostReport>>,
}

impl Doer {
    fn host(&self, work: Work) -> Outcome {
        if let Some(why) = self.gate.closed() {
            self.progress.end(&work.host);
            return not_begun(work, why);
        }
        let planned = work.plan.is_ok();
        let outcome = self.begun(work);
        if planned {
            self.gate.passed(&outcome);
        }
        outcome
    }

    fn begun(&self, work: Work) -> Outcome {
        self.progress.begin(&work.host, "starting");
        let outcome = match (work.plan, work.session) {
            (Ok(plan), Some(mut session)) if is_done(&plan) => {
                let outcome = unchanged(&plan, session.exchanges());
                self.reader(&mut *session, &plan.declared, plan.reader.as_ref(), outcome)
            }
            (Ok(plan), Some(session)) if !plan.unreadable.is_empty() => unreadable(&plan, session.exchanges()),
            (Ok(plan), Some(mut session)) => {
                let watch = |host: &str, event: Event| self.watch(host, &event);
                let reconnect = |login: &Login| connect(&work.target.only(login), &self.ui);
                let (stop, silence) = (&self.stop, self.silence);
                let waited = if plan.is_unsettled() { self.waited } else { 0 };
                let lock_wait = self.run.lock_wait.saturating_sub(waited);
                let run = &Run { lock_wait, ..self.run.clone() };
                let how = Apply { run, stop, silence, grace: GRACE, reconnect: &reconnect, watch: &watch };
                let (declared, found) = (Arc::clone(&plan.declared), plan.reader.clone());
                let outcome = apply(&mut session, plan, &how);
                let outcome = self.reader(&mut *session, &declared, found.as_ref(), outcome);
                self.checked(work.checks, outcome)
            }
            (Ok(_), None) => {
                ended(&work.host, Status::Failed, Diagnostic::error("the connection is gone").remedy("apply again"))
            }
            (Err(error), _) => unplanned(&work.host, error),
        };
        self.progress.end(&work.host);
        outcome
    }

    /// Once all is as it should be, reader keys may ask for it, by the program of this version.
    fn reader(
        &self,
        session: &mut dyn Session,
        catalog: &HostCatalog,
        found: Option<&Installed>,
        mut outcome: Outcome,
    ) -> Outcome {
        if outcome.status != Status::Converged || catalog.partial || !reader::is_outdated(catalog, found) {
            return outcome;
        }
        let before = session.exchanges();
        let renewed = reader::install(session, catalog, &self.run.records(&catalog.site), true, self.silence);
        // beside those over connections that are no more
        outcome.exchanges += session.exchanges() - before;
        if let Err(Broken::Unreachable(why) | Broken::Lost(why) | Broken::Ended(why)) = renewed {
            outcome.status = Status::Failed;
            outcome.failures.push(*why);
        }
        outcome
    }

    /// A service that does not work is a failure of its host.
    fn checked(&self, checks: Option<verifying::Work>, mut outcome: Outcome) -> Outcome {
        let Some(checks) = checks.filter(|_| outcome.status == Status::Converged) else { return outcome };
        let report = checks.done(self.ui, None, self.silence);
        if self.ui.format == Format::Json {
            for event in report.events() {
                self.ui.json(&event);
            }
        }
        outcome.failures.extend(report.failures());
        if !outcome.failures.is_empty() {
            outcome.status = Status::Failed;
        }
        self.checked.lock().unwrap_or_else(PoisonError::into_inner).push(report);
        outcome
    }

    fn watch(&self, host: &str, event: &Event) {
        if self.ui.format == Format::Json {
            if let Event::Done { id, result } = event {
                let output = match result {
                    StepResult::Failed(output) | StepResult::Invalid(output) => Some(output),
                    _ => None,
                };
                self.ui.json(&json!({ "event": word(result), "host": host, "id": id.to_string(), "output": output }));
            }
        } else {
            self.progress.event(host, event);
        }
    }
}

/// True if nothing is to change, to be noted or to be cleared away, and nobody else is at it.
fn is_done(plan: &HostPlan) -> bool {
    plan.is_empty() && !plan.leavings.due && !plan.interrupted && !plan.is_unsettled()
}

/// Nothing to do there; what could not be read still counts.
fn unchanged(plan: &HostPlan, exchanges: usize) -> Outcome {
    let unread: Vec<String> = plan.unknown.iter().map(|it| format!("{}: {}", it.id, it.why)).take(5).collect();
    let mut outcome = Outcome {
        host: plan.catalog.host.clone(),
        status: Status::Converged,
        changed: 0,
        failed: 0,
        skipped: 0,
        exchanges,
        failures: Vec::new(),
    };
    if !unread.is_empty() {
        outcome.status = Status::Failed;
        let fact = format!("host {} could not be read: {}", outcome.host, unread.join(", "));
        outcome.failures.push(Diagnostic::error(fact).remedy("mend what it says, and apply again"));
    }
    outcome
}

/// Some of it could not be written: then nothing is, since half a change is no change that was reviewed.
fn unreadable(plan: &HostPlan, exchanges: usize) -> Outcome {
    let what: Vec<String> = plan.unreadable.iter().map(|it| format!("{} ({})", it.id, it.why)).take(5).collect();
    let fact =
        format!("nothing was changed on {}: secrets cannot be read here: {}", plan.catalog.host, what.join(", "));
    let remedy =
        "let somebody apply who can read them (`steward secrets who NAME`), or name your key by `--identity`";
    Outcome { exchanges, ..ended(&plan.catalog.host, Status::Failed, Diagnostic::error(fact).remedy(remedy)) }
}

fn ended(host: &str, status: Status, diagnostic: Diagnostic) -> Outcome {
    let failures = vec![diagnostic];
    Outcome { host: host.to_owned(), status, changed: 0, failed: 0, skipped: 0, exchanges: 0, failures }
}

fn word(result: &StepResult) -> &'static str {
    match result {
        StepResult::Changed => "changed",
        StepResult::Unchanged => "unchanged",
        StepResult::Skipped => "skipped",
        StepResult::Failed(_) => "failed",
        StepResult::Paid => "reacted",
        StepResult::Owed => "owed",
        StepResult::Invalid(_) => "invalid",
    }
}

/// Once: the current steps end, and no other begins. Twice: at once; the hosts end after their step on their own.
fn stop_on_interrupt(progress: &Arc<Progress>) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let (flag, progress) = (Arc::clone(&stop), Arc::clone(progress));
    let listen = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if flag.swap(true, Ordering::Relaxed) {
                    progress.line("Stopped. The hosts finish their current step; apply again to go on.");
                    crate::ui::leave(Exit::Error);
                }
                progress.line("Finishing the current step; once more stops at once.");
            }
        });
    };
    std::thread::spawn(listen);
    stop
}
