//! Public keys to which secrets are encrypted, as text: `age1…`, `ssh-ed25519 AAAA…`, `ssh-rsa AAAA…`.

use std::fmt;
use std::str::FromStr as _;

use age::plugin;

use super::identities::Ask;
use crate::inventory::Person;

/// One public key, without a comment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recipient(String);

impl Recipient {
    /// `Err` says why it cannot be one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let key = match words.as_slice() {
            [key] if key.starts_with("age1") => (*key).to_owned(),
            [kind @ ("ssh-ed25519" | "ssh-rsa"), blob, ..] => format!("{kind} {blob}"),
            [kind, ..] => return Err(format!("age cannot encrypt to a key of type {kind}")),
            [] => return Err("it is empty".to_owned()),
        };
        let valid = if key.starts_with("age1") {
            age::x25519::Recipient::from_str(&key).is_ok() || plugin::Recipient::from_str(&key).is_ok()
        } else {
            age::ssh::Recipient::from_str(&key).is_ok()
        };
        if valid { Ok(Self(key)) } else { Err("it is damaged, or too weak or too large an RSA key".to_owned()) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What age encrypts to.
    pub(super) fn key(&self, ask: &Ask) -> Result<Box<dyn age::Recipient>, String> {
        let text = self.0.as_str();
        if let Ok(key) = age::x25519::Recipient::from_str(text) {
            return Ok(Box::new(key));
        }
        if let Ok(key) = age::ssh::Recipient::from_str(text) {
            return Ok(Box::new(key));
        }
        let recipient = plugin::Recipient::from_str(text).map_err(str::to_owned)?;
        let name = recipient.plugin().to_owned();
        let running = plugin::RecipientPluginV1::new(&name, &[recipient], &[], ask.clone());
        running
            .map(|running| Box::new(running) as Box<dyn age::Recipient>)
            .map_err(|_| format!("the program age-plugin-{name}, which {text} needs, is not installed"))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person's age keys; only where there are none, the SSH keys that age can encrypt to. Then the keys it cannot.
pub(super) fn keys_of(person: &Person) -> (Vec<Recipient>, Vec<String>) {
    let mut unsupported = Vec::new();
    let mut keys: Vec<Recipient> = person.age.iter().filter_map(|key| Recipient::parse(key.as_str()).ok()).collect();
    if person.age.is_empty() {
        for key in &person.ssh {
            match Recipient::parse(&key.key()) {
                Ok(recipient) => keys.push(recipient),
                Err(_) => unsupported.push(key.kind.clone()),
            }
        }
    }
    keys.sort();
    keys.dedup();
    (keys, unsupported)
}
