//! Saved plans as files: `plan --out` writes one, `apply FILE` reads it and says whether it is still true. Never
//! overwrites anything; whoever made the file alone may read it.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;

use super::looking::Looked;
use super::{Context, Global};
use crate::diag::{Diagnostic, Diagnostics, Result, shown};
use crate::outcome::{Outcome, Status};
use crate::plan::saved::{FORMAT, Saved, saved};

/// No saved plan is larger; nothing else is read to its end.
const LARGEST: u64 = 64 << 20;

/// Said before hosts are looked at: a long look should not end with this.
pub(super) fn must_not_exist(file: &Path) -> Result<()> {
    if file.symlink_metadata().is_err() {
        return Ok(());
    }
    let fact = format!("{} exists already", shown(file));
    Err(Box::new(Diagnostic::error(fact).remedy("name a new file; a saved plan never overwrites anything")))
}

/// Writes what was looked at, for review.
pub(super) fn save(context: &Context, looked: &Looked, file: &Path, hours: u32) -> Result<()> {
    let limit = context.global.limit.as_deref();
    let Some(plan) = saved(&looked.plan, &looked.catalog, limit, Timestamp::now(), hours) else {
        let fact = format!("{} was not written: not every host could be looked at", shown(file));
        return Err(Box::new(Diagnostic::error(fact).remedy("mend that, or leave the host out by `--limit`")));
    };
    let failed = |error: String| {
        let fact = format!("cannot write {}: {error}", shown(file));
        Box::new(Diagnostic::error(fact).remedy("check the directory's permissions and space"))
    };
    let text = serde_json::to_string_pretty(&plan).map_err(|error| failed(error.to_string()))?;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| open.write_all(format!("{text}\n").as_bytes()).and_then(|()| open.sync_all()))
        .map_err(|error| failed(error.to_string()))?;
    context.ui.message(&format!("Saved. Until {}: steward apply {}", plan.expires, shown(file)));
    Ok(())
}

pub(super) fn read(file: &Path) -> Result<Saved> {
    let failed = |error: String| {
        let fact = format!("cannot read the saved plan {}: {error}", shown(file));
        Box::new(Diagnostic::error(fact).remedy("name a file that `steward plan --out FILE` wrote"))
    };
    let size = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?.len();
    if size > LARGEST {
        return Err(failed(format!("it has {size} bytes")));
    }
    let bytes = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
    let plan: Saved = serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
    if plan.format != FORMAT {
        return Err(failed(format!("its format is {}, and only {FORMAT} is known here", plan.format)));
    }
    Ok(plan)
}

/// The context for the hosts that were reviewed; naming others would be another plan.
pub(super) fn limited(context: &Context, plan: &Saved) -> Result<Context> {
    let limit = &context.global.limit;
    if limit.is_some() && *limit != plan.limit {
        let was = plan.limit.as_deref().map_or_else(|| "no `--limit`".to_owned(), |it| format!("`--limit {it}`"));
        let fact = format!("the plan was saved with {}", was.escape_debug());
        return Err(Box::new(Diagnostic::error(fact).remedy("leave `--limit` out: a saved plan brings its own")));
    }
    Ok(Context { ui: context.ui, global: Global { limit: plan.limit.clone(), ..context.global.clone() } })
}

/// Before looking: the revision, the time. The hosts as they then are reported.
pub(super) fn out_of_date(context: &Context, plan: &Saved) -> std::result::Result<Option<Vec<Outcome>>, Diagnostics> {
    let revision = crate::revision::revision(&context.inventory_dir()?);
    let Some(why) = plan.is_out_of_date(revision.as_deref(), Timestamp::now()) else { return Ok(None) };
    let mut outcomes: Vec<Outcome> = plan.hosts.iter().map(|host| stale(&host.host)).collect();
    if let Some(first) = outcomes.first_mut() {
        first.failures.push(why);
    }
    Ok(Some(outcomes))
}

/// After looking: anything that is not as it was reviewed. Then nothing is done anywhere.
pub(super) fn stale_hosts(plan: &Saved, looked: &Looked) -> Option<Vec<Outcome>> {
    let mut different = plan.differences(&looked.plan, &looked.catalog);
    if looked.plan.revision != plan.revision {
        let host = plan.hosts.first().map(|host| host.host.clone()).unwrap_or_default();
        let fact = "the inventory moved to another revision while hosts were looked at";
        different.push((host, Diagnostic::error(fact).remedy("let it rest, and apply again")));
    }
    if different.is_empty() {
        return None;
    }
    let mut outcomes: Vec<Outcome> = looked
        .plan
        .hosts
        .iter()
        .map(|entry| match &entry.result {
            Ok(_) => stale(&entry.host),
            Err(error) => {
                let status = if error.unreachable { Status::Unreachable } else { Status::Failed };
                Outcome { status, failures: vec![error.diagnostic.clone()], ..stale(&entry.host) }
            }
        })
        .collect();
    for (host, why) in different {
        match outcomes.iter_mut().find(|outcome| outcome.host == host) {
            Some(outcome) => outcome.failures.push(why),
            None => outcomes.push(Outcome { failures: vec![why], ..stale(&host) }),
        }
    }
    Some(outcomes)
}

fn stale(host: &str) -> Outcome {
    Outcome {
        host: host.to_owned(),
        status: Status::Stale,
        changed: 0,
        failed: 0,
        skipped: 0,
        exchanges: 0,
        failures: Vec::new(),
    }
}
