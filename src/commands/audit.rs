//! `steward audit HOST…`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::{Compiled, Context, Outcome, files};
use crate::audit::report::{self, HostReport};
use crate::audit::{Expected, audit};
use crate::catalog::HostCatalog;
use crate::connect::{operator, target};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::fleet;
use crate::inventory::{Host, Inventory, Role};
use crate::plan::fleet::HostError;
use crate::report::junit::junit;
use crate::transport::{Target, connect};
use crate::ui::Format;
use crate::ui::progress::Progress;

/// Compare hosts with the baseline of security: SSH, accounts and keys, ports, updates, files. Changes nothing; exit code
/// 3 if something fails.
#[derive(Debug, Args)]
pub struct Audit {
    /// Hosts, groups, patterns; all unless given.
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Also write the result as JUnit XML, which forges show as tests.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

struct Work {
    catalog: Arc<HostCatalog>,
    target: Target,
    ssh: Vec<u16>,
}

impl Audit {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { hosts: words, junit: file } = self;
        let compiled = limited(context, &words)?.compile()?;
        let reports = audited(context, &compiled)?;
        match context.ui.format {
            Format::Json => context.ui.json(&report::json(&compiled.catalog.name, &reports)),
            Format::Text | Format::Markdown => context.ui.data(&report::table(&reports)),
        }
        let mut mistakes = Diagnostics::default();
        mistakes.0.extend(reports.iter().filter_map(|it| it.result.as_ref().err()).map(|it| it.diagnostic.clone()));
        let is_missing = |it: &HostReport| it.result.as_ref().is_err_and(|error| error.unreachable);
        let has_failed = |it: &HostReport| it.result.as_ref().is_err_and(|error| !error.unreachable);
        let exit = if report::count(&reports, "fail") > 0 || reports.iter().any(has_failed) {
            Exit::Failed
        } else if reports.iter().any(is_missing) {
            Exit::Unreachable
        } else {
            Exit::Success
        };
        let written = file.map(|file| files::write(&file, &junit("steward audit", &report::suites(&reports))));
        let unwritten = written.is_some_and(|written| mistakes.keep(written).is_none());
        context.ui.report(&mistakes);
        Ok(if unwritten && exit == Exit::Success { Exit::Error } else { exit })
    }
}

/// The context with these hosts as its limit.
fn limited(context: &Context, words: &[String]) -> Result<Context, Diagnostics> {
    let limit = context.global.limit.iter().chain(words);
    if let Some(word) = limit.clone().find(|word| word.contains("service:")) {
        let fact = format!("an audit looks at whole hosts, and `{}` is a part of some", word.escape_debug());
        return Err(Diagnostic::error(fact).remedy("name hosts or groups").into());
    }
    let mut global = context.global.clone();
    if !words.is_empty() {
        global.limit = Some(limit.map(String::as_str).collect::<Vec<_>>().join(","));
    }
    Ok(Context { ui: context.ui, global })
}

fn audited(context: &Context, compiled: &Compiled) -> Result<Vec<HostReport>, Diagnostics> {
    let Compiled { inventory, catalog } = compiled;
    let access = context.access()?;
    let person = operator(inventory, &access);
    let work = |catalog: &Arc<HostCatalog>| {
        let host = inventory.hosts.get(&catalog.host)?;
        let target = target(inventory, host, person, &access);
        Some(Work { catalog: Arc::clone(catalog), target, ssh: ssh(host) })
    };
    let hosts: Vec<Work> = catalog.hosts.iter().filter_map(work).collect();
    let (ui, silence) = (context.ui, Duration::from_secs(context.global.silence_timeout.max(1)));
    let maintainers = maintainers(inventory);
    let progress = Arc::new(Progress::new("auditing", hosts.len(), context.global.verbose > 0));
    let watch = Arc::clone(&progress);
    let reports = fleet::over(hosts, context.global.jobs, move |work: Work| {
        let Work { catalog, target, ssh } = work;
        watch.begin(&catalog.host, "auditing");
        let result = if catalog.site.is_directory() {
            let fact = format!("host {} is a directory of this machine, no host", catalog.host);
            let diagnostic = Diagnostic::error(fact).remedy("audit a host that runs");
            Err(HostError { unreachable: false, diagnostic })
        } else {
            connect(&target, &ui).map_err(HostError::from).and_then(|mut session| {
                let now = jiff::Timestamp::now().as_second();
                audit(&mut *session, &catalog, &Expected { ssh, maintainers, now }, silence)
            })
        };
        watch.end(&catalog.host);
        HostReport { host: catalog.host.clone(), result }
    })?;
    progress.finish();
    Ok(reports)
}

/// Both, if they differ: behind a port that is forwarded, sshd itself may well listen on 22.
fn ssh(host: &Host) -> Vec<u16> {
    vec![22, host.port.get()]
}

fn maintainers(inventory: &Inventory) -> usize {
    inventory.people.values().filter(|person| person.role == Role::Maintainer && !person.ssh.is_empty()).count()
}
