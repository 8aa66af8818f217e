//! `steward validate`

use clap::Args;

use super::{Context, Outcome};
use crate::exit::Exit;

/// Check the inventory, its modules and templates, and report every mistake; no host is needed.
#[derive(Debug, Args)]
pub struct Validate {}

impl Validate {
    pub fn run(self, context: &Context) -> Outcome {
        let Self {} = self;
        let compiled = context.compile()?;
        let resources: usize = compiled.catalog.hosts.iter().map(|host| host.resources.len()).sum();
        let hosts = compiled.catalog.hosts.len();
        context.ui.message(&format!(
            "The inventory is valid: {hosts} hosts, {} services, {resources} resources.",
            compiled.inventory.services.len()
        ));
        Ok(Exit::Success)
    }
}
