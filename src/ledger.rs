//! What a host remembers of who made what there, as far as a plan needs it: what is left of resources that nothing
//! declares any more, and who else manages what is declared. Read from the answers of a host, which may be broken or
//! lie: what does not name a resource that could have been declared says nothing. Pure.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::kinds::{self, Answer, Item, Kind, Leaving, Site};
use crate::quoting::decode;
use crate::resource::{Id, Observation};

/// More than these are no inventory's: nothing is taken away then.
const MOST: usize = 20_000;
/// Bytes of an identity, and of what is kept beside it.
const LONGEST: usize = 8192;

#[derive(Debug, Clone, Default)]
pub struct Records {
    /// SHA-256 of the list of what this inventory manages there; `None`: there is no list.
    pub listed: Option<String>,
    /// What is on that list and no longer declared, in the order in which it was made.
    pub left: Vec<Left>,
    /// What a run that did not end was about to make.
    pub begun: BTreeSet<String>,
    /// What is declared and does not count as made by Steward.
    pub unowned: BTreeSet<String>,
    /// Identities that another inventory manages, too.
    pub others: BTreeMap<String, Other>,
    /// The services that this inventory gave to the host, as they were then.
    pub services: BTreeMap<String, Applied>,
    /// Why nothing is known; then nothing is taken away.
    pub trouble: Option<String>,
}

/// A service as it was when it was given to the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    pub module: String,
    /// Of the module.
    pub version: i64,
    /// Parameters that could never change, as JSON.
    pub fixed: BTreeMap<String, String>,
}

/// A resource that was declared once.
#[derive(Debug, Clone)]
pub struct Left {
    pub id: Id,
    pub kind: &'static dyn Kind,
    /// The service that declared it last.
    pub service: String,
    /// It was marked `data: true`.
    pub data: bool,
    /// It held secrets.
    pub sealed: bool,
    pub keepsake: String,
    pub owned: Owned,
    pub seen: Observation,
}

/// Whether Steward may take it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owned {
    /// It was there before, or nobody knows.
    No,
    /// By this revision; empty: not known.
    Made(String),
    /// Somebody said so, at this revision.
    Adopted(String),
}

/// Another inventory on the same host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    pub id: String,
    /// The chapter's name in it.
    pub name: String,
}

impl Left {
    /// What the kind needs to know to take it away.
    pub fn leaving(&self) -> Leaving<'_> {
        Leaving { name: &self.id.name, keepsake: &self.keepsake, fate: None, sealed: self.sealed }
    }

    /// In the list on the host.
    pub fn flags(&self) -> String {
        flags(self.data, self.sealed)
    }
}

/// How the list on the host marks a resource.
pub fn flags(data: bool, sealed: bool) -> String {
    let flags: String =
        [(data, 'd'), (sealed, 's')].into_iter().filter(|(is, _)| *is).map(|(_, flag)| flag).collect();
    if flags.is_empty() { "-".to_owned() } else { flags }
}

/// What `probe_owned` said.
pub fn read(answer: Option<&Answer>, site: &Site) -> Records {
    let mut records = Records::default();
    let Some(answer) = answer else {
        records.trouble = Some("the host gave no answer".to_owned());
        return records;
    };
    let mut answers: BTreeMap<String, Answer> = BTreeMap::new();
    for line in answer.text_lines() {
        let fields: Vec<&str> = line.split('|').collect();
        match fields[..] {
            ["U", why] => records.trouble = Some(why.to_owned()),
            ["D", digest] => records.listed = Some(digest.to_owned()),
            ["B", id] => insert(&mut records.begun, id),
            ["N", id] => insert(&mut records.unowned, id),
            ["C", inventory, name, id] => {
                let name = text(name).unwrap_or_default();
                let other = Other { id: inventory.to_owned(), name };
                records.others.extend(text(id).map(|id| (id, other)));
            }
            ["L", id, service, flags, keepsake, how, revision] if records.left.len() <= MOST => {
                records.left.extend(left(id, service, flags, keepsake, how, revision));
            }
            ["V", service, module, version, fixed] if records.services.len() < MOST => {
                records.services.extend(applied(service, module, version, fixed));
            }
            ["Q", kind, encoded] => {
                let bytes = STANDARD.decode(encoded).unwrap_or_default();
                answers.insert(kind.to_owned(), Answer { bytes, nonce: answer.nonce.clone(), ..Answer::default() });
            }
            _ => {}
        }
    }
    if records.left.len() > MOST {
        records.trouble = Some(format!("the records name more than {MOST} resources that nothing declares"));
        records.left.clear();
    }
    observe(&mut records.left, &answers, site);
    records
}

/// A line `V`; the fixed parameters are lines `NAME=JSON`.
fn applied(service: &str, module: &str, version: &str, fixed: &str) -> Option<(String, Applied)> {
    let (module, fixed) = (text(module)?, text(fixed)?);
    let pairs = fixed.lines().filter_map(|line| line.split_once('='));
    let fixed = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Some((text(service)?, Applied { module, version: version.parse().ok().filter(|version| *version > 0)?, fixed }))
}

fn insert(set: &mut BTreeSet<String>, field: &str) {
    if set.len() < MOST {
        set.extend(text(field));
    }
}

/// The text of a field; `None` if it is none, or too long to be what Steward wrote.
fn text(field: &str) -> Option<String> {
    (field.len() <= LONGEST).then(|| String::from_utf8(decode(field)).ok()).flatten()
}

fn left(id: &str, service: &str, flags: &str, keepsake: &str, how: &str, revision: &str) -> Option<Left> {
    let (id, service, keepsake) = (text(id)?, text(service)?, text(keepsake)?);
    let (kind, name) = id.split_once(':')?;
    let kind = kinds::named(kind)?;
    // it is shown, so it must be what can be the name of a service
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    if !matches!(flags, "-" | "d" | "s" | "ds") || service.is_empty() || !service.chars().all(plain) {
        return None;
    }
    let revision = revision.to_owned();
    Some(Left {
        id: Id::new(kind.name(), name),
        kind,
        service,
        data: flags.contains('d'),
        sealed: flags.contains('s'),
        keepsake,
        owned: match how {
            "none" => Owned::No,
            "made" => Owned::Made(revision),
            "adopted" => Owned::Adopted(revision),
            _ => return None,
        },
        seen: Observation::Unknown("the host did not say".to_owned()),
    })
}

/// Kind by kind, as for what is declared: the host asked itself in the same order.
fn observe(left: &mut [Left], answers: &BTreeMap<String, Answer>, site: &Site) {
    for kind in kinds::ALL {
        let Some(answer) = answers.get(kind.name()) else { continue };
        let of_kind: Vec<(usize, Box<dyn Item>)> = left
            .iter()
            .enumerate()
            .filter(|(_, it)| it.id.kind == kind.name())
            .filter_map(|(index, it)| Some((index, asked(it)?)))
            .collect();
        let items: Vec<&dyn Item> = of_kind.iter().map(|(_, item)| &**item).collect();
        let seen = kind.read(&items, site, answer);
        for ((index, _), seen) in of_kind.iter().zip(seen) {
            if let Some(it) = left.get_mut(*index) {
                it.seen = seen;
            }
        }
    }
}

/// The item that the host was asked about: how it is taken away makes no difference for that.
pub fn asked(left: &Left) -> Option<Box<dyn Item>> {
    asked_later(left.kind, &left.leaving())
}

/// The same for one that is still declared: what the host is to ask itself once it is not.
pub fn asked_later(kind: &dyn Kind, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
    let fate = Some(kinds::Fate::Remove);
    kind.retired(&Leaving { fate, ..*leaving })
}

impl std::fmt::Debug for dyn Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
