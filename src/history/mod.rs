//! What a host remembers of the runs that changed it: one entry each, on the host itself. Here the lines that begin an
//! entry, and the reading of whole ones. The host may lie, cut short or send anything. Pure.

mod entry;
mod lock;
mod show;

pub use entry::{About, Ended, Entry, Step, begun, entries, entry, is_id};
pub use lock::{Holder, Lock, State, lock};
pub use show::{json, list, one};

#[cfg(test)]
mod tests;
