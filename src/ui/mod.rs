//! What people and programs read. Everything else in this crate returns values; only `ui` turns them into text.

pub mod report;
