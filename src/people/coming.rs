//! What `people add` does, decided before anything is written: the edited inventory, and the secrets that the new person
//! shall read. Those that the operator cannot decrypt are named, for a maintainer to encrypt anew.

use super::entry::NewPerson;
use super::keep::Keep;
use crate::diag::Diagnostics;
use crate::edit::{Files, Rewrite};
use crate::inventory::Inventory;
use crate::modules::Library;
use crate::secret::SecretName;
use crate::secrets::{Reader, declared, undeclared};

/// Everything that one addition changes.
#[derive(Debug)]
pub struct Coming {
    /// The inventory with the person.
    pub after: Inventory,
    /// Its files that change.
    pub rewrites: Vec<Rewrite>,
    /// Secrets that are there and that the person shall read, with all their readers.
    pub secrets: Vec<(SecretName, Vec<Reader>)>,
}

/// Decides it.
pub fn coming(inventory: &Inventory, library: &Library, keep: &Keep, new: &NewPerson) -> Result<Coming, Diagnostics> {
    new.keys.check_unique(inventory)?;
    let mut files = Files::read(&inventory.dir)?;
    files.remove(&["former", &new.id])?;
    files.put(&["people", &new.id], &new.entry(), "chapter")?;
    let (after, rewrites) = files.finish()?;
    let secrets = readers(&after, library, keep);
    let concerns = |(name, readers): &(SecretName, Vec<Reader>)| {
        let own = readers.iter().find(|reader| reader.person == new.id && !reader.recipients.is_empty());
        let has = keep.header(name).and_then(|header| header.people.get(&new.id));
        own.is_some_and(|own| has != Some(&own.recipients))
    };
    Ok(Coming { secrets: secrets.into_iter().filter(concerns).collect(), after, rewrites })
}

/// Who reads each secret of the store, whether it is declared or not.
pub fn readers(inventory: &Inventory, library: &Library, keep: &Keep) -> Vec<(SecretName, Vec<Reader>)> {
    let declared = declared(inventory, library);
    let of = |name: SecretName| {
        let readers = declared.iter().find(|it| it.name == name).map(|it| it.readers.clone());
        let readers = readers.unwrap_or_else(|| undeclared(inventory, &name));
        (name, readers)
    };
    keep.names().into_iter().map(of).collect()
}
