//! `--lock-wait`, of commands that change hosts: how long others are waited for.

use clap::Args;

/// What an apply of nothing but files and packages rarely exceeds, in seconds.
const USUAL: u64 = 60;

#[derive(Debug, Clone, Copy, Args)]
pub struct LockWait {
    /// Seconds to wait for another run on the same host to end. If not given, 60, and as long as it takes until a change that
    /// could lock everybody out is confirmed or undone.
    #[arg(long, value_name = "SECONDS")]
    lock_wait: Option<u64>,
}

impl LockWait {
    pub fn seconds(self) -> u64 {
        self.lock_wait.unwrap_or(USUAL)
    }

    /// True if an unconfirmed change may take its own time.
    pub fn is_patient(self) -> bool {
        self.lock_wait.is_none()
    }
}
