//! `steward backup run|list|restore|drill`

use clap::{Args, Subcommand};

use super::{Context, Outcome};

mod at;
mod drill;
mod list;
mod restore;
mod run;
mod working;

/// The data of services: save it, see what was saved, put it back, and prove that that works.
#[derive(Debug, Args)]
pub struct Backup {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    List(list::List),
    Drill(drill::Drill),
    Restore(restore::Restore),
}

impl Backup {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { command } = self;
        match command {
            Command::Run(command) => command.run(context),
            Command::List(command) => command.run(context),
            Command::Drill(command) => command.run(context),
            Command::Restore(command) => command.run(context),
        }
    }
}
