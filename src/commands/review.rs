//! `steward review`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::Args;
use serde_json::json;

use super::{Context, Outcome};
use crate::compile;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::inventory::{self, Inventory, Selection};
use crate::markdown::Document;
use crate::modules::Library;
use crate::review::{self, Side, marked};
use crate::revision::{Extracted, extracted, revision};
use crate::ui::Format;

/// Show what a change of the inventory means, from git alone: no host, no key and no secret is needed.
#[derive(Debug, Args)]
pub struct Review {
    /// The git revision to compare with.
    #[arg(long, value_name = "REV")]
    base: String,
    /// The git revision under review; the working tree as it is, if not given.
    #[arg(long, value_name = "REV")]
    head: Option<String>,
    /// Exit with 2 if anything would change.
    #[arg(long)]
    detailed_exitcode: bool,
}

impl Review {
    pub fn run(self, context: &Context) -> Outcome {
        if context.global.limit.is_some() {
            let wrong = Diagnostic::error("a review is of the whole inventory");
            return Err(wrong.remedy("leave `--limit` out").into());
        }
        let dir = context.inventory_dir()?;
        let base = extracted(&dir, &self.base)?;
        let head = self.head.as_deref().map(|rev| extracted(&dir, rev)).transpose()?;
        let head_dir = head.as_ref().map_or(dir.as_path(), |head| head.dir.as_path());
        let (old, new) = std::thread::scope(|scope| {
            let old = scope.spawn(|| base.dir.exists().then(|| side(&base.dir)).transpose());
            let new = side(head_dir);
            (old.join().unwrap_or_else(|_| Err(Diagnostic::error("the base could not be compiled").into())), new)
        });
        let new = match new {
            Ok(new) => new,
            Err(mistakes) => return Ok(broken(context, &base, head_dir, old.err(), mistakes)),
        };
        let old = old.map_err(|mut mistakes| {
            mistakes
                .push(Diagnostic::error("the base has mistakes of its own").remedy("choose a base that is valid"));
            mistakes
        })?;
        let mut found = review::review(old.as_ref(), &new);
        found.base.clone_from(&base.commit);
        found.head = head.map(|head| head.commit).or_else(|| revision(&dir)).unwrap_or_default();
        match context.ui.format {
            Format::Text => context.ui.data(&review::text(&found, context.ui.color, context.ui.verbose > 0)),
            Format::Json => context.ui.json(&review::json(&found)),
            Format::Markdown => context.ui.data(&review::document(&found).text()),
        }
        Ok(if self.detailed_exitcode && !found.is_empty() { Exit::Pending } else { Exit::Success })
    }
}

/// What head has of mistakes and base has not; all of them, if they are the same.
fn broken(context: &Context, base: &Extracted, head: &Path, old: Option<Diagnostics>, new: Diagnostics) -> Exit {
    let plain = |mistake: &Diagnostic, dir: &Path| {
        let prefix = format!("{}/", dir.display());
        let place = mistake.place.as_ref();
        let file = place.map(|place| place.source.name.rsplit('/').next().unwrap_or_default().to_owned());
        let file = file.map(|file| format!("{file}: ")).unwrap_or_default();
        format!("{file}{}", mistake.fact.replace(&prefix, ""))
    };
    let known: BTreeSet<String> = old.iter().flat_map(|old| &old.0).map(|it| plain(it, &base.dir)).collect();
    let mut fresh = Diagnostics(new.0.iter().filter(|it| !known.contains(&plain(it, head))).cloned().collect());
    if !fresh.has_errors() {
        fresh = new;
    }
    let lines: Vec<String> = fresh.0.iter().map(|it| plain(it, head)).collect();
    match context.ui.format {
        Format::Text => {}
        Format::Json => context.ui.json(&json!({
            "format": 1, "inventory": null, "base": base.commit, "head": null, "hosts": [], "fleet": [], "people": [],
            "ports": [], "secrets": [], "modules": [], "data": [],
            "mistakes": crate::ui::report::json(&fresh), "summary": null,
        })),
        Format::Markdown => {
            let (loaded, _) = inventory::load(head);
            let id = loaded.map(|inventory| marked(&inventory.id.value)).unwrap_or_default();
            let document = Document {
                marker: format!("steward:review:{id}"),
                title: "Review: the inventory has mistakes".to_owned(),
                warnings: lines,
                summary: "Nothing could be compared.".to_owned(),
                ..Document::default()
            };
            context.ui.data(&document.text());
        }
    }
    context.ui.report(&fresh);
    Exit::Error
}

fn side(dir: &Path) -> Result<Side, Diagnostics> {
    let (inventory, mut mistakes) = inventory::load(dir);
    let Some(inventory) = inventory else { return Err(mistakes) };
    let library = Library::load(&inventory.dir, &mut mistakes);
    mistakes.0.extend(super::locks(&inventory, &library).0);
    if mistakes.has_errors() {
        mistakes.0.extend(compile::further_mistakes(&inventory, &library).0);
        return Err(mistakes);
    }
    let selection = Selection { hosts: inventory.hosts.keys().cloned().collect(), services: None };
    let (catalog, more) = compile::compile(&inventory, &library, &selection);
    mistakes.0.extend(more.0);
    let Some(catalog) = catalog.filter(|_| !mistakes.has_errors()) else { return Err(mistakes) };
    let (modules, recipients) = (modules(&inventory, &library), recipients(&inventory.dir));
    Ok(Side { inventory, catalog, modules, recipients })
}

fn modules(inventory: &Inventory, library: &Library) -> BTreeMap<String, (i64, String)> {
    let used = inventory.services.values().filter_map(|service| library.get(&service.module.value));
    let text = |module: &crate::modules::Module| {
        let templates = library.templates_of(&module.name).map(|(path, source)| format!("# {path}\n{}", source.text));
        module.source.text.clone() + &templates.collect::<String>()
    };
    used.map(|module| (module.name.clone(), (module.version, text(module)))).collect()
}

/// `secrets/<service>/<name>.recipients`: `id HEX`, then `person NAME KEY` for each reader. Links are not followed.
fn recipients(dir: &Path) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut found = BTreeMap::new();
    let entries = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().collect::<Vec<_>>();
    let top = dir.join("secrets");
    let is_dir = |path: &Path| path.symlink_metadata().is_ok_and(|about| about.is_dir());
    for service in entries(&top).into_iter().filter(|it| is_dir(&top) && is_dir(&it.path())) {
        for file in entries(&service.path()) {
            let name = file.file_name().to_string_lossy().into_owned();
            let Some(name) = name.strip_suffix(".recipients") else { continue };
            if !file.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            let text = std::fs::read_to_string(file.path()).unwrap_or_default();
            let id = text.lines().find_map(|line| line.strip_prefix("id ")).unwrap_or_default().to_owned();
            let person = |line: &str| Some(line.strip_prefix("person ")?.split_whitespace().next()?.to_owned());
            let readers = text.lines().filter_map(person).collect();
            found.insert(format!("{}/{name}", service.file_name().to_string_lossy()), (id, readers));
        }
    }
    found
}
