//! New values for secrets that a program may change.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::secret_declaration::Generate;

/// A fresh value. `None` for what is more than random text: key pairs and forms of other secrets are made where they belong.
pub fn generated(how: &Generate) -> Option<Secret> {
    match how {
        Generate::Length(count) => letters(usize::from(*count)),
        Generate::Hex(count) => {
            let bytes = random(usize::from(*count))?;
            Some(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
        }
        Generate::Base64(count) => Some(Secret::new(STANDARD.encode(&*random(usize::from(*count))?))),
        Generate::Passphrase(_) | Generate::Ssh | Generate::Wireguard | Generate::Derived { .. } => None,
    }
}

/// Whether [`generated`] makes one.
pub fn is_random(how: &Generate) -> bool {
    matches!(how, Generate::Length(_) | Generate::Hex(_) | Generate::Base64(_))
}

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
        assert!(generated(&Generate::Ssh).is_none());
    }
}
