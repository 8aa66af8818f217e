//! The chapter's secrets: one age file each beside the inventory, readable by whoever the inventory says.
//!
//! [`declared`] says which secrets there should be and who reads each; [`Store`] keeps them; [`Identities`] decrypt.
//! Only `commands` asks and prints; a value leaves this module as a [`Secret`](crate::secret::Secret) and in no other way.

mod authority;
pub mod claims;
mod crypt;
mod forms;
mod git;
mod header;
pub mod hook;
mod identities;
pub mod journal;
mod kept;
mod live;
pub mod make;
pub mod merge;
pub mod pairs;
mod readers;
mod recipient;
mod renewal;
pub mod scratch;
pub mod staged;
mod store;

pub use header::Header;
pub use identities::Identities;
pub use kept::stem_of;
pub use live::Live;
pub use readers::{Declared, Reader, declared, undeclared};
pub use recipient::Recipient;
pub use renewal::{Renewal, is_of_older, with_forms};
pub use store::Store;
