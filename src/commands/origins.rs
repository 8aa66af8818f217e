//! The work of `plan --base REV`: what the base and each host's last applied revision want, read from git, so that every
//! change of a plan can say where it comes from.

use std::collections::BTreeMap;
use std::path::Path;

use super::Context;
use super::looking::Looked;
use crate::catalog::Catalog;
use crate::compile;
use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::inventory::{self, Selection};
use crate::modules::Library;
use crate::plan::origin::{Wishes, label};
use crate::revision::{commit, extracted};

/// What a revision wants of each host.
pub(super) struct Base {
    commit: String,
    wishes: BTreeMap<String, Wishes>,
}

/// Compiles the base, before any host is looked at.
pub(super) fn base(context: &Context, rev: &str) -> std::result::Result<Base, Diagnostics> {
    Ok(at(&context.inventory_dir()?, rev)?)
}

/// Labels all changes. What cannot be told is said as a warning.
pub(super) fn label_all(context: &Context, looked: &mut Looked, base: Base) -> std::result::Result<(), Diagnostics> {
    let dir = context.inventory_dir()?;
    let mut known: BTreeMap<String, Result<Base>> = BTreeMap::new();
    let nothing = Wishes::default();
    let mut warnings = Diagnostics::default();
    let mut unknown = Vec::new();
    for entry in &mut looked.plan.hosts {
        let Ok(plan) = &mut entry.result else { continue };
        let applied = match plan.applied.clone() {
            None => None,
            // what only somebody's working tree held is in no commit
            Some(applied) if applied.ends_with("+dirty") => None,
            Some(applied) => match known.entry(applied.clone()).or_insert_with(|| at(&dir, &applied)) {
                Ok(applied) => Some(&*applied),
                Err(why) => {
                    warnings.push(Diagnostic::warning(why.fact.clone()));
                    None
                }
            },
        };
        if applied.is_none() && !plan.changes.is_empty() {
            unknown.push(entry.host.clone());
        }
        let wishes = |base: &'_ Base| base.wishes.get(&entry.host).cloned().unwrap_or_default();
        label(plan, base.wishes.get(&entry.host).unwrap_or(&nothing), applied.map(wishes).as_ref());
    }
    if !unknown.is_empty() {
        let fact = format!("not known which revision was applied last: {}", unknown.join(", "));
        let remedy = "there, what is merged but not applied and what is drift are told apart after the next apply";
        warnings.push(Diagnostic::warning(fact).remedy(remedy));
    }
    context.ui.report(&warnings);
    looked.plan.base = Some(base.commit);
    Ok(())
}

fn at(dir: &Path, rev: &str) -> Result<Base> {
    let extracted = extracted(dir, &commit(dir, rev)?)?;
    let catalog = compiled(&extracted.dir).map_err(|mistakes| {
        let first = mistakes.0.into_iter().next().map(|first| first.fact).unwrap_or_default();
        Diagnostic::error(format!("the inventory at {rev} has mistakes: {first}"))
            .remedy("name a revision that `steward validate` accepts")
    })?;
    let wishes = catalog.hosts.iter().map(|host| (host.host.clone(), Wishes::of(host))).collect();
    Ok(Base { commit: extracted.commit, wishes })
}

/// Whole, without a limit: it is only compared with. What was locked then may be older than this program; the templates
/// of today are what a plan would apply.
fn compiled(dir: &Path) -> std::result::Result<Catalog, Diagnostics> {
    let (inventory, mut mistakes) = inventory::load(dir);
    let Some(inventory) = inventory else { return Err(mistakes) };
    let library = Library::load(&inventory.dir, &mut mistakes);
    if mistakes.has_errors() {
        return Err(mistakes);
    }
    let selection = Selection { hosts: inventory.hosts.keys().cloned().collect(), services: None };
    let (catalog, more) = compile::compile(&inventory, &library, &selection);
    catalog.ok_or(more)
}
