//! What a module may do to a host, as lines that a person can read before trusting it: each resource with everything but
//! its content, each port, secret, need, offer and check. Expressions stand as they are written.

use std::collections::BTreeSet;

use crate::modules::{Declaration, Module};
use crate::yaml::{Map, Node};

/// Fields that say what stands in something, not what it is or does; the module's hash covers them.
const CONTENT: &[&str] = &["content", "template", "comment", "text", "line", "debconf", "stdin"];

pub(super) fn abilities(module: &Module) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = module.resources.iter().map(resource).collect();
    for (name, offers) in &module.offers {
        all.extend(offers.iter().map(|offer| {
            let fields = offer.values.as_map().map(|map| fields(map, &["content", "template"])).unwrap_or_default();
            format!("offers {name}: {fields}")
        }));
    }
    for (name, secret) in &module.secrets {
        let command = secret.rotate_command.as_ref().map(|words| format!(", rotated by: {}", words.join(" ")));
        let each = secret.each.as_ref().map(|param| format!(", one for each of {}", param.value));
        all.insert(format!("secret {name}{}{}", each.unwrap_or_default(), command.unwrap_or_default()));
    }
    all.extend(module.needs.values().map(|need| match fields(&need.values, &[]) {
        said if said.is_empty() => format!("needs {}", need.module),
        said => format!("needs {}: {said}", need.module),
    }));
    all.extend(module.gathers.keys().map(|name| format!("gathers {name}")));
    for check in &module.checks {
        all.extend(check.fields.as_map().into_iter().flatten().map(|(kind, entry)| {
            let fields = entry.node.as_map().map_or_else(|| one_line(&entry.node), |map| fields(map, &[]));
            format!("check {kind}: {fields}")
        }));
    }
    all
}

fn resource(declaration: &Declaration) -> String {
    let fields = declaration.fields.as_map().map(|map| fields(map, CONTENT)).unwrap_or_default();
    format!("{}: {fields}", declaration.kind.name())
}

/// `path=/etc/x, mode=0440`, in the order of the module.
fn fields(map: &Map, without: &[&str]) -> String {
    let shown = map.iter().filter(|(key, _)| !without.contains(&key.as_str()));
    shown.map(|(key, entry)| format!("{key}={}", one_line(&entry.node))).collect::<Vec<_>>().join(", ")
}

fn one_line(node: &Node) -> String {
    match node.as_str() {
        Some(text) if !text.contains(['\n', ',']) && !text.is_empty() => text.to_owned(),
        _ => node.to_json().to_string(),
    }
}
