//! Between values of the template language and trees of YAML.

use minijinja::Value as Computed;
use minijinja::value::ValueKind;

use crate::diag::Place;
use crate::yaml::{Entry, Map, Node, Value};

/// A tree as a value, without its places.
pub fn to_value(node: &Node) -> Computed {
    match &node.value {
        Value::Null => Computed::from(()),
        Value::Bool(flag) => Computed::from(*flag),
        Value::Int(whole) => Computed::from(*whole),
        Value::Float(number) => Computed::from(*number),
        Value::String(text) => Computed::from(text.as_str()),
        Value::List(items) => items.iter().map(to_value).collect(),
        Value::Map(map) => Computed::from_pairs(map.iter().map(|(key, entry)| (key.as_str(), to_value(&entry.node)))),
    }
}

/// A value as a tree, all of it at one place. `Err` says what cannot be written in YAML.
pub fn from_value(value: &Computed, place: &Place) -> Result<Node, String> {
    let content = match value.kind() {
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => number(value)?,
        ValueKind::String => Value::String(value.as_str().unwrap_or_default().to_owned()),
        ValueKind::Seq | ValueKind::Iterable => {
            Value::List(items(value)?.iter().map(|item| from_value(item, place)).collect::<Result<_, _>>()?)
        }
        ValueKind::Map => {
            let mut map = Map::new();
            for key in items(value)? {
                let name = key.as_str().ok_or_else(|| format!("the key {key} is not text"))?.to_owned();
                let inner = value.get_item(&key).map_err(|error| error.to_string())?;
                map.insert(name, Entry { key: place.clone(), node: from_value(&inner, place)? });
            }
            Value::Map(map)
        }
        ValueKind::Undefined => return Err("it is undefined".into()),
        _ => return Err("it is neither text, number, list nor map".into()),
    };
    Ok(Node::new(content, place))
}

fn number(value: &Computed) -> Result<Value, String> {
    if value.is_integer() {
        return value.as_i64().map(Value::Int).ok_or_else(|| format!("the number {value} is too large"));
    }
    match f64::try_from(value.clone()) {
        Ok(number) if number.is_finite() => Ok(Value::Float(number)),
        _ => Err(format!("{value} is not a finite number")),
    }
}

fn items(value: &Computed) -> Result<Vec<Computed>, String> {
    value.try_iter().and_then(|items| items.checked().collect()).map_err(|error| error.to_string())
}
