//! `steward plan`

use std::path::PathBuf;

use clap::Args;

use super::drills::Required;
use super::looking::looked;
use super::step::{self, Step};
use super::{Context, Outcome, agreeing, origins, saving};
use crate::exit::Exit;
use crate::inventory::Locale;
use crate::plan::diff::Remote;
use crate::plan::fleet::FleetPlan;
use crate::plan::json::json;
use crate::plan::text::{Options, text};
use crate::ui::Format;

/// Show what would change on the hosts, and change nothing.
#[derive(Debug, Args)]
pub struct Plan {
    /// Log in with a reader key (`steward host reader`), which can look and nothing else; give it by `--identity` or an agent.
    #[arg(long, conflicts_with_all = ["out", "user"])]
    reader: bool,
    /// Exit with 2 if anything would change.
    #[arg(long)]
    detailed_exitcode: bool,
    /// Show what hosts have even if Steward did not write it, though nobody is at a terminal.
    #[arg(long)]
    show_remote: bool,
    /// Say of each change whether it comes from the difference to this git revision, was merged but not applied, or is drift.
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Save the plan: `steward apply FILE` does it as long as it is still true. A new file, without contents.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Hours after which the saved plan is no longer applied.
    #[arg(long, value_name = "HOURS", default_value_t = 24, requires = "out", value_parser = clap::value_parser!(u32).range(1..=8760))]
    expires: u32,
    #[command(flatten)]
    drills: Required,
    #[command(flatten)]
    step: Step,
}

impl Plan {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { reader, detailed_exitcode, show_remote, base, out, expires, drills, step } = self;
        let page = step.file()?;
        let context = &context.reading(reader);
        if let Some(file) = &out {
            saving::must_not_exist(file)?;
        }
        let base = base.map(|rev| origins::base(context, &rev)).transpose()?;
        let mut looked = looked(context)?;
        if let Some(base) = base {
            origins::label_all(context, &mut looked, base)?;
        }
        let locale = context.locale(&looked.inventory);
        show(context, &looked.plan, show_remote, locale);
        context.ui.report(&agreeing::revisions(context, &looked, true)?);
        let overdue = agreeing::overdue(&looked, drills, locale);
        context.ui.report(&overdue);
        let exit = if overdue.has_errors() { Exit::Failed } else { exit(&looked.plan, detailed_exitcode) };
        let saved = out.map_or(Ok(()), |file| saving::save(context, &looked, &file, expires));
        // whoever reads the page is not at this terminal
        let remote = if show_remote { Remote::Shown } else { Remote::Withheld };
        let markdown = || crate::markdown::of_plan(&looked.plan, remote, locale).text();
        let saved = saved.and(page.map_or(Ok(()), |page| step::add(&page, &markdown())));
        match (saved, exit) {
            (Err(why), Exit::Success | Exit::Pending) => Err(why.into()),
            (Err(why), graver) => {
                context.ui.report(&(*why).into());
                Ok(graver)
            }
            (Ok(()), exit) => Ok(exit),
        }
    }
}

fn exit(plan: &FleetPlan, detailed: bool) -> Exit {
    let summary = plan.summary();
    if summary.failed > 0 {
        Exit::Failed
    } else if summary.unreachable > 0 {
        Exit::Unreachable
    } else if detailed && summary.changes() > 0 {
        Exit::Pending
    } else {
        Exit::Success
    }
}

/// The plan in the format that was asked for.
pub fn show(context: &Context, plan: &FleetPlan, show_remote: bool, locale: Locale) {
    let ui = context.ui;
    let remote = if show_remote || ui.terminal { Remote::Shown } else { Remote::Withheld };
    match ui.format {
        Format::Markdown => ui.data(&crate::markdown::of_plan(plan, remote, locale).text()),
        Format::Json => ui.json(&json(plan, remote)),
        Format::Text => ui.data(&text(plan, Options { color: ui.color, remote, whole: ui.verbose > 0, locale })),
    }
}
