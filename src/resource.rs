//! What a resource is, in terms that hold for every kind: an identity, and a state made of named attributes.
//!
//! A kind translates its YAML into a wanted [`State`] and the host's answers into an observed one; comparing the
//! two is the same for all kinds (see `plan`). Pure data, no I/O.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// Kind and name, `file:/etc/motd`. The service is not part of it, so moving a resource between services
/// changes nothing on the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    pub kind: &'static str,
    pub name: String,
}

impl Id {
    pub fn new(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

/// Bytes known by their SHA-256; the bytes themselves may be missing (too large to bring back from the host).
#[derive(Clone)]
pub struct Content {
    /// SHA-256, lower-case hexadecimal.
    pub digest: String,
    /// In bytes.
    pub size: u64,
    pub bytes: Option<Arc<[u8]>>,
    /// Of what a host has: true if Steward wrote it, so that it may be shown to whoever may read the inventory.
    pub ours: bool,
}

impl Content {
    pub fn of(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { digest: digest(&bytes), size: bytes.len() as u64, bytes: Some(bytes), ours: false }
    }

    /// The text, if it is here and is text that a person can read in a diff.
    pub fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(self.bytes.as_deref()?).ok()?;
        (!text.contains('\0')).then_some(text)
    }
}

/// Equal means equal by digest.
impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({}…, {} bytes)", self.digest.get(..8).unwrap_or_default(), self.size)
    }
}

/// SHA-256 in lower-case hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of one attribute. Lists (keys, groups) are text with one entry a line, so that diffs read well.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    Text(String),
    Content(Content),
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// What is wanted of a resource, or what is there: attributes by name, in the order people read them (alphabetic).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State(pub BTreeMap<&'static str, Attribute>);

impl State {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Attribute>) -> Self {
        self.0.insert(name, value.into());
        self
    }

    /// Digests of the contents in it.
    pub fn digests(&self) -> impl Iterator<Item = &str> {
        self.0.values().filter_map(|value| match value {
            Attribute::Content(content) => Some(content.digest.as_str()),
            Attribute::Text(_) => None,
        })
    }

    /// Sets the attribute if there is something to set it to; an attribute that is not set is not managed.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<Attribute>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl From<Content> for Attribute {
    fn from(content: Content) -> Self {
        Self::Content(content)
    }
}

/// What the inventory wants of a resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Want {
    /// There, with at least these attributes.
    Present(State),
    Absent,
}

/// What a look at the host said about a resource. Unknown is not absent.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    Present(State),
    Absent,
    /// It could not be read; why.
    Unknown(String),
    /// Only the change itself can tell (a guard that may not run during a look); why.
    Undecided(String),
}
