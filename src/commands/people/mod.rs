//! `steward people add|list|show|audit|remove|offboard`

use std::sync::Arc;

use clap::{Args, Subcommand};

use super::{Context, Outcome};
use crate::catalog::Catalog;
use crate::diag::{Diagnostic, Diagnostics};
use crate::inventory::{self, Inventory, Person};
use crate::modules::Library;
use crate::people::keep::Keep;
use crate::secrets::{Identities, Store};

pub mod add;
pub mod audit;
pub mod offboard;
pub mod remove;
pub mod show;

/// The volunteers: who they are, what they may do; add one, remove one and see it through.
#[derive(Debug, Args)]
pub struct People {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(add::Add),
    /// Everybody, with role and number of keys.
    List,
    Show(show::Show),
    Audit(audit::Audit),
    Remove(remove::Remove),
    Offboard(offboard::Offboard),
}

impl People {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { command } = self;
        match command {
            Command::Add(command) => command.run(context),
            Command::List => show::list(context),
            Command::Show(command) => command.run(context),
            Command::Audit(command) => command.run(context),
            Command::Remove(command) => command.run(context),
            Command::Offboard(command) => command.run(context),
        }
    }
}

/// The inventory without mistakes, and the modules it may use.
pub(super) fn loaded(context: &Context) -> Result<(Inventory, Library), Diagnostics> {
    let (inventory, mut mistakes) = inventory::load(&context.inventory_dir()?);
    let Some(inventory) = inventory else { return Err(mistakes) };
    let library = Library::load(&inventory.dir, &mut mistakes);
    if mistakes.has_errors() {
        return Err(mistakes);
    }
    context.ui.report(&mistakes);
    Ok((inventory, library))
}

/// What hosts should be; nothing where there is no host yet.
fn catalog(context: &Context, inventory: &Inventory) -> Result<Option<Catalog>, Diagnostics> {
    if inventory.hosts.is_empty() { Ok(None) } else { Ok(Some(context.compile()?.catalog)) }
}

/// The store, and the keys of whoever runs this.
fn keep(context: &Context, inventory: &Inventory) -> Result<Keep, Diagnostics> {
    let identities = Identities::find(&context.global.identity, Arc::new(context.ui));
    Ok(Keep::new(Store::open(&inventory.dir)?, identities))
}

fn person<'a>(inventory: &'a Inventory, id: &str) -> Result<&'a Person, Diagnostics> {
    match inventory.people.get(id) {
        Some(person) => Ok(person),
        None => Err(Diagnostic::error(format!("there is no person `{}`", id.escape_debug()))
            .suggest(id, inventory.people.keys().map(String::as_str))
            .into()),
    }
}
