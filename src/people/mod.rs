//! Who may do what, and what has to happen when somebody comes or goes.
//!
//! Takes the inventory, the store of secrets and what hosts said; gives entries, rewritten files, checklists and answers.
//! Never prints, and talks to no host: `commands` does both.

pub mod access;
pub mod checklist;
pub mod coming;
pub mod entry;
pub mod history;
pub mod keep;
pub mod keys;
pub mod leaving;
pub mod listing;
pub mod progress;
