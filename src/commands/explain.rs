//! `steward explain HOST [VALUE]`

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{Context, Outcome};
use crate::compile::{Explanation, Layer, explain};
use crate::exit::Exit;
use crate::inventory;
use crate::modules::Library;
use crate::ui::Format;

/// Show where a value comes from: who gave it, where, and what it hides.
#[derive(Debug, Args)]
pub struct Explain {
    /// A host of the inventory.
    host: String,
    /// `SERVICE.PARAM`, `SERVICE` or `vars.NAME`, with the vars and parameters that it takes; everything if not given.
    value: Option<String>,
}

impl Explain {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { host, value } = self;
        let (inventory, mut mistakes) = inventory::load(&context.inventory_dir()?);
        let Some(inventory) = inventory else { return Err(mistakes) };
        let library = Library::load(&inventory.dir, &mut mistakes);
        if mistakes.has_errors() {
            return Err(mistakes);
        }
        let found = explain(&inventory, &library, &host, value.as_deref())?;
        match context.ui.format {
            Format::Json => {
                context.ui.json(&json!({ "format": 1, "values": found.iter().map(as_json).collect::<Vec<_>>() }));
            }
            Format::Text | Format::Markdown => context.ui.data(&found.iter().map(as_text).collect::<String>()),
        }
        Ok(Exit::Success)
    }
}

fn as_text(explanation: &Explanation) -> String {
    let mut text = format!("{}: {}\n", explanation.name, explanation.value.to_json());
    for (index, layer) in explanation.layers.iter().enumerate() {
        let hidden = if index == 0 { "" } else { " (hidden)" };
        let written = match &layer.written {
            Some(written) if !written.same_value(&explanation.value) => format!("  {}", written.to_json()),
            _ => String::new(),
        };
        let _ = writeln!(text, "    {:<28} {}{written}{hidden}", layer.origin.to_string(), layer.place);
    }
    text
}

fn as_json(explanation: &Explanation) -> serde_json::Value {
    let layer = |layer: &Layer| {
        json!({ "origin": layer.origin.to_string(), "place": layer.place.to_string(),
            "written": layer.written.as_ref().map(crate::yaml::Node::to_json) })
    };
    let layers: Vec<_> = explanation.layers.iter().map(layer).collect();
    let (given, hidden) = match layers.split_first() {
        Some((first, rest)) => (first.clone(), rest.to_vec()),
        None => (serde_json::Value::Null, Vec::new()),
    };
    json!({ "name": explanation.name, "value": explanation.value.to_json(), "given": given, "hidden": hidden })
}
