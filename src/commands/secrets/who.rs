//! `steward secrets who NAME`

use clap::Args;
use serde_json::json;

use super::super::{Context, Outcome};
use super::Desk;
use crate::exit::Exit;
use crate::ui::Format;

/// Say who can read a secret, and why. What it was encrypted to is a claim of whoever wrote it, not a proof.
#[derive(Debug, Args)]
pub struct Who {
    /// Such as `wiki/admin_password`.
    name: String,
}

impl Who {
    pub(super) fn run(self, context: &Context, desk: &Desk) -> Outcome {
        let Self { name } = self;
        let name = desk.known(&name)?;
        let readers = desk.readers(&name);
        let header = desk.store.header(&name);
        let has = |person: &str| header.is_some_and(|header| header.people.contains_key(person));
        let strangers: Vec<&str> = header
            .iter()
            .flat_map(|header| header.people.keys())
            .map(String::as_str)
            .filter(|person| !readers.iter().any(|reader| reader.person == *person))
            .collect();
        if context.ui.format == Format::Json {
            let rows = readers.iter().map(|reader| {
                json!({ "person": reader.person, "why": reader.why, "keys": reader.recipients.len(), "encrypted": has(&reader.person) })
            });
            context.ui.json(&json!({
                "format": 1, "name": name.to_string(), "set": header.is_some(),
                "readers": rows.collect::<Vec<_>>(), "others": strangers,
            }));
            return Ok(Exit::Success);
        }
        for reader in &readers {
            let state = match (header.is_some(), reader.recipients.is_empty(), has(&reader.person)) {
                (_, true, _) => "  but has no key that age can use",
                (true, _, false) => "  but it is not encrypted to them yet: `steward secrets rekey`",
                _ => "",
            };
            context.ui.data(&format!("{}: {}{state}\n", reader.person, reader.why.join("; ")));
        }
        for person in strangers {
            context.ui.data(&format!(
                "{person}: it is still encrypted to them, though the inventory says no: `steward secrets rekey`\n"
            ));
        }
        if header.is_none() {
            context.ui.message(&format!("{name} is not set yet."));
        } else {
            context.ui.message("As the file beside it says, which is a claim, not a proof; whoever could read it before may have kept a copy.");
        }
        Ok(Exit::Success)
    }
}
