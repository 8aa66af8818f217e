//! `steward host facts [HOST…]`

use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::super::{Context, Outcome, files};
use super::limited;
use crate::catalog::HostCatalog;
use crate::connect::{operator, target};
use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::edit::Files;
use crate::exit::Exit;
use crate::fleet;
use crate::inventory::{self, Host, Inventory};
use crate::observed::Facts as Found;
use crate::plan::fleet::HostError;
use crate::probe::look;
use crate::script::change::RECORDS;
use crate::transport::connect;
use crate::ui::Format;

/// Ask hosts for operating system and architecture, and write them into the inventory.
#[derive(Debug, Args)]
pub(super) struct Facts {
    /// Hosts or groups; all unless given.
    hosts: Vec<String>,
}

/// A field of the inventory, what it was, what it becomes.
type Edit = (&'static str, Option<String>, String);

/// What one host says, and which fields of the inventory it changes.
struct Answer {
    host: String,
    result: Result<Vec<Edit>, HostError>,
}

impl Facts {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let Self { hosts } = self;
        let context = &limited(context, &hosts)?;
        let (inventory, mistakes) = inventory::load(&context.inventory_dir()?);
        let Some(inventory) = inventory.filter(|_| !mistakes.has_errors()) else { return Err(mistakes) };
        let answers = asked(context, &inventory)?;
        write(context, &inventory, &answers)?;
        Ok(said(context, &answers))
    }
}

fn asked(context: &Context, inventory: &Inventory) -> Result<Vec<Answer>, Diagnostics> {
    let selection = context.select(inventory)?;
    let access = context.access()?;
    let person = operator(inventory, &access);
    // a directory is no machine of its own
    let whole = |host: &&Host| host.root.is_none();
    let chosen = inventory.hosts.values().map(|host| &host.value);
    let chosen: Vec<Host> =
        chosen.filter(|host| selection.hosts.contains(&host.name)).filter(whole).cloned().collect();
    let work: Vec<_> = chosen.into_iter().map(|host| (target(inventory, &host, person, &access), host)).collect();
    if work.is_empty() {
        return Err(Diagnostic::error("none of these is a whole host").remedy("name hosts that are machines").into());
    }
    let (ui, silence, id) = (context.ui, access.timeouts.silence, inventory.id.value.clone());
    let ask = move |(target, host): (crate::transport::Target, Host)| {
        let nothing = Arc::new(nothing(&host));
        let found = connect(&target, &ui)
            .and_then(|mut session| look(&mut *session, &nothing, &format!("{RECORDS}/{id}"), silence))
            .map_err(HostError::from);
        let result = found.and_then(|seen| changes(&host, &seen.facts));
        Answer { host: host.name, result }
    };
    Ok(fleet::over(work, context.global.jobs, ask)?)
}

/// A host of which nothing is wanted, so that only its facts are looked at.
fn nothing(host: &Host) -> HostCatalog {
    HostCatalog {
        chapter: String::new(),
        partial: true,
        retire: Arc::default(),
        checks: Vec::new(),
        host: host.name.clone(),
        site: crate::kinds::Site::default(),
        os: None,
        architecture: None,
        bootstrap: None,
        readers: Vec::new(),
        wave: 0,
        ports: std::collections::BTreeSet::new(),
        keepers: std::collections::BTreeSet::new(),
        backed: Vec::new(),
        support: std::collections::BTreeMap::new(),
        services: Vec::new(),
        resources: Vec::new(),
    }
}

fn changes(host: &Host, found: &Found) -> Result<Vec<Edit>, HostError> {
    let is_said =
        |fact: &str| !fact.is_empty() && fact.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    // os-release of a rolling distribution has no version: `arch-`
    let has_version = !found.os.starts_with('-') && !found.os.ends_with('-');
    if !has_version || !is_said(&found.os) || !is_said(&found.architecture) {
        let fact = format!(
            "host {} says of itself `{}`, `{}`, which is no operating system with its version",
            host.name,
            found.os.escape_debug(),
            found.architecture.escape_debug()
        );
        let diagnostic = Diagnostic::error(fact).remedy("look at /etc/os-release there, or leave `os` out");
        return Err(HostError { unreachable: false, diagnostic });
    }
    let facts = [("os", &host.os, &found.os), ("arch", &host.arch, &found.architecture)];
    let changed = facts.into_iter().filter_map(|(name, declared, found)| {
        let declared = declared.as_ref().map(|declared| declared.value.clone());
        (declared.as_ref() != Some(found)).then(|| (name, declared, found.clone()))
    });
    Ok(changed.collect())
}

fn write(context: &Context, inventory: &Inventory, answers: &[Answer]) -> Result<(), Diagnostics> {
    let mut edited = Files::read(&inventory.dir)?;
    for answer in answers {
        for (field, _, found) in answer.result.iter().flatten() {
            edited.put(&["hosts", &answer.host, field], &Value::from(found.as_str()), "hosts")?;
        }
    }
    let (_, rewrites) = edited.finish()?;
    for rewrite in rewrites {
        files::write(&rewrite.path, &String::from_utf8_lossy(&rewrite.content))?;
        context.ui.message(&format!("wrote {}", shown(&rewrite.path)));
    }
    Ok(())
}

fn said(context: &Context, answers: &[Answer]) -> Exit {
    let ui = context.ui;
    if ui.format == Format::Json {
        let change = |(field, before, after): &Edit| json!({ "field": field, "before": before, "after": after });
        let host = |answer: &Answer| match &answer.result {
            Ok(changes) => {
                json!({ "host": answer.host, "changes": changes.iter().map(change).collect::<Vec<_>>(), "error": null })
            }
            Err(error) => json!({ "host": answer.host, "changes": [], "error": error.diagnostic.to_string() }),
        };
        ui.json(&json!({ "format": 1, "hosts": answers.iter().map(host).collect::<Vec<_>>() }));
    } else {
        for Answer { host, result } in answers {
            let line = |(field, before, after): &Edit| match before {
                Some(before) => format!("{field} {before} → {after}"),
                None => format!("{field} {after}"),
            };
            match result {
                Ok(changes) if changes.is_empty() => ui.data(&format!("{host}: as declared\n")),
                Ok(changes) => {
                    ui.data(&format!("{host}: {}\n", changes.iter().map(line).collect::<Vec<_>>().join(", ")));
                }
                Err(_) => {}
            }
        }
    }
    let errors: Vec<&HostError> = answers.iter().filter_map(|answer| answer.result.as_ref().err()).collect();
    ui.report(&Diagnostics(errors.iter().map(|error| error.diagnostic.clone()).collect()));
    if errors.iter().any(|error| !error.unreachable) {
        Exit::Failed
    } else if errors.is_empty() {
        Exit::Success
    } else {
        Exit::Unreachable
    }
}
