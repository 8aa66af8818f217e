//! `NAME.recipients`, the text beside an encrypted file: who it was encrypted to, the value's random id, and the digest of
//! the ciphertext. It is a claim of whoever wrote it, no proof: X25519 recipients cannot be read from the file itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::readers::Reader;
use super::recipient::Recipient;
use crate::secret::SecretName;

/// What stands beside a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// 128 random bits in hexadecimal: rekeying keeps it, a new value changes it.
    pub id: String,
    /// SHA-256 of the armored file, hexadecimal.
    pub digest: String,
    /// For a derived form: the name of the secret in the same service it was made from, and that value's id.
    pub parent: Option<(String, String)>,
    /// Ids of earlier values that are kept, oldest first.
    pub kept: Vec<String>,
    /// Recipients by person.
    pub people: BTreeMap<String, Vec<Recipient>>,
}

impl Header {
    /// True if it was encrypted to exactly these.
    pub fn is_for(&self, readers: &[Reader]) -> bool {
        let mut wanted = readers.iter().filter(|reader| !reader.recipients.is_empty());
        let mut are = self.people.iter();
        loop {
            match (are.next(), wanted.next()) {
                (None, None) => return true,
                (Some((person, keys)), Some(reader)) if *person == reader.person && *keys == reader.recipients => {}
                _ => return false,
            }
        }
    }

    /// Without the digest, which only a new ciphertext gives.
    pub(super) fn new(id: String, parent: Option<(String, String)>, readers: &[Reader]) -> Self {
        let people = readers.iter().filter(|reader| !reader.recipients.is_empty());
        let people = people.map(|reader| (reader.person.clone(), reader.recipients.clone())).collect();
        Self { id, digest: String::new(), parent, kept: Vec::new(), people }
    }

    /// The same, with these earlier values.
    #[must_use]
    pub(super) fn keeping(self, kept: Vec<String>) -> Self {
        Self { kept, ..self }
    }

    /// All recipients, each once.
    pub fn recipients(&self) -> Vec<Recipient> {
        let mut all: Vec<Recipient> = self.people.values().flatten().cloned().collect();
        all.sort();
        all.dedup();
        all
    }

    pub fn text(&self, name: &SecretName) -> String {
        let mut text = format!("# Who can read {name}, as Steward wrote it. A claim, not a proof.\nid {}\n", self.id);
        let _ = writeln!(text, "digest {}", self.digest);
        if let Some((parent, id)) = &self.parent {
            let _ = writeln!(text, "parent {parent} {id}");
        }
        for id in &self.kept {
            let _ = writeln!(text, "previous {id}");
        }
        for (person, keys) in &self.people {
            for key in keys {
                let _ = writeln!(text, "person {person} {key}");
            }
        }
        text
    }

    /// `Err` says what is wrong, with the number of the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut id, mut digest, mut parent) = (None, None, None);
        let mut kept = Vec::new();
        let mut people: BTreeMap<String, Vec<Recipient>> = BTreeMap::new();
        for (number, line) in text.lines().enumerate().map(|(number, line)| (number + 1, line.trim_end())) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark)) {
                return Err(format!("line {number} is of a merge that was not finished"));
            }
            let hex = |text: &str, length: usize| {
                let fits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                if fits {
                    Ok(text.to_owned())
                } else {
                    Err(format!("line {number} has no {length} hexadecimal digits"))
                }
            };
            let twice = || format!("line {number} says again what another line said");
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["id", value] => once(&mut id, hex(value, 32)?).ok_or_else(twice)?,
                ["digest", value] => once(&mut digest, hex(value, 64)?).ok_or_else(twice)?,
                ["parent", name, value] => {
                    once(&mut parent, ((*name).to_owned(), hex(value, 32)?)).ok_or_else(twice)?;
                }
                ["previous", value] => kept.push(hex(value, 32)?),
                ["person", person, key @ ..] if !key.is_empty() => {
                    let key = Recipient::parse(&key.join(" ")).map_err(|why| format!("line {number}: {why}"))?;
                    people.entry((*person).to_owned()).or_default().push(key);
                }
                _ => return Err(format!("line {number} is not understood")),
            }
        }
        for keys in people.values_mut() {
            keys.sort();
            keys.dedup();
        }
        match (id, digest) {
            (Some(id), Some(digest)) => Ok(Self { id, digest, parent, kept, people }),
            _ => Err("it lacks the line `id` or `digest`".to_owned()),
        }
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "age1lu4j28qznyswlsgpjpaup7dpd5tu8jk6dsc6agym8us7fgq703aq9f5e60";

    #[test]
    fn what_is_written_is_read_again() {
        let people = BTreeMap::from([("ana".to_owned(), vec![Recipient::parse(KEY).unwrap()])]);
        let parent = Some(("password".to_owned(), "b".repeat(32)));
        let kept = vec!["c".repeat(32), "d".repeat(32)];
        let header = Header { id: "a".repeat(32), digest: "0".repeat(64), parent, kept, people };
        assert_eq!(Header::parse(&header.text(&SecretName::parse("wiki/form").unwrap())), Ok(header));
    }

    #[test]
    fn a_damaged_one_is_refused_with_the_line() {
        let good = format!("id {}\ndigest {}\n", "a".repeat(32), "0".repeat(64));
        assert!(Header::parse(&good).is_ok());
        for (more, why) in [
            ("<<<<<<< HEAD\n", "line 3 is of a merge"),
            ("id 00\n", "line 3 has no 32"),
            ("person ana age1x\n", "line 3: it is damaged"),
            ("person ana\n", "line 3 is not understood"),
            ("previous 00\n", "line 3 has no 32"),
            (&format!("id {}\n", "b".repeat(32)), "line 3 says again"),
        ] {
            let wrong = Header::parse(&format!("{good}{more}")).unwrap_err();
            assert!(wrong.starts_with(why), "{wrong}");
        }
        assert!(Header::parse("").is_err());
    }
}
