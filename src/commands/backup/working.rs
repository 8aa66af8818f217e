//! One job on every host of a service at once: who is asked, what is said meanwhile, and the exit code.

use std::time::Duration;

use super::super::{Context, Outcome};
use crate::backups::job::{Ended, Job, Verb, done};
use crate::backups::report::{HostReport, json_of, text};
use crate::connect::{operator, target};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::fleet;
use crate::inventory::{self, Inventory};
use crate::plan::diff::visible;
use crate::plan::fleet::HostError;
use crate::transport::{Target, connect};
use crate::ui::Format;

struct Work {
    host: String,
    target: Target,
    job: Job,
}

/// The inventory and the hosts on which the service runs. Mistakes elsewhere in the inventory do not matter: data must
/// be put back on a bad day, too.
pub(super) fn hosts(context: &Context, service: &str) -> Result<(Inventory, Vec<String>), Diagnostics> {
    let (inventory, mistakes) = inventory::load(&context.inventory_dir()?);
    let Some(inventory) = inventory else { return Err(mistakes) };
    let Some(found) = inventory.services.get(service) else {
        let fact = format!("there is no service `{}`", service.escape_debug());
        return Err(Diagnostic::error(fact).suggest(service, inventory.services.keys().map(String::as_str)).into());
    };
    let chosen = context.select(&inventory)?.hosts;
    let on: Vec<String> = found.hosts.iter().filter(|host| chosen.contains(host)).cloned().collect();
    if on.is_empty() {
        let fact = format!("`{service}` runs on none of the selected hosts");
        return Err(Diagnostic::error(fact).remedy("look at its `on:`, and at `--limit`").into());
    }
    Ok((inventory, on))
}

/// Does the jobs, each on its host.
pub(super) fn work(
    context: &Context,
    inventory: &Inventory,
    jobs: Vec<(String, Job)>,
) -> Result<Vec<HostReport>, Diagnostics> {
    let access = context.access()?;
    let person = operator(inventory, &access);
    let work = |(host, job): (String, Job)| {
        let target = target(inventory, inventory.hosts.get(&host)?, person, &access);
        Some(Work { host, target, job })
    };
    let work: Vec<Work> = jobs.into_iter().filter_map(work).collect();
    let (ui, silence) = (context.ui, Duration::from_secs(context.global.silence_timeout.max(1)));
    let several = work.len() > 1;
    let reports = fleet::over(work, context.global.jobs, move |work: Work| {
        let Work { host, target, job } = work;
        let says = |line: &str| {
            if job.verb != Verb::List {
                let prefix = if several { format!("{host}: ") } else { String::new() };
                ui.message(&format!("{prefix}{}", visible(line)));
            }
        };
        let result = connect(&target, &ui)
            .map_err(HostError::from)
            .and_then(|mut session| done(&mut *session, &host, &job, silence, says));
        HostReport { host, result }
    })?;
    Ok(reports)
}

/// The same job everywhere, and how it went.
pub(super) fn told(context: &Context, verb: Verb, service: &str, reports: &[HostReport]) -> Exit {
    match context.ui.format {
        Format::Json => context.ui.json(&json_of(verb, service, reports)),
        Format::Text | Format::Markdown => context.ui.data(&text(verb, service, reports)),
    }
    context.ui.report(&Diagnostics(reports.iter().filter_map(|it| failure(verb, service, it)).collect()));
    exit(reports.iter().map(HostReport::status))
}

pub(super) fn exit<'a>(statuses: impl Iterator<Item = &'a str> + Clone) -> Exit {
    if statuses.clone().any(|status| status == "failed") {
        Exit::Failed
    } else if statuses.clone().any(|status| status == "unreachable") {
        Exit::Unreachable
    } else {
        Exit::Success
    }
}

pub(super) fn failure(verb: Verb, service: &str, report: &HostReport) -> Option<Diagnostic> {
    match &report.result {
        Err(error) => Some(error.diagnostic.clone()),
        Ok(Ended { succeeded: true, .. }) => None,
        Ok(ended) => {
            let why = visible(&ended.said.join("\n"));
            let fact = format!("{} on {}: the {} failed: {}", service, report.host, verb.noun(), why.trim());
            let remedy = match verb {
                Verb::Restore => "nothing was swapped unless it says so; mend what it says, and run it again",
                _ => "mend what it says, and run it again",
            };
            Some(Diagnostic::error(fact).remedy(remedy))
        }
    }
}

/// The same job for all hosts of a service.
pub(super) fn everywhere(context: &Context, verb: Verb, service: &str, snapshot: &str) -> Outcome {
    let (inventory, hosts) = hosts(context, service)?;
    let job = Job { verb, service: service.to_owned(), snapshot: snapshot.to_owned() };
    let jobs = hosts.into_iter().map(|host| (host, job.clone())).collect();
    let reports = work(context, &inventory, jobs)?;
    Ok(told(context, verb, service, &reports))
}
