//! What `plan` and `apply` do alike: compile the inventory, look at every selected host, plan each. Who wants to change hosts
//! waits for others who do so before the plan is made: what it showed else would be stale before anybody read it.

use std::sync::Arc;
use std::time::Duration;

use super::Context;
use super::lock_wait::LockWait;
use crate::catalog::{Catalog, HostCatalog};
use crate::connect::{Access, operator, target};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exchange::{self, nonce};
use crate::fleet;
use crate::inventory::Inventory;
use crate::observed::{Observed, Pending};
use crate::outcome::Event;
use crate::plan::applied;
use crate::plan::fleet::{FleetPlan, HostEntry, HostError};
use crate::plan::lockout::refusal;
use crate::plan::{HostPlan, plan};
use crate::probe::{look, verify_facts};
use crate::script::change::RECORDS;
use crate::script::waiting_program;
use crate::transport::{Session, Target, connect};
use crate::ui::Ui;
use crate::ui::progress::Progress;

/// The plans, and the connections they were made over.
pub struct Looked {
    pub plan: FleetPlan,
    /// Beside `plan.hosts`, in their order.
    pub sessions: Vec<Option<Box<dyn Session>>>,
    /// How to reach them anew, beside `plan.hosts`, in their order.
    pub targets: Vec<Target>,
    pub catalog: Catalog,
    pub inventory: Inventory,
    pub access: Access,
    /// Who applies, for the host's records.
    pub operator: String,
    /// Seconds that others were given to end what they do, on hosts where somebody is still at it.
    pub waited: u64,
}

struct Work {
    catalog: Arc<HostCatalog>,
    target: Target,
}

/// Looks at every selected host, each over one connection in one exchange.
pub fn looked(context: &Context) -> Result<Looked, Diagnostics> {
    looking(context, None)
}

/// The same, after waiting where somebody else is changing a host.
pub fn looked_once_settled(context: &Context, patience: LockWait) -> Result<Looked, Diagnostics> {
    looking(context, Some(patience))
}

fn looking(context: &Context, patience: Option<LockWait>) -> Result<Looked, Diagnostics> {
    let compiled = context.compile()?;
    roots_agree(&compiled)?;
    let dir = compiled.inventory.dir.clone();
    let revision = std::thread::spawn(move || crate::revision::revision(&dir));
    let access = context.access()?;
    let person = operator(&compiled.inventory, &access);
    let operator = person.map_or_else(whoami, |person| person.id.clone());
    let work = |catalog: &Arc<HostCatalog>| {
        let host = compiled.inventory.hosts.get(&catalog.host)?;
        Some(Work { catalog: Arc::clone(catalog), target: target(&compiled.inventory, host, person, &access) })
    };
    let hosts: Vec<Work> = compiled.catalog.hosts.iter().filter_map(work).collect();
    let targets = hosts.iter().map(|work| work.target.clone()).collect();
    let progress = Progress::new("looking", hosts.len(), context.global.verbose > 0);
    let (ui, silence) = (context.ui, access.timeouts.silence);
    let records = format!("{RECORDS}/{}", compiled.catalog.inventory);
    let progress = Arc::new(progress);
    let watch = Arc::clone(&progress);
    let results = fleet::over(hosts, context.global.jobs, move |work| {
        watch.begin(&work.catalog.host, "connecting");
        let waits = |holder: &str| watch.event(&work.catalog.host, &Event::Waiting(holder.to_owned()));
        let result = connected(&work, ui, &records, silence, patience.map(|wait| Patience { wait, waits: &waits }));
        watch.end(&work.catalog.host);
        result
    })?;
    drop(progress);
    let revision = revision.join().unwrap_or_default();
    let (inventory, id) = (compiled.catalog.name.clone(), compiled.catalog.inventory.clone());
    let mut plan = FleetPlan { inventory, id, revision, base: None, hosts: Vec::new() };
    let mut sessions = Vec::new();
    for (catalog, result) in compiled.catalog.hosts.iter().zip(results) {
        let (result, session) = match result {
            Ok((plan, session)) => (Ok(plan), Some(session)),
            Err(error) => (Err(error), None),
        };
        plan.hosts.push(HostEntry { host: catalog.host.clone(), result });
        sessions.push(session);
    }
    Ok(Looked {
        plan,
        sessions,
        targets,
        catalog: compiled.catalog,
        inventory: compiled.inventory,
        access,
        operator,
        waited: patience.map_or(0, LockWait::seconds),
    })
}

/// What is meant for a directory must never be done to this machine: the catalog and the inventory have to agree.
fn roots_agree(compiled: &super::Compiled) -> Result<(), Diagnostics> {
    let declared = |host: &str| compiled.inventory.hosts.get(host).is_some_and(|host| host.root.is_some());
    match compiled.catalog.hosts.iter().find(|host| declared(&host.host) != host.site.is_directory()) {
        Some(host) => Err(Diagnostic::error(format!("the `root` of host {} was lost on the way", host.host))
            .remedy("please report this; nothing was done")
            .into()),
        None => Ok(()),
    }
}

/// How long is waited for others, and who is told for whom.
struct Patience<'a> {
    wait: LockWait,
    waits: &'a dyn Fn(&str),
}

fn connected(
    work: &Work,
    ui: Ui,
    records: &str,
    silence: Duration,
    patience: Option<Patience<'_>>,
) -> Result<(HostPlan, Box<dyn Session>), HostError> {
    let mut session = connect(&work.target, &ui)?;
    let site = &work.catalog.site;
    let mut observed = look(&mut *session, &work.catalog, &site.path(records), silence)?;
    if let Some(Patience { wait, waits }) = patience
        && wait.seconds() > 0
        && let Some(holder) = observed.pending.as_ref().and_then(Pending::holder)
    {
        waits(holder);
        let nonce = nonce()?;
        let program = waiting_program(&site.path(RECORDS), wait.seconds(), wait.is_patient(), &nonce);
        exchange::ask(&mut *session, program.as_bytes(), &[], &nonce, silence)?;
        observed = look(&mut *session, &work.catalog, &site.path(records), silence)?;
    }
    usable(&work.catalog, &observed, &*session)?;
    only_ours(&work.catalog, &observed)?;
    ui.detail(&format!("{}: {}", work.catalog.host, session.description()));
    if let Some(diagnostic) = applied::refusal(&work.catalog, &observed.records.services) {
        return Err(HostError { unreachable: false, diagnostic });
    }
    let plan = plan(&work.catalog, &observed);
    match refusal(&plan, session.login().user.as_deref()) {
        Some(diagnostic) => Err(HostError { unreachable: false, diagnostic }),
        None => Ok((plan, session)),
    }
}

/// Two inventories that manage the same would undo each other's work for ever.
fn only_ours(catalog: &HostCatalog, observed: &Observed) -> Result<(), HostError> {
    let shared = |id: String| observed.records.others.get(&id).map(|other| (id, other));
    let mut both = catalog.resources.iter().filter_map(|resource| shared(resource.id.to_string()));
    let Some((id, other)) = both.next() else { return Ok(()) };
    let more = both.count();
    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    let fact = format!(
        "host {}: `{id}`{more} is managed by another inventory, too: {} ({})",
        catalog.host,
        other.name.escape_debug(),
        other.id.escape_debug()
    );
    let remedy = format!(
        "take it out of one of the two and apply that one; if the other is not used any more, remove {RECORDS}/{} on the host",
        other.id.escape_debug()
    );
    Err(HostError { unreachable: false, diagnostic: Diagnostic::error(fact).remedy(remedy) })
}

/// Facts that contradict the inventory, or a login that is not root, end a host before any change.
pub(super) fn usable(catalog: &HostCatalog, observed: &Observed, session: &dyn Session) -> Result<(), HostError> {
    let failed = |diagnostic| HostError { unreachable: false, diagnostic };
    if catalog.site.is_directory() {
        return Ok(());
    }
    if !observed.facts.is_root {
        let user = session.login().user.clone().unwrap_or_else(whoami);
        let fact = format!("host {}: {user} is not root there and did not become it", catalog.host);
        return Err(failed(
            Diagnostic::error(fact).remedy("log in as root or as a user who may use sudo (`--user`)"),
        ));
    }
    verify_facts(catalog, &observed.facts).map_err(|diagnostic| failed(*diagnostic))
}

pub fn whoami() -> String {
    std::env::var("USER").unwrap_or_else(|_| format!("uid {}", rustix::process::getuid().as_raw()))
}
