//! The work of `undo`: the revision before a run, with the secrets of today, and what of a plan is not for an undo.

use std::sync::Arc;

use super::{Compiled, Context};
use crate::catalog::HostCatalog;
use crate::compile;
use crate::diag::Diagnostics;
use crate::history::Entry;
use crate::inventory::{self, Selection};
use crate::modules::Library;
use crate::plan::{Action, HostPlan};
use crate::resource::{Attribute, Id};
use crate::revision::extracted;
use crate::secrets::{Identities, Live, Store};
use crate::texts;

/// What the revision before the run wanted of the host; or why that cannot be said, to follow "and".
pub(super) fn before(
    context: &Context,
    today: &Compiled,
    host: &str,
    entry: &Entry,
) -> Result<Arc<HostCatalog>, String> {
    let revision = entry.before.as_deref().ok_or("it is not known which revision was applied before that run")?;
    if revision.ends_with("+dirty") {
        return Err("what was applied before was in no commit".to_owned());
    }
    if !revision.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("the host names no commit that was applied before".to_owned());
    }
    let why = |error: Box<crate::diag::Diagnostic>| error.fact;
    let extracted = extracted(&today.inventory.dir, revision).map_err(why)?;
    let first = |mistakes: Diagnostics| {
        let first = mistakes.0.into_iter().next().map(|first| first.fact).unwrap_or_default();
        format!("the inventory at {revision} has mistakes: {first}")
    };
    let store = Store::open(&today.inventory.dir).map_err(why)?;
    let identities = Identities::find(&context.global.identity, Arc::new(context.ui));
    compiled(&extracted.dir, host, Live::new(store, identities))
        .map_err(first)?
        .ok_or_else(|| format!("the revision {revision}, which was applied before, has no host {host}"))
}

fn compiled(dir: &std::path::Path, host: &str, secrets: Live) -> Result<Option<Arc<HostCatalog>>, Diagnostics> {
    let (inventory, mut mistakes) = inventory::load(dir);
    let Some(inventory) = inventory else { return Err(mistakes) };
    let library = Library::load(&inventory.dir, &mut mistakes);
    if mistakes.has_errors() {
        return Err(mistakes);
    }
    if !inventory.hosts.contains_key(host) {
        return Ok(None);
    }
    let selection = Selection { hosts: vec![host.to_owned()], services: None };
    let (catalog, more) = compile::compile_with(&inventory, &library, &selection, Arc::new(secrets));
    Ok(catalog.ok_or(more)?.hosts.into_iter().next())
}

/// Ids of what is there only to react, and would have to change itself.
pub(super) fn declines(plan: &HostPlan) -> Vec<Id> {
    let catalog = &plan.catalog;
    let reacts = |id: &Id| catalog.resources.iter().any(|it| it.id == *id && !it.item.reactions().is_empty());
    let planned = plan.steps.iter().filter_map(|step| catalog.resources.get(*step)).map(|resource| &resource.id);
    planned.chain(plan.unknown.iter().map(|unknown| &unknown.id)).filter(|id| reacts(id)).cloned().collect()
}

/// The contents that come from the host are shown only where that is allowed.
pub(super) fn withhold(plan: &mut HostPlan) {
    for change in &mut plan.changes {
        let is_content = |value: &Option<Attribute>| matches!(value, Some(Attribute::Content(_)));
        let contents = change.differences.iter().any(|it| is_content(&it.from) || is_content(&it.to));
        if contents && matches!(change.action, Action::Create | Action::Update | Action::Delete) {
            change.differences.retain(|it| !is_content(&it.from) && !is_content(&it.to));
            change.reason = texts::withheld(&change.reason);
        }
    }
}
