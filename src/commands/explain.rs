//! `steward explain HOST [VALUE]`

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{Context, Outcome};
use crate::exit::Exit;
use crate::inventory::{self, Explanation};
use crate::ui::Format;

/// Show where a value comes from: who gave it, where, and what it hides.
#[derive(Debug, Args)]
pub struct Explain {
    /// A host of the inventory.
    host: String,
    /// `vars.NAME`, or `SERVICE.PARAM` with the vars that it takes; all vars of the host if not given.
    value: Option<String>,
}

impl Explain {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { host, value } = self;
        let (inventory, mistakes) = inventory::load(&context.inventory_dir()?);
        let inventory = inventory.filter(|_| !mistakes.has_errors()).ok_or(mistakes)?;
        let found = match value {
            Some(value) => inventory.explain(&host, &value)?,
            None => inventory.explain_host(&host)?,
        };
        match context.ui.format {
            Format::Json => context.ui.json(&found.iter().map(as_json).collect()),
            Format::Text => context.ui.data(&found.iter().map(as_text).collect::<String>()),
        }
        Ok(Exit::Success)
    }
}

fn as_text(explanation: &Explanation) -> String {
    let mut text = format!("{}: {}\n", explanation.name, explanation.value.to_json());
    for (index, (origin, place)) in explanation.origins.iter().enumerate() {
        let hidden = if index == 0 { "" } else { " (hidden)" };
        let _ = writeln!(text, "    {:<24} {place}{hidden}", origin.to_string());
    }
    text
}

fn as_json(explanation: &Explanation) -> serde_json::Value {
    let place = |(origin, place): &(inventory::Origin, crate::diag::Place)| json!({ "origin": origin.to_string(), "place": place.to_string() });
    let (given, hidden) = match explanation.origins.split_first() {
        Some((first, rest)) => (place(first), rest.iter().map(place).collect()),
        None => (serde_json::Value::Null, Vec::new()),
    };
    json!({ "name": explanation.name, "value": explanation.value.to_json(), "given": given, "hidden": hidden })
}
