//! `steward secrets check`: needs no key, since nothing is decrypted. Every finding is an error of its own.

use clap::Args;
use serde_json::json;

use super::super::{Context, Outcome};
use super::Desk;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::secret::SecretName;
use crate::secrets::pairs::is_pair;
use crate::secrets::{self, is_of_older};
use crate::ui::Format;

/// Find what is wrong: readers that are not those of the inventory, missing secrets, too few readers, damaged files.
#[derive(Debug, Args)]
pub struct Check {
    /// Look only at what is staged in git: plaintext below `secrets/`, private keys anywhere. For a `pre-commit` hook.
    #[arg(long)]
    pub(super) staged: bool,
}

pub(super) fn staged() -> Outcome {
    let found = secrets::staged::staged(std::path::Path::new("."))?;
    if found.has_errors() { Err(found) } else { Ok(Exit::Success) }
}

pub(super) fn check(context: &Context, desk: &Desk) -> Outcome {
    let mut found = Diagnostics::default();
    for declared in &desk.declared {
        if desk.store.header(&declared.name).is_none() {
            let (fact, remedy) = match &declared.declaration.escrow {
                Some(path) => (
                    format!("{} was not fetched yet: only {} on its host has it", declared.name, path.value),
                    "`steward secrets fetch`, once the software made it",
                ),
                None => (
                    format!("{} is declared, but not set", declared.name),
                    "`steward secrets generate` makes what can be made, `secrets set` asks for the rest",
                ),
            };
            found.push(Diagnostic::error(fact).at(&declared.place).remedy(remedy));
        }
    }
    for declared in &desk.declared {
        let Some(how) = &declared.declaration.generate else { continue };
        let name = &declared.name;
        if is_of_older(&desk.store, name, how) {
            let parent = how.parent().unwrap_or_default();
            found.push(
                Diagnostic::error(format!("{name} was not made of the present value of `{parent}`"))
                    .remedy("`steward secrets generate` makes it anew, by somebody who can read that one"),
            );
        }
        if is_pair(how) && desk.store.header(name).is_some() && !desk.store.has_public(name) {
            found.push(
                Diagnostic::error(format!("{name}: its public half, `{}.pub`, is not there", name.name))
                    .remedy(format!("`steward secrets get {name} | steward secrets set {name} --file -` writes it")),
            );
        }
    }
    for name in desk.store.names() {
        one(desk, &name, &mut found);
    }
    if context.ui.format == Format::Json {
        let valid = !found.has_errors();
        context.ui.json(&json!({ "format": 1, "valid": valid, "mistakes": crate::ui::report::json(&found) }));
        return Ok(if valid { Exit::Success } else { Exit::Error });
    }
    if found.has_errors() { Err(found) } else { Ok(Exit::Success) }
}

fn one(desk: &Desk, name: &SecretName, found: &mut Diagnostics) {
    let Some(header) = desk.store.header(name) else { return };
    let readers = desk.readers(name);
    if !desk.store.is_whole(name) {
        found.push(
            Diagnostic::error(format!(
                "{name}: the encrypted file is not the one that its `.recipients` was written for"
            ))
            .remedy(format!("restore both from git, or `steward secrets set {name}`")),
        );
    }
    if !header.is_for(&readers) {
        let shall: Vec<&str> = readers
            .iter()
            .filter(|reader| !reader.recipients.is_empty())
            .map(|reader| reader.person.as_str())
            .collect();
        let are: Vec<&str> = header.people.keys().map(String::as_str).collect();
        let what =
            if shall == are { "with other keys of theirs".to_owned() } else { format!("not {}", are.join(", ")) };
        found.push(
            Diagnostic::error(format!("{name}: the inventory lets {} read it, {what}", shall.join(", ")))
                .remedy("`steward secrets rekey`, by somebody who can read it"),
        );
    }
    for reader in readers.iter().filter(|reader| reader.recipients.is_empty()) {
        let kinds = if reader.unsupported.is_empty() { "none".to_owned() } else { reader.unsupported.join(", ") };
        found.push(
            Diagnostic::error(format!("{name}: {} shall read it but has no key for that ({kinds})", reader.person))
                .remedy("give the person an `age` key in the inventory: `age-keygen` makes one"),
        );
    }
    let able = readers.iter().filter(|reader| !reader.recipients.is_empty()).count();
    let least = desk.inventory.chapter.least_readers();
    if able < least {
        found.push(
            Diagnostic::error(format!("{name}: only {able} can read it; {least} shall be able to"))
                .remedy("add a maintainer or a reader, or set `min_readers` of the chapter"),
        );
    }
    if desk.declaration(name).is_none() {
        found.push(
            Diagnostic::error(format!("{name} is in the store, but nothing declares it"))
                .remedy("remove its files if nothing uses it, or declare it under `secrets:`"),
        );
    }
}
