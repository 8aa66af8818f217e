//! The subcommands, one file each: its arguments, and a `run` that reads as a table of contents. What several of them
//! do alike stands in [`Context`] and in `looking`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::compile;
use crate::connect::Access;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::inventory::{self, Inventory, Locale, Selection};
use crate::modules::{Library, lock};
use crate::secrets::{Identities, Live, Store};
use crate::transport::{Asker as _, Timeouts};
use crate::ui::Ui;

pub mod add;
pub mod adopt;
mod agreeing;
pub mod apply;
mod applying;
pub mod audit;
pub mod backup;
pub mod ci;
pub mod completions;
pub mod drift;
mod drills;
pub mod explain;
mod files;
mod global;
pub mod history;
pub mod host;
pub mod init;
mod lock_wait;
pub mod looking;
pub mod module;
mod module_test;
mod notify;
mod one_host;
mod origins;
mod pace;
pub mod people;
pub mod plan;
pub mod review;
mod saving;
pub mod schema;
pub mod secrets;
mod step;
pub mod undo;
mod undoing;
pub mod unlock;
pub mod validate;
pub mod vendor;
pub mod verify;
mod verifying;

pub use global::Global;

/// What a command gives: an exit code, or the mistakes that kept it from its work (exit code 1).
pub type Outcome = Result<Exit, Diagnostics>;

/// What every command knows.
#[derive(Debug)]
pub struct Context {
    pub ui: Ui,
    pub global: Global,
}

impl Context {
    /// The directory of the inventory that is meant.
    pub fn inventory_dir(&self) -> Result<PathBuf, Diagnostics> {
        let dir = self.untouched_dir()?;
        // before anything is read: what an interrupted run began is finished
        crate::secrets::journal::recover(&crate::modules::root_of(&dir))?;
        Ok(dir)
    }

    /// The same for whoever only looks: it may be a stranger's, and nothing that came with it is finished.
    fn untouched_dir(&self) -> Result<PathBuf, Diagnostics> {
        let here = std::env::current_dir().map_err(|error| {
            Diagnostic::error(format!("the working directory cannot be read: {error}")).remedy("go to another one")
        })?;
        Ok(inventory::find(self.global.inventory.as_deref(), &here)?)
    }

    /// The same, but warnings are not said.
    fn quiet(&self, quiet: bool) -> Self {
        Self { ui: if quiet { self.ui.quiet() } else { self.ui }, global: self.global.clone() }
    }

    /// The same for one host, whatever the `--limit`.
    fn limited_to(&self, host: &str) -> Self {
        Self { ui: self.ui, global: Global { limit: Some(host.to_owned()), ..self.global.clone() } }
    }

    /// The same, looking with a reader key.
    fn reading(&self, reader: bool) -> Self {
        Self { ui: self.ui, global: Global { reader: self.global.reader || reader, ..self.global.clone() } }
    }

    /// The language to speak to people in: `--locale`, else the chapter's own.
    pub fn locale(&self, inventory: &Inventory) -> Locale {
        self.global.locale.unwrap_or(inventory.chapter.locale)
    }

    /// The hosts that `--limit` means.
    pub fn select(&self, inventory: &Inventory) -> Result<Selection, Diagnostics> {
        inventory.select(self.global.limit.as_deref())
    }

    /// How to connect; asks for the sudo password if that was wished.
    pub fn access(&self) -> Result<Access, Diagnostics> {
        let seconds = Duration::from_secs;
        let sudo_password = if self.global.ask_sudo_password {
            let password = self.ui.secret("sudo password:");
            Some(password.ok_or_else(|| {
                Diagnostic::error("there is no terminal to ask for the sudo password")
                    .remedy("run it at a terminal, or allow the login to use sudo without a password")
            })?)
        } else {
            None
        };
        Ok(Access {
            user: self.global.user.clone(),
            reader: self.global.reader,
            identities: self.global.identity.clone(),
            sudo_password,
            timeouts: Timeouts {
                connect: seconds(self.global.connect_timeout.max(1)),
                silence: seconds(self.global.silence_timeout.max(1)),
            },
        })
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl From<Box<Diagnostic>> for Diagnostics {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self(vec![*diagnostic])
    }
}

/// What is not as it was reviewed (`steward.lock`), or as somebody agreed to (`vendor.lock`).
fn locks(inventory: &Inventory, library: &Library) -> Diagnostics {
    let mut mistakes = crate::vendor::record::check(library);
    mistakes.0.extend(lock::check(inventory, library).0);
    mistakes
}

/// An inventory without mistakes, and what every selected host should be.
pub struct Compiled {
    pub inventory: Inventory,
    pub catalog: crate::catalog::Catalog,
}

impl Context {
    /// Loads and compiles the inventory; any mistake ends the command, warnings are reported.
    pub fn compile(&self) -> Result<Compiled, Diagnostics> {
        let (compiled, warnings) = self.compile_silently()?;
        self.ui.report(&warnings);
        Ok(compiled)
    }

    /// The same, with the warnings for whoever shows them in another form.
    fn compile_silently(&self) -> Result<(Compiled, Diagnostics), Diagnostics> {
        let (inventory, mut mistakes) = inventory::load(&self.inventory_dir()?);
        let Some(inventory) = inventory else { return Err(mistakes) };
        let library = Library::load(&inventory.dir, &mut mistakes);
        let selection = self.select(&inventory);
        if mistakes.has_errors() {
            // Hosts with mistakes are no hosts to choose from; what is wrong with them was said, and there may be more.
            if let (Err(wrong), Some(_)) = (selection, &self.global.limit) {
                mistakes.0.extend(wrong.0);
            }
            mistakes.0.extend(locks(&inventory, &library).0);
            mistakes.0.extend(compile::further_mistakes(&inventory, &library).0);
            return Err(mistakes);
        }
        mistakes.0.extend(locks(&inventory, &library).0);
        let selection = match selection {
            Ok(selection) => selection,
            Err(wrong) => {
                mistakes.0.extend(wrong.0);
                return Err(mistakes);
            }
        };
        let identities = Identities::find(&self.global.identity, Arc::new(self.ui));
        let secrets = Live::new(Store::open(&inventory.dir)?, identities);
        let (catalog, more) = compile::compile_with(&inventory, &library, &selection, Arc::new(secrets));
        mistakes.0.extend(more.0);
        let Some(catalog) = catalog.filter(|_| !mistakes.has_errors()) else { return Err(mistakes) };
        Ok((Compiled { inventory, catalog }, mistakes))
    }
}
