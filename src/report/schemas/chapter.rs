//! What commands say about the chapter's own files: modules, values, people, secrets, and what a change means.

use serde_json::{Value, json};

use super::{boolean, change, list, mistake, nullable, number, object, text, titled, words};

/// `steward review --format json`.
pub fn review() -> Value {
    let topics = [
        "mistake",
        "lockout",
        "data",
        "deletion",
        "access",
        "exposure",
        "opens",
        "restart",
        "unseen",
        "host",
        "closes",
        "secret",
        "module",
        "complaint",
    ];
    let note =
        object(&[("topic", words(&topics)), ("warning", boolean()), ("hosts", list(text())), ("what", text())]);
    let module = object(&[("name", text()), ("what", text()), ("notes", list(text())), ("diff", nullable("string"))]);
    let counts = object(&["create", "update", "delete", "run", "restart", "reload"].map(|count| (count, number())));
    titled(
        "What a change means, as Steward reviewed it",
        object(&[
            ("format", json!({ "const": 1 })),
            ("inventory", nullable("string")),
            ("base", text()),
            ("head", nullable("string")),
            ("hosts", list(object(&[("host", text()), ("changes", list(change()))]))),
            ("notes", list(note)),
            ("modules", list(module)),
            ("mistakes", list(mistake())),
            ("summary", json!({ "anyOf": [counts, { "type": "null" }] })),
        ]),
    )
}

/// `steward explain --format json`.
pub fn explain() -> Value {
    let layer = || object(&[("origin", text()), ("place", text()), ("written", json!(true))]);
    let value = object(&[
        ("name", text()),
        ("value", json!(true)),
        ("given", json!({ "anyOf": [layer(), { "type": "null" }] })),
        ("hidden", list(layer())),
    ]);
    titled("Where values come from", object(&[("format", json!({ "const": 1 })), ("values", list(value))]))
}

/// `steward module list --format json`.
pub fn module_list() -> Value {
    let module = object(&[("name", text()), ("version", number()), ("embedded", boolean()), ("summary", text())]);
    titled("All modules", object(&[("format", json!({ "const": 1 })), ("modules", list(module))]))
}

/// `steward module show NAME --format json`.
pub fn module_show() -> Value {
    let fields = || json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/field" } });
    let field = object(&[
        ("type", text()),
        ("required", boolean()),
        ("default", json!(true)),
        ("example", json!(true)),
        ("one_of", list(json!(true))),
        ("immutable", boolean()),
        ("unique", boolean()),
        ("help", text()),
        ("fields", fields()),
    ]);
    let names = || list(text());
    let mut whole = titled(
        "A module",
        object(&[
            ("format", json!({ "const": 1 })),
            ("name", text()),
            ("version", number()),
            ("embedded", boolean()),
            ("summary", text()),
            ("params", fields()),
            ("needs", names()),
            ("takes", json!({ "anyOf": [fields(), { "type": "null" }] })),
            ("facts", names()),
            ("offers", names()),
            ("gathers", names()),
            ("templates", names()),
            ("handoff", text()),
        ]),
    );
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("$defs".to_owned(), json!({ "field": field }));
    }
    whole
}

/// `steward module update --format json`.
pub fn module_update() -> Value {
    let locked = || json!({ "anyOf": [object(&[("version", number()), ("hash", text())]), { "type": "null" }] });
    let update = object(&[("module", text()), ("old", locked()), ("new", locked())]);
    titled("What was recorded", object(&[("format", json!({ "const": 1 })), ("updates", list(update))]))
}

fn person() -> Vec<(&'static str, Value)> {
    let ssh = object(&[("type", text()), ("fingerprint", text()), ("comment", text()), ("key", text())]);
    vec![
        ("person", text()),
        ("name", text()),
        ("role", words(&["maintainer", "operator", "reader"])),
        ("login", text()),
        ("ssh", list(ssh)),
        ("age", list(text())),
    ]
}

/// `steward people list --format json`.
pub fn people_list() -> Value {
    let former = object(&[("person", text()), ("name", text()), ("login", text()), ("since", text())]);
    let fields = [("format", json!({ "const": 1 })), ("people", list(object(&person()))), ("former", list(former))];
    titled("Everybody", object(&fields))
}

/// `steward people show PERSON --format json`.
pub fn people_show() -> Value {
    let secret = object(&[("name", text()), ("why", list(text()))]);
    let mut fields = person();
    fields.extend([("format", json!({ "const": 1 })), ("hosts", list(text())), ("secrets", list(secret))]);
    titled("A person, and what they reach", object(&fields))
}

/// `steward people audit --format json`.
pub fn people_audit() -> Value {
    let host =
        object(&[("host", text()), ("bootstrap", text()), ("people", list(text())), ("undeclared", list(text()))]);
    let reader = object(&[("person", text()), ("why", list(text()))]);
    let secret = object(&[("name", text()), ("readers", list(reader))]);
    let fields = [("format", json!({ "const": 1 })), ("hosts", list(host)), ("secrets", list(secret))];
    titled("Who has access to what", object(&fields))
}

/// `steward people offboard PERSON --status --format json`.
pub fn people_offboard() -> Value {
    let state = || words(&["done", "open"]);
    let entry = || object(&[("name", text()), ("state", state()), ("why", text())]);
    let by_hand = object(&[("name", text()), ("what", text()), ("state", state()), ("why", text())]);
    titled(
        "How far a leaving is",
        object(&[
            ("format", json!({ "const": 1 })),
            ("person", text()),
            ("finished", boolean()),
            ("open", number()),
            ("accounts", list(entry())),
            ("secrets", list(entry())),
            ("by_hand", list(by_hand)),
        ]),
    )
}

/// `steward secrets list --format json`.
pub fn secrets_list() -> Value {
    let rotate = words(&["auto", "command", "manual", "never", "undeclared"]);
    let secret = object(&[
        ("name", text()),
        ("set", boolean()),
        ("rotate", rotate),
        ("readers", number()),
        ("previous", boolean()),
    ]);
    titled("All secrets", object(&[("format", json!({ "const": 1 })), ("secrets", list(secret))]))
}

/// `steward secrets who NAME --format json`.
pub fn secrets_who() -> Value {
    let reader = object(&[("person", text()), ("why", list(text())), ("keys", number()), ("encrypted", boolean())]);
    titled(
        "Who can read a secret",
        object(&[
            ("format", json!({ "const": 1 })),
            ("name", text()),
            ("set", boolean()),
            ("readers", list(reader)),
            ("others", list(text())),
        ]),
    )
}
