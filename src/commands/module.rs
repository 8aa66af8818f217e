//! `steward module list|show|new|update|vendor|test`

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Context, Outcome};
use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::exit::Exit;
use crate::inventory;
use crate::modules::lock::{self, Locked, Update};
use crate::modules::{Library, describe, scaffold};
use crate::ui::Format;

/// What services are made of: list, show and begin modules, and record which ones were reviewed.
#[derive(Debug, Args)]
pub struct Module {
    #[command(subcommand)]
    command: Command,
}

impl Module {
    /// Whether it can be shown as Markdown.
    pub fn has_markdown(&self) -> bool {
        matches!(self.command, Command::Test(_))
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All modules: those of Steward and the chapter's own.
    List,
    /// What a module asks for, needs and offers.
    Show {
        name: String,
    },
    /// Begin a module in the chapter's repository.
    New {
        name: String,
    },
    /// Record the modules in use as they are now, so that `plan` and `apply` go on.
    Update {
        name: Option<String>,
    },
    Vendor(super::vendor::Vendor),
    Test(super::module_test::ModuleTest),
}

impl Module {
    pub fn run(self, context: &Context) -> Outcome {
        let command = match self.command {
            Command::Vendor(vendor) => return vendor.run(context),
            Command::Test(test) => return test.run(context),
            command => command,
        };
        let mut mistakes = Diagnostics::default();
        let (inventory, library) = match context.inventory_dir() {
            Ok(dir) => {
                let (inventory, found) = inventory::load(&dir);
                let library = Library::load(&dir, &mut mistakes);
                // A broken inventory is no reason not to look at modules.
                (inventory.ok_or(found), library)
            }
            Err(why) => (Err(why), Library::embedded(&mut mistakes)),
        };
        let chapters = inventory.as_ref().map(|inventory| inventory.chapter.locale).unwrap_or_default();
        let language = context.global.locale.unwrap_or(chapters).code();
        match command {
            Command::Vendor(_) | Command::Test(_) => {}
            Command::List if context.ui.format == Format::Json => context.ui.json(&list(&library, language)),
            Command::List => context.ui.data(&describe::list(&library, language)),
            Command::Show { name } => {
                let module = library.get(&name).ok_or_else(|| {
                    Diagnostic::error(format!("there is no module `{}`", name.escape_debug()))
                        .suggest(&name, library.names())
                })?;
                match context.ui.format {
                    Format::Json => context.ui.json(&describe::json(&library, module, language)),
                    Format::Text | Format::Markdown => context.ui.data(&describe::show(&library, module, language)),
                }
            }
            Command::New { name } => {
                for file in scaffold::new(&crate::modules::root_of(&inventory?.dir), &name)? {
                    context.ui.message(&format!("wrote {}", shown(&file)));
                }
            }
            Command::Update { name } => {
                let inventory = inventory?;
                let updates = lock::update(&inventory, &library, name.as_deref())?;
                match context.ui.format {
                    Format::Json => context
                        .ui
                        .json(&json!({ "format": 1, "updates": updates.iter().map(update).collect::<Vec<_>>() })),
                    Format::Text | Format::Markdown => context.ui.data(&updates.iter().map(line).collect::<String>()),
                }
                context.ui.message(&format!("{} is up to date.", shown(&lock::path(&inventory.dir))));
            }
        }
        context.ui.report(&mistakes);
        Ok(if mistakes.has_errors() { Exit::Error } else { Exit::Success })
    }
}

fn list(library: &Library, language: &str) -> serde_json::Value {
    let module = |module: &crate::modules::Module| {
        json!({ "name": module.name, "version": module.version, "embedded": module.embedded,
            "summary": module.summary.in_language(language) })
    };
    json!({ "format": 1, "modules": library.modules().map(module).collect::<Vec<_>>() })
}

fn update(update: &Update) -> serde_json::Value {
    let locked = |locked: &Locked| json!({ "version": locked.version, "hash": locked.hash });
    json!({ "module": update.module, "old": update.old.as_ref().map(locked), "new": update.new.as_ref().map(locked) })
}

/// `nginx: version 1 → 2` or `nginx: version 1, content changed (1a2b3c4d → 5e6f7a8b)`.
fn line(update: &Update) -> String {
    let short = |locked: &Locked| locked.hash.trim_start_matches("sha256:").chars().take(8).collect::<String>();
    let name = &update.module;
    match (&update.old, &update.new) {
        (None, Some(new)) => format!("{name}: version {} recorded ({})\n", new.version, short(new)),
        (Some(old), None) => format!("{name}: version {} no longer used\n", old.version),
        (Some(old), Some(new)) if old.version == new.version => {
            format!("{name}: version {}, content changed ({} → {})\n", new.version, short(old), short(new))
        }
        (Some(old), Some(new)) => {
            format!("{name}: version {} → {} ({} → {})\n", old.version, new.version, short(old), short(new))
        }
        (None, None) => String::new(),
    }
}
