//! The checks of many hosts at once, for `verify` and at the end of `apply`.

use std::sync::Arc;
use std::time::Duration;

use super::Context;
use super::looking::Looked;
use crate::catalog::{Catalog, HostCatalog};
use crate::checks::report::{self, HostReport};
use crate::checks::{Check, verify};
use crate::connect::{Access, operator, target};
use crate::diag::Diagnostics;
use crate::fleet;
use crate::inventory::Inventory;
use crate::outcome::{Outcome, Status};
use crate::transport::{Session, Target, connect};
use crate::ui::Format;
use crate::ui::progress::Progress;

/// What is to be checked on one host.
pub(super) struct Work {
    host: String,
    checks: Vec<Check>,
    /// Where its services answer.
    address: String,
    target: Target,
    /// Opened when the host itself is to be asked.
    session: Option<Box<dyn Session>>,
}

/// The checks of these hosts that `wanted` lets through; hosts without any are left out.
pub(super) fn work(
    inventory: &Inventory,
    catalog: &Catalog,
    access: &Access,
    wanted: impl Fn(&HostCatalog, &Check) -> bool,
) -> Vec<Work> {
    let person = operator(inventory, access);
    let of = |catalog: &Arc<HostCatalog>| {
        let host = inventory.hosts.get(&catalog.host)?;
        let checks: Vec<Check> = catalog.checks.iter().filter(|check| wanted(catalog, check)).cloned().collect();
        let address = if host.is_local() { "localhost".to_owned() } else { host.address.as_str().to_owned() };
        let target = target(inventory, host, person, access);
        (!checks.is_empty()).then(|| Work { host: catalog.host.clone(), checks, address, target, session: None })
    };
    catalog.hosts.iter().filter_map(of).collect()
}

/// Tries them all, each until it passes or its time is over; `within` replaces what the checks say.
pub(super) fn verified(
    context: &Context,
    hosts: Vec<Work>,
    within: Option<Duration>,
) -> Result<Vec<HostReport>, Diagnostics> {
    let (ui, silence) = (context.ui, Duration::from_secs(context.global.silence_timeout.max(1)));
    let progress = Arc::new(Progress::new("checking", hosts.len(), context.global.verbose > 0));
    let watch = Arc::clone(&progress);
    let reports = fleet::over(hosts, context.global.jobs, move |mut work: Work| {
        watch.begin(&work.host, "checking");
        let connect = || connect(&work.target, &ui);
        let checks = verify(&work.checks, &work.address, within, silence, &mut work.session, connect);
        watch.end(&work.host);
        HostReport { host: work.host, checks }
    })?;
    progress.finish();
    Ok(reports)
}

/// The checks of the services that the plan changes.
pub(super) fn of_changed(looked: &Looked) -> Vec<Work> {
    let changes = |host: &str, service: &String| {
        let entry = looked.plan.hosts.iter().find(|entry| entry.host == host);
        let plan = entry.and_then(|entry| entry.result.as_ref().ok());
        plan.is_some_and(|plan| plan.changes.iter().any(|change| change.services.contains(service)))
    };
    let Looked { inventory, catalog, access, .. } = looked;
    work(inventory, catalog, access, |host, check| changes(&host.host, &check.service))
}

/// Does them on the hosts that converged. A service that does not work is a failure of its host.
pub(super) fn judge(context: &Context, mut work: Vec<Work>, outcomes: &mut [Outcome]) -> Result<(), Diagnostics> {
    let converged = |host: &str| outcomes.iter().any(|it| it.host == host && it.status == Status::Converged);
    work.retain(|work| converged(&work.host));
    if work.is_empty() {
        return Ok(());
    }
    let hosts = verified(context, work, None)?;
    if context.ui.format == Format::Json {
        for event in report::events(&hosts) {
            context.ui.json(&event);
        }
    } else {
        context.ui.data(&report::summary(&hosts));
    }
    for host in &hosts {
        let failures = host.failures();
        if let Some(outcome) = outcomes.iter_mut().find(|it| it.host == host.host && !failures.is_empty()) {
            outcome.status = Status::Failed;
            outcome.failures.extend(failures);
        }
    }
    Ok(())
}
