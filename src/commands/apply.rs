//! `steward apply`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::applying::outcomes;
use super::drills::Drills;
use super::lock_wait::LockWait;
use super::looking::{Looked, looked_once_settled, whoami};
use super::pace::Pace;
use super::plan::show;
use super::{Context, Outcome as Exited, agreeing, saving, verifying};
use crate::checks::report::summary;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::history::About;
use crate::outcome::{Outcome, Status};
use crate::script::change::Run;
use crate::ui::{Format, Ui};

/// Make the hosts what the inventory says: shows the plan, asks, changes, and looks again.
#[derive(Debug, Args)]
pub struct Apply {
    /// A plan that `plan --out` saved and somebody reviewed: applied without asking, or refused if anything is not as it was.
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    lock_wait: LockWait,
    /// Seconds after which a host undoes a change that could lock everybody out, if nobody logs in anew before.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(10..=3600))]
    confirm_timeout: u64,
    /// Show what hosts have even if Steward did not write it, though nobody is at a terminal.
    #[arg(long)]
    show_remote: bool,
    /// Delete up to this many resources on a host that nothing declares any more, where that is more than 5, or a fifth.
    #[arg(long, value_name = "N")]
    allow_deletions: Option<usize>,
    /// Apply though a host has a revision that this checkout does not contain.
    #[arg(long)]
    older_revision: bool,
    /// Go on to a version of this service's module that breaks something, as the plan says. May be repeated.
    #[arg(long, value_name = "SERVICE")]
    accept_upgrade: Vec<String>,
    #[command(flatten)]
    drills: Drills,
    #[command(flatten)]
    pace: Pace,
}

impl Apply {
    pub fn run(self, context: &Context) -> Exited {
        let Self { plan, yes, lock_wait, confirm_timeout, show_remote, .. } = self;
        let Self { allow_deletions, older_revision, accept_upgrade, drills, pace, .. } = self;
        let waits = Waits { lock: lock_wait, confirmation: confirm_timeout };
        let agreed_to = AgreedTo { allow_deletions, older_revision, drills, accept_upgrade };
        if let Some(file) = plan {
            return reviewed(context, &file, waits, show_remote, &agreed_to, &pace);
        }
        let looked = looked_once_settled(context, waits.lock)?;
        if context.ui.format == Format::Text {
            show(context, &looked.plan, show_remote, context.locale(&looked.inventory));
        }
        agreed_to.check(context, &looked)?;
        if looked.plan.summary().changes() > 0 && !yes {
            agreed(context.ui)?;
        }
        let run = run(&looked, waits);
        done(context, looked, run, &pace)
    }
}

/// What the options say may be done.
struct AgreedTo {
    allow_deletions: Option<usize>,
    older_revision: bool,
    drills: Drills,
    accept_upgrade: Vec<String>,
}

impl AgreedTo {
    fn check(&self, context: &Context, looked: &Looked) -> Result<(), Diagnostics> {
        let mut found = agreeing::revisions(context, looked, self.older_revision)?;
        found.0.extend(agreeing::deletions(looked, self.allow_deletions).0);
        let locale = context.locale(&looked.inventory);
        found.0.extend(agreeing::drills(looked, self.drills, locale).0);
        found.0.extend(agreeing::upgrades(looked, &self.accept_upgrade, locale).0);
        if found.has_errors() {
            return Err(found);
        }
        context.ui.report(&found);
        Ok(())
    }
}

/// Does what a saved plan says: that it was saved is the agreement.
fn reviewed(
    context: &Context,
    file: &Path,
    waits: Waits,
    show_remote: bool,
    agreed_to: &AgreedTo,
    pace: &Pace,
) -> Exited {
    let saved = saving::read(file)?;
    let context = &saving::limited(context, &saved)?;
    if let Some(stale) = saving::out_of_date(context, &saved)? {
        return Ok(report(context.ui, &stale));
    }
    let looked = looked_once_settled(context, waits.lock)?;
    if let Some(stale) = saving::stale_hosts(&saved, &looked) {
        return Ok(report(context.ui, &stale));
    }
    if context.ui.format == Format::Text {
        show(context, &looked.plan, show_remote, context.locale(&looked.inventory));
    }
    agreed_to.check(context, &looked)?;
    let run = run(&looked, waits);
    done(context, looked, run, pace)
}

/// Changes, checks the services that were changed, and says how it went.
fn done(context: &Context, looked: Looked, run: Run, pace: &Pace) -> Exited {
    let checks = verifying::of_changed(&looked);
    let (outcomes, checked) = outcomes(context, looked, run, pace, checks)?;
    if !checked.is_empty() && context.ui.format != Format::Json {
        context.ui.data(&summary(&checked));
    }
    Ok(report(context.ui, &outcomes))
}

/// Asks whether to go on. Without somebody to ask, or with a no, nothing is changed.
pub(super) fn agreed(ui: Ui) -> Result<(), Diagnostics> {
    if ui.format == Format::Json {
        let fact = "there is nobody to ask whether to apply this: the plan was not shown";
        return Err(Diagnostic::error(fact).remedy("look at `steward plan`, then apply with `--yes`").into());
    }
    match ui.confirm("Apply this?") {
        Some(true) => Ok(()),
        Some(false) => Err(Diagnostic::error("nothing was changed, as you wished").into()),
        None => Err(Diagnostic::error("there is no terminal to ask whether to apply this")
            .remedy("look at the plan, then apply with `--yes`")
            .into()),
    }
}

/// How long is waited for others, in seconds.
#[derive(Clone, Copy)]
pub(super) struct Waits {
    pub(super) lock: LockWait,
    pub(super) confirmation: u64,
}

/// What the hosts are told of this run.
pub(super) fn run(looked: &Looked, waits: Waits) -> Run {
    let now = jiff::Timestamp::now();
    let revision = looked.plan.revision.as_deref().unwrap_or("no revision");
    Run {
        inventory: looked.catalog.inventory.clone(),
        id: format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), std::process::id()),
        holder: format!("{} since {}, revision {revision}", looked.operator, now.strftime("%Y-%m-%d %H:%M:%S UTC")),
        lock_wait: waits.lock.seconds(),
        confirm_within: waits.confirmation,
        // a part of the services is not the whole revision
        revision: looked.plan.revision.clone().filter(|_| !looked.catalog.partial),
        about: About {
            operator: looked.operator.clone(),
            from: format!("{}@{}", whoami(), rustix::system::uname().nodename().to_string_lossy()),
            at: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            revision: looked.plan.revision.clone(),
            limited: looked.catalog.partial,
            undoes: None,
        },
    }
}

/// Says how it went, and gives the exit code.
pub(super) fn report(ui: Ui, outcomes: &[Outcome]) -> Exit {
    let failures = outcomes.iter().flat_map(|outcome| outcome.failures.clone()).collect();
    if ui.format == Format::Json {
        let host = |outcome: &Outcome| {
            json!({
                "host": outcome.host,
                "status": outcome.status.word(),
                "changed": outcome.changed,
                "failed": outcome.failed,
                "skipped": outcome.skipped,
                "exchanges": outcome.exchanges,
            })
        };
        ui.json(&json!({ "event": "summary", "hosts": outcomes.iter().map(host).collect::<Vec<_>>() }));
    } else {
        let worked = |outcome: &&Outcome| {
            outcome.changed + outcome.failed + outcome.skipped > 0 || outcome.status == Status::NotStarted
        };
        for outcome in outcomes.iter().filter(worked) {
            let Outcome { host, status, changed, failed, skipped, exchanges, failures: _ } = outcome;
            if *status == Status::NotStarted {
                ui.data(&format!("{host}: not started\n"));
                continue;
            }
            let status = status.word();
            ui.data(&format!(
                "{host}: {status}; {changed} changed, {failed} failed, {skipped} skipped ({exchanges} exchanges)\n"
            ));
        }
    }
    ui.report(&Diagnostics(failures));
    Exit::of(outcomes.iter().map(|outcome| outcome.status))
}
