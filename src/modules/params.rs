//! Parameters: what a module asks for, and whether a value is what it asks for.

use indexmap::IndexMap;
use serde::Deserialize;

use super::{GIVEN, RESERVED, Text, Type};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::template::is_expression;
use crate::yaml::{Entry, Map, Node, Placed, Value};

/// One parameter, or one field of an object.
#[derive(Debug)]
pub struct Param {
    pub kind: Type,
    /// May hold expressions; `None`: the service must give a value, unless `optional`.
    pub default: Option<Node>,
    pub help: Text,
    pub example: Option<Node>,
    /// True: without a value it is `none`.
    pub optional: bool,
    /// True: it cannot be changed once the service exists.
    pub immutable: bool,
    /// True, in `takes`: no two services may give the same value.
    pub unique: bool,
    /// Fields that whoever gives this one must give, too.
    pub with: Vec<String>,
    /// The only values allowed; empty: any of the type.
    pub one_of: Vec<Node>,
    /// Of the object that this is or contains.
    pub fields: IndexMap<String, Param>,
    pub place: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(rename = "type")]
    kind: Option<Placed<String>>,
    default: Option<Node>,
    help: Option<Node>,
    example: Option<Node>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    immutable: bool,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    with: Vec<String>,
    #[serde(default)]
    one_of: Vec<Node>,
    #[serde(default)]
    fields: Map,
}

/// The parameters of a module.
pub(super) fn read_params(map: &Map, mistakes: &mut Diagnostics) -> IndexMap<String, Param> {
    for (name, entry) in map {
        if GIVEN.contains(&name.as_str()) || RESERVED.contains(&name.as_str()) {
            mistakes.push(
                Diagnostic::error(format!("`{name}` already means something else in expressions"))
                    .at(&entry.key)
                    .remedy("choose another name"),
            );
        }
    }
    let params = read_fields(map, mistakes);
    for (name, param) in params.iter().filter(|(_, param)| !param.with.is_empty()) {
        let fact = format!("`{name}` cannot have `with`: only fields can");
        mistakes.push(Diagnostic::error(fact).at(&param.place).remedy("leave `with` out"));
    }
    for (name, param) in params.iter().filter(|(_, param)| param.unique) {
        let fact = format!("`{name}` cannot be `unique`: only fields of `takes` can");
        mistakes.push(Diagnostic::error(fact).at(&param.place).remedy("leave `unique` out"));
    }
    params
}

pub(super) fn read_fields(map: &Map, mistakes: &mut Diagnostics) -> IndexMap<String, Param> {
    let mut params = IndexMap::new();
    for (name, entry) in map {
        let identifier = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !identifier {
            mistakes.push(
                Diagnostic::error(format!("`{}` cannot be the name of a parameter", name.escape_debug()))
                    .at(&entry.key)
                    .remedy("use letters, digits and underscores, beginning with a letter"),
            );
        } else if let Some(param) = read_param(name, entry, mistakes) {
            params.insert(name.clone(), param);
        }
    }
    params
}

fn read_param(name: &str, entry: &Entry, mistakes: &mut Diagnostics) -> Option<Param> {
    let raw: Raw = entry.decode(name, mistakes)?;
    let kind = match &raw.kind {
        None => Type::String,
        Some(written) => match Type::parse(written) {
            Ok(kind) => kind,
            Err(remedy) => {
                let fact = format!("`{}` is not a type of parameter", written.escape_debug());
                mistakes.push(Diagnostic::error(fact).at(&written.place).remedy(remedy));
                return None;
            }
        },
    };
    let param = Param {
        fields: read_fields(&raw.fields, mistakes),
        help: raw.help.map(|help| Text::read(&help, mistakes)).unwrap_or_default(),
        kind,
        default: raw.default,
        example: raw.example,
        optional: raw.optional,
        immutable: raw.immutable,
        unique: raw.unique,
        with: raw.with,
        one_of: raw.one_of,
        place: entry.key.clone(),
    };
    param.check(name, mistakes);
    Some(param)
}

impl Param {
    /// What the declaration itself says must fit together.
    fn check(&self, name: &str, mistakes: &mut Diagnostics) {
        if self.kind.has_fields() && self.fields.is_empty() {
            mistakes.push(
                Diagnostic::error(format!("`{name}` is an object without fields"))
                    .at(&self.place)
                    .remedy("add `fields: { NAME: { type: … } }`, or use `map of string`"),
            );
        } else if !self.kind.has_fields() && !self.fields.is_empty() {
            mistakes.push(
                Diagnostic::error(format!("`{name}` has fields, but its type is {}", self.kind))
                    .at(&self.place)
                    .remedy("write `type: object` or `type: list of object`"),
            );
        }
        if let (true, Some(default)) = (self.optional, &self.default) {
            mistakes.push(
                Diagnostic::error(format!("`{name}` has a default and is optional"))
                    .at(&default.place)
                    .remedy("keep one of the two: with a default it always has a value"),
            );
        }
        let literal = |node: &&Node| !has_expression(node);
        for value in self.default.iter().chain(&self.example).chain(&self.one_of).filter(literal) {
            self.accept(name, value.clone(), mistakes);
        }
    }

    /// The value with the defaults of its fields, if it is of the right type; each mistake at its own place.
    pub fn accept(&self, name: &str, value: Node, mistakes: &mut Diagnostics) -> Option<Node> {
        let value = self.accept_type(&self.kind, name, value, mistakes)?;
        if self.one_of.is_empty() || self.one_of.iter().any(|allowed| allowed.same_value(&value)) {
            return Some(value);
        }
        let words: Vec<String> = self.one_of.iter().map(shown).collect();
        let written = shown(&value);
        mistakes.push(
            Diagnostic::error(format!("`{name}` cannot be `{written}`"))
                .at(&value.place)
                .suggest(&written, words.iter().map(String::as_str)),
        );
        None
    }

    fn accept_type(&self, kind: &Type, name: &str, value: Node, mistakes: &mut Diagnostics) -> Option<Node> {
        if !kind.holds(&value) {
            mistakes.push(self.refusal(kind, name, &value));
            return None;
        }
        let place = value.place;
        let content = match (kind, value.value) {
            (Type::List(inner), Value::List(items)) => {
                let items: Vec<_> =
                    items.into_iter().map(|item| self.accept_type(inner, name, item, mistakes)).collect();
                Value::List(items.into_iter().collect::<Option<_>>()?)
            }
            (Type::Map(inner), Value::Map(map)) => {
                let accepted: Vec<_> = map
                    .into_iter()
                    .map(|(key, entry)| {
                        let node = self.accept_type(inner, &format!("{name}.{key}"), entry.node, mistakes)?;
                        Some((key, Entry { key: entry.key, node }))
                    })
                    .collect();
                Value::Map(accepted.into_iter().collect::<Option<_>>()?)
            }
            (Type::Object, Value::Map(map)) => Value::Map(accept_fields(&self.fields, name, map, &place, mistakes)?),
            (_, other) => other,
        };
        Some(Node::new(content, &place))
    }

    fn refusal(&self, kind: &Type, name: &str, value: &Node) -> Diagnostic {
        let fact = format!("`{name}` must be {}, not {}", kind.description(), value.description());
        let mistake = Diagnostic::error(fact).at(&value.place);
        match (kind, &value.value) {
            (Type::String, Value::Int(_) | Value::Float(_) | Value::Bool(_)) => {
                mistake.remedy(format!("write it in quotes: \"{}\"", shown(value)))
            }
            (Type::Int | Type::Port, Value::String(text)) if text.trim().parse::<i64>().is_ok() => {
                mistake.remedy(format!("write it without quotes: {}", text.trim()))
            }
            (Type::List(_), Value::String(_) | Value::Int(_)) => {
                mistake.remedy(format!("write it in brackets: [{}]", shown(value)))
            }
            (Type::Bool, Value::String(text)) if matches!(text.as_str(), "yes" | "on") => {
                mistake.remedy("write `true`")
            }
            (Type::Bool, Value::String(text)) if matches!(text.as_str(), "no" | "off") => {
                mistake.remedy("write `false`")
            }
            _ => match &self.example {
                Some(example) => mistake.remedy(format!("write it like this: {}", shown(example))),
                None => mistake,
            },
        }
    }
}

/// The fields of an object: unknown ones are mistakes, missing ones take their literal default.
pub fn accept_fields(
    fields: &IndexMap<String, Param>,
    name: &str,
    mut given: Map,
    place: &Place,
    mistakes: &mut Diagnostics,
) -> Option<Map> {
    let mut complete = true;
    for (key, entry) in &given {
        if !fields.contains_key(key) {
            let fact = format!("`{name}` has no field `{key}`");
            mistakes.push(Diagnostic::error(fact).at(&entry.key).suggest(key, fields.keys().map(String::as_str)));
            complete = false;
        }
    }
    for (field, param) in fields {
        let is_given = |field: &String| given.get(field).is_some_and(|entry| !entry.node.is_null());
        let Some(entry) = given.get(field).filter(|_| is_given(field)) else { continue };
        for missing in param.with.iter().filter(|other| !is_given(other)) {
            let fact = format!("`{name}` gives `{field}`, and no `{missing}`");
            mistakes
                .push(Diagnostic::error(fact).at(&entry.key).remedy(format!("add `{missing}:`, which goes with it")));
            complete = false;
        }
    }
    let mut accepted = Map::new();
    for (field, param) in fields {
        let given = given.shift_remove(field).filter(|entry| !entry.node.is_null());
        let value = match (given, &param.default) {
            (Some(entry), _) => param.accept(&format!("{name}.{field}"), entry.node, mistakes),
            (None, Some(default)) => Some(default.clone()),
            (None, None) if param.optional => Some(Node::new(Value::Null, place)),
            (None, None) => {
                mistakes.push(
                    Diagnostic::error(format!("`{name}` lacks the field `{field}`"))
                        .at(place)
                        .remedy(format!("add `{field}:`")),
                );
                None
            }
        };
        match value {
            Some(node) => {
                accepted.insert(field.clone(), Entry { key: node.place.clone(), node });
            }
            None => complete = false,
        }
    }
    complete.then_some(accepted)
}

/// True if any string in the tree is to be evaluated.
pub(super) fn has_expression(node: &Node) -> bool {
    match &node.value {
        Value::String(text) => is_expression(text),
        Value::List(items) => items.iter().any(has_expression),
        Value::Map(map) => map.values().any(|entry| has_expression(&entry.node)),
        _ => false,
    }
}

/// As it would be written on one line.
fn shown(node: &Node) -> String {
    match node.as_str() {
        Some(text) => text.to_owned(),
        None => node.to_json().to_string(),
    }
}
