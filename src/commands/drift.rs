//! `steward drift`

use std::path::PathBuf;

use clap::Args;

use super::looking::looked;
use super::step::{self, Step};
use super::{Context, Outcome, files, notify};
use crate::diag::Diagnostics;
use crate::exit::Exit;
use crate::plan::drift::{State, drift};
use crate::report::junit::junit;
use crate::ui::Format;

/// Say which hosts are not as the inventory wants them: exit code 0 none, 2 some, 3 and 4 if it is not known everywhere.
#[derive(Debug, Args)]
pub struct Drift {
    /// Log in with a reader key (`steward host reader`), which can look and nothing else; give it by `--identity` or an agent.
    #[arg(long, conflicts_with = "user")]
    reader: bool,
    /// Say nothing if there is nothing to say: for cron.
    #[arg(short, long)]
    quiet: bool,
    /// Also write the result as JUnit XML, which forges show as tests.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run this if a host differs or could not be looked at, with the JSON on its standard input. Words as in a shell, but
    /// no shell reads them; what it prints goes to standard error.
    #[arg(long, value_name = "COMMAND")]
    notify: Option<String>,
    #[command(flatten)]
    step: Step,
}

impl Drift {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { reader, quiet, junit: file, notify, step } = self;
        let page = step.file()?;
        let words = notify.map(|command| notify::words(&command)).transpose()?;
        let context = &context.quiet(quiet).reading(reader);
        let looked = looked(context)?;
        let locale = context.locale(&looked.inventory);
        let found = drift(&looked.plan);
        let exit = found.exit();
        match context.ui.format {
            _ if quiet && exit == Exit::Success => {}
            Format::Json => context.ui.json(&found.json()),
            Format::Text => context.ui.data(&found.text(locale)),
            Format::Markdown => context.ui.data(&crate::markdown::of_drift(&found, locale)),
        }
        let mut mistakes = Diagnostics::default();
        if let Some(page) = page {
            mistakes.keep(step::add(&page, &crate::markdown::of_drift(&found, locale)));
        }
        if let Some(file) = file {
            mistakes.keep(files::write(&file, &junit("steward drift", &found.suites())));
        }
        if let Some(words) = words.filter(|_| found.count(State::Ok) < found.hosts.len()) {
            mistakes.keep(notify::run(&words, &found.json().to_string()));
        }
        context.ui.report(&mistakes);
        let is_graver = matches!(exit, Exit::Failed | Exit::Unreachable);
        Ok(if mistakes.has_errors() && !is_graver { Exit::Error } else { exit })
    }
}
