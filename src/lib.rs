//! Steward provisions the servers of a volunteer-run chapter. ARCHITECTURE.md is the map of this crate.

pub mod diag;
pub mod transport;
pub mod yaml;
