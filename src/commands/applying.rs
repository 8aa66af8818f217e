//! The work of `apply` over many hosts: wave after wave, watched, and stopped by Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::Context;
use super::looking::Looked;
use crate::apply::{Apply, apply};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::fleet;
use crate::outcome::{Event, Outcome, Status, StepResult};
use crate::plan::HostPlan;
use crate::plan::fleet::{FleetPlan, HostError};
use crate::script::change::Run;
use crate::transport::Session;
use crate::ui::progress::Progress;
use crate::ui::{Format, Ui};

/// A host at work says every 5 s that it lives; to miss one such word, or to be late with it, is not yet a silence.
const LEAST_SILENCE: Duration = Duration::from_secs(12);

struct Work {
    host: String,
    wave: usize,
    plan: Result<HostPlan, HostError>,
    session: Option<Box<dyn Session>>,
}

/// Applies wave after wave: a host comes after those that its services need.
pub(super) fn outcomes(context: &Context, looked: Looked, run: Run) -> Result<Vec<Outcome>, Diagnostics> {
    let FleetPlan { hosts, .. } = looked.plan;
    let waves = looked.catalog.hosts.iter().map(|host| host.wave);
    let mut work: Vec<Work> = hosts
        .into_iter()
        .zip(looked.sessions)
        .zip(waves)
        .map(|((entry, session), wave)| Work { host: entry.host, wave, plan: entry.result, session })
        .collect();
    let order: Vec<String> = work.iter().map(|work| work.host.clone()).collect();
    let progress = Arc::new(Progress::new("applying", work.len(), context.global.verbose > 0));
    let stop = stop_on_interrupt(&progress);
    let doer = Arc::new(Doer {
        ui: context.ui,
        run,
        stop,
        silence: Duration::from_secs(context.global.silence_timeout).max(LEAST_SILENCE),
        progress: Arc::clone(&progress),
    });
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut wave = 0;
    while !work.is_empty() {
        let (now, later): (Vec<Work>, Vec<Work>) = work.into_iter().partition(|work| work.wave <= wave);
        let doer = Arc::clone(&doer);
        outcomes.extend(fleet::over(now, context.global.jobs, move |work| doer.host(work))?);
        work = later;
        wave += 1;
    }
    progress.finish();
    outcomes.sort_by_key(|outcome| order.iter().position(|host| *host == outcome.host));
    Ok(outcomes)
}

struct Doer {
    ui: Ui,
    run: Run,
    stop: Arc<AtomicBool>,
    silence: Duration,
    progress: Arc<Progress>,
}

impl Doer {
    fn host(&self, work: Work) -> Outcome {
        self.progress.begin(&work.host, "starting");
        let outcome = match (work.plan, work.session) {
            (Ok(plan), Some(session)) if plan.is_empty() && !plan.interrupted => {
                unchanged(&plan, session.exchanges())
            }
            (Ok(plan), Some(session)) if !plan.unreadable.is_empty() => unreadable(&plan, session.exchanges()),
            (Ok(plan), Some(mut session)) => {
                let watch = |host: &str, event: Event| self.watch(host, &event);
                let how = Apply { run: &self.run, stop: &self.stop, silence: self.silence, watch: &watch };
                apply(&mut *session, plan, &how)
            }
            (Ok(_), None) => {
                ended(&work.host, Status::Failed, Diagnostic::error("the connection is gone").remedy("apply again"))
            }
            (Err(error), _) => {
                let status = if error.unreachable { Status::Unreachable } else { Status::Failed };
                ended(&work.host, status, error.diagnostic)
            }
        };
        self.progress.end(&work.host);
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
