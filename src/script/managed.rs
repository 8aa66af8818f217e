//! The list that a host keeps of what an inventory manages there, with what it must ask itself once that is no longer
//! declared; see `ledger.sh`. Takes a catalog, gives bytes.

use std::collections::BTreeMap;

use super::request;
use crate::catalog::HostCatalog;
use crate::kinds::Leaving;
use crate::ledger::{Applied, Left, asked, asked_later, flags};
use crate::quoting::encode;
use crate::resource::Want;

/// The list of what is managed, in execution order; what is no longer declared and still there at the end. `known`: what the host
/// remembers of services; of one that left something behind, that stays.
pub fn managed(catalog: &HostCatalog, left: &[&Left], known: &BTreeMap<String, Applied>) -> Vec<u8> {
    let field = |text: &str| encode(text.as_bytes());
    let mut list = format!("steward-managed 1|{}\n", field(&catalog.chapter));
    for (name, state) in services(catalog, left, known) {
        let fixed: Vec<String> = state.fixed.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let words = [field(&name), field(&state.module), state.version.to_string(), field(&fixed.join("\n"))];
        list.push_str(&format!("V|{}\n", words.join("|")));
    }
    for resource in catalog.resources.iter().filter(|it| it.item.want() != Want::Absent) {
        let service = resource.owners.first().and_then(|owner| catalog.services.get(*owner));
        let (sealed, keepsake) = (resource.item.sealed().is_some(), resource.item.keepsake());
        let leaving = Leaving { name: &resource.id.name, keepsake: &keepsake, fate: None, sealed };
        let ask = asked_later(resource.kind, &leaving)
            .map(|item| request::line(resource.id.kind, &*item, &catalog.site, ""))
            .unwrap_or_default();
        let service = service.map_or("", |service| service.name.as_str());
        let words = [field(&resource.id.to_string()), field(service), flags(resource.data, sealed), field(&keepsake)];
        list.push_str(&format!("M|{}|{}\n", words.join("|"), field(&ask)));
    }
    for left in left {
        let ask = asked(left).map(|item| request::line(left.id.kind, &*item, &catalog.site, "")).unwrap_or_default();
        let words = [field(&left.id.to_string()), field(&left.service), left.flags(), field(&left.keepsake)];
        list.push_str(&format!("M|{}|{}\n", words.join("|"), field(&ask)));
    }
    list.into_bytes()
}

/// What is to be remembered of services.
fn services(catalog: &HostCatalog, left: &[&Left], known: &BTreeMap<String, Applied>) -> BTreeMap<String, Applied> {
    let stays = |name: &String| left.iter().any(|left| left.service == *name);
    let mut all: BTreeMap<String, Applied> =
        known.iter().filter(|(name, _)| stays(name)).map(|(name, applied)| (name.clone(), applied.clone())).collect();
    for service in catalog.services.iter().filter(|service| service.state.version > 0) {
        let (version, fixed) = (service.state.version, service.state.fixed.clone());
        all.insert(service.name.clone(), Applied { module: service.module.clone(), version, fixed });
    }
    all
}
