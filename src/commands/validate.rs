//! `steward validate`

use clap::Args;
use serde_json::json;

use super::{Context, Outcome};
use crate::exit::Exit;
use crate::ui::Format;
use crate::ui::report::json;

/// Check the inventory, its modules and templates, and report every mistake; no host is needed.
#[derive(Debug, Args)]
pub struct Validate {}

impl Validate {
    pub fn run(self, context: &Context) -> Outcome {
        let Self {} = self;
        let compiled = match context.compile() {
            Ok(compiled) => compiled,
            Err(mistakes) if context.ui.format == Format::Json => {
                context.ui.json(&json!({ "format": 1, "valid": false, "mistakes": json(&mistakes) }));
                return Ok(Exit::Error);
            }
            Err(mistakes) => return Err(mistakes),
        };
        if context.ui.format == Format::Json {
            context.ui.json(&json!({ "format": 1, "valid": true, "mistakes": [] }));
            return Ok(Exit::Success);
        }
        let resources: usize = compiled.catalog.hosts.iter().map(|host| host.resources.len()).sum();
        let hosts = count(compiled.catalog.hosts.len(), "host");
        let services = count(compiled.inventory.services.len(), "service");
        let resources = count(resources, "resource");
        context.ui.message(&format!("The inventory is valid: {hosts}, {services}, {resources}."));
        Ok(Exit::Success)
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
