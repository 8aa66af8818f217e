//! `steward schema`

use clap::{Args, ValueEnum};

use super::{Context, Outcome};
use crate::exit::Exit;
use crate::inventory;
use crate::report::schemas;

/// Print the JSON Schema by which editors complete and check what you write, or programs read what Steward prints.
///
/// `steward init` puts it beside a new inventory; after an upgrade of Steward:
/// `steward schema > .steward/schema.json`
#[derive(Debug, Args)]
pub struct Schema {
    /// What to describe.
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
    /// What `plan --format json` prints.
    Plan,
    /// Each line that `apply --format json` prints.
    Apply,
    /// What `drift --format json` prints.
    Drift,
    /// What `verify --format json` prints.
    Verify,
    /// What `audit --format json` prints.
    Audit,
    /// What `validate --format json` prints.
    Validate,
    /// The file that `plan --out` writes.
    SavedPlan,
}

impl Schema {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { of } = self;
        context.ui.data(&match of {
            Described::Inventory => inventory::schema_text(),
            Described::Module => format!("{:#}\n", crate::modules::schema()),
            Described::Plan => format!("{:#}\n", schemas::plan()),
            Described::Apply => format!("{:#}\n", schemas::apply()),
            Described::Drift => format!("{:#}\n", schemas::drift()),
            Described::Verify => format!("{:#}\n", schemas::verify()),
            Described::Audit => format!("{:#}\n", schemas::audit()),
            Described::Validate => format!("{:#}\n", schemas::validate()),
            Described::SavedPlan => format!("{:#}\n", schemas::saved_plan()),
        });
        Ok(Exit::Success)
    }
}
