//! What somebody types for a parameter, as a value of its type. An expression stays as it is: compiling judges it.

use serde_json::Value;

use crate::diag::{Diagnostics, Place, Source};
use crate::modules::{Param, Type};
use crate::template::is_expression;
use crate::yaml::{self, Node, Value as Written};

/// The value, if it is of the parameter's type. `label` is how messages call the text.
pub fn value(name: &str, param: &Param, text: &str, label: &str) -> Result<Value, Diagnostics> {
    let source = Source::new(label, text);
    let place = Place::new(&source, 0..text.len());
    if is_expression(text) {
        return Ok(text.into());
    }
    let node = match &param.kind {
        Type::List(inner) if !text.trim_start().starts_with(['[', '-']) => {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            Node::new(Written::List(words.map(|word| simple(inner, word, &place)).collect()), &place)
        }
        Type::List(_) | Type::Map(_) | Type::Object => yaml::parse(&source)?,
        kind => simple(kind, text, &place),
    };
    let mut mistakes = Diagnostics::default();
    let accepted = param.accept(name, node.clone(), &mut mistakes);
    // without the defaults of fields, which shall go on following the module
    if accepted.is_some() && !mistakes.has_errors() { Ok(node.to_json()) } else { Err(mistakes) }
}

fn simple(kind: &Type, text: &str, place: &Place) -> Node {
    let read = match kind {
        Type::Int | Type::Port => text.trim().parse().ok().map(Written::Int),
        Type::Float => text.trim().parse().ok().filter(|number: &f64| number.is_finite()).map(Written::Float),
        Type::Bool => match text.trim().to_lowercase().as_str() {
            "true" | "yes" | "y" | "on" | "s" | "si" | "sí" => Some(Written::Bool(true)),
            "false" | "no" | "n" | "off" => Some(Written::Bool(false)),
            _ => None,
        },
        _ => None,
    };
    Node::new(read.unwrap_or_else(|| Written::String(text.to_owned())), place)
}
