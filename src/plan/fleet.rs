//! The plans of several hosts together: what `plan` shows and `apply` asks about.

use super::{Action, HostPlan};
use crate::diag::Diagnostic;
use crate::transport::Broken;

/// One entry for each selected host, in inventory order.
#[derive(Debug)]
pub struct FleetPlan {
    /// The chapter's name.
    pub inventory: String,
    /// The immutable id of the inventory.
    pub id: String,
    /// The commit that was compiled, with `+dirty` if the tree had changes; `None` outside git.
    pub revision: Option<String>,
    /// The commit that changes are labelled against, if one was given.
    pub base: Option<String>,
    pub hosts: Vec<HostEntry>,
}

#[derive(Debug)]
pub struct HostEntry {
    pub host: String,
    pub result: Result<HostPlan, HostError>,
}

/// Why a host could not be planned.
#[derive(Debug, Clone)]
pub struct HostError {
    pub unreachable: bool,
    pub diagnostic: Diagnostic,
}

impl From<Broken> for HostError {
    fn from(broken: Broken) -> Self {
        let (unreachable, diagnostic) = match broken {
            Broken::Unreachable(diagnostic) => (true, diagnostic),
            Broken::Lost(diagnostic) | Broken::Ended(diagnostic) => (false, diagnostic),
        };
        Self { unreachable, diagnostic: *diagnostic }
    }
}

/// The figures of the summary line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub delete: usize,
    pub run: usize,
    pub restart: usize,
    pub reload: usize,
    pub unchanged: usize,
    pub unknown: usize,
    /// Of the unknown ones, those that the host cannot have at all.
    pub unsupported: usize,
    pub unreachable: usize,
    pub failed: usize,
    /// Hosts with changes.
    pub hosts: usize,
}

impl Summary {
    /// All that would be done.
    pub fn changes(&self) -> usize {
        self.create + self.update + self.delete + self.run + self.restart + self.reload
    }
}

impl FleetPlan {
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for entry in &self.hosts {
            match &entry.result {
                Ok(plan) => add(&mut summary, plan),
                Err(error) if error.unreachable => summary.unreachable += 1,
                Err(_) => summary.failed += 1,
            }
        }
        summary
    }
}

fn add(summary: &mut Summary, plan: &HostPlan) {
    for change in &plan.changes {
        match change.action {
            Action::Create => summary.create += 1,
            Action::Update => summary.update += 1,
            Action::Delete => summary.delete += 1,
            Action::Run => summary.run += 1,
            Action::Restart => summary.restart += 1,
            Action::Reload => summary.reload += 1,
        }
    }
    summary.unchanged += plan.unchanged;
    summary.unknown += plan.unknown.len();
    summary.unsupported += plan.unknown.iter().filter(|unknown| unknown.unsupported().is_some()).count();
    summary.hosts += usize::from(!plan.changes.is_empty());
}
