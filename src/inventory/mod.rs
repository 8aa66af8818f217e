//! What the chapter declared: its people, hosts, groups and services, read from a directory of YAML files.
//!
//! [`load`] gives the inventory and every mistake in it, across files. All references inside are resolved and all
//! keys, addresses and names are valid, unless a mistake was reported. Free-form values (vars, params, needs) stay
//! [`Node`](crate::yaml::Node)s, since only a module knows what they mean. Nothing here reads modules or talks to a
//! host.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::diag::Source;
use crate::kinds::Fate;
use crate::secret_declaration::SecretDeclaration;
use crate::yaml::{Map, Placed};

mod address;
mod chapter;
mod check;
mod find;
mod former;
mod group;
mod host;
mod init;
pub mod inside;
mod keys;
mod load;
mod names;
mod person;
mod retire;
mod schema;
mod select;
mod service;
mod vars;

pub use address::Address;
pub use chapter::{Chapter, Locale};
pub use find::find;
pub use former::{Day, Former};
pub use group::Group;
pub use host::Host;
pub use init::{Maintainer, NewInventory, init, schema_text};
pub use keys::{AgeRecipient, HostKey, SshKey};
pub use load::{files, from_sources, load};
pub use names::Login;
pub use person::{Person, Role};
pub use schema::schema;
pub use select::Selection;
pub use service::Service;
pub use vars::{Origin, Var};

/// Everything in the order of the files. The place of a person, host, group or service is that of its name.
#[derive(Debug, Clone)]
pub struct Inventory {
    /// The directory that was loaded; sources, modules, templates and secrets are found beside the YAML files.
    pub dir: PathBuf,
    /// Written once by `init`; what a host remembers is filed under it.
    pub id: Placed<String>,
    pub chapter: Chapter,
    /// The chapter's `vars`: the weakest above a module's own defaults.
    pub vars: Map,
    pub people: IndexMap<String, Placed<Person>>,
    /// Who left; hosts close their accounts.
    pub former: IndexMap<String, Placed<Former>>,
    pub hosts: IndexMap<String, Placed<Host>>,
    pub groups: IndexMap<String, Placed<Group>>,
    pub services: IndexMap<String, Placed<Service>>,
    /// What becomes of what leaves, by identity of a resource or name of a service.
    pub retire: IndexMap<String, Placed<Fate>>,
    /// The chapter's own secrets, `inventory/NAME` in the store.
    pub secrets: IndexMap<String, SecretDeclaration>,
    /// The files, in the order they were read.
    pub sources: Vec<Arc<Source>>,
}

/// A fresh inventory id: 128 random bits in hexadecimal.
pub fn new_id() -> std::io::Result<String> {
    use std::io::Read;
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
