//! `steward module test`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use tempfile::TempDir;

use super::{Context, Outcome, files};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::module_test::hosts::Hosts;
use crate::module_test::services::HOST;
use crate::module_test::{Tried, report, tried};
use crate::modules::Library;
use crate::report::junit::junit;
use crate::revision::changed_since;
use crate::ui::Format;

/// Try modules on a throw-away host: deployed, deployed again, checked, the power cut, restored from its backup, taken away, and
/// what is left. Exit code 3 if one fails. Needs root: it boots a container (systemd-nspawn).
#[derive(Debug, Args)]
pub(super) struct ModuleTest {
    /// Which modules.
    names: Vec<String>,
    /// Those whose files, or whose templates, changed since this revision, too.
    #[arg(long, value_name = "REVISION")]
    changed: Option<String>,
    /// All modules: Steward's and the chapter's.
    #[arg(long)]
    all: bool,
    /// A command that boots hosts, in place of Steward's own; the head of `tests/hosts` in its repository says what it must do.
    #[arg(long, value_name = "COMMAND")]
    hosts: Option<PathBuf>,
    /// Leave host and inventory for a look, until the shell ends in which this runs; for one module.
    #[arg(long)]
    keep: bool,
    /// Also write the result as JUnit XML, which forges show as tests.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl ModuleTest {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let Self { names, changed, all, hosts, keep, junit: file } = self;
        let mut mistakes = Diagnostics::default();
        let library = match context.inventory_dir() {
            Ok(dir) => Library::load(&dir, &mut mistakes),
            Err(why) if context.global.inventory.is_some() => return Err(why),
            // a repository that only shares modules
            Err(_) => Library::load(Path::new("."), &mut mistakes),
        };
        if mistakes.has_errors() {
            return Err(mistakes);
        }
        let chosen = chosen(&library, names, changed.as_deref(), all)?;
        if keep && chosen.len() != 1 {
            return Err(Diagnostic::error("`--keep` is for one module").remedy("name one").into());
        }
        let hosts = Hosts::start(hosts.as_deref(), keep)?;
        let mut results = Vec::new();
        for module in chosen.iter().filter_map(|name| library.get(name)) {
            let dir = scratch()?;
            results.push(tried(&library, module, &hosts, dir.path(), &|said| context.ui.message(said)));
            if keep {
                let inventory = dir.keep().join("inventories/test");
                context.ui.message(&format!(
                    "The inventory is {}; a shell there: {}",
                    inventory.display(),
                    hosts.way_in(HOST)
                ));
            }
        }
        match context.ui.format {
            Format::Json => context.ui.json(&report::json(&results)),
            Format::Text => context.ui.data(&report::text(&results)),
            Format::Markdown => context.ui.data(&report::markdown(&results)),
        }
        if let Some(file) = file {
            mistakes.keep(files::write(&file, &junit("steward module test", &report::suites(&results))));
        }
        context.ui.report(&mistakes);
        Ok(match (results.iter().all(Tried::passed), mistakes.has_errors()) {
            (false, _) => Exit::Failed,
            (true, true) => Exit::Error,
            (true, false) => Exit::Success,
        })
    }
}

fn scratch() -> Result<TempDir, Diagnostics> {
    TempDir::with_prefix("steward-module-test-").map_err(|error| {
        let fact = format!("there is no temporary directory for the test: {error}");
        Diagnostic::error(fact).remedy("make room there, or name another by TMPDIR").into()
    })
}

/// Which modules are meant, by name.
fn chosen(
    library: &Library,
    names: Vec<String>,
    changed: Option<&str>,
    all: bool,
) -> Result<BTreeSet<String>, Diagnostics> {
    let mut chosen = BTreeSet::new();
    for name in names {
        if library.get(&name).is_none() {
            let mistake = Diagnostic::error(format!("there is no module `{}`", name.escape_debug()));
            return Err(mistake.suggest(&name, library.names()).into());
        }
        chosen.insert(name);
    }
    if all {
        chosen.extend(library.names().map(str::to_owned));
    }
    if let Some(revision) = changed {
        for path in changed_since(library.root(), revision, &["modules", "templates"])? {
            let name = path.strip_prefix("modules/").and_then(|file| file.strip_suffix(".yaml"));
            let name = name.or_else(|| path.strip_prefix("templates/")?.split('/').next());
            chosen.extend(name.filter(|name| library.get(name).is_some()).map(str::to_owned));
        }
    } else if chosen.is_empty() {
        return Err(Diagnostic::error("no module is named")
            .remedy("name one, or give `--changed REVISION` or `--all`")
            .into());
    }
    Ok(chosen)
}
