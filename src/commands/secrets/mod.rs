//! `steward secrets set|get|edit|list|generate|rotate|fetch|rekey|check|who|hook|merge`

use std::sync::Arc;

use clap::{Args, Subcommand};

use super::{Context, Outcome};
use crate::diag::{Diagnostic, Diagnostics};
use crate::inventory::Inventory;
use crate::secret::{Secret, SecretName};
use crate::secret_declaration::SecretDeclaration;
use crate::secrets::journal::Write;
use crate::secrets::{Declared, Identities, Reader, Renewal, Store, declared, undeclared};

pub mod check;
pub mod edit;
pub mod fetch;
pub mod get;
pub mod hook;
pub mod list;
pub mod make;
pub mod merge;
pub mod rekey;
pub mod set;
mod verified;
pub mod who;

/// The chapter's secrets: one age file each, readable by whoever the inventory says.
#[derive(Debug, Args)]
pub struct Secrets {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Set(set::Set),
    Get(get::Get),
    Edit(edit::Edit),
    /// Every secret there is or should be, with its policy and the number of its readers.
    List,
    /// Make all that are missing and whose module says how. Never replaces a value, only a hash made of an older one.
    Generate,
    Rotate(make::Rotate),
    Fetch(fetch::Fetch),
    Rekey(rekey::Rekey),
    Check(check::Check),
    Who(who::Who),
    /// Let git look for plaintext and private keys before each commit, and merge the files of a secret by Steward.
    Hook,
    Merge(merge::Merge),
}

impl Secrets {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { command } = self;
        // not for what git runs: that needs no valid inventory
        let desk = || Desk::open(context);
        match command {
            Command::Set(command) => command.run(context, &desk()?),
            Command::Get(command) => command.run(context, &desk()?),
            Command::Edit(command) => command.run(context, &desk()?),
            Command::List => Ok(list::list(context, &desk()?)),
            Command::Generate => make::generate(context, &desk()?),
            Command::Rotate(command) => command.run(context, &desk()?),
            Command::Fetch(command) => command.run(context, &desk()?),
            Command::Rekey(command) => command.run(context, &desk()?),
            Command::Check(command) if command.staged => check::staged(),
            Command::Check(_) => check::check(context, &desk()?),
            Command::Who(command) => command.run(context, &desk()?),
            Command::Hook => hook::hook(context),
            Command::Merge(command) => command.run(context),
        }
    }
}

/// What every one of these commands works on.
struct Desk {
    inventory: Inventory,
    declared: Vec<Declared>,
    store: Store,
    identities: Identities,
}

impl Desk {
    fn open(context: &Context) -> Result<Self, Diagnostics> {
        let (inventory, library) = super::people::loaded(context)?;
        let store = Store::open(&inventory.dir)?;
        let identities = Identities::find(&context.global.identity, Arc::new(context.ui));
        Ok(Self { declared: declared(&inventory, &library), inventory, store, identities })
    }

    fn declaration(&self, name: &SecretName) -> Option<&SecretDeclaration> {
        self.declared.iter().find(|it| it.name == *name).map(|it| &it.declaration)
    }

    /// Who shall read it, by the inventory.
    fn readers(&self, name: &SecretName) -> Vec<Reader> {
        let found = self.declared.iter().find(|it| it.name == *name).map(|it| it.readers.clone());
        found.unwrap_or_else(|| undeclared(&self.inventory, name))
    }

    /// All names: declared ones in the order of the inventory, then what else is in the store.
    fn names(&self) -> Vec<SecretName> {
        let mut names: Vec<SecretName> = self.declared.iter().map(|it| it.name.clone()).collect();
        names.extend(self.store.names().into_iter().filter(|name| self.declaration(name).is_none()));
        names
    }

    /// A name that is declared or in the store.
    fn known(&self, text: &str) -> Result<SecretName, Diagnostics> {
        let names = self.names();
        if let Some(name) = names.iter().find(|name| name.to_string() == text) {
            return Ok(name.clone());
        }
        let known: Vec<String> = names.iter().map(ToString::to_string).collect();
        let fact = format!("there is no secret `{}`", text.escape_debug());
        Err(Diagnostic::error(fact).suggest(text, known.iter().map(String::as_str)).into())
    }

    fn decrypt(&self, name: &SecretName) -> Result<Secret, Diagnostics> {
        if self.store.header(name).is_none() {
            let remedy =
                format!("`steward secrets set {name}` gives it a value, `secrets generate` makes what is declared");
            return Err(Diagnostic::error(format!("{name} is not set")).remedy(remedy).into());
        }
        self.store.decrypt(name, &self.identities).map_err(|why| {
            let remedy =
                format!("name your key by `--identity FILE`; `steward secrets who {name}` says who can read it");
            Diagnostic::error(format!("{name} cannot be decrypted: {why}")).remedy(remedy).into()
        })
    }

    /// What makes new values, with the public halves and forms that follow from them.
    fn renewal(&self) -> Renewal<'_> {
        Renewal { store: &self.store, declared: &self.declared, identities: &self.identities }
    }

    /// The files of a new value, and of the one before, which some host still has.
    fn new_value(
        &self,
        name: &SecretName,
        value: &Secret,
        before: Option<&Secret>,
    ) -> Result<Vec<Write>, Diagnostics> {
        Ok(self.renewal().new_value(name, value, before, &self.readers(name))?)
    }

    fn encrypted(&self, name: &SecretName, value: &Secret, id: &str) -> Result<Vec<Write>, Diagnostics> {
        let readers = self.readers(name);
        self.store.encrypted(name, value, id, &readers, &self.identities).map_err(|why| {
            Diagnostic::error(format!("{name} cannot be encrypted: {why}"))
                .remedy(format!("`steward secrets who {name}` says who shall read it, and with which keys"))
                .into()
        })
    }
}
