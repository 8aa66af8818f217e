//! `steward schema`

use clap::{Args, ValueEnum};

use super::{Context, Outcome};
use crate::exit::Exit;
use crate::inventory;

/// Print the JSON Schema by which editors complete and check what you write.
///
/// `steward init` puts it beside a new inventory; after an upgrade of Steward:
/// `steward schema > .steward/schema.json`
#[derive(Debug, Args)]
pub struct Schema {
    /// The files to describe.
    #[arg(value_enum, default_value_t)]
    of: Described,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Described {
    /// The YAML files of an inventory.
    #[default]
    Inventory,
    /// The YAML files below `modules/`.
    Module,
}

impl Schema {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { of } = self;
        context.ui.data(&match of {
            Described::Inventory => inventory::schema_text(),
            Described::Module => format!("{:#}\n", crate::modules::schema()),
        });
        Ok(Exit::Success)
    }
}
