//! The checks of many hosts at once, for `verify` and at the end of `apply`.

use std::sync::Arc;
use std::time::Duration;

use super::Context;
use super::looking::Looked;
use crate::catalog::{Catalog, HostCatalog};
use crate::checks::report::HostReport;
use crate::checks::{Check, verify};
use crate::connect::{Access, operator, target};
use crate::diag::Diagnostics;
use crate::fleet;
use crate::inventory::Inventory;
use crate::scrub::Scrubber;
use crate::transport::{Session, Target, connect};
use crate::ui::Ui;
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
    scrubber: Scrubber,
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
        let scrubber = Scrubber::new(catalog.values());
        let host = catalog.host.clone();
        (!checks.is_empty()).then_some(Work { host, checks, address, target, session: None, scrubber })
    };
    catalog.hosts.iter().filter_map(of).collect()
}

impl Work {
    pub(super) fn is_of(&self, host: &str) -> bool {
        self.host == host
    }

    /// Tries its checks, each until it passes or its time is over. What a host prints may hold a secret it was given.
    pub(super) fn done(mut self, ui: Ui, within: Option<Duration>, silence: Duration) -> HostReport {
        let connect = || connect(&self.target, &ui);
        let mut checks = verify(&self.checks, &self.address, within, silence, &mut self.session, connect);
        for it in &mut checks {
            it.verdict = it.verdict.clone().saying(|text| self.scrubber.scrub(text));
        }
        HostReport { host: self.host, checks }
    }
}

/// Tries the checks of all of these; `within` replaces what they say of their time.
pub(super) fn verified(
    context: &Context,
    hosts: Vec<Work>,
    within: Option<Duration>,
) -> Result<Vec<HostReport>, Diagnostics> {
    let (ui, silence) = (context.ui, Duration::from_secs(context.global.silence_timeout.max(1)));
    let progress = Arc::new(Progress::new("checking", hosts.len(), context.global.verbose > 0));
    let watch = Arc::clone(&progress);
    let reports = fleet::over(hosts, context.global.jobs, move |work: Work| {
        let host = work.host.clone();
        watch.begin(&host, "checking");
        let report = work.done(ui, within, silence);
        watch.end(&host);
        report
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
