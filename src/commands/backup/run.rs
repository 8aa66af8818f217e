//! `steward backup run SERVICE`

use clap::Args;

use super::super::{Context, Outcome};
use super::working::everywhere;
use crate::backups::job::Verb;

/// Save the data of a service now, wherever it runs. The hosts do that by themselves, too.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// A service of the inventory.
    service: String,
}

impl Run {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let Self { service } = self;
        everywhere(context, Verb::Run, &service, "")
    }
}
