//! New values for secrets that a program may change.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{authority, pairs};
use crate::secret::Secret;
use crate::secret_declaration::Generate;

/// A fresh value. `None` for forms of other secrets, which `forms` makes, and if the system gives no random bytes.
pub fn generated(how: &Generate) -> Option<Secret> {
    match how {
        Generate::Length(count) => letters(usize::from(*count)),
        Generate::Hex(count) => {
            let bytes = random(usize::from(*count))?;
            Some(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
        }
        Generate::Base64(count) => Some(Secret::new(STANDARD.encode(&*random(usize::from(*count))?))),
        Generate::Passphrase(count) => words(usize::from(*count)),
        Generate::Ssh => pairs::ssh(&*random_key()?),
        Generate::Wireguard => Some(pairs::wireguard(&*random_key()?)),
        Generate::Authority => authority::authority(),
        Generate::Derived { .. } => None,
    }
}

/// Whether [`generated`] makes one.
pub fn can_make(how: &Generate) -> bool {
    !matches!(how, Generate::Derived { .. })
}

const WORDS: &str = include_str!("words.txt");

const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

/// Letters and digits that nobody mistakes for others, each as likely as the next.
fn letters(count: usize) -> Option<Secret> {
    let fair = 256 / LETTERS.len() * LETTERS.len();
    let mut text = Zeroizing::new(Vec::with_capacity(count));
    while text.len() < count {
        let bytes = random(count)?;
        let chosen = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
        let missing = count - text.len();
        text.extend(chosen.filter_map(|byte| LETTERS.get(byte % LETTERS.len())).take(missing));
    }
    Some(Secret::new(std::mem::take(&mut *text)))
}

/// Words joined by dashes. There are 2,048 to choose from, so that 11 random bits are a word.
fn words(count: usize) -> Option<Secret> {
    let all: Vec<&str> = WORDS.lines().filter(|line| !line.starts_with('#')).collect();
    let bytes = random(count * 2)?;
    let mut text = Zeroizing::new(String::with_capacity(count * 9));
    for pair in bytes.chunks_exact(2) {
        let number = pair.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        let dash = if text.is_empty() { "" } else { "-" };
        text.push_str(dash);
        text.push_str(all.get(number % 2048)?);
    }
    Some(Secret::new(text.as_bytes()))
}

/// Of the length of an Ed25519 or X25519 key.
fn random_key() -> Option<Zeroizing<[u8; 32]>> {
    let bytes = random(32)?;
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

fn random(count: usize) -> Option<Zeroizing<Vec<u8>>> {
    use std::io::Read as _;
    let mut bytes = Zeroizing::new(vec![0; count]);
    std::fs::File::open("/dev/urandom").ok()?.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "values that were made for this test")]
    fn values_are_long_enough_and_never_the_same() {
        for (how, length) in [(Generate::Length(24), 24), (Generate::Hex(16), 32), (Generate::Base64(15), 20)] {
            let (one, other) = (generated(&how).unwrap(), generated(&how).unwrap());
            assert_eq!((one.len(), other.len()), (length, length));
            assert_ne!(one.reveal(), other.reveal());
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a passphrase that was made for this test")]
    fn a_passphrase_is_of_words_of_the_list_which_has_eleven_bits() {
        let list: std::collections::BTreeSet<&str> = WORDS.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(list.len(), 2048, "no word twice, none lost");
        assert!(list.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
        let made = generated(&Generate::Passphrase(7)).unwrap();
        let made: Vec<&str> = std::str::from_utf8(made.reveal()).unwrap().split('-').collect();
        assert_eq!(made.len(), 7);
        assert!(made.iter().all(|word| list.contains(word)), "{made:?}");
    }
}
