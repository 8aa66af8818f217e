//! What services offer as `backups`: judged as a whole here, whether or not anything on the host gathers it, so that
//! no module can promise a backup of files that change while they are read. What each field means stands in the module
//! that gathers (`modules/backup.yaml`). Gives, for each host, what a plan and `steward backup` must know.

use super::World;
use super::offers::Offered;
use crate::catalog::Backed;
use crate::diag::{Diagnostic, Diagnostics};
use crate::yaml::Node;

/// Days until a drill is due where the offer says nothing; as the field's default in the module.
const DRILL_DAYS: i64 = 30;

/// For each host, by its index, the services with data in the order of their offers.
pub(super) fn backed(world: &mut World<'_, '_, '_>, offers: &[Offered<'_>]) -> Vec<Vec<Backed>> {
    let mut all: Vec<Vec<Backed>> = vec![Vec::new(); world.hosts.len()];
    for offer in offers.iter().filter(|offer| offer.name == "backups") {
        let Some(instance) = world.instances.get(offer.from) else { continue };
        let (host, service) = (instance.host, instance.name);
        let mut mistakes = Diagnostics::default();
        if let Err(mistake) = judge(service, &offer.fields) {
            mistakes.push(mistake.related(instance.place, "for this service"));
        }
        let days = offer.fields.get("drill_days").and_then(Node::as_int).unwrap_or(DRILL_DAYS);
        let keeper = keeper(world, offer);
        if let Some(list) = all.get_mut(host) {
            match list.iter_mut().find(|it| it.service == service) {
                Some(known) => known.drill_days = known.drill_days.min(days),
                None => list.push(Backed { service: service.to_owned(), keeper, drill_days: days }),
            }
        }
        world.report.on_host(host, mistakes);
    }
    all
}

/// The service that gathers it: the one it is meant for, else the first on the host.
fn keeper(world: &World<'_, '_, '_>, offer: &Offered<'_>) -> Option<String> {
    let from = world.instances.get(offer.from)?;
    let gathers = |index: &usize| {
        let module = world.instances.get(*index).and_then(|instance| instance.module);
        module.is_some_and(|module| module.gathers.contains_key("backups"))
    };
    let near = || world.hosts.get(from.host)?.instances.iter().copied().find(gathers);
    let keeper = offer.to.filter(gathers).or_else(near)?;
    Some(world.instances.get(keeper)?.name.to_owned())
}

/// Dumped, stopped or said to be consistent: one of these, or what was saved may be torn.
fn judge(service: &str, fields: &Node) -> Result<(), Diagnostic> {
    let list = |key: &str| fields.get(key).and_then(Node::as_list).is_some_and(|list| !list.is_empty());
    let text = |key: &str| fields.get(key).and_then(Node::as_str).is_some_and(|text| !text.is_empty());
    let dumped = text("postgres") || text("mariadb");
    if !list("paths") && !dumped {
        let fact = format!("the backup of `{service}` names nothing to save");
        return Err(Diagnostic::error(fact)
            .at(&fields.place)
            .remedy("name `paths`, or a database as `postgres` or `mariadb`"));
    }
    let consistent = fields.get("consistent").and_then(Node::as_bool) == Some(true);
    if dumped || consistent || list("stop") || text("before") {
        return Ok(());
    }
    let fact = format!("the backup of `{service}` reads files that may change meanwhile");
    let remedy = "name the units to `stop`, a database to dump, or a command that exports (`before`); `consistent: true` only if each file is whole at any time";
    Err(Diagnostic::error(fact).at(&fields.place).remedy(remedy))
}
