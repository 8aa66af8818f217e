//! What changes about secrets, as the files beside them claim: values by their random ids, readers by name. No value is
//! read.

use std::collections::BTreeSet;

use super::Side;
use crate::plan::warnings::{Note, Topic};
use crate::said::{Said, listed};
use crate::secret::SecretName;
use crate::secrets::claims::Claim;
use crate::secrets::{Declared, Header};
use crate::texts;

pub(super) fn secrets(base: Option<&Side>, head: &Side) -> Vec<Note> {
    let mut notes = Vec::new();
    let told = |what: Said| Note::new(Topic::Secret, what);
    let was = |name: &SecretName| base.and_then(|side| side.claims.get(name));
    for (name, claim) in head.claims.iter() {
        let old = was(name);
        if old == Some(claim) {
            continue;
        }
        let header = match &claim.header {
            Ok(header) => header,
            Err(why) => {
                notes.push(Note::new(Topic::Exposure, texts::secret_damaged(name, why)));
                continue;
            }
        };
        match old.and_then(|old| old.header.as_ref().ok()) {
            None => notes.push(told(texts::secret_new(name))),
            Some(old) => changed(&mut notes, name, old, header),
        }
        if !claim.whole {
            notes.push(Note::new(Topic::Exposure, texts::secret_forged(name)));
        }
    }
    let gone = base.iter().flat_map(|side| side.claims.keys()).filter(|name| !head.claims.contains_key(*name));
    notes.extend(gone.map(|name| told(texts::secret_gone(name))));
    for declared in &head.declared {
        let before = base.and_then(|side| side.declared.iter().find(|old| old.name == declared.name));
        notes.extend(not_as_declared(declared, head.claims.get(&declared.name), before, was(&declared.name)));
    }
    notes
}

fn changed(notes: &mut Vec<Note>, name: &SecretName, old: &Header, new: &Header) {
    let mut told = |what: Said| notes.push(Note::new(Topic::Secret, what));
    if old.id != new.id {
        told(texts::secret_value(name));
    }
    let readers = |header: &Header| header.people.keys().cloned().collect::<BTreeSet<_>>();
    let (before, now) = (readers(old), readers(new));
    let more = now.difference(&before).map(|reader| format!("+{reader}"));
    let readers: Vec<String> = more.chain(before.difference(&now).map(|reader| format!("-{reader}"))).collect();
    if !readers.is_empty() {
        told(texts::secret_readers(name, readers.join(" ")));
    } else if old.people != new.people {
        told(texts::secret_keys(name));
    } else if old.id == new.id && old.digest != new.digest {
        told(texts::secret_anew(name));
    }
}

/// What this change leaves undone: a secret without a value, or one that is not encrypted to whom the inventory names.
fn not_as_declared(
    declared: &Declared,
    claim: Option<&Claim>,
    before: Option<&Declared>,
    claimed: Option<&Claim>,
) -> Option<Note> {
    let name = &declared.name;
    let Some(claim) = claim else {
        let is_new = before.is_none() || claimed.is_some();
        return is_new.then(|| Note::new(Topic::Secret, texts::secret_unset(name)));
    };
    let fits = |claim: &Claim, declared: &Declared| {
        claim.header.as_ref().is_ok_and(|header| header.is_for(&declared.readers))
    };
    let header = claim.header.as_ref().ok()?;
    let was_so = matches!((before, claimed), (Some(declared), Some(claim)) if !fits(claim, declared));
    if fits(claim, declared) || (was_so && claimed == Some(claim) && before.map(people) == Some(people(declared))) {
        return None;
    }
    let wanted = people(declared);
    let has: BTreeSet<&str> = header.people.keys().map(String::as_str).collect();
    let (more, fewer): (Vec<&&str>, Vec<&&str>) =
        (has.difference(&wanted).collect(), wanted.difference(&has).collect());
    let mut parts = Vec::new();
    if !more.is_empty() {
        parts.push(texts::still_encrypted_to(listed(&more)));
    }
    if !fewer.is_empty() {
        parts.push(texts::not_encrypted_to(listed(&fewer)));
    }
    let what = parts.into_iter().reduce(|one, other| texts::and_then(&one, &other)).unwrap_or_else(texts::other_keys);
    let what = texts::rekey_missing(name, &what);
    Some(Note::new(if more.is_empty() { Topic::Secret } else { Topic::Exposure }, what))
}

fn people(declared: &Declared) -> BTreeSet<&str> {
    let can = declared.readers.iter().filter(|reader| !reader.recipients.is_empty());
    can.map(|reader| reader.person.as_str()).collect()
}
