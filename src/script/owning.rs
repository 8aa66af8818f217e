//! What a change tells the host to remember of who made what; see `ledger.sh`. Takes a plan, gives lines of shell.

use super::change::line;
use crate::catalog::Resource;
use crate::plan::HostPlan;
use crate::quoting::{encode, quote};
use crate::resource::Want;

/// Before the first change: what the look found out.
pub(super) fn found_out(plan: &HostPlan) -> Vec<u8> {
    let leavings = &plan.leavings;
    let own = |state: &str, id: &String| line(&[b"own", state.as_bytes(), &quote(encode(id.as_bytes()).as_bytes())]);
    let begun = leavings.begun.iter().map(|(id, made)| own(if *made { "made" } else { "gone" }, id));
    let forgotten = leavings.forgotten.iter().map(|id| own("gone", id));
    let adopted = leavings.adopted.iter().map(|id| own("adopted", id));
    begun.chain(forgotten).chain(adopted).flatten().collect()
}

/// Before a step: what it may make, or what it takes away.
pub(super) fn announced(plan: &HostPlan, resources: &[&Resource]) -> Vec<u8> {
    let announce = |resource: &&Resource| {
        let id = quote(encode(resource.id.to_string().as_bytes()).as_bytes());
        if plan.leavings.gone.contains_key(&resource.id) {
            return line(&[b"leaving", &id]);
        }
        let first: &[u8] = if plan.leavings.absent.contains(&resource.id) { b"first" } else { b"''" };
        if resource.item.want() == Want::Absent { Vec::new() } else { line(&[b"owning", &id, first]) }
    };
    resources.iter().flat_map(announce).collect()
}
