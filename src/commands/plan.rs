//! `steward plan`

use clap::Args;

use super::looking::looked;
use super::{Context, Outcome};
use crate::exit::Exit;
use crate::plan::diff::Remote;
use crate::plan::fleet::FleetPlan;
use crate::plan::json::json;
use crate::plan::text::{Options, text};
use crate::ui::Format;

/// Show what would change on the hosts, and change nothing.
#[derive(Debug, Args)]
pub struct Plan {
    /// Exit with 2 if anything would change.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Show what hosts have even if Steward did not write it, though nobody is at a terminal.
    #[arg(long)]
    show_remote: bool,
}

impl Plan {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { detailed_exitcode, show_remote } = self;
        let looked = looked(context)?;
        show(context, &looked.plan, show_remote);
        let summary = looked.plan.summary();
        Ok(if summary.failed > 0 {
            Exit::Failed
        } else if summary.unreachable > 0 {
            Exit::Unreachable
        } else if detailed_exitcode && summary.changes() > 0 {
            Exit::Pending
        } else {
            Exit::Success
        })
    }
}

/// The plan in the format that was asked for.
pub fn show(context: &Context, plan: &FleetPlan, show_remote: bool) {
    let ui = context.ui;
    let remote = if show_remote || ui.terminal { Remote::Shown } else { Remote::Withheld };
    match ui.format {
        Format::Json => ui.json(&json(plan, remote)),
        Format::Text => ui.data(&text(plan, Options { color: ui.color, remote, whole: ui.verbose > 0 })),
    }
}
