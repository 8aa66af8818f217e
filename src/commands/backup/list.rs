//! `steward backup list SERVICE`

use clap::Args;

use super::super::{Context, Outcome};
use super::at::listed;
use super::working::exit;
use crate::backups::report::{list_json, table};
use crate::diag::Diagnostics;
use crate::ui::Format;

/// Show which backups of a service there are, newest first. A repository that cannot be reached is a failure, not an empty
/// list.
#[derive(Debug, Args)]
pub(super) struct List {
    /// A service of the inventory.
    service: String,
}

impl List {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let Self { service } = self;
        let (_, hosts) = listed(context, &service)?;
        if context.ui.format == Format::Json {
            context.ui.json(&list_json(&service, &hosts));
        }
        let status = |result: &Result<_, crate::plan::fleet::HostError>| match result {
            Ok(_) => "ok",
            Err(error) if error.unreachable => "unreachable",
            Err(_) => "failed",
        };
        let statuses: Vec<&str> = hosts.iter().map(|(_, result)| status(result)).collect();
        let (mut found, mut mistakes) = (Vec::new(), Diagnostics::default());
        for (host, result) in hosts {
            match result {
                Ok(snapshots) => found.push((host, snapshots)),
                Err(error) => mistakes.push(error.diagnostic),
            }
        }
        if context.ui.format != Format::Json && !found.is_empty() {
            context.ui.data(&table(&found));
        }
        context.ui.report(&mistakes);
        Ok(exit(statuses.into_iter()))
    }
}
