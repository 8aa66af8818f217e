//! Steward provisions the servers of a volunteer-run chapter. ARCHITECTURE.md is the map of this crate.

// The tests' bench and laws are written against the public face, here and in the integration tests.
#[cfg(any(test, fuzzing))]
extern crate self as steward;

pub mod abilities;
pub mod access;
pub mod adding;
pub mod ancestry;
pub mod apply;
pub mod audit;
pub mod backups;
pub mod carried;
pub mod catalog;
pub mod checks;
pub mod ci;
pub mod cli;
pub mod commands;
pub mod compile;
pub mod connect;
pub mod diag;
pub mod edit;
pub mod exchange;
pub mod exit;
pub mod fetch;
pub mod fleet;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod glob;
pub mod history;
pub mod inventory;
pub mod kinds;
pub mod ledger;
pub mod lifelines;
pub mod markdown;
pub mod module_test;
pub mod modules;
pub mod observed;
pub mod outcome;
pub mod people;
pub mod plan;
pub mod probe;
pub mod quoting;
pub mod reader;
pub mod records;
pub mod report;
pub mod resource;
pub mod review;
pub mod revision;
pub mod said;
pub mod script;
pub mod scrub;
pub mod secret;
pub mod secret_declaration;
pub mod secrets;
pub mod template;
pub mod texts;
pub mod transport;
pub mod ui;
pub mod undo;
pub mod vendor;
pub mod yaml;
