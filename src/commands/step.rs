//! `--step-summary`: the Markdown of a command on the page that a forge shows for a run of its CI.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::diag::{Diagnostic, Result, shown};

/// GitHub, Gitea and Forgejo name the file in this variable.
const FILE: &str = "GITHUB_STEP_SUMMARY";

#[derive(Debug, Args)]
pub(super) struct Step {
    /// Also put the Markdown on the summary page of this CI run (GitHub, Forgejo, Gitea), whatever the format.
    #[arg(long)]
    step_summary: bool,
}

impl Step {
    /// Whether it was asked for, and where to. Before any work: that it cannot be is known then.
    pub(super) fn file(&self) -> Result<Option<PathBuf>> {
        if !self.step_summary {
            return Ok(None);
        }
        match std::env::var_os(FILE).filter(|file| !file.is_empty()) {
            Some(file) => Ok(Some(file.into())),
            None => Err(Box::new(
                Diagnostic::error(format!("there is no summary page here: {FILE} is not set"))
                    .remedy("leave `--step-summary` out where no forge runs this"),
            )),
        }
    }
}

/// Adds to what other steps wrote there.
pub(super) fn add(file: &std::path::Path, markdown: &str) -> Result<()> {
    let written = std::fs::OpenOptions::new().append(true).create(true).open(file);
    written.and_then(|mut file| file.write_all(format!("{markdown}\n").as_bytes())).map_err(|error| {
        let fact = format!("cannot write the summary page {}: {error}", shown(file));
        Box::new(Diagnostic::error(fact).remedy("check its permissions and its space"))
    })
}
