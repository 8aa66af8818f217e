//! `steward people offboard PERSON --status` and `--ack ITEM`

use std::path::Path;

use clap::Args;

use super::super::looking::{looked, whoami};
use super::super::{Context, Outcome};
use super::loaded;
use crate::connect::operator;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::inventory::Inventory;
use crate::people::checklist::{self, Checklist};
use crate::people::progress::{Now, progress};
use crate::plan::uses::hosts_of;
use crate::secrets::{Store, declared, with_forms};
use crate::ui::Format;

/// See somebody's leaving through: what is still open, on every host, in the store and by hand.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(false)))]
pub struct Offboard {
    /// By the key that the person had in the inventory.
    person: String,
    /// Look at every host and say what is open. Exits with 2 until nothing is.
    #[arg(long, group = "what")]
    status: bool,
    /// Note that an item of the checklist was done by hand. May be repeated.
    #[arg(long, group = "what", value_name = "ITEM")]
    ack: Vec<String>,
}

impl Offboard {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { person, status, ack } = self;
        let (inventory, library) = loaded(context)?;
        left(&inventory, &person)?;
        let path = checklist::path(&inventory.dir, &person)?;
        if !status {
            return acknowledge(context, &inventory, &path, &ack);
        }
        let checklist = Checklist::read(&path)?;
        let declared = declared(&inventory, &library);
        let store = Store::open(&inventory.dir)?;
        let looked = looked(context)?;
        let now = |name: &crate::secret::SecretName| {
            let names = with_forms(&declared, name);
            let placed = declared.iter().find(|it| it.name == *name);
            let placed = placed.map(|it| [it.hosts.as_slice(), it.reaches.as_slice()].concat());
            Now {
                id: store.header(name).map(|header| header.id.clone()),
                previous: store.has_previous(name),
                hosts: hosts_of(&looked.catalog, &names, &placed.unwrap_or_default()),
                names,
            }
        };
        let progress = progress(&checklist, &inventory, &looked.plan, now);
        match context.ui.format {
            Format::Json => context.ui.json(&progress.json(&person)),
            Format::Text | Format::Markdown => {
                context.ui.data(&progress.text(&checklist.name, context.ui.verbose > 0));
            }
        }
        Ok(if progress.is_finished() { Exit::Success } else { Exit::Pending })
    }
}

/// Only who left can be seen off.
fn left(inventory: &Inventory, person: &str) -> Result<(), Diagnostics> {
    if let Some(here) = inventory.people.get(person) {
        return Err(Diagnostic::error(format!("`{person}` has not left"))
            .at(&here.place)
            .remedy(format!("`steward people remove {person}` begins it"))
            .into());
    }
    if inventory.former.contains_key(person) {
        return Ok(());
    }
    Err(Diagnostic::error(format!("nobody called `{}` has left", person.escape_debug()))
        .suggest(person, inventory.former.keys().map(String::as_str))
        .into())
}

fn acknowledge(context: &Context, inventory: &Inventory, path: &Path, items: &[String]) -> Outcome {
    let access = context.access()?;
    let who = operator(inventory, &access).map_or_else(whoami, |person| person.id.clone());
    let note = format!("{who}, {}", jiff::Zoned::now().date());
    for item in items {
        let text = Checklist::acknowledged(path, item, &note)?;
        checklist::write(path, &text)?;
        context.ui.message(&format!("{item}: noted as done by {note}."));
    }
    Ok(Exit::Success)
}
