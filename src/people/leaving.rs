//! What `people remove` does, decided before anything is written: the edited inventory, the secrets that change, and the
//! checklist. Takes the inventory, the store and git's history; writes nothing.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::checklist::{Checklist, Item, Known, Read, said};
use super::entry::former;
use super::history::History;
use super::keep::Keep;
use super::keys::fingerprint;
use super::progress::{account_item, closes, secret_item};
use crate::catalog::Catalog;
use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::edit::{Files, Rewrite};
use crate::inventory::{Inventory, Locale, Person, Role};
use crate::modules::Library;
use crate::secret::SecretName;
use crate::secret_declaration::{Rotate, SecretDeclaration};
use crate::secrets::{Declared, Recipient, declared};

/// Everything that one removal changes.
#[derive(Debug)]
pub struct Leaving {
    /// The inventory without the person.
    pub after: Inventory,
    /// Its files that change.
    pub rewrites: Vec<Rewrite>,
    /// Every secret that was encrypted to the person.
    pub affected: Vec<SecretName>,
    /// Those of all the person knows that get a new value now.
    pub rotated: Vec<SecretName>,
    pub known: IndexMap<String, Known>,
    /// The names of all secrets in the store.
    pub kept: BTreeSet<String>,
}

/// Decides it. `day` is the day of leaving.
pub fn leaving(
    inventory: &Inventory,
    library: &Library,
    keep: &Keep,
    person: &Person,
    history: &History,
    day: &str,
) -> std::result::Result<Leaving, Diagnostics> {
    enough_maintainers(inventory, person)?;
    let (after, rewrites) = edited(inventory, person, day)?;
    let keys = recipients(person);
    let concerns = |name: &SecretName| {
        let header = keep.header(name)?;
        let by_key = header.recipients().iter().any(|key| keys.contains(key.as_str()));
        (by_key || header.people.contains_key(&person.id)).then(|| header.id.clone())
    };
    let names = keep.names();
    let declared = declared(&after, library);
    let mut known: IndexMap<String, Known> = IndexMap::new();
    let mut affected = Vec::new();
    for name in &names {
        if let Some(id) = concerns(name) {
            affected.push(name.clone());
            known.insert(
                name.to_string(),
                Known { read: Read::UntilTheEnd, rotate: policy(&declared, name), values: vec![id] },
            );
        }
    }
    for (name, ids) in &history.values {
        let rotate = policy(&declared, name);
        let entry = known.entry(name.to_string());
        let entry = entry.or_insert(Known { read: Read::Earlier, rotate, values: Vec::new() });
        for id in ids {
            if !entry.values.contains(id) {
                entry.values.push(id.clone());
            }
        }
    }
    known.sort_keys();
    let current = |name: &SecretName| keep.header(name).map(|header| header.id.clone());
    let knows = |name: &&SecretName| {
        let known = known.get(&name.to_string());
        known.zip(current(name)).is_some_and(|(known, id)| known.values.contains(&id))
    };
    let rotated = names.iter().filter(knows).filter(|name| renews(declaration(&declared, name))).cloned().collect();
    let kept = names.iter().map(ToString::to_string).collect();
    Ok(Leaving { after, rewrites, affected, rotated, known, kept })
}

/// True if a new value can be made by a program, now.
fn renews(declaration: Option<&SecretDeclaration>) -> bool {
    let random = |it: &SecretDeclaration| it.generate.as_ref().is_some_and(crate::secrets::make::can_make);
    declaration.is_some_and(|it| matches!(it.rotate, Rotate::Auto | Rotate::Command) && random(it))
}

fn declaration<'a>(declared: &'a [Declared], name: &SecretName) -> Option<&'a SecretDeclaration> {
    declared.iter().find(|it| it.name == *name).map(|it| &it.declaration)
}

fn policy(declared: &[Declared], name: &SecretName) -> Rotate {
    declaration(declared, name).map_or(Rotate::Manual, |declaration| declaration.rotate)
}

/// All keys that may have been secrets' recipients: the SSH keys too, which serve while there is no age key.
pub fn recipients(person: &Person) -> BTreeSet<String> {
    let ssh = person.ssh.iter().map(|key| key.key());
    let age = person.age.iter().map(ToString::to_string);
    ssh.chain(age).filter_map(|key| Recipient::parse(&key).ok()).map(|key| key.as_str().to_owned()).collect()
}

/// Two are needed, so that nobody is locked out when one more leaves; `min_readers` may say otherwise.
fn enough_maintainers(inventory: &Inventory, person: &Person) -> Result<()> {
    if person.role != Role::Maintainer {
        return Ok(());
    }
    let least = inventory.chapter.least_readers();
    let left: Vec<&str> = inventory
        .people
        .values()
        .filter(|other| other.role == Role::Maintainer && other.id != person.id)
        .map(|other| other.id.as_str())
        .collect();
    if left.len() >= least {
        return Ok(());
    }
    let who = if left.is_empty() { "nobody".to_owned() } else { left.join(", ") };
    Err(Box::new(
        Diagnostic::error(format!("without `{}` there would be fewer than {least} maintainers: {who}", person.id))
            .at(&person.name.place)
            .remedy("first make somebody else a maintainer, or set `min_readers` in `chapter`"),
    ))
}

/// The sections whose entries may name who reads secrets.
const READERS: &[&str] = &["services", "hosts", "groups", "secrets"];

fn edited(
    inventory: &Inventory,
    person: &Person,
    day: &str,
) -> std::result::Result<(Inventory, Vec<Rewrite>), Diagnostics> {
    let mut files = Files::read(&inventory.dir)?;
    files.remove(&["people", &person.id])?;
    files.put(&["former", &person.id], &former(person, day), "people")?;
    files.remove_word(READERS, "readers", &person.id)?;
    files.finish()
}

/// The checklist. `catalog` is that of the inventory without the person.
pub fn checklist(
    leaving: &Leaving,
    person: &Person,
    catalog: Option<&Catalog>,
    history: &History,
    (day, locale): (&str, Locale),
) -> Checklist {
    let keys = person.ssh.iter().map(|key| format!("{} {}", fingerprint(key), key.kind));
    let mut by_hand = Checklist::always(locale);
    for (name, known) in &leaving.known {
        let what = match known.rotate {
            Rotate::Never => [
                "It can never change, and the person knows it: decide what that means",
                "No puede cambiar nunca, y la persona lo conoce: decidid qué significa",
            ],
            _ if !leaving.kept.contains(name) => [
                "It is no longer kept: make sure that nothing uses it any more",
                "Ya no se guarda: comprobad que nada lo usa",
            ],
            _ => continue,
        };
        by_hand.insert(secret_item(name), Item { what: said(locale, what).to_owned(), done: None });
    }
    for host in catalog.into_iter().flat_map(|catalog| &catalog.hosts) {
        if closes(host, person.login()).is_none() {
            let (host_name, login) = (&host.host, person.login());
            let what = match locale {
                Locale::En => format!("Nothing declares accounts on {host_name}: look for `{login}` and their keys"),
                Locale::Es => format!("Nada declara cuentas en {host_name}: buscad `{login}` y sus claves"),
            };
            by_hand.insert(account_item(&host.host), Item { what, done: None });
        }
    }
    Checklist {
        format: 1,
        person: person.id.clone(),
        name: person.name.value.clone(),
        login: person.login().to_owned(),
        since: day.to_owned(),
        keys: keys.chain(person.age.iter().map(ToString::to_string)).collect(),
        hosts: leaving.after.hosts.keys().cloned().collect(),
        gap: history.gap.clone(),
        secrets: leaving.known.clone(),
        by_hand,
    }
}
