//! What Steward does for a forge's CI: workflows that a repository keeps, and the comment under a pull request.
//! Takes texts and names; only `comment` talks to a forge.

pub mod comment;
mod forge;
mod http;
mod workflow;

pub use forge::{Forge, Target};
pub use workflow::{System, write};
