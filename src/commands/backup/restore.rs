//! `steward backup restore SERVICE`

use clap::Args;

use super::super::{Context, Outcome};
use super::at::{At, chosen};
use super::working::{told, work};
use crate::backups::job::{Job, Verb};
use crate::diag::{Diagnostic, Diagnostics};
use crate::ui::Format;

/// Put the data of a service back: everything is restored beside and compared first, then the service stops, the data is
/// swapped, and it starts. What is there now is kept aside.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// A service of the inventory.
    service: String,
    /// The backup of this day or time or before (`2026-11-24`, `"2026-11-24 12:00"`), or the id of a snapshot; else the newest.
    #[arg(long, value_name = "WHEN|ID")]
    at: Option<At>,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

impl Restore {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let Self { service, at, yes } = self;
        let at = at.unwrap_or(At::Moment(jiff::Timestamp::MAX));
        let (inventory, chosen, mut reports) = chosen(context, &service, &at)?;
        if chosen.len() + reports.len() > 1 {
            let names: Vec<&str> = chosen.iter().map(|(host, _)| host.as_str()).collect();
            let fact = format!("`{service}` runs on several hosts: {}", names.join(", "));
            return Err(Diagnostic::error(fact).remedy("name the one that is meant by `--limit`").into());
        }
        if let (Some((host, snapshot)), false) = (chosen.first(), yes) {
            agreed(context, &service, host, snapshot)?;
        }
        let job = |(host, snapshot)| (host, Job { verb: Verb::Restore, service: service.clone(), snapshot });
        reports.extend(work(context, &inventory, chosen.into_iter().map(job).collect())?);
        Ok(told(context, Verb::Restore, &service, &reports))
    }
}

fn agreed(context: &Context, service: &str, host: &str, snapshot: &str) -> Result<(), Diagnostics> {
    let question =
        format!("Replace the data of {service} on {host} by snapshot {snapshot}? What is there now is kept aside.");
    let asked = if context.ui.format == Format::Json { None } else { context.ui.confirm(&question) };
    match asked {
        Some(true) => Ok(()),
        Some(false) => Err(Diagnostic::error("nothing was changed, as you wished").into()),
        None => Err(Diagnostic::error(format!(
            "there is no terminal to ask whether to replace the data of {service} on {host}"
        ))
        .remedy("look at `steward backup list`, then restore with `--yes`")
        .into()),
    }
}
