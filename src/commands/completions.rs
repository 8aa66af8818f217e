//! `steward completions SHELL`

use clap::Args;
use clap_complete::Shell;

use super::{Context, Outcome};
use crate::exit::Exit;

/// Print completions for a shell.
#[derive(Debug, Args)]
pub struct Completions {
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub fn run(self, context: &Context, mut definition: clap::Command) -> Outcome {
        let Self { shell } = self;
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut definition, "steward", &mut text);
        context.ui.data(&String::from_utf8_lossy(&text));
        Ok(Exit::Success)
    }
}
