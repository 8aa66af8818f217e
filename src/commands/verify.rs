//! `steward verify`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Context, Outcome, files, verifying};
use crate::checks::report;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::report::junit::junit;
use crate::ui::Format;

/// See whether the services work, by the checks of their modules: exit code 0 all pass, 3 some do not.
#[derive(Debug, Args)]
pub struct Verify {
    /// Seconds to try again what does not pass, instead of what the modules say. 0: once.
    #[arg(long, value_name = "SECONDS")]
    within: Option<u64>,
    /// Also write the result as JUnit XML, which forges show as tests.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

impl Verify {
    pub fn run(self, context: &Context) -> Outcome {
        let compiled = context.compile()?;
        let access = context.access()?;
        let work = verifying::work(&compiled.inventory, &compiled.catalog, &access, |_, _| true);
        if work.is_empty() {
            let fact = "no service on the selected hosts has a check";
            return Err(Diagnostic::error(fact).remedy("add `checks:` to its module, see docs/modules.md").into());
        }
        let hosts = verifying::verified(context, work, self.within.map(Duration::from_secs))?;
        match context.ui.format {
            Format::Json => context.ui.json(&report::json(&compiled.catalog.name, &hosts)),
            Format::Text | Format::Markdown => {
                context.ui.data(&report::table(&hosts));
                context.ui.data(&report::summary(&hosts));
            }
        }
        let mut mistakes = Diagnostics::default();
        if let Some(file) = self.junit {
            mistakes.keep(files::write(&file, &junit("steward verify", &report::suites(&hosts))));
        }
        context.ui.report(&mistakes);
        Ok(match (report::passed(&hosts), mistakes.has_errors()) {
            (false, _) => Exit::Failed,
            (true, true) => Exit::Error,
            (true, false) => Exit::Success,
        })
    }
}
