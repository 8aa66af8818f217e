//! What the options of `plan` and `apply` say of drills of backups.

use clap::Args;

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Required {
    /// Fail if the backup of any service was not restored in time (`steward backup drill`): exit code 3 of a plan; an apply
    /// changes nothing.
    #[arg(long)]
    pub(super) require_drills: bool,
}

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Drills {
    #[command(flatten)]
    pub(super) required: Required,
    /// Apply newer versions of modules though no fresh drill proves that the data of their services could be restored.
    #[arg(long)]
    pub(super) undrilled: bool,
}
