//! `steward add MODULE`

use clap::Args;
use serde_json::json;

use super::people::loaded;
use super::{Context, Outcome};
use crate::adding::{Added, NewService, add};
use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::exit::Exit;
use crate::inventory::Inventory;
use crate::modules::{Library, lock};
use crate::secrets::{Store, declared};
use crate::ui::Format;

mod asking;
mod given;

/// Add a service to the inventory: asks at a terminal what the module wants to know, or takes it from options. Everything
/// is checked before the files change; comments and order stay.
#[derive(Debug, Args)]
pub struct Add {
    /// What it is, such as `static-site`; `steward module list` shows all.
    module: String,
    /// What to call it; the module's name unless given.
    #[arg(long)]
    name: Option<String>,
    /// Where it runs. May be repeated.
    #[arg(long, value_name = "HOST|GROUP")]
    on: Vec<String>,
    /// A parameter; `NEED.KEY=VALUE` is one of a needed module that is added too. May be repeated.
    #[arg(long = "param", value_name = "KEY=VALUE")]
    params: Vec<String>,
    /// Which service meets a need. May be repeated.
    #[arg(long = "need", value_name = "NEED=SERVICE")]
    needs: Vec<String>,
    /// Also add what it needs and nobody has there yet.
    #[arg(long)]
    with_needs: bool,
    /// What it keeps may be lost, since it is only tried: it needs no backup (`backup: false`).
    #[arg(long)]
    trial: bool,
}

impl Add {
    pub fn run(self, context: &Context) -> Outcome {
        let (inventory, library) = loaded(context)?;
        let language = context.global.locale.unwrap_or(inventory.chapter.locale).code();
        let services = asking::Questions { ui: context.ui, inventory: &inventory, library: &library, language }
            .services(self)?;
        let added = add(&inventory, &library, &services).map_err(|mut mistakes| {
            context.ui.message("Nothing was written: the inventory would not hold.\n");
            mistakes.0.sort_by_key(|mistake| mistake.severity);
            mistakes
        })?;
        context.ui.report(&added.remarks);
        let files: Vec<String> = added.rewrites.iter().map(|rewrite| shown(&rewrite.path)).collect();
        let store = Store::open(&inventory.dir)?;
        let writes: Vec<_> =
            added.rewrites.iter().map(|rewrite| (rewrite.path.clone(), Some(rewrite.content.clone()))).collect();
        store.commit(&writes)?;
        tell(context, &services, &files, &next(&added, &library, &services, &store, language));
        Ok(Exit::Success)
    }
}

fn tell(context: &Context, services: &[NewService], files: &[String], next: &[(String, String)]) {
    if context.ui.format == Format::Json {
        let service = |it: &NewService| json!({ "service": it.name, "module": it.module, "on": it.on, "params": it.params, "needs": it.needs });
        let step = |(command, why): &(String, String)| json!({ "command": command, "why": why });
        context.ui.json(&json!({
            "format": 1,
            "added": services.iter().map(service).collect::<Vec<_>>(),
            "written": files,
            "next": next.iter().map(step).collect::<Vec<_>>(),
        }));
        return;
    }
    for service in services {
        context.ui.message(&format!("{} ({}) is in {}.", service.name, service.module, files.join(", ")));
    }
    context.ui.message("Next:");
    let width = next.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    for (command, why) in next {
        context.ui.message(&format!("  {command:width$}  # {why}"));
    }
}

/// What to do now, in order: commands and why.
fn next(
    added: &Added,
    library: &Library,
    services: &[NewService],
    store: &Store,
    language: &str,
) -> Vec<(String, String)> {
    let is_ours = |name: &str| services.iter().any(|service| service.name == name);
    let secrets = declared(&added.after, library).into_iter();
    let missing = secrets.filter(|it| is_ours(&it.name.service) && store.header(&it.name).is_none());
    let (made, given): (Vec<_>, Vec<_>) = missing.partition(|it| it.declaration.generate.is_some());
    let mut next = Vec::new();
    if !made.is_empty() {
        let names: Vec<String> = made.iter().map(|it| it.name.to_string()).collect();
        next.push(("steward secrets generate".to_owned(), format!("makes {}", names.join(", "))));
    }
    for it in given {
        let help = it.declaration.help(language).lines().next().unwrap_or_default().to_owned();
        let why = if help.is_empty() { "a value that only people know".to_owned() } else { help };
        next.push((format!("steward secrets set {}", it.name), why));
    }
    if lock::check(&added.after, library).has_errors() {
        let modules: Vec<&str> = services.iter().map(|service| service.module.as_str()).collect();
        next.push(("steward module update".to_owned(), format!("records {}", modules.join(", "))));
    }
    next.push(("steward validate".to_owned(), "every mistake at once".to_owned()));
    next.push(("steward plan".to_owned(), "what it would do".to_owned()));
    next
}

/// The hosts that these words mean.
fn hosts(inventory: &Inventory, on: &[String]) -> Result<Vec<String>, Diagnostics> {
    if let Some(word) = on.iter().find(|word| word.contains("service:") || word.contains(',')) {
        let fact = format!("`{}` is no host or group", word.escape_debug());
        return Err(Diagnostic::error(fact).remedy("give each by an `--on` of its own").into());
    }
    Ok(inventory.select(Some(&on.join(",")))?.hosts)
}
