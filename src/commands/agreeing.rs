//! What must be agreed to before hosts are changed: that the checkout is older than what they have, and that much goes.

use std::collections::BTreeMap;

use super::Context;
use super::drills::{Drills, Required};
use super::looking::Looked;
use crate::ancestry::{Ancestry, ancestry};
use crate::backups::What;
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::inventory::Locale;
use crate::plan::HostPlan;

/// Says where the checkout does not hold what a host had applied last: as a mistake, or as a warning if that is agreed to.
pub(super) fn revisions(context: &Context, looked: &Looked, agreed: bool) -> Result<Diagnostics, Diagnostics> {
    let dir = context.inventory_dir()?;
    let mut found = Diagnostics::default();
    if let Some(dirty) = looked.plan.revision.as_deref().filter(|revision| revision.ends_with("+dirty")) {
        let fact = format!("the inventory has changes that are not committed; hosts remember it as {}", short(dirty));
        found.push(Diagnostic::warning(fact).remedy("commit them, so that others can see what was applied"));
    }
    let mut hosts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for plan in plans(looked) {
        if let Some(applied) = &plan.applied {
            hosts.entry(applied).or_default().push(&plan.catalog.host);
        }
    }
    for (applied, hosts) in hosts {
        let (hosts, revision) = (hosts.join(", "), short(applied));
        let (fact, remedy) = match ancestry(&dir, applied) {
            Ancestry::Contained => continue,
            Ancestry::Newer => (
                format!("{hosts}: revision {revision} was applied last, and this checkout does not contain it"),
                "`git pull` first; `--older-revision` applies this one nevertheless, and undoes what came since",
            ),
            Ancestry::Unknown => (
                format!("{hosts}: revision {revision} was applied last, and git does not know it here"),
                "`git fetch` it (in CI: the whole history); `--older-revision` applies this one nevertheless",
            ),
            Ancestry::NoRepository => {
                let fact =
                    format!("{hosts}: revision {revision} was applied last; nothing can be compared outside git");
                found.push(Diagnostic::warning(fact).remedy("use a clone of the chapter's repository"));
                continue;
            }
        };
        let severity = if agreed { Severity::Warning } else { Severity::Error };
        found.push(Diagnostic { severity, ..Diagnostic::error(fact).remedy(remedy) });
    }
    Ok(found)
}

/// Refuses what would take away too much at once; `allowed` is the most on one host.
pub(super) fn deletions(looked: &Looked, allowed: Option<usize>) -> Diagnostics {
    let mut found = Diagnostics::default();
    for plan in plans(looked) {
        if let Some(what) = plan.leavings.too_many(plan.declared.resources.len(), allowed) {
            let fact = format!("{}: {what}, because nothing declares them any more", plan.catalog.host);
            let remedy =
                format!("look at them above; if they shall go, add `--allow-deletions {}`", plan.leavings.gone.len());
            found.push(Diagnostic::error(fact).remedy(remedy));
        }
    }
    found
}

/// What must be proven of backups before hosts change: with `require_drills`, that none is overdue for a drill; without
/// `undrilled`, that no service with data gets a newer version of its module unless its data could be restored. Nothing is
/// changed in any case while a restore is half done.
pub(super) fn drills(looked: &Looked, asked: Drills, locale: Locale) -> Diagnostics {
    let Drills { required, undrilled } = asked;
    let mut found = overdue(looked, required, locale);
    for plan in plans(looked) {
        let host = &plan.catalog.host;
        for service in plan.unproven.iter().filter(|_| !undrilled) {
            let fact = format!(
                "{host}: the module of {service}, which holds data, comes in a newer version, and no fresh drill proves that the data could be restored"
            );
            let remedy = format!("`steward backup drill {service}` first; `--undrilled` goes on without");
            found.push(Diagnostic::error(fact).remedy(remedy));
        }
        for it in plan.backups.iter().filter(|it| it.what == What::Unfinished && !plan.is_empty()) {
            found.push(
                Diagnostic::error(format!("{host}: {}", it.line().text(locale))).remedy(it.remedy.text(locale)),
            );
        }
    }
    found
}

/// Drills that are overdue, and backups of which that is not known, if that is asked for.
pub(super) fn overdue(looked: &Looked, required: Required, locale: Locale) -> Diagnostics {
    let mut found = Diagnostics::default();
    for plan in plans(looked).filter(|_| required.require_drills) {
        for it in &plan.backups {
            if matches!(it.what, What::Undrilled | What::Never | What::Unknown) {
                let fact = format!("{}: {}", plan.catalog.host, it.line().text(locale));
                found.push(Diagnostic::error(fact).remedy(it.remedy.text(locale)));
            }
        }
    }
    found
}

/// Refuses versions of modules that break something, unless the service is named; and names that stand for nothing.
pub(super) fn upgrades(looked: &Looked, accepted: &[String], locale: Locale) -> Diagnostics {
    let mut found = Diagnostics::default();
    let known: Vec<&str> = looked.inventory.services.keys().map(String::as_str).collect();
    for name in accepted.iter().filter(|name| !known.contains(&name.as_str())) {
        let fact = format!("`--accept-upgrade {}`: there is no such service", name.escape_debug());
        found.push(Diagnostic::error(fact).suggest(name, known.iter().copied()));
    }
    let gates = plans(looked).flat_map(|plan| plan.gates.iter().map(move |gate| (&plan.catalog.host, gate)));
    for (host, gate) in gates.filter(|(_, gate)| !accepted.contains(&gate.service)) {
        let service = &gate.service;
        let fact = format!("host {host}: {}", gate.line().text(locale));
        let remedy = format!(
            "when that is fine, `--accept-upgrade {service}`; or for all of its hosts, in the inventory: `accept_upgrade: {}` of `{service}`",
            gate.version
        );
        found.push(Diagnostic::error(fact).remedy(remedy));
    }
    found
}

fn plans(looked: &Looked) -> impl Iterator<Item = &HostPlan> {
    looked.plan.hosts.iter().filter_map(|entry| entry.result.as_ref().ok())
}

/// As much of a commit as people compare. What a host says may be anything.
fn short(revision: &str) -> String {
    let dirty = if revision.ends_with("+dirty") { "+dirty" } else { "" };
    let commit: String = revision.trim_end_matches("+dirty").chars().take(12).collect();
    format!("{}{dirty}", commit.escape_debug())
}
