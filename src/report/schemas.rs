//! JSON Schemas (2020-12) of what commands print with `--format json` and of saved plans. They describe exactly this
//! version; later ones may add fields. Pure.

use serde_json::{Map, Value, json};

mod chapter;
mod services;

pub use chapter::{
    explain, module_list, module_show, module_update, people_audit, people_list, people_offboard, people_show,
    review, secrets_list, secrets_who,
};
pub use services::{backup, backup_list, module_test};

/// `steward plan --format json`.
pub fn plan() -> Value {
    let finding = object(&[
        ("what", text()),
        ("account", text()),
        ("detail", text()),
        ("file", json!({ "type": ["string", "null"] })),
        ("remedy", text()),
    ]);
    let pending = object(&[
        ("state", words(&["at-work", "waits", "rolled-back"])),
        ("holder", text()),
        ("why", nullable("string")),
    ]);
    let states = ["unsaved", "never", "stale", "failing", "undrilled", "unfinished", "unknown"];
    let backup = object(&[("service", text()), ("what", words(&states)), ("detail", text()), ("remedy", text())]);
    let host = object(&[
        ("host", text()),
        ("status", words(&["ok", "unreachable", "failed"])),
        ("error", nullable("string")),
        ("unchanged", number()),
        ("changes", list(change())),
        ("unknown", list(object(&[("id", text()), ("why", text())]))),
        ("gates", list(object(&[("service", text()), ("old", number()), ("version", number()), ("what", text())]))),
        ("access", list(finding)),
        ("backups", list(backup)),
        ("kept", list(object(&[("id", text()), ("why", text())]))),
        ("pending", json!({ "anyOf": [pending, { "type": "null" }] })),
    ]);
    let counts = ["create", "update", "delete", "run", "restart", "reload", "unchanged", "unknown", "unreachable"];
    titled(
        "A plan of Steward",
        object(&[
            ("format", json!({ "const": 1 })),
            ("inventory", text()),
            ("revision", nullable("string")),
            ("base", nullable("string")),
            ("hosts", list(host)),
            ("summary", object(&counts.map(|count| (count, number())))),
        ]),
    )
}

fn change() -> Value {
    object(&[
        ("id", text()),
        ("service", text()),
        ("kind", text()),
        ("action", action()),
        ("reason", text()),
        ("diff", nullable("string")),
        ("sensitive", boolean()),
        ("deferred", boolean()),
        ("risk", list(words(&["lockout", "restart", "data"]))),
        ("origin", json!({ "enum": ["change", "unapplied", "drift", null] })),
    ])
}

/// One line of `steward apply --format json`.
pub fn apply() -> Value {
    let event = object(&[
        (
            "event",
            words(&[
                "changed",
                "unchanged",
                "skipped",
                "failed",
                "reacted",
                "owed",
                "invalid",
                "left",
                "check-passed",
                "check-failed",
                "check-unknown",
            ]),
        ),
        ("host", text()),
        ("id", text()),
        ("output", nullable("string")),
    ]);
    let host = object(&[
        ("host", text()),
        ("status", words(&["converged", "failed", "unreachable", "locked", "stale", "rolled-back", "not-started"])),
        ("changed", number()),
        ("failed", number()),
        ("skipped", number()),
        ("exchanges", number()),
    ]);
    let summary = object(&[("event", json!({ "const": "summary" })), ("hosts", list(host))]);
    titled("An event of an apply of Steward", json!({ "oneOf": [event, summary] }))
}

/// `steward add --format json`.
pub fn add() -> Value {
    let any = json!({ "type": "object" });
    let service = object(&[
        ("service", text()),
        ("module", text()),
        ("on", list(text())),
        ("params", any.clone()),
        ("needs", any),
    ]);
    let next = object(&[("command", text()), ("why", text())]);
    titled(
        "What was added to an inventory, and what to do next",
        object(&[
            ("format", json!({ "const": 1 })),
            ("added", list(service)),
            ("written", list(text())),
            ("next", list(next)),
        ]),
    )
}

/// `steward adopt --format json`.
pub fn adopt() -> Value {
    titled(
        "What is taken over on a host",
        object(&[("format", json!({ "const": 1 })), ("host", text()), ("adopted", list(text()))]),
    )
}

/// `steward module vendor --format json`.
pub fn module_vendor() -> Value {
    titled(
        "A module that was taken from another repository",
        object(&[
            ("format", json!({ "const": 1 })),
            ("module", text()),
            ("origin", text()),
            ("revision", text()),
            ("hash", text()),
            ("abilities", list(text())),
            ("new", list(text())),
            ("gone", list(text())),
            ("written", list(text())),
        ]),
    )
}

/// `steward host facts --format json`.
pub fn host_facts() -> Value {
    let change = object(&[("field", text()), ("before", nullable("string")), ("after", text())]);
    let host = object(&[("host", text()), ("changes", list(change)), ("error", nullable("string"))]);
    titled(
        "What hosts say of themselves, and what that changed in the inventory",
        object(&[("format", json!({ "const": 1 })), ("hosts", list(host))]),
    )
}

/// `steward host reader --format json`.
pub fn host_reader() -> Value {
    let host = object(&[("host", text()), ("status", text()), ("note", nullable("string"))]);
    titled(
        "What became of the keys that may only look",
        object(&[("format", json!({ "const": 1 })), ("hosts", list(host))]),
    )
}

/// `steward verify --format json`.
pub fn verify() -> Value {
    let check = object(&[
        ("service", text()),
        ("check", text()),
        ("result", words(&["passed", "failed", "unknown"])),
        ("why", nullable("string")),
    ]);
    let host = object(&[("host", text()), ("checks", list(check))]);
    titled(
        "How the checks of the services ended",
        object(&[
            ("format", json!({ "const": 1 })),
            ("inventory", text()),
            ("hosts", list(host)),
            ("summary", object(&["passed", "failed", "unknown"].map(|count| (count, number())))),
        ]),
    )
}

/// `steward audit --format json`.
pub fn audit() -> Value {
    let point = object(&[
        ("id", text()),
        ("title", text()),
        ("result", words(&["pass", "fail", "skip"])),
        ("found", nullable("string")),
        ("remedy", nullable("string")),
    ]);
    let host = object(&[
        ("host", text()),
        ("status", words(&["ok", "unreachable", "failed"])),
        ("error", nullable("string")),
        ("points", list(point)),
    ]);
    titled(
        "How hosts are, against the baseline of security",
        object(&[
            ("format", json!({ "const": 1 })),
            ("inventory", text()),
            ("hosts", list(host)),
            ("summary", object(&["pass", "fail", "skip"].map(|count| (count, number())))),
        ]),
    )
}

/// `steward drift --format json`, and what `--notify` gets.
pub fn drift() -> Value {
    let difference = object(&[("id", text()), ("action", action()), ("reason", text())]);
    let host = object(&[
        ("host", text()),
        ("state", words(&["ok", "drift", "unreachable", "failed"])),
        ("error", nullable("string")),
        ("unchanged", number()),
        ("differences", list(difference)),
    ]);
    titled(
        "What differs, as Steward saw it",
        object(&[
            ("format", json!({ "const": 1 })),
            ("inventory", text()),
            ("revision", nullable("string")),
            ("hosts", list(host)),
            ("summary", object(&["ok", "drift", "unreachable", "failed"].map(|count| (count, number())))),
        ]),
    )
}

/// `steward history HOST [RUN] --format json`; `changes` only of a run that was named.
pub fn history() -> Value {
    let change = object(&[("id", text()), ("service", text()), ("action", text()), ("result", nullable("string"))]);
    let mut run = object(&[
        ("id", text()),
        ("result", words(&["done", "failed", "stopped", "aborted", "cut", "rolled-back", "running"])),
        ("operator", text()),
        ("from", text()),
        ("at", text()),
        ("seconds", nullable("integer")),
        ("revision", nullable("string")),
        ("before", nullable("string")),
        ("limited", boolean()),
        ("undoes", nullable("string")),
        ("planned", number()),
        ("changed", number()),
        ("failed", number()),
        ("skipped", number()),
    ]);
    run["properties"]["changes"] = list(change);
    titled(
        "The runs that a host remembers",
        object(&[("format", json!({ "const": 1 })), ("host", text()), ("runs", list(run))]),
    )
}

/// `steward unlock HOST --format json`.
pub fn unlock() -> Value {
    let mut holder = object(&[
        ("who", text()),
        ("run", text()),
        ("process", nullable("integer")),
        ("alive", boolean()),
        ("step", nullable("string")),
        ("silent", nullable("integer")),
        ("unheard", nullable("integer")),
        ("stopping", boolean()),
    ]);
    holder["type"] = json!(["object", "null"]);
    let done = json!({ "enum": ["freed", "gone", "stopped", "ended", "killed", "held", null] });
    titled(
        "Who has the lock of a host",
        object(&[
            ("format", json!({ "const": 1 })),
            ("host", text()),
            ("state", words(&["free", "held", "left"])),
            ("holder", holder),
            ("done", done),
        ]),
    )
}

/// `steward validate --format json`.
pub fn validate() -> Value {
    titled(
        "The mistakes of an inventory of Steward",
        object(&[("format", json!({ "const": 1 })), ("valid", boolean()), ("mistakes", list(mistake()))]),
    )
}

fn mistake() -> Value {
    object(&[
        ("severity", words(&["error", "warning"])),
        ("fact", text()),
        ("remedy", nullable("string")),
        ("file", nullable("string")),
        ("line", nullable("integer")),
        ("column", nullable("integer")),
    ])
}

/// The file of `steward plan --out`.
pub fn saved_plan() -> Value {
    let digest = || json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let change = object(&[("id", text()), ("action", action()), ("observed", digest())]);
    let host = object(&[
        ("host", text()),
        ("os", text()),
        ("architecture", text()),
        ("wanted", json!({ "type": "object", "additionalProperties": digest() })),
        ("changes", list(change)),
        ("unknown", list(text())),
    ]);
    titled(
        "A saved plan of Steward",
        object(&[
            ("format", json!({ "const": 1 })),
            ("steward", text()),
            ("inventory", text()),
            ("chapter", text()),
            ("revision", nullable("string")),
            ("created", time()),
            ("expires", time()),
            ("limit", nullable("string")),
            ("hosts", list(host)),
        ]),
    )
}

fn titled(title: &str, schema: Value) -> Value {
    let mut whole = Map::new();
    whole.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    whole.insert("title".into(), title.into());
    if let Value::Object(schema) = schema {
        whole.extend(schema);
    }
    whole.into()
}

/// With all of these fields and no others.
fn object(fields: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "required": names, "additionalProperties": false, "properties": properties })
}

fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn action() -> Value {
    words(&["create", "update", "delete", "run", "restart", "reload"])
}

fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn nullable(kind: &str) -> Value {
    json!({ "type": [kind, "null"] })
}

fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}
