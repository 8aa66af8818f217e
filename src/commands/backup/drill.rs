//! `steward backup drill SERVICE`

use clap::Args;

use super::super::{Context, Outcome};
use super::at::{At, chosen};
use super::working::{everywhere, told, work};
use crate::backups::job::{Job, Verb};

/// Prove that a backup can be restored: into a directory and a database of its own, compared with its manifest, checked, and
/// cleared away. The host keeps the proof with its date.
#[derive(Debug, Args)]
pub(super) struct Drill {
    /// A service of the inventory.
    service: String,
    /// The backup of this day or time or before (`2026-11-24`, `"2026-11-24 12:00"`), or the id of a snapshot; else the newest.
    #[arg(long, value_name = "WHEN|ID")]
    at: Option<At>,
}

impl Drill {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let Self { service, at } = self;
        let Some(at) = at else { return everywhere(context, Verb::Drill, &service, "") };
        let (inventory, chosen, mut reports) = chosen(context, &service, &at)?;
        let job = |(host, snapshot)| (host, Job { verb: Verb::Drill, service: service.clone(), snapshot });
        reports.extend(work(context, &inventory, chosen.into_iter().map(job).collect())?);
        Ok(told(context, Verb::Drill, &service, &reports))
    }
}
