//! `steward people audit`

use std::collections::BTreeMap;

use clap::Args;

use super::super::{Context, Outcome};
use super::{catalog, loaded};
use crate::exit::Exit;
use crate::people::access::access;
use crate::secrets::declared;
use crate::ui::Format;

/// Who has access to what: declared accounts on each host, readers of each secret.
#[derive(Debug, Args)]
pub struct Audit {}

impl Audit {
    pub fn run(self, context: &Context) -> Outcome {
        let Self {} = self;
        let (inventory, library) = loaded(context)?;
        let catalog = catalog(context, &inventory)?;
        let access = access(&inventory, catalog.as_ref(), &declared(&inventory, &library), &BTreeMap::new());
        match context.ui.format {
            Format::Json => context.ui.json(&access.json()),
            Format::Text | Format::Markdown => context.ui.data(&access.text()),
        }
        Ok(Exit::Success)
    }
}
