//! What a change did on one host, step by step and in the end. Made by `apply`, shown by `ui`. Pure data.

use crate::diag::Diagnostic;
use crate::resource::Id;

/// What is known of a host after an apply.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub host: String,
    pub status: Status,
    pub changed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Commands executed over SSH on this host, the look of the plan included.
    pub exchanges: usize,
    /// What went wrong, each with its remedy.
    pub failures: Vec<Diagnostic>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As the inventory wants it; observed, not assumed.
    Converged,
    Failed,
    Unreachable,
    /// Another run holds the lock.
    Locked,
    /// Changed since the plan; nothing was done.
    Stale,
    RolledBack,
    /// Planned, but not begun: the run ended before, or was stopped.
    NotStarted,
}

impl Status {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Locked => "locked",
            Self::Stale => "stale",
            Self::RolledBack => "rolled-back",
            Self::NotStarted => "not-started",
        }
    }
}

/// What happens during an apply, for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Another run has the lock; who.
    Waiting(String),
    Sending {
        sent: u64,
        total: u64,
    },
    Begun(Id),
    Done {
        id: Id,
        result: StepResult,
    },
    Verifying,
    /// The host said that it is alive.
    Beat,
    /// What a step waits for or mends, while it goes on.
    News(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepResult {
    Changed,
    Unchanged,
    /// Its service, or one that it needs, had failed before; or the run was stopped.
    Skipped,
    /// The last lines of what it printed.
    Failed(String),
    /// The reaction was owed and is done.
    Paid,
    /// The reaction stays owed, since its service failed.
    Owed,
    /// The validation failed and the files were restored; its last lines.
    Invalid(String),
}
