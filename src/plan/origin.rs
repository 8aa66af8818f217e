//! Why a host differs: because of the change under review, because something that was merged before was never applied, or
//! because somebody changed the host. Pure: it compares what three revisions of the inventory want.

use std::collections::BTreeMap;

use super::fingerprint::public;
use super::{Action, Change, HostPlan};
use crate::catalog::HostCatalog;
use crate::said::Said;
use crate::texts;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The base wants something else than this revision.
    Change,
    /// The base wants the same, what the host had applied last does not: merged, but not applied.
    Unapplied,
    /// All three want the same: the host was changed by somebody else.
    Drift,
    /// The base wants the same, and what the host had applied last is not known.
    Earlier,
}

impl Origin {
    /// For people.
    pub fn label(self) -> Said {
        match self {
            Self::Change => texts::this_change(),
            Self::Unapplied => texts::unapplied(),
            Self::Drift => texts::drift(),
            Self::Earlier => texts::not_this_change(),
        }
    }

    /// The word of the JSON; `None` for what is not known.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Change => Some("change"),
            Self::Unapplied => Some("unapplied"),
            Self::Drift => Some("drift"),
            Self::Earlier => None,
        }
    }
}

/// What a revision wanted of a host: digests by resource. Empty if it did not know the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes(BTreeMap<String, String>);

impl Wishes {
    pub fn of(catalog: &HostCatalog) -> Self {
        let digest = |resource| public(resource, &catalog.site);
        Self(catalog.resources.iter().map(|resource| (resource.id.to_string(), digest(resource))).collect())
    }
}

/// Labels every change of the plan. `applied`: what the revision that the host had applied last wants; `None`: unknown.
pub fn label(plan: &mut HostPlan, base: &Wishes, applied: Option<&Wishes>) {
    let head = Wishes::of(&plan.declared);
    let own = |change: &Change| {
        let id = change.id.to_string();
        let now = head.0.get(&id);
        match applied {
            _ if base.0.get(&id) != now => Origin::Change,
            None => Origin::Earlier,
            // which revision brought a new secret value is not known here; the host has not had it
            Some(applied) if applied.0.get(&id) != now || !change.new_values.is_empty() => Origin::Unapplied,
            Some(_) => Origin::Drift,
        }
    };
    let is_reaction = |change: &Change| matches!(change.action, Action::Restart | Action::Reload);
    let origins: Vec<Origin> = plan
        .changes
        .iter()
        .map(|change| match (own(change), cause(plan, change, &own)) {
            (_, Some(cause)) if is_reaction(change) => cause,
            // owed since a run that did not come to its end
            (_, None) if is_reaction(change) => Origin::Unapplied,
            (own, Some(cause)) if change.action == Action::Run => own.min(cause),
            (own, _) => own,
        })
        .collect();
    for (change, origin) in plan.changes.iter_mut().zip(origins) {
        change.origin = Some(origin);
    }
}

/// The first in order of the origins of what a resource reacts to.
fn cause(plan: &HostPlan, change: &Change, own: &impl Fn(&Change) -> Origin) -> Option<Origin> {
    let resources = &plan.catalog.resources;
    let reactions = plan.catalog.reactions();
    let declared = reactions.iter().filter(|it| resources.get(it.resource).is_some_and(|of| of.id == change.id));
    let owes = |other: &&Change| {
        let resource = resources.iter().find(|resource| resource.id == other.id);
        let reacts = |resource| declared.clone().any(|reaction| reaction.is_owed_by(resource));
        other.id != change.id
            && !matches!(other.action, Action::Restart | Action::Reload)
            && resource.is_some_and(reacts)
    };
    plan.changes.iter().filter(owes).map(own).min()
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::super::tests::{NEEDS, NGINX, catalog, observed, other};
    use super::*;
    use crate::resource::Observation;

    /// Labels of a plan where both configurations and the message differ.
    fn labels(base: &[(usize, &str, &str)], applied: Option<&[(usize, &str, &str)]>) -> Vec<String> {
        let host = catalog(NGINX, NEEDS);
        let but = [(1, other("x\n")), (3, other("x\n")), (4, Observation::Absent)];
        let mut plan = plan(&host, &observed(&host, &but));
        let wishes = |declared| Wishes::of(&catalog(declared, NEEDS));
        label(&mut plan, &wishes(base), applied.map(wishes).as_ref());
        plan.changes.iter().map(|it| format!("{} {}", it.id, it.origin.unwrap().label().program())).collect()
    }

    fn with(index: usize, yaml: &'static str) -> Vec<(usize, &'static str, &'static str)> {
        let mut declared = NGINX.to_vec();
        declared[index].2 = yaml;
        declared
    }

    #[test]
    fn each_change_says_where_it_comes_from() {
        let base = with(1, "{ path: /etc/nginx/a.conf, content: old }");
        let mut applied = with(1, "{ path: /etc/nginx/a.conf, content: old }");
        applied.remove(3);
        assert_eq!(
            labels(&base, Some(&applied)),
            [
                "file:/etc/nginx/a.conf this change",
                "file:/etc/nginx/b.conf merged but not applied",
                // the first of what it reacts to decides
                "service:nginx this change",
                "file:/etc/motd drift",
            ]
        );
    }

    #[test]
    fn a_reload_because_of_drift_is_drift() {
        let labels = labels(NGINX, Some(NGINX));
        assert!(labels.iter().all(|label| label.ends_with(" drift")) && labels.len() == 4, "{labels:?}");
    }

    #[test]
    fn without_the_applied_revision_only_this_change_is_certain() {
        let base = with(4, "{ path: /etc/motd, content: old }");
        let labels = labels(&base, None);
        assert_eq!(labels[3], "file:/etc/motd this change");
        assert!(labels[..3].iter().all(|label| label.ends_with(" not this change")), "{labels:?}");
    }

    #[test]
    fn on_a_new_host_everything_is_this_change() {
        let labels = labels(&[], None);
        assert!(labels.iter().all(|label| label.ends_with(" this change")), "{labels:?}");
    }
}
