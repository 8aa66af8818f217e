//! JSON Schema of module files, so that editors complete and check while somebody writes one. The kinds' parts come
//! from the structs that read them; wherever a value may be an expression, one is allowed.

use serde_json::{Map, Value, json};

use super::types::SIMPLE;
use crate::kinds;
use crate::secret_declaration::SecretEntry;

/// The schema of one file below `modules/`, JSON Schema draft 2020-12.
pub fn schema() -> Value {
    let mut definitions = definitions();
    let mut resource = Map::new();
    let mut tags = Vec::new();
    for kind in kinds::ALL {
        let reference = json!({ "$ref": format!("#/$defs/kind-{}", kind.name()) });
        let any_form = match kind.short_field() {
            Some(field) => {
                json!({ "anyOf": [reference, { "type": "string", "description": format!("Its {field}.") }] })
            }
            None => reference,
        };
        resource.insert(kind.name().to_owned(), described(any_form, kind.summary()));
        tags.push(json!({ "required": [kind.name()] }));
        definitions.insert(format!("kind-{}", kind.name()), of_kind(*kind));
    }
    resource.extend(repeat());
    let data = "True: it holds data, and is never deleted because it is no longer declared. With a class, it is also judged who may read it and who backs it up.";
    let either = json!({ "anyOf": [{ "type": "boolean" }, reference("class")] });
    resource.insert("data".to_owned(), described(either, data));
    resource.insert("supported".to_owned(), described(reference("supported"), "Where it can work at all."));
    let resource = json!({ "type": "object", "properties": resource, "additionalProperties": false, "oneOf": tags });
    definitions.insert("resource".to_owned(), resource);
    let mut secret = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<SecretEntry>()
        .to_value();
    if let Value::Object(secret) = &mut secret {
        secret.remove("$schema");
        secret.remove("title");
    }
    definitions.insert("secret".to_owned(), json!({ "anyOf": [secret, { "type": "null" }] }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Steward module",
        "type": "object",
        "required": ["version", "summary"],
        "additionalProperties": false,
        "properties": {
            "version": { "type": "integer", "minimum": 1, "description": "Counts up with every change that others should know of." },
            "summary": described(reference("text"), "One sentence that says what it is for."),
            "notes": described(
                json!({ "type": "object", "propertyNames": { "pattern": "^[0-9]+$" }, "additionalProperties": reference("text") }),
                "What a reviewer should know of a version, by its number in quotes.",
            ),
            "breaking": described(
                json!({ "type": "object", "propertyNames": { "pattern": "^[0-9]+$" }, "additionalProperties": reference("text") }),
                "What stops working with a version, by its number in quotes: `apply` wants it to be agreed to.",
            ),
            "data": described(reference("class"), "The class of the data that its services keep."),
            "supported": described(reference("supported"), "Where it can work at all."),
            "params": described(map_of("param"), "What a service of this module may set; expressions see each by its name."),
            "secrets": described(map_of("secret"), "Values that nobody may see: how each is made and changed."),
            "needs": described(map_of("need"), "Modules without which this one cannot work, on the same host or where the service says."),
            "facts": described(json!({ "type": "object" }), "What a service hands back to those that need it; sees `need`."),
            "takes": described(map_of("param"), "What those that need it may say in their need; `unique` fields differ between services."),
            "gathers": described(map_of("gathered"), "What it collects from other services, as `offers.NAME`."),
            "offers": described(
                json!({ "type": "object", "additionalProperties": { "type": "array", "items": reference("offer") } }),
                "What other modules gather: ports, sites, backups.",
            ),
            "resources": described(list_of("resource"), "What is on the host, in the order in which it is made."),
            "checks": described(json!({ "type": "array", "items": crate::checks::schema() }), "How to see that it works."),
            "handoff": described(reference("text"), "What the next volunteer must know."),
            "test": described(reference("test"), "What `steward module test` deploys, beside what it needs."),
        },
        "$defs": definitions,
    })
}

fn definitions() -> Map<String, Value> {
    let words: Vec<&str> = SIMPLE.iter().map(|(word, _)| *word).collect();
    let offer: Map<String, Value> = repeat()
        .into_iter()
        .chain([("to".to_owned(), described(json!({ "type": "string" }), "The service that shall have it."))])
        .collect();
    let abilities: Vec<&str> = crate::abilities::ABILITIES.iter().map(|(word, _)| *word).collect();
    let definitions = json!({
        "class": {
            "type": "object",
            "required": ["class"],
            "additionalProperties": false,
            "properties": {
                "class": { "enum": ["public", "internal", "personal", "sensitive"] },
                "backup": { "type": "boolean", "description": "False: it can be made again, and needs no backup." },
            },
        },
        "supported": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "needs": { "type": "array", "items": { "enum": abilities }, "description": "What the host must be able to do." },
                "when": { "type": ["boolean", "string"], "description": "False: it is not supported on the host." },
                "because": { "$ref": "#/$defs/text" },
            },
        },
        "text": {
            "anyOf": [
                { "type": "string" },
                { "type": "object", "propertyNames": { "pattern": "^[a-z]{2}$" }, "additionalProperties": { "type": "string" } },
            ],
        },
        "expression": { "type": "string", "pattern": "\\{[{%]", "description": "An expression: \"{{ … }}\"." },
        "condition": { "anyOf": [{ "type": "boolean" }, reference("expression")] },
        "param": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "type": { "type": "string", "pattern": format!("^((list|map) of )*({})$", words.join("|")), "default": "string" },
                "default": { "description": "Its value unless the service gives one; may be an expression." },
                "help": reference("text"),
                "example": { "description": "A value, for messages and documentation." },
                "optional": { "type": "boolean", "description": "Without a value it is `none`." },
                "immutable": { "type": "boolean", "description": "It cannot be changed once the service exists." },
                "with": { "type": "array", "items": { "type": "string" }, "description": "Fields that whoever gives this one must give, too." },
                "unique": { "type": "boolean", "description": "In `takes`: no two services may give the same value." },
                "one_of": { "type": "array", "description": "The only values allowed." },
                "fields": map_of("param"),
            },
        },
        "need": {
            "type": ["object", "null"],
            "properties": {
                "module": { "type": "string", "description": "If it is not the key itself." },
                "optional": { "type": "boolean", "description": "It may be missing; then `needs.NAME` is `none`." },
                "elsewhere": { "type": "boolean", "description": "It must be on another host." },
                "when": reference("condition"),
            },
        },
        "gathered": {
            "type": "object",
            "required": ["fields"],
            "additionalProperties": false,
            "properties": { "help": reference("text"), "fields": map_of("param") },
        },
        "offer": { "type": "object", "properties": offer },
        "test": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "params": { "type": "object", "description": "What its service is given, before the examples of its params." },
                "services": {
                    "type": "object",
                    "description": "Further services, such as one that needs it.",
                    "additionalProperties": {
                        "type": "object",
                        "required": ["module"],
                        "additionalProperties": false,
                        "properties": {
                            "module": { "type": "string" },
                            "elsewhere": { "type": "boolean", "description": "On a second host." },
                            "params": { "type": "object" },
                        },
                    },
                },
            },
        },
    });
    match definitions {
        Value::Object(definitions) => definitions,
        _ => Map::new(),
    }
}

fn repeat() -> Map<String, Value> {
    let for_each = json!({ "anyOf": [{ "type": ["array", "object"] }, reference("expression")] });
    Map::from_iter([
        ("when".to_owned(), described(reference("condition"), "Only if this is true.")),
        ("for_each".to_owned(), described(for_each, "Once for each item of a list or map, as `item` and `key`.")),
    ])
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn map_of(name: &str) -> Value {
    json!({ "type": "object", "additionalProperties": reference(name) })
}

fn list_of(name: &str) -> Value {
    json!({ "type": "array", "items": reference(name) })
}

fn described(mut schema: Value, description: &str) -> Value {
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), description.into());
    }
    schema
}

/// A kind's own schema, moved below `$defs`, with an expression allowed for every field.
fn of_kind(kind: &dyn kinds::Kind) -> Value {
    let mut schema = kind.schema().to_value();
    let own = format!("#/$defs/kind-{}/$defs/", kind.name());
    moved(&mut schema, &own);
    if let Value::Object(root) = &mut schema {
        root.remove("$schema");
        if let Some(Value::Object(fields)) = root.get_mut("properties") {
            fields.values_mut().for_each(allow_expression);
        }
    }
    schema
}

fn moved(schema: &mut Value, own: &str) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(target) if key == "$ref" => *target = target.replace("#/$defs/", own),
                    _ => moved(value, own),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| moved(item, own)),
        _ => {}
    }
}

fn allow_expression(field: &mut Value) {
    let is_text = field.get("type").is_some_and(|kind| *kind == "string" || *kind == json!(["string", "null"]));
    if is_text && field.get("enum").is_none() && field.get("pattern").is_none() {
        return;
    }
    let description = field.get("description").cloned();
    *field = json!({ "anyOf": [field, reference("expression")] });
    if let (Some(description), Value::Object(field)) = (description, field) {
        field.insert("description".to_owned(), description);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::diag::{Diagnostics, Source};

    #[test]
    fn the_schema_has_exactly_the_keys_that_are_read() {
        let mut mistakes = Diagnostics::default();
        let source = Source::new("m.yaml", "zzzzzzzzzzzz: 1\nversion: 1\nsummary: x\n");
        super::super::read("m", &source, false, &mut mistakes);
        let remedy = mistakes.0[0].remedy.clone().unwrap();
        let read: BTreeSet<&str> = remedy.trim_start_matches("known here: ").split(", ").collect();
        let schema = schema();
        let keys: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, read);
    }

    #[test]
    fn every_reference_in_it_leads_somewhere() {
        let schema = schema();
        let mut references = Vec::new();
        collect(&schema, &mut references);
        assert!(references.len() > 30);
        for reference in references {
            let pointer = reference.trim_start_matches('#');
            assert!(schema.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_kind_is_in_it() {
        let schema = schema();
        for kind in kinds::ALL {
            assert!(schema["$defs"]["resource"]["properties"][kind.name()].is_object(), "{}", kind.name());
            assert!(schema["$defs"][format!("kind-{}", kind.name())]["properties"].is_object(), "{}", kind.name());
        }
    }

    fn collect(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| collect(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
}
