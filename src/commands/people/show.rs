//! `steward people list` and `steward people show PERSON`

use clap::Args;

use super::super::{Context, Outcome};
use super::{catalog, loaded, person};
use crate::exit::Exit;
use crate::people::listing::{self, Shown};
use crate::secrets::declared;
use crate::ui::Format;

/// One person: role, keys, where they may log in, what they can read and why.
#[derive(Debug, Args)]
pub struct Show {
    /// By the key in the inventory.
    person: String,
}

impl Show {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { person: id } = self;
        let (inventory, library) = loaded(context)?;
        let person = person(&inventory, &id)?;
        let catalog = catalog(context, &inventory)?;
        let hosts = catalog.map(|catalog| listing::hosts(&catalog, person.login())).unwrap_or_default();
        let secrets = declared(&inventory, &library).into_iter().filter_map(|secret| {
            let reader = secret.readers.into_iter().find(|reader| reader.person == id)?;
            Some((secret.name.to_string(), reader.why))
        });
        let shown = Shown { person, hosts, secrets: secrets.collect() };
        match context.ui.format {
            Format::Json => context.ui.json(&shown.json()),
            Format::Text | Format::Markdown => context.ui.data(&shown.text()),
        }
        Ok(Exit::Success)
    }
}

pub fn list(context: &Context) -> Outcome {
    let (inventory, _) = loaded(context)?;
    match context.ui.format {
        Format::Json => context.ui.json(&listing::list_json(&inventory)),
        Format::Text | Format::Markdown => context.ui.data(&listing::list_text(&inventory)),
    }
    Ok(Exit::Success)
}
