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
    /// What `backup run`, `drill` and `restore` print with `--format json`.
    Backup,
    /// What `backup list --format json` prints.
    BackupList,
    /// What `add --format json` prints.
    Add,
    /// What `adopt --format json` prints.
    Adopt,
    /// What `module vendor --format json` prints.
    ModuleVendor,
    /// What `host facts --format json` prints.
    HostFacts,
    /// What `host reader --format json` prints.
    HostReader,
    /// What `history --format json` prints.
    History,
    /// What `unlock --format json` prints.
    Unlock,
    /// What `audit --format json` prints.
    Audit,
    /// What `validate --format json` prints.
    Validate,
    /// The file that `plan --out` writes.
    SavedPlan,
    /// What `review --format json` prints.
    Review,
    /// What `explain --format json` prints.
    Explain,
    /// What `module list --format json` prints.
    ModuleList,
    /// What `module show --format json` prints.
    ModuleShow,
    /// What `module update --format json` prints.
    ModuleUpdate,
    /// What `module test --format json` prints.
    ModuleTest,
    /// What `people list --format json` prints.
    PeopleList,
    /// What `people show --format json` prints.
    PeopleShow,
    /// What `people audit --format json` prints.
    PeopleAudit,
    /// What `people offboard --status --format json` prints.
    PeopleOffboard,
    /// What `secrets list --format json` prints.
    SecretsList,
    /// What `secrets who --format json` prints.
    SecretsWho,
    /// What `secrets check --format json` prints.
    SecretsCheck,
}

impl Schema {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { of } = self;
        let schema = match of {
            Described::Inventory => {
                context.ui.data(&inventory::schema_text());
                return Ok(Exit::Success);
            }
            Described::Module => crate::modules::schema(),
            Described::Plan => schemas::plan(),
            Described::Apply => schemas::apply(),
            Described::Drift => schemas::drift(),
            Described::Verify => schemas::verify(),
            Described::Audit => schemas::audit(),
            Described::Backup => schemas::backup(),
            Described::BackupList => schemas::backup_list(),
            Described::Add => schemas::add(),
            Described::Adopt => schemas::adopt(),
            Described::ModuleVendor => schemas::module_vendor(),
            Described::HostFacts => schemas::host_facts(),
            Described::HostReader => schemas::host_reader(),
            Described::History => schemas::history(),
            Described::Unlock => schemas::unlock(),
            Described::Validate | Described::SecretsCheck => schemas::validate(),
            Described::SavedPlan => schemas::saved_plan(),
            Described::Review => schemas::review(),
            Described::Explain => schemas::explain(),
            Described::ModuleList => schemas::module_list(),
            Described::ModuleShow => schemas::module_show(),
            Described::ModuleUpdate => schemas::module_update(),
            Described::ModuleTest => schemas::module_test(),
            Described::PeopleList => schemas::people_list(),
            Described::PeopleShow => schemas::people_show(),
            Described::PeopleAudit => schemas::people_audit(),
            Described::PeopleOffboard => schemas::people_offboard(),
            Described::SecretsList => schemas::secrets_list(),
            Described::SecretsWho => schemas::secrets_who(),
        };
        context.ui.data(&format!("{schema:#}\n"));
        Ok(Exit::Success)
    }
}
