//! `steward host reader [HOST…]`

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::super::looking::{Looked, looked};
use super::super::{Context, Outcome, files};
use super::limited;
use crate::diag::{Diagnostic, Diagnostics, Result, shown};
use crate::edit::Files;
use crate::exit::Exit;
use crate::inventory::{self, SshKey};
use crate::plan::HostPlan;
use crate::reader;
use crate::script::change::RECORDS;
use crate::transport::{Broken, Session};
use crate::ui::Format;

/// Let the keys in `readers` of the chapter look at hosts and do nothing else: for CI. Later applies keep that up to date.
#[derive(Debug, Args)]
pub(super) struct Reader {
    /// Hosts or groups; all unless given.
    hosts: Vec<String>,
    /// First add this public key to `readers` in the inventory; `-` reads it from standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "remove")]
    key: Option<PathBuf>,
    /// Take it all away from the hosts: account, program, right and keys.
    #[arg(long)]
    remove: bool,
}

impl Reader {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let Self { hosts, key, remove } = self;
        let context = &limited(context, &hosts)?;
        if let Some(file) = key {
            declare(context, &file)?;
        }
        let looked = looked(context)?;
        if !remove && looked.catalog.hosts.iter().all(|host| host.readers.is_empty()) {
            return Err(Diagnostic::error("no reader key is declared")
                .remedy(
                    "add one by `--key FILE`, or to `readers` of `chapter`; `--remove` takes them away from hosts",
                )
                .into());
        }
        let results = on_every_host(context, looked, remove);
        Ok(said(context, &results))
    }
}

/// What became of one host.
struct Done {
    host: String,
    status: &'static str,
    /// What to know of it, or why it failed.
    note: Option<Diagnostic>,
}

fn on_every_host(context: &Context, looked: Looked, remove: bool) -> Vec<Done> {
    let records = format!("{RECORDS}/{}", looked.catalog.inventory);
    let silence = Duration::from_secs(context.global.silence_timeout.max(1));
    let entries = looked.plan.hosts.into_iter().zip(looked.sessions);
    let done = entries.map(|(entry, session)| {
        let (status, note) = match (entry.result, session) {
            (Ok(plan), Some(mut session)) => one(&mut *session, &plan, &records, remove, silence),
            (Err(error), _) => (if error.unreachable { "unreachable" } else { "failed" }, Some(error.diagnostic)),
            (Ok(_), None) => ("failed", Some(Diagnostic::error("the connection is gone").remedy("run it again"))),
        };
        Done { host: entry.host, status, note }
    });
    done.collect()
}

fn one(
    session: &mut dyn Session,
    plan: &HostPlan,
    records: &str,
    remove: bool,
    silence: Duration,
) -> (&'static str, Option<Diagnostic>) {
    let catalog = &*plan.catalog;
    if catalog.site.is_directory() {
        let fact = format!("host {} is a directory, which nobody logs in to", catalog.host);
        return ("failed", Some(Diagnostic::error(fact).remedy("name whole hosts")));
    }
    let complete = plan.is_empty() && plan.unknown.is_empty();
    let done = if remove {
        reader::remove(session, &catalog.host, silence).map(|()| "removed")
    } else if complete && plan.reader.is_some() && !reader::is_outdated(catalog, plan.reader.as_ref()) {
        Ok("unchanged")
    } else {
        reader::install(session, catalog, records, complete, silence).map(|()| "installed")
    };
    match done {
        Ok("installed") if !complete => {
            let fact = format!("host {} is not yet as the inventory wants it", catalog.host);
            let remedy = "`steward apply`; until then it answers no reader key";
            ("installed", Some(Diagnostic::warning(fact).remedy(remedy)))
        }
        Ok(word) => (word, None),
        Err(Broken::Unreachable(why)) => ("unreachable", Some(*why)),
        Err(Broken::Lost(why) | Broken::Ended(why)) => ("failed", Some(*why)),
    }
}

fn said(context: &Context, results: &[Done]) -> Exit {
    let ui = context.ui;
    let count = |status: &str| results.iter().filter(|done| done.status == status).count();
    if ui.format == Format::Json {
        let host = |done: &Done| json!({ "host": done.host, "status": done.status, "note": done.note.as_ref().map(ToString::to_string) });
        ui.json(&json!({ "format": 1, "hosts": results.iter().map(host).collect::<Vec<_>>() }));
    } else {
        for Done { host, status, note: _ } in results {
            ui.data(&format!("{host}: {status}\n"));
        }
    }
    ui.report(&Diagnostics(results.iter().filter_map(|done| done.note.clone()).collect()));
    match (count("failed"), count("unreachable")) {
        (0, 0) => Exit::Success,
        (0, _) => Exit::Unreachable,
        _ => Exit::Failed,
    }
}

/// Adds the key to the inventory; nothing to do if it stands there.
fn declare(context: &Context, file: &Path) -> std::result::Result<(), Diagnostics> {
    let dir = context.inventory_dir()?;
    let (inventory, mistakes) = inventory::load(&dir);
    let Some(inventory) = inventory.filter(|_| !mistakes.has_errors()) else { return Err(mistakes) };
    let key = public_key(file)?;
    let readers = &inventory.chapter.readers;
    if readers.iter().any(|declared| declared.key() == key.key()) {
        return Ok(());
    }
    let all: Vec<Value> =
        readers.iter().map(|it| it.value.to_string()).chain([key.to_string()]).map(Value::from).collect();
    let mut edited = Files::read(&inventory.dir)?;
    edited.put(&["chapter", "readers"], &all.into(), "chapter")?;
    let (_, rewrites) = edited.finish()?;
    for rewrite in rewrites {
        files::write(&rewrite.path, &String::from_utf8_lossy(&rewrite.content))?;
        context.ui.message(&format!("{}: `readers` of the chapter has one more key", shown(&rewrite.path)));
    }
    Ok(())
}

fn public_key(file: &Path) -> Result<SshKey> {
    let read = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().take(1 << 20).read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let text = read.map_err(|error| {
        Diagnostic::error(format!("cannot read {}: {error}", shown(file))).remedy("name the `.pub` file of the key")
    })?;
    SshKey::try_from(text.trim().to_owned()).map_err(|why| {
        let (fact, remedy) = why.split_once('\n').unwrap_or((&why, "name the `.pub` file of the key"));
        Box::new(Diagnostic::error(format!("{}: {fact}", shown(file))).remedy(remedy))
    })
}
