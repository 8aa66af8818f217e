//! A secret value, and the name of one. The value cannot be printed, compared, copied or serialised by accident, and is
//! wiped from memory when it is dropped; only [`Secret::reveal`] gives it away, and a lint counts the places that may.
//!
//! Knows nothing of files, people or encryption: `secrets` keeps values, `template` puts them into texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A value nobody may see who is not meant to.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The value itself. Whoever calls this answers for where it goes.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// In bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `wiki/admin_password`: the service, and the name in its module. Both are plain words, so that the name is a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName {
    pub service: String,
    pub name: String,
}

impl SecretName {
    /// `None` if a part is empty, begins with a dot or a dash, or holds anything but letters, digits, `-`, `_` and `.`.
    pub fn new(service: &str, name: &str) -> Option<Self> {
        let plain = |part: &str| {
            let first = part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            first && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        (plain(service) && plain(name)).then(|| Self { service: service.to_owned(), name: name.to_owned() })
    }

    /// Reads `wiki/admin_password`.
    pub fn parse(text: &str) -> Option<Self> {
        let (service, name) = text.split_once('/')?;
        Self::new(service, name)
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.name)
    }
}

/// A text that holds secrets: what may be known of it, and the text itself if whoever runs this can read them.
pub struct Sealed {
    pub uses: BTreeSet<SecretName>,
    /// Changes with the public text and with each value: a digest of the one and the random ids of the others.
    pub stamp: String,
    /// The ids of the values, by name; a name without one is not set.
    pub ids: BTreeMap<SecretName, String>,
    /// `Err`: why it cannot be had.
    pub real: Result<Arc<Secret>, String>,
    /// The values in it, to take them out of what a host prints.
    pub values: Vec<Arc<Secret>>,
}

impl Sealed {
    pub fn new(
        public: &str,
        uses: BTreeSet<SecretName>,
        source: &dyn SecretSource,
        real: Result<Secret, String>,
    ) -> Self {
        let ids: BTreeMap<SecretName, String> =
            uses.iter().filter_map(|name| Some((name.clone(), source.value_id(name)?))).collect();
        let mut stamped = format!("{public}\0");
        for (name, id) in &ids {
            stamped.push_str(&format!("{name}={id}\n"));
        }
        let values = uses.iter().filter(|_| real.is_ok()).filter_map(|name| source.value(name).ok()).collect();
        Self { values, stamp: crate::resource::digest(stamped.as_bytes()), uses, ids, real: real.map(Arc::new) }
    }

    /// Of what held secrets once, and nothing declares any more.
    pub fn forgotten() -> Self {
        Self {
            uses: BTreeSet::new(),
            stamp: String::new(),
            ids: BTreeMap::new(),
            real: Err("it is no longer declared".to_owned()),
            values: Vec::new(),
        }
    }

    /// `wiki/db=ID wiki/admin=ID`, as the host keeps it; nothing in it is secret.
    pub fn ids_line(&self) -> String {
        self.ids.iter().map(|(name, id)| format!("{name}={id}")).collect::<Vec<_>>().join(" ")
    }
}

/// Names, never values.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({:?})", self.uses.iter().map(ToString::to_string).collect::<Vec<_>>())
    }
}

/// Values before the present one, oldest first, each with its id; `Err` says why they cannot be had.
pub type Kept = Result<Vec<(String, Arc<Secret>)>, String>;

/// Where values come from: the store, for whoever holds a key; nowhere, for a review.
pub trait SecretSource: Send + Sync {
    /// The value, decrypted once; `Err` says why not, without a remedy: "you cannot read it", "it is not set".
    fn value(&self, name: &SecretName) -> Result<Arc<Secret>, String>;

    /// The random id of the value, which anybody may know: rekeying keeps it, a new value changes it. `None`: not set.
    fn value_id(&self, name: &SecretName) -> Option<String>;

    /// The public half of a key pair, which is kept in clear, as one line. `None`: it is no key pair, or not set.
    fn public_half(&self, _name: &SecretName) -> Option<String> {
        None
    }

    /// While some host may still have one of them; `None`: none is kept.
    fn kept(&self, _name: &SecretName) -> Option<Kept> {
        None
    }
}

/// For commands that compile without looking at a host: nothing is ever decrypted.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoValues;

impl SecretSource for NoValues {
    fn value(&self, _name: &SecretName) -> Result<Arc<Secret>, String> {
        Err("this command reads no secrets".to_owned())
    }

    fn value_id(&self, _name: &SecretName) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    use zeroize::ZeroizeOnDrop;

    use super::*;

    assert_not_impl_any!(
        Secret: fmt::Debug, fmt::Display, Clone, PartialEq, PartialOrd, std::hash::Hash, serde::Serialize, AsRef<[u8]>,
        AsRef<str>, std::ops::Deref
    );
    assert_impl_all!(Zeroizing<Vec<u8>>: ZeroizeOnDrop);

    #[test]
    fn a_name_that_could_leave_its_directory_is_none() {
        for text in
            ["wiki", "wiki/", "/x", "../x", "wiki/..", "wiki/-x", "wi ki/x", "wiki/x/y", "wiki/x\n", "wiki/.x"]
        {
            assert_eq!(SecretName::parse(text), None, "{text}");
        }
        assert_eq!(SecretName::parse("wiki/admin_password").unwrap().to_string(), "wiki/admin_password");
    }
}
