//! Passwords that a host keeps only as something made of them: the hash in /etc/shadow, the verifier of a database. Only
//! that form travels, and it is compared like every other secret: by a digest with a nonce, or by what the host remembers.
//!
//! Forms are made of the password and of the id of its value, so that they are the same in every run: a host that has
//! one need not be told again.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::paths::{Compared, as_wanted, compared};
use super::{Answer, field_place};
use crate::diag::Diagnostic;
use crate::quoting::encode;
use crate::secret::{Sealed, Secret};
use crate::yaml::Node;

/// What is set where a password is wanted.
#[derive(Debug, Clone)]
pub struct Password {
    /// With placeholders, for plans.
    pub public: String,
    pub sealed: Arc<Sealed>,
}

/// The same as far as the inventory says.
impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

/// Why a value has no such form; never the value.
type Form = fn(&[u8], &str) -> Result<String, String>;

impl Password {
    /// The secret in a field. A password in clear is refused: everybody with the repository would know it.
    pub fn given(node: &Node, field: &str, build: &mut super::Build<'_>) -> Option<Self> {
        let given = node.get(field)?;
        match (&given.sealed, given.as_str()) {
            (Some(sealed), Some(public)) => Some(Self { public: public.to_owned(), sealed: Arc::clone(sealed) }),
            _ => {
                let fact = "a password cannot stand here in clear: everybody who reads the repository would know it";
                let remedy = "declare it in `secrets` of the module, and write \"{{ secrets.NAME }}\"";
                build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
                None
            }
        }
    }

    /// The same, with a form of the value in its place. `salt` tells the accounts apart that share a password.
    #[allow(clippy::disallowed_methods, reason = "only a hash of it goes on from here, as a secret")]
    #[must_use]
    pub fn as_form(self, form: Form, salt: &str) -> Self {
        let old = &self.sealed;
        let salt = format!("{salt} {}", old.ids_line());
        let made = old.real.as_ref().map_err(Clone::clone).and_then(|real| form(real.reveal(), &salt));
        let real = made.map(|text| Arc::new(Secret::new(text)));
        let mut values = old.values.clone();
        values.extend(real.iter().cloned());
        let sealed = Sealed { uses: old.uses.clone(), stamp: old.stamp.clone(), ids: old.ids.clone(), real, values };
        Self { public: self.public, sealed: Arc::new(sealed) }
    }

    /// What a look says of it, as an attribute. `id` is the identity of the resource, `name` what the host calls it.
    pub fn seen(&self, id: &str, name: &str, answer: &Answer, said: &Said) -> Result<String, String> {
        let both = said.0.get(&encode(name.as_bytes())).copied().unwrap_or((Compared::Not, Compared::Not));
        match as_wanted(&self.sealed, both, answer.ledger.0.get(id))? {
            true => Ok(self.public.clone()),
            false => Ok("another one".to_owned()),
        }
    }

    /// The line of the ledger, for `seal`.
    pub fn ledger_line(&self, id: &str) -> String {
        format!("{}|{}|{}", encode(id.as_bytes()), self.sealed.stamp, self.sealed.ids_line())
    }
}

/// The lines of `compare_text` (script/probe.sh), by name.
#[derive(Debug, Default)]
pub struct Said(BTreeMap<String, (Compared, Compared)>);

impl Said {
    pub fn read(answer: &Answer) -> Self {
        let mut said = Self::default();
        for line in answer.text_lines() {
            if let ["V", name, given, kept] = line.split('|').collect::<Vec<_>>()[..] {
                said.0.insert(name.to_owned(), (compared(given), compared(kept)));
            }
        }
        said
    }
}

/// The verifier that `PostgreSQL` keeps, see RFC 5803 and `scram_build_secret`. 4,096 rounds are what it takes itself.
pub fn scram_sha_256(password: &[u8], salt: &str) -> Result<String, String> {
    plain_text(password)?;
    let salt = Sha256::digest(salt.as_bytes());
    verifier(password, salt.get(..16).unwrap_or_default())
}

fn verifier(password: &[u8], salt: &[u8]) -> Result<String, String> {
    const ROUNDS: u32 = 4096;
    let mut salted = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ROUNDS, &mut *salted);
    let keyed = |word: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*salted).map_err(|error| error.to_string())?;
        mac.update(word.as_bytes());
        Ok::<_, String>(Zeroizing::new(mac.finalize().into_bytes().to_vec()))
    };
    let stored = Sha256::digest(&*keyed("Client Key")?);
    let (salt, stored, server) =
        (STANDARD.encode(salt), STANDARD.encode(stored), STANDARD.encode(&*keyed("Server Key")?));
    Ok(format!("SCRAM-SHA-256${ROUNDS}:{salt}${stored}:{server}"))
}

/// What the plugin `mysql_native_password` keeps: it takes no salt.
pub fn mysql_native(password: &[u8], _salt: &str) -> Result<String, String> {
    plain_text(password)?;
    let twice = Sha1::digest(&*Zeroizing::new(Sha1::digest(password).to_vec()));
    Ok(twice.iter().fold("*".to_owned(), |text, byte| format!("{text}{byte:02X}")))
}

/// A database may prepare any other text before it hashes it (RFC 4013), and a form made here would then not fit.
fn plain_text(password: &[u8]) -> Result<(), String> {
    if !password.is_empty() && password.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return Ok(());
    }
    Err("the password of a database needs printable ASCII on one line".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifiers_are_what_databases_keep() {
        // the password, salt and rounds of the example in RFC 7677
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let known = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                     wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert_eq!(verifier(b"pencil", &salt).unwrap(), known);
        let verifier = scram_sha_256(b"pencil", "salt").unwrap();
        assert!(verifier.starts_with("SCRAM-SHA-256$4096:"), "{verifier}");
        assert_eq!(verifier, scram_sha_256(b"pencil", "salt").unwrap(), "the same in every run");
        assert_ne!(verifier, scram_sha_256(b"pencil", "pepper").unwrap());
        assert_ne!(verifier, scram_sha_256(b"Pencil", "salt").unwrap());
        // SELECT PASSWORD('mypass') in the manual of MySQL
        assert_eq!(mysql_native(b"mypass", "").unwrap(), "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4");
    }

    #[test]
    fn a_password_that_a_database_would_read_differently_is_refused() {
        for password in ["", "a\nb", "gr\u{fc}n", "a\0b", "tab\t"] {
            assert!(
                scram_sha_256(password.as_bytes(), "s").is_err() && mysql_native(password.as_bytes(), "").is_err()
            );
        }
    }
}
