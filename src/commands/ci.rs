//! `steward ci write|comment`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Context, Outcome};
use crate::ci::{self, Forge, System, comment};
use crate::diag::{Diagnostic, Result, shown};
use crate::exit::Exit;

/// For CI: write workflows, and put a review under a pull request.
#[derive(Debug, Args)]
pub struct Ci {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a workflow: review on pull requests, plan on the main branch, drift by schedule. Overwrites nothing.
    Write {
        #[arg(value_enum)]
        system: System,
        /// The shell command by which a runner gets Steward, such as `cargo install --locked --git URL --tag TAG steward`.
        #[arg(long, value_name = "COMMAND")]
        install: String,
    },
    /// Create or update the one comment under a pull request; its first line, a hidden marker, tells it from others.
    ///
    /// Repository, number and token come from the variables that the forge's CI sets: `GITHUB_TOKEN`, `GITLAB_TOKEN`,
    /// `FORGEJO_TOKEN` or `GITEA_TOKEN`.
    Comment {
        #[arg(long, value_enum)]
        forge: Forge,
        /// The Markdown, such as `steward review --format markdown` prints.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// The number of the pull request, where CI does not tell it.
        #[arg(long, value_name = "N")]
        number: Option<u64>,
    },
}

impl Ci {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { command } = self;
        match command {
            Command::Write { system, install } => {
                let file = ci::write(system, &context.inventory_dir()?, &install)?;
                context.ui.message(&format!("wrote {}", shown(&file)));
            }
            Command::Comment { forge, file, number } => {
                let target = ci::Target::from_environment(forge, number, &|name| std::env::var(name).ok())?;
                let said = comment::put(&target, &read(&file)?)?;
                context.ui.message(&said);
            }
        }
        Ok(Exit::Success)
    }
}

fn read(file: &std::path::Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| {
        Box::new(
            Diagnostic::error(format!("cannot read {}: {error}", shown(file)))
                .remedy("write it by `steward review --format markdown`"),
        )
    })
}
