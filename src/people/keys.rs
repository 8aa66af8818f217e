//! Public keys as people hand them over: a line, a file of lines, standard input. Checked by the inventory's own types; a
//! private key is refused before anything is written.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::inventory::{AgeRecipient, Inventory, SshKey};

/// The keys of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    pub ssh: Vec<SshKey>,
    pub age: Vec<AgeRecipient>,
}

impl Keys {
    /// Adds every key in a text: one a line; empty lines and comments say nothing. `from` is how messages call it.
    pub fn add_lines(&mut self, text: &str, from: &str) -> Result<()> {
        if text.contains("PRIVATE KEY-----") || text.contains("AGE-SECRET-KEY-") || text.contains("AGE-PLUGIN-") {
            return Err(Box::new(
                Diagnostic::error(format!("{from} holds a private key"))
                    .remedy("give the public half: the `.pub` file, or what `age-keygen -y FILE` prints"),
            ));
        }
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut any = false;
        for line in lines {
            any = true;
            self.add(line, from)?;
        }
        if any {
            Ok(())
        } else {
            Err(Box::new(Diagnostic::error(format!("{from} holds no key")).remedy("give a public key, one a line")))
        }
    }

    fn add(&mut self, line: &str, from: &str) -> Result<()> {
        let wrong = |why: String| {
            let (fact, remedy) = why.split_once('\n').unwrap_or((&why, "give a public SSH key or an age recipient"));
            Box::new(Diagnostic::error(format!("{from}: {fact}")).remedy(remedy))
        };
        if line.starts_with("age1") {
            let key = AgeRecipient::try_from(line.to_owned()).map_err(wrong)?;
            if !self.age.contains(&key) {
                self.age.push(key);
            }
        } else {
            let key = SshKey::try_from(line.to_owned()).map_err(wrong)?;
            if self.ssh.iter().all(|known| known.key() != key.key()) {
                self.ssh.push(key);
            }
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.ssh.is_empty() && self.age.is_empty()
    }

    /// Keys that somebody else has already: a key is one person's.
    pub fn check_unique(&self, inventory: &Inventory) -> std::result::Result<(), Diagnostics> {
        let mut mistakes = Diagnostics::default();
        for person in inventory.people.values() {
            let same_ssh = person.ssh.iter().find(|own| self.ssh.iter().any(|key| key.key() == own.key()));
            let same_age = person.age.iter().find(|own| self.age.contains(&own.value));
            let places = same_ssh.map(|key| &key.place).into_iter().chain(same_age.map(|key| &key.place));
            for place in places {
                mistakes.push(
                    Diagnostic::error(format!("this is a key of `{}` already", person.id))
                        .at(place)
                        .remedy("everybody has a key of their own; make another one"),
                );
            }
        }
        if mistakes.has_errors() { Err(mistakes) } else { Ok(()) }
    }
}

/// `SHA256:…` as `ssh-keygen -l` prints it.
pub fn fingerprint(key: &SshKey) -> String {
    let bytes = STANDARD.decode(&key.blob).unwrap_or_default();
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSH: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE";
    const AGE: &str = "age1lu4j28qznyswlsgpjpaup7dpd5tu8jk6dsc6agym8us7fgq703aq9f5e60";

    #[test]
    fn keys_of_both_kinds_are_read_from_one_text() {
        let mut keys = Keys::default();
        keys.add_lines(&format!("# mine\n{SSH} ana@home\n\n{AGE}\n{SSH} again\n"), "standard input").unwrap();
        assert_eq!((keys.ssh.len(), keys.age.len()), (1, 1));
        assert_eq!(keys.ssh[0].comment, "ana@home");
    }

    #[test]
    fn private_keys_and_nonsense_are_refused_without_repeating_them() {
        for (text, fact) in [
            ("AGE-SECRET-KEY-1QQQQ", "x holds a private key"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n", "x holds a private key"),
            ("# nothing\n", "x holds no key"),
            ("age1nonsense", "x: `age1nonsense` is not an age recipient"),
            ("ssh-ed25519 AAAA", "x: the SSH key is damaged or cut short"),
        ] {
            let refusal = Keys::default().add_lines(text, "x").unwrap_err();
            assert_eq!(refusal.fact, fact);
            assert!(!refusal.to_string().contains("QQQQ"));
        }
    }

    /// By `ssh-keygen -lf`.
    #[test]
    fn the_fingerprint_is_that_of_openssh() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key.pub");
        std::fs::write(&file, format!("{SSH} ana\n")).unwrap();
        let output = std::process::Command::new("ssh-keygen").arg("-lf").arg(&file).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let key = SshKey::try_from(SSH.to_owned()).unwrap();
        assert_eq!(said.split(' ').nth(1), Some(fingerprint(&key).as_str()));
    }
}
