//! `steward undo`

use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::apply::{Waits, agreed, report, run};
use super::history::unknown;
use super::lock_wait::LockWait;
use super::looking::{Looked, usable, whoami};
use super::one_host::{OneHost, Unanswered, of, run_id};
use super::pace::Pace;
use super::plan::show;
use super::undoing::{before, declines, withhold};
use super::{Context, Outcome, applying};
use crate::catalog::{Catalog, HostCatalog};
use crate::diag::Diagnostic;
use crate::exit::Exit;
use crate::history::{Ended, Entry, entries, entry};
use crate::plan::fleet::{FleetPlan, HostEntry};
use crate::plan::{HostPlan, plan};
use crate::records::Question;
use crate::ui::Format;
use crate::undo::{Wish, kept, needs_before, undo, without};

/// Put back the files of a run, from what the host kept: shows the plan, asks, changes, and looks again.
///
/// Only files: packages, accounts, commands and databases are named, and stay. The inventory still wants what that run
/// applied, so revert it in git, too, or the next apply brings it back.
#[derive(Debug, Args)]
pub struct Undo {
    /// A host of the inventory.
    host: String,
    /// The id of the run, see `steward history`; the last one that changed something unless given.
    #[arg(value_parser = run_id)]
    run: Option<String>,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// Put back what somebody changed since that run, too.
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    lock_wait: LockWait,
    /// Seconds after which a host undoes a change that could lock everybody out, if nobody logs in anew before.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(10..=3600))]
    confirm_timeout: u64,
    /// Show contents of the host, though nobody is at a terminal.
    #[arg(long)]
    show_remote: bool,
}

impl Undo {
    pub fn run(self, context: &Context) -> Outcome {
        self.undone(context).or_else(|why| why.outcome(context))
    }

    fn undone(self, context: &Context) -> Result<Exit, Unanswered> {
        let Self { host: name, run: id, yes, overwrite, lock_wait, confirm_timeout, show_remote } = self;
        let compiled = context.limited_to(&name).compile()?;
        let mut host = of(context, &compiled.inventory, &name)?;
        let found = asked(&mut host, id)?;
        let today = compiled.catalog.hosts.first().ok_or_else(|| unknown(&name, &found.0.id))?;
        let (entry, kept) = found;
        let old = if needs_before(&kept) { before(context, &compiled, &name, &entry) } else { Err(String::new()) };
        let wish = Wish { entry: &entry, kept, today, before: old.as_deref().map_err(Clone::clone), overwrite };
        let undone = undo(&wish);
        let (catalog, mut planned) = looked_at(&mut host, undone.catalog)?;
        let shown = show_remote || context.ui.terminal;
        if !shown {
            withhold(&mut planned);
        }
        let plan = FleetPlan {
            inventory: compiled.catalog.name.clone(),
            id: compiled.catalog.inventory.clone(),
            revision: crate::revision::revision(&compiled.inventory.dir),
            base: None,
            hosts: vec![HostEntry { host: name.clone(), result: Ok(planned) }],
        };
        let part = Catalog { hosts: vec![catalog], partial: true, ..compiled.catalog };
        let operator = host.operator.clone().unwrap_or_else(whoami);
        let looked = Looked {
            plan,
            sessions: vec![Some(host.session)],
            targets: vec![host.target],
            catalog: part,
            inventory: compiled.inventory,
            access: host.access,
            operator,
            waited: 0,
        };
        said(context, &looked, &entry, &undone.left, show_remote);
        if looked.plan.summary().changes() == 0 {
            return Ok(Exit::Success);
        }
        if !yes {
            agreed(context.ui)?;
        }
        let mut run = run(&looked, Waits { lock: lock_wait, confirmation: confirm_timeout });
        run.about.undoes = Some(entry.id);
        let (outcomes, _) = applying::outcomes(context, looked, run, &Pace::default(), Vec::new())?;
        Ok(report(context.ui, &outcomes))
    }
}

/// The run that is meant, and what the host kept of it.
fn asked(host: &mut OneHost, id: Option<String>) -> Result<(Entry, Vec<crate::undo::Kept>), Unanswered> {
    let id = match id {
        Some(id) => id,
        None => {
            let said = host.ask(Question::Runs)?;
            let runs = entries(said.section("runs"), said.running());
            let last = runs.into_iter().find(|run| run.changed + run.failed > 0 || run.ended == Ended::Cut);
            let fact = format!("host {} remembers no run that changed anything", host.name);
            last.ok_or_else(|| Diagnostic::error(fact))?.id
        }
    };
    let said = host.ask(Question::Kept(&id))?;
    let entry = entry(said.section("run"), said.running()).ok_or_else(|| unknown(&host.name, &id))?;
    if entry.ended == Ended::Running {
        let fact = format!("run {id} is still at work on host {}", host.name);
        return Err(Diagnostic::error(fact).remedy("wait for it, or see `steward unlock`").into());
    }
    Ok((entry, kept(said.section("kept"))))
}

/// Looks, and plans. What only reacts must be in order itself: it is not for an undo to start what is stopped.
fn looked_at(host: &mut OneHost, catalog: HostCatalog) -> Result<(Arc<HostCatalog>, HostPlan), Unanswered> {
    let mut catalog = Arc::new(catalog);
    loop {
        let observed = host.look(&catalog)?;
        usable(&catalog, &observed, &*host.session).map_err(|error| *Box::new(error.diagnostic))?;
        let mut planned = plan(&catalog, &observed);
        // who declares these files stays as it is
        planned.leavings.managed.clear();
        let out = declines(&planned);
        if out.is_empty() {
            return Ok((catalog, planned));
        }
        catalog = Arc::new(without(&catalog, &out));
    }
}

fn said(context: &Context, looked: &Looked, entry: &Entry, left: &[(String, String)], show_remote: bool) {
    let ui = context.ui;
    if ui.format == Format::Json {
        let host = looked.plan.hosts.first().map(|host| host.host.clone()).unwrap_or_default();
        for (id, why) in left {
            ui.json(&json!({ "event": "left", "host": host, "id": id, "output": why }));
        }
        return;
    }
    show(context, &looked.plan, show_remote, context.locale(&looked.inventory));
    if !left.is_empty() {
        let lines: String = left.iter().map(|(id, why)| format!("  {id}: {why}\n")).collect();
        ui.data(&crate::plan::diff::visible(&format!("Not put back of run {}:\n{lines}", entry.id)));
    }
    if looked.plan.summary().changes() > 0 {
        let revision = entry.revision.as_deref().and_then(|it| it.split('+').next());
        let revert = revision.map_or_else(|| "revert it there".to_owned(), |it| format!("`git revert {it}`"));
        ui.message(&crate::plan::diff::visible(&format!(
            "The inventory still wants what that run applied, and the next apply brings it back: {revert}."
        )));
    }
}
