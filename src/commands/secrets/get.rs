//! `steward secrets get NAME`

use clap::Args;

use super::super::{Context, Outcome};
use super::Desk;
use crate::diag::Diagnostic;
use crate::exit::Exit;

/// Show the value of a secret, on standard output and as it is.
#[derive(Debug, Args)]
pub struct Get {
    /// Such as `wiki/admin_password`.
    name: String,
}

impl Get {
    #[allow(clippy::disallowed_methods, reason = "the one command that is there to show a value")]
    pub(super) fn run(self, context: &Context, desk: &Desk) -> Outcome {
        let Self { name } = self;
        let value = desk.decrypt(&desk.known(&name)?)?;
        let terminal = context.ui.terminal;
        if terminal && std::str::from_utf8(value.reveal()).is_err() {
            return Err(Diagnostic::error(format!("{name} is not text"))
                .remedy("send it to a file: `> FILE`")
                .into());
        }
        context.ui.bytes(value.reveal(), terminal).map_err(|error| {
            Diagnostic::error(format!("the value could not be written: {error}")).remedy("look at where it goes")
        })?;
        Ok(Exit::Success)
    }
}
