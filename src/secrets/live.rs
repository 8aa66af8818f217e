//! The store as templates see it: values by name, each decrypted once, when it is first needed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Identities, Store};
use crate::secret::{Kept, Secret, SecretName, SecretSource};

/// A store, and the keys of whoever runs Steward.
pub struct Live {
    store: Store,
    identities: Identities,
    opened: Mutex<BTreeMap<SecretName, Result<Arc<Secret>, String>>>,
}

impl Live {
    pub fn new(store: Store, identities: Identities) -> Self {
        Self { store, identities, opened: Mutex::default() }
    }
}

impl SecretSource for Live {
    fn value(&self, name: &SecretName) -> Result<Arc<Secret>, String> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let open = || {
            if self.store.header(name).is_none() {
                return Err(format!("it is not set; `steward secrets set {name}` or `secrets generate` does that"));
            }
            self.store.decrypt(name, &self.identities).map(Arc::new)
        };
        opened.entry(name.clone()).or_insert_with(open).clone()
    }

    fn value_id(&self, name: &SecretName) -> Option<String> {
        self.store.header(name).map(|header| header.id.clone())
    }

    fn public_half(&self, name: &SecretName) -> Option<String> {
        self.store.public_half(name)
    }

    fn kept(&self, name: &SecretName) -> Option<Kept> {
        let shared =
            |kept: Vec<(String, Secret)>| kept.into_iter().map(|(id, value)| (id, Arc::new(value))).collect();
        self.store.has_previous(name).then(|| self.store.kept(name, &self.identities).map(shared))
    }
}
