//! What no plan may do, since no rollback could help: close the account that would do it, or remove what everybody gets
//! in by. Pure.

use super::{Action, HostPlan};
use crate::diag::Diagnostic;

/// Why the plan is refused before any change, if it is. `login`: the account that would apply it.
pub fn refusal(plan: &HostPlan, login: Option<&str>) -> Option<Diagnostic> {
    let catalog = &plan.catalog;
    if catalog.site.is_directory() {
        return None;
    }
    let place = |change: &super::Change| {
        catalog.resources.iter().find(|resource| resource.id == change.id).map(|resource| resource.place.clone())
    };
    plan.changes.iter().filter(|change| change.action == Action::Delete).find_map(|change| {
        let (fact, remedy) = match change.id.kind {
            "user" if login == Some(change.id.name.as_str()) => (
                format!("host {}: {} is the account that this is done with; it cannot close itself", catalog.host, change.id.name),
                "let another maintainer apply this, or log in as another user (`--user`)",
            ),
            "package" if !crate::lifelines::of_package(&change.id.name).is_empty() => (
                format!(
                    "host {}: removing the package {} could lock everybody out, and could not be undone without a network",
                    catalog.host, change.id.name
                ),
                "remove it by hand, from the host's own console, if you are sure",
            ),
            _ => return None,
        };
        let diagnostic = Diagnostic::error(fact).remedy(remedy);
        Some(match place(change) {
            Some(place) => diagnostic.at(&place),
            None => diagnostic,
        })
    })
}
