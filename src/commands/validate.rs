//! `steward validate`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Compiled, Context, Outcome, files};
use crate::exit::Exit;
use crate::report::{annotations, sarif};
use crate::ui::Format;
use crate::ui::report::json;

/// Check the inventory, its modules and templates, and report every mistake; no host is needed.
#[derive(Debug, Args)]
pub struct Validate {
    /// Print mistakes as this forge's CI puts them beside the lines of a pull request (Forgejo reads GitHub's form, too).
    #[arg(long, value_enum, value_name = "FORGE", conflicts_with = "format")]
    annotations: Option<Annotations>,
    /// Also write the mistakes as SARIF 2.1.0, for code scanning.
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Annotations {
    Github,
}

impl Validate {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { annotations: forge, sarif: file } = self;
        let (compiled, mut mistakes) = match context.compile_silently() {
            Ok((compiled, warnings)) => (Some(compiled), warnings),
            Err(mistakes) => (None, mistakes),
        };
        let (here, top) = places(context);
        if let Some(file) = file {
            let text = format!("{:#}\n", sarif::sarif(&mistakes, &here, &top));
            mistakes.keep(files::write(&file, &text));
        }
        let valid = compiled.is_some() && !mistakes.has_errors();
        match (context.ui.format, forge) {
            (Format::Json, _) => {
                context.ui.json(&json!({ "format": 1, "valid": valid, "mistakes": json(&mistakes) }));
            }
            (Format::Text | Format::Markdown, Some(Annotations::Github)) => {
                context.ui.data(&annotations::github(&mistakes, &here, &top));
            }
            (Format::Text | Format::Markdown, None) => context.ui.report(&mistakes),
        }
        if let (Format::Text, true, Some(compiled)) = (context.ui.format, valid, &compiled) {
            context.ui.message(&summary(compiled));
        }
        Ok(if valid { Exit::Success } else { Exit::Error })
    }
}

/// What the names of sources are relative to, and what paths are to be told from: the repository, if there is one.
fn places(context: &Context) -> (PathBuf, PathBuf) {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let dir = context.inventory_dir().ok();
    let top = dir.and_then(|dir| crate::revision::top(&dir).ok()).unwrap_or_else(|| here.clone());
    (here, top)
}

fn summary(compiled: &Compiled) -> String {
    let resources: usize = compiled.catalog.hosts.iter().map(|host| host.resources.len()).sum();
    let hosts = count(compiled.catalog.hosts.len(), "host");
    let services = count(compiled.inventory.services.len(), "service");
    let resources = count(resources, "resource");
    format!("The inventory is valid: {hosts}, {services}, {resources}.")
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
