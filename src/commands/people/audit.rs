//! `steward people audit`

use std::collections::BTreeMap;

use clap::Args;

use super::super::looking::looked;
use super::super::{Context, Outcome};
use super::{catalog, loaded};
use crate::diag::Diagnostics;
use crate::exit::Exit;
use crate::people::access::access;
use crate::secrets::declared;
use crate::ui::Format;

/// Who has access to what: declared accounts on each host and what it has beside them, readers of each secret. Looks at
/// the hosts, and changes nothing.
#[derive(Debug, Args)]
pub struct Audit {
    /// Only what the inventory declares; no host is looked at.
    #[arg(long)]
    declared: bool,
}

impl Audit {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { declared: only_declared } = self;
        let (inventory, library) = loaded(context)?;
        let catalog = catalog(context, &inventory)?;
        let (found, exit) =
            if only_declared || catalog.is_none() { (BTreeMap::new(), Exit::Success) } else { found(context)? };
        let access = access(&inventory, catalog.as_ref(), &declared(&inventory, &library), &found);
        match context.ui.format {
            Format::Json => context.ui.json(&access.json()),
            Format::Text | Format::Markdown => context.ui.data(&access.text()),
        }
        Ok(exit)
    }
}

/// By host, what it has and nothing declares. A host that could not be looked at says so, and is no success.
fn found(context: &Context) -> Result<(BTreeMap<String, Vec<String>>, Exit), Diagnostics> {
    let plan = looked(&context.quiet(true))?.plan;
    let mut exit = Exit::Success;
    let mut all = BTreeMap::new();
    for entry in plan.hosts {
        let lines = match entry.result {
            Ok(plan) => plan
                .access
                .iter()
                .map(|finding| format!("{} ({})", finding.line().program(), finding.remedy.program()))
                .collect(),
            Err(error) => {
                exit = if error.unreachable && exit != Exit::Failed { Exit::Unreachable } else { Exit::Failed };
                vec![format!("access not known: {}", error.diagnostic.fact)]
            }
        };
        all.insert(entry.host, lines);
    }
    Ok((all, exit))
}
