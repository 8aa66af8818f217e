//! The exit codes of the contract. Outside scripts rely on them.

use crate::outcome::Status;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Success,
    /// Anything that is not one of the others, usage errors too.
    Error,
    /// Changes are pending; only where the caller asked to be told so.
    Pending,
    /// Some hosts failed, a check failed, or verification did not converge.
    Failed,
    Unreachable,
    Locked,
    Stale,
    RolledBack,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Error => 1,
            Self::Pending => 2,
            Self::Failed => 3,
            Self::Unreachable => 4,
            Self::Locked => 5,
            Self::Stale => 6,
            Self::RolledBack => 7,
        }
    }

    /// The code of several hosts together: the first of 7, 3, 4, 5, 6 that occurs.
    pub fn of(statuses: impl IntoIterator<Item = Status>) -> Self {
        let order = [Self::RolledBack, Self::Failed, Self::Unreachable, Self::Locked, Self::Stale];
        let exits: Vec<Self> = statuses.into_iter().map(Self::from).collect();
        order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Self::Success)
    }
}

impl From<Status> for Exit {
    fn from(status: Status) -> Self {
        match status {
            Status::Converged => Self::Success,
            Status::Failed | Status::NotStarted => Self::Failed,
            Status::Unreachable => Self::Unreachable,
            Status::Locked => Self::Locked,
            Status::Stale => Self::Stale,
            Status::RolledBack => Self::RolledBack,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_hosts_the_gravest_code_counts() {
        assert_eq!(Exit::of([Status::Converged, Status::Stale, Status::Unreachable]).code(), 4);
        assert_eq!(Exit::of([Status::Failed, Status::RolledBack]).code(), 7);
        assert_eq!(Exit::of([Status::Locked, Status::Failed]).code(), 3);
        assert_eq!(Exit::of([Status::Converged]).code(), 0);
    }
}
