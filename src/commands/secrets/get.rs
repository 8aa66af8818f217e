//! `steward secrets get NAME`

use std::io::{IsTerminal as _, Write as _};

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
    pub(super) fn run(self, _context: &Context, desk: &Desk) -> Outcome {
        let Self { name } = self;
        let value = desk.decrypt(&desk.known(&name)?)?;
        let terminal = std::io::stdout().is_terminal();
        if terminal && std::str::from_utf8(value.reveal()).is_err() {
            return Err(Diagnostic::error(format!("{name} is not text"))
                .remedy("send it to a file: `> FILE`")
                .into());
        }
        let mut out = std::io::stdout().lock();
        let end: &[u8] = if terminal { b"\n" } else { b"" };
        out.write_all(value.reveal()).and_then(|()| out.write_all(end)).and_then(|()| out.flush()).map_err(
            |error| {
                Diagnostic::error(format!("the value could not be written: {error}")).remedy("look at where it goes")
            },
        )?;
        Ok(Exit::Success)
    }
}
