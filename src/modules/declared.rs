//! Resources, needs and offers as a module declares them.

use indexmap::IndexMap;
use serde::Deserialize;

use super::limits::{read_class, read_supported};
use super::{Declaration, DeclaredCheck, ModuleTest, Need, Offer, Repeat, TestService};
use crate::checks;
use crate::diag::{Diagnostic, Diagnostics};
use crate::kinds;
use crate::yaml::{Entry, Map, Node, Placed, Value};

/// One entry of `resources`: a kind with its fields, and perhaps `when`, `for_each` and `data`.
pub(super) fn read_resource(node: &Node, mistakes: &mut Diagnostics) -> Option<Declaration> {
    let Some(map) = node.as_map() else {
        let fact = format!("a resource must be a map, not {}", node.description());
        mistakes.push(Diagnostic::error(fact).at(&node.place).remedy("write `- file: { path: …, content: … }`"));
        return None;
    };
    let repeat = Repeat { when: value_of(map, "when"), for_each: value_of(map, "for_each") };
    let mut kinds = map.iter().filter(|(key, _)| !is_control(key) && !matches!(key.as_str(), "data" | "supported"));
    let Some((tag, entry)) = kinds.next() else {
        let known: Vec<&str> = kinds::ALL.iter().map(|kind| kind.name()).collect();
        let remedy = format!("write `- KIND: {{ … }}`, with one of: {}", known.join(", "));
        mistakes.push(Diagnostic::error("the resource has no kind").at(&node.place).remedy(remedy));
        return None;
    };
    let mut known = true;
    if let Some((other, second)) = kinds.next() {
        let mistake = Diagnostic::error(format!("the resource has two kinds, `{tag}` and `{other}`")).at(&second.key);
        mistakes.push(mistake.remedy(format!("begin it with a dash of its own: `- {other}: …`")));
        known = false;
    }
    let Some(kind) = kinds::named(tag) else {
        mistakes.push(unknown_kind(tag, entry));
        return None;
    };
    let (data, class) = match map.get("data").map(|entry| &entry.node) {
        None => (false, None),
        Some(node) if matches!(node.value, Value::Map(_)) => (true, read_class(node, mistakes)),
        Some(node) => {
            let data = node.as_bool().unwrap_or_else(|| {
                let fact = "`data` must be true or false, or say a class: { class: personal }";
                mistakes.push(Diagnostic::error(fact).at(&node.place));
                false
            });
            (data, None)
        }
    };
    let supported = map.get("supported").and_then(|entry| read_supported(&entry.node, mistakes));
    known.then(|| Declaration { kind, repeat, data, class, supported, fields: with_fields(kind, &entry.node) })
}

/// One entry of `checks`: a kind with its fields, and perhaps `when`, `for_each` and `within`.
pub(super) fn read_check(node: &Node, mistakes: &mut Diagnostics) -> Option<DeclaredCheck> {
    let Some(map) = node.as_map() else {
        let fact = format!("a check must be a map, not {}", node.description());
        mistakes.push(Diagnostic::error(fact).at(&node.place).remedy("write `- http: { url: … }`"));
        return None;
    };
    let fields: Map =
        map.iter().filter(|(key, _)| !is_control(key)).map(|(key, entry)| (key.clone(), entry.clone())).collect();
    for (tag, entry) in fields.iter().filter(|(key, _)| !checks::is_known(key)) {
        let mistake = Diagnostic::error(format!("there is no kind of check `{tag}`")).at(&entry.key);
        mistakes.push(mistake.suggest(tag, checks::KINDS.iter().copied().chain(["when", "for_each", "within"])));
    }
    let repeat = Repeat { when: value_of(map, "when"), for_each: value_of(map, "for_each") };
    Some(DeclaredCheck { repeat, fields: Node::new(Value::Map(fields), &node.place) })
}

fn is_control(key: &str) -> bool {
    matches!(key, "when" | "for_each")
}

fn unknown_kind(tag: &str, entry: &Entry) -> Diagnostic {
    let kinds = kinds::ALL.iter().map(|kind| kind.name());
    let mistake = Diagnostic::error(format!("there is no kind of resource `{tag}`")).at(&entry.key);
    mistake.suggest(tag, kinds.chain(["when", "for_each", "data", "supported"]))
}

/// `- package: nginx` is `- package: { name: nginx }`.
fn with_fields(kind: &dyn kinds::Kind, node: &Node) -> Node {
    match (kind.short_field(), &node.value) {
        (Some(field), Value::String(_)) => {
            let entry = Entry { key: node.place.clone(), node: node.clone() };
            Node::new(Value::Map(Map::from([(field.to_owned(), entry)])), &node.place)
        }
        _ => node.clone(),
    }
}

fn value_of(map: &Map, key: &str) -> Option<Node> {
    map.get(key).map(|entry| entry.node.clone())
}

pub(super) fn read_needs(map: &Map, mistakes: &mut Diagnostics) -> IndexMap<String, Need> {
    let mut needs = IndexMap::new();
    for (name, entry) in map {
        let nothing = Map::new();
        let given = match &entry.node.value {
            Value::Null => &nothing,
            Value::Map(map) => map,
            _ => {
                let fact = format!("`{name}` must be a map, not {}", entry.node.description());
                let remedy = format!("write `{name}: {{}}` if there is nothing more to say");
                mistakes.push(Diagnostic::error(fact).at(&entry.node.place).remedy(remedy));
                continue;
            }
        };
        let text = |key: &str| given.get(key).map(|entry| (entry, entry.node.as_str()));
        let module = match text("module") {
            None => name.clone(),
            Some((_, Some(module))) => module.to_owned(),
            Some((entry, None)) => {
                mistakes.push(Diagnostic::error("`module` must be the name of a module").at(&entry.node.place));
                continue;
            }
        };
        let mut flag = |key: &str| match given.get(key) {
            None => false,
            Some(entry) => entry.node.as_bool().unwrap_or_else(|| {
                mistakes.push(Diagnostic::error(format!("`{key}` must be true or false")).at(&entry.node.place));
                false
            }),
        };
        let (optional, elsewhere) = (flag("optional"), flag("elsewhere"));
        let values =
            given.iter().filter(|(key, _)| !matches!(key.as_str(), "module" | "optional" | "elsewhere" | "when"));
        let need = Need {
            module,
            optional,
            elsewhere,
            when: value_of(given, "when"),
            values: values.map(|(key, entry)| (key.clone(), entry.clone())).collect(),
            place: entry.key.clone(),
        };
        needs.insert(name.clone(), need);
    }
    needs
}

pub(super) fn read_offers(map: &Map, mistakes: &mut Diagnostics) -> IndexMap<String, Vec<Offer>> {
    let mut offers = IndexMap::new();
    for (name, entry) in map {
        let Some(items) = entry.node.as_list() else {
            let fact = format!("`{name}` must be a list, not {}", entry.node.description());
            mistakes.push(Diagnostic::error(fact).at(&entry.node.place).remedy("write it in brackets: [{ … }]"));
            continue;
        };
        offers.insert(name.clone(), items.iter().filter_map(|item| read_offer(name, item, mistakes)).collect());
    }
    offers
}

fn read_offer(name: &str, node: &Node, mistakes: &mut Diagnostics) -> Option<Offer> {
    let Some(map) = node.as_map() else {
        let fact = format!("an offer of {name} must be a map, not {}", node.description());
        mistakes.push(Diagnostic::error(fact).at(&node.place));
        return None;
    };
    let fields = map.iter().filter(|(key, _)| !is_control(key) && key.as_str() != "to");
    let fields: Map = fields.map(|(key, entry)| (key.clone(), entry.clone())).collect();
    Some(Offer {
        repeat: Repeat { when: value_of(map, "when"), for_each: value_of(map, "for_each") },
        to: value_of(map, "to"),
        values: Node::new(Value::Map(fields), &node.place),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTest {
    #[serde(default)]
    params: Map,
    #[serde(default)]
    services: IndexMap<String, RawTestService>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTestService {
    module: Placed<String>,
    #[serde(default)]
    elsewhere: bool,
    #[serde(default)]
    params: Map,
}

/// `test: { params: …, services: … }`. Whether the values fit is said when the test is made.
pub(super) fn read_test(node: &Node, mistakes: &mut Diagnostics) -> Option<ModuleTest> {
    let raw: RawTest = node.decode(mistakes)?;
    let service = |(name, it): (String, RawTestService)| {
        (name, TestService { module: it.module, elsewhere: it.elsewhere, params: it.params })
    };
    Some(ModuleTest { params: raw.params, services: raw.services.into_iter().map(service).collect() })
}
