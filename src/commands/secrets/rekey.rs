//! `steward secrets rekey [NAME]`

use clap::Args;

use super::super::{Context, Outcome};
use super::Desk;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;

/// Encrypt anew what is not encrypted to exactly those who shall read it. Values and their ids stay.
#[derive(Debug, Args)]
pub struct Rekey {
    /// Such as `wiki/admin_password`; all, unless given.
    name: Option<String>,
}

impl Rekey {
    pub(super) fn run(self, context: &Context, desk: &Desk) -> Outcome {
        let Self { name } = self;
        let names = match &name {
            Some(name) => vec![desk.known(name)?],
            None => desk.store.names(),
        };
        let mut mistakes = Diagnostics::default();
        let (mut writes, mut done) = (Vec::new(), 0);
        for name in names {
            let Some(header) = desk.store.header(&name) else { continue };
            let readers = desk.readers(&name);
            if header.is_for(&readers) {
                continue;
            }
            let value = match desk.decrypt(&name) {
                Ok(value) => value,
                Err(more) => {
                    mistakes.0.extend(more.0);
                    continue;
                }
            };
            writes.extend(desk.encrypted(&name, &value, &header.id)?);
            let kept = desk.store.kept_anew(&name, &readers, &desk.identities);
            writes.extend(
                kept.map_err(|why| Diagnostic::error(format!("{name}: {why}")).remedy("nothing was changed"))?,
            );
            done += 1;
        }
        if mistakes.has_errors() {
            return Err(mistakes);
        }
        desk.store.commit(&writes)?;
        context.ui.message(&format!("{done} secrets encrypted anew."));
        Ok(Exit::Success)
    }
}
