//! YAML as a tree whose every value knows its place, so that each mistake can point at the character.
//!
//! [`parse`] refuses what YAML 1.1 would guess (`no` as false, `0644` as a number), duplicate keys, unknown tags,
//! alias bombs and deep nesting. [`Node::decode`] turns a node into a type and reports *all* mistakes in it.
//! Nothing here knows what the values mean.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::diag::{Place, Source};
use crate::secret::Sealed;

mod decode;
mod mistake;
mod parse;
mod placed;

pub use parse::{parse, readable};
pub use placed::{Placed, one_or_many, one_or_many_schema};

#[derive(Debug, Clone)]
pub struct Node {
    pub value: Value,
    pub place: Place,
    /// Of a text that was evaluated and holds secrets: `value` has placeholders in their place.
    pub sealed: Option<Arc<Sealed>>,
}

/// Equal in what may be seen.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value && self.place == other.place
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    List(Vec<Node>),
    Map(Map),
}

/// In the order of the file; the place of a key is beside its value.
pub type Map = IndexMap<String, Entry>;

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: Place,
    pub node: Node,
}

impl Node {
    pub fn new(value: Value, place: &Place) -> Self {
        Self { value, place: place.clone(), sealed: None }
    }

    pub fn string(text: impl Into<String>, place: &Place) -> Self {
        Self::new(Value::String(text.into()), place)
    }

    /// A tree whose every value has the same place: for values that were computed, not written.
    pub fn from_json(value: &serde_json::Value, place: &Place) -> Self {
        let value = match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(flag) => Value::Bool(*flag),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => Value::Int(whole),
                None => Value::Float(number.as_f64().unwrap_or(f64::MAX)),
            },
            serde_json::Value::String(text) => Value::String(text.clone()),
            serde_json::Value::Array(items) => {
                Value::List(items.iter().map(|item| Self::from_json(item, place)).collect())
            }
            serde_json::Value::Object(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| {
                        (key.clone(), Entry { key: place.clone(), node: Self::from_json(value, place) })
                    })
                    .collect(),
            ),
        };
        Self::new(value, place)
    }

    /// An empty map at the start of a source: what an empty file means.
    pub fn empty(source: &Arc<Source>) -> Self {
        Self::new(Value::Map(Map::new()), &Place::file(source))
    }

    /// The value without its places. Floats that JSON cannot hold become null; [`parse`] never lets one in.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Int(whole) => (*whole).into(),
            Value::Float(number) => (*number).into(),
            Value::String(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(map) => map
                .iter()
                .map(|(key, entry)| (key.clone(), entry.node.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// The value under `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(key).map(|entry| &entry.node)
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match &self.value {
            Value::Int(whole) => Some(*whole),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// Equal values, wherever they were written.
    pub fn same_value(&self, other: &Self) -> bool {
        self.to_json() == other.to_json()
    }

    /// What was written, in a few words for a message: "the text `x`", "the list", "the number 3".
    pub fn description(&self) -> String {
        match &self.value {
            Value::Null => "nothing (null)".into(),
            Value::Bool(flag) => format!("`{flag}`"),
            Value::Int(whole) => format!("the number {whole}"),
            Value::Float(number) => format!("the number {number}"),
            Value::String(text) => format!("the text `{}`", shortened(text)),
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Map(map) if map.is_empty() => "an empty map".into(),
            Value::Map(map) => {
                format!(
                    "a map with {}",
                    map.keys().take(3).map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
                )
            }
        }
    }
}

/// Enough of a text to recognise it, on one line.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.len() == text.len() && text.chars().count() <= 40 {
        text.to_owned()
    } else {
        format!("{}…", line.chars().take(40).collect::<String>())
    }
}
