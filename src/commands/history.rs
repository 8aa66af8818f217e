//! `steward history`

use clap::Args;
use serde_json::json;

use super::one_host::{Unanswered, reached, run_id};
use super::{Context, Outcome};
use crate::diag::Diagnostic;
use crate::exit::Exit;
use crate::history::{self, entries, entry};
use crate::records::Question;
use crate::ui::Format;

/// Show which runs changed a host: who, when, which revision, how it ended; or what one of them did.
#[derive(Debug, Args)]
pub struct History {
    /// A host of the inventory.
    host: String,
    /// The id of a run, to see its changes.
    #[arg(value_parser = run_id)]
    run: Option<String>,
}

impl History {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { host, run } = self;
        let told = match run {
            Some(run) => one(context, &host, &run),
            None => all(context, &host),
        };
        told.or_else(|why| why.outcome(context))
    }
}

fn all(context: &Context, host: &str) -> Result<Exit, Unanswered> {
    let said = reached(context, host)?.ask(Question::Runs)?;
    let runs = entries(said.section("runs"), said.running());
    match context.ui.format {
        Format::Json => {
            let runs: Vec<_> = runs.iter().map(|run| history::json(run, false)).collect();
            context.ui.json(&json!({ "format": 1, "host": host, "runs": runs }));
        }
        _ => context.ui.data(&history::list(host, &runs)),
    }
    Ok(Exit::Success)
}

fn one(context: &Context, host: &str, run: &str) -> Result<Exit, Unanswered> {
    let said = reached(context, host)?.ask(Question::Run(run))?;
    let Some(found) = entry(said.section("run"), said.running()) else {
        return Err(Unanswered::Mistakes(unknown(host, run).into()));
    };
    match context.ui.format {
        Format::Json => {
            context.ui.json(&json!({ "format": 1, "host": host, "runs": [history::json(&found, true)] }));
        }
        _ => context.ui.data(&history::one(host, &found)),
    }
    Ok(Exit::Success)
}

pub(super) fn unknown(host: &str, run: &str) -> Diagnostic {
    Diagnostic::error(format!("host {host} remembers no run {run}"))
        .remedy(format!("`steward history {host}` lists those it remembers: the last two hundred"))
}
