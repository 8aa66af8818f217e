//! `steward adopt`

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::apply::{Waits, run};
use super::lock_wait::LockWait;
use super::looking::{Looked, looked_once_settled};
use super::{Context, Outcome};
use crate::apply::{Apply, GRACE, adopt};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::outcome::Status;
use crate::plan::HostPlan;
use crate::plan::diff::visible;
use crate::resource::Id;
use crate::transport::{Login, connect};
use crate::ui::Format;

/// Take over what was on a host before Steward: nothing changes now, but what later leaves the inventory is taken away.
#[derive(Debug, Args)]
pub struct Adopt {
    /// The host.
    #[arg(value_name = "HOST")]
    host: String,
    /// Resources, as plans write them (`file:/etc/motd`); all that are declared and there, unless given.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    lock_wait: LockWait,
}

impl Adopt {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { host, ids, yes, lock_wait } = self;
        let mut global = context.global.clone();
        global.limit = Some(host.clone());
        let context = &Context { ui: context.ui, global };
        let mut looked = looked_once_settled(context, lock_wait)?;
        let mut plan = one(&mut looked, &host)?;
        let chosen = chosen(&plan, &ids)?;
        show(context, &plan, &chosen);
        if chosen.is_empty() {
            done(context, &host, &[]);
            return Ok(Exit::Success);
        }
        if !yes {
            agreed(context)?;
        }
        plan.leavings.adopted = chosen.iter().map(ToString::to_string).collect();
        let Some(Some(mut session)) = looked.sessions.pop() else {
            return Err(Diagnostic::error("the connection is gone").remedy("try again").into());
        };
        let run =
            crate::script::change::Run { revision: None, ..run(&looked, Waits { lock: lock_wait, confirmation: 0 }) };
        let silence = Duration::from_secs(context.global.silence_timeout.max(12));
        let Some(target) = looked.targets.pop() else {
            return Err(Diagnostic::error("the connection is gone").remedy("try again").into());
        };
        let reconnect = |login: &Login| connect(&target.only(login), &context.ui);
        let stop = Arc::new(AtomicBool::new(false));
        let how = Apply { run: &run, stop: &stop, silence, grace: GRACE, reconnect: &reconnect, watch: &|_, _| {} };
        let outcome = adopt(&mut session, plan, &how);
        done(context, &host, if outcome.status == Status::Converged { &chosen } else { &[] });
        context.ui.report(&Diagnostics(outcome.failures));
        Ok(Exit::of([outcome.status]))
    }
}

/// For programs, what was adopted; people were shown it before.
fn done(context: &Context, host: &str, adopted: &[Id]) {
    if context.ui.format == Format::Json {
        let ids: Vec<String> = adopted.iter().map(ToString::to_string).collect();
        context.ui.json(&json!({ "format": 1, "host": host, "adopted": ids }));
    }
}

/// The plan of the one host that was named.
fn one(looked: &mut Looked, host: &str) -> Result<HostPlan, Diagnostics> {
    if looked.catalog.partial || looked.plan.hosts.len() != 1 {
        let fact = format!("`{}` is not one whole host", host.escape_debug());
        return Err(Diagnostic::error(fact).remedy("name one host").into());
    }
    match looked.plan.hosts.pop().map(|entry| entry.result) {
        Some(Ok(plan)) => Ok(plan),
        Some(Err(error)) => Err(error.diagnostic.into()),
        None => Err(Diagnostic::error("no host was looked at").into()),
    }
}

/// What can be adopted of what was named.
fn chosen(plan: &HostPlan, ids: &[String]) -> Result<Vec<Id>, Diagnostics> {
    let all = &plan.leavings.adoptable;
    if ids.is_empty() {
        return Ok(all.clone());
    }
    let mut mistakes = Diagnostics::default();
    let mut found = Vec::new();
    for id in ids {
        match all.iter().find(|known| known.to_string() == *id) {
            Some(known) => found.push(known.clone()),
            None if plan.declared.resources.iter().any(|it| it.id.to_string() == *id) => {
                let fact = format!(
                    "`{id}` cannot be adopted: it is not there, or Steward's already, or of a kind that stays"
                );
                mistakes
                    .push(Diagnostic::error(fact).remedy("leave it out; without any ID, all that can be are shown"));
            }
            None => mistakes.push(
                Diagnostic::error(format!("nothing in the inventory is `{}` on that host", id.escape_debug()))
                    .suggest(
                        id,
                        plan.declared
                            .resources
                            .iter()
                            .map(|it| it.id.to_string())
                            .collect::<Vec<_>>()
                            .iter()
                            .map(String::as_str),
                    ),
            ),
        }
    }
    if mistakes.has_errors() { Err(mistakes) } else { Ok(found) }
}

fn show(context: &Context, plan: &HostPlan, chosen: &[Id]) {
    if context.ui.format == Format::Json {
        return;
    }
    if chosen.is_empty() {
        return context.ui.data("Nothing to adopt.\n");
    }
    let line = |id: &Id| {
        let change = plan.changes.iter().find(|change| change.id == *id);
        let how = change.map_or("as the inventory wants it".to_owned(), |change| change.reason.program().to_owned());
        format!("  {} ({})\n", visible(&id.to_string()).replace('\n', "\u{240a}"), visible(&how))
    };
    let lines: String = chosen.iter().map(line).collect();
    let after = "Nothing is changed now. Once they are no longer in the inventory, Steward takes them away.\n";
    context.ui.data(&format!("{}\n{lines}{after}", plan.catalog.host));
}

fn agreed(context: &Context) -> Result<(), Diagnostics> {
    if context.ui.format == Format::Json {
        let fact = "there is nobody to ask whether to adopt these: they were not shown";
        return Err(Diagnostic::error(fact).remedy("look at them without `--format json`, then add `--yes`").into());
    }
    match context.ui.confirm("Adopt these?") {
        Some(true) => Ok(()),
        Some(false) => Err(Diagnostic::error("nothing was adopted, as you wished").into()),
        None => Err(Diagnostic::error("there is no terminal to ask whether to adopt these")
            .remedy("look at them, then add `--yes`")
            .into()),
    }
}
