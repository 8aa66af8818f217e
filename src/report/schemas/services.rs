//! Schemas of what is printed about the data of services, and about tests of modules.

use serde_json::{Value, json};

use super::{list, nullable, number, object, text, titled, words};

/// `steward backup run|drill|restore --format json`.
pub fn backup() -> Value {
    let host = object(&[
        ("host", text()),
        ("status", words(&["ok", "failed", "unreachable"])),
        ("snapshot", nullable("string")),
        ("said", list(text())),
        ("error", nullable("string")),
    ]);
    titled(
        "What came of a backup, a drill or a restore",
        object(&[
            ("format", json!({ "const": 1 })),
            ("command", words(&["run", "drill", "restore"])),
            ("service", text()),
            ("hosts", list(host)),
        ]),
    )
}

/// `steward backup list --format json`.
pub fn backup_list() -> Value {
    let snapshot = object(&[("id", text()), ("time", text()), ("paths", list(text()))]);
    let host = object(&[
        ("host", text()),
        ("status", words(&["ok", "failed", "unreachable"])),
        ("snapshots", list(snapshot)),
        ("error", nullable("string")),
    ]);
    titled(
        "The backups of a service",
        object(&[("format", json!({ "const": 1 })), ("service", text()), ("hosts", list(host))]),
    )
}

/// `steward module test --format json`.
pub fn module_test() -> Value {
    let names = ["prepare", "apply", "again", "checks", "power-cut", "restore", "removal"];
    let step = object(&[
        ("step", words(&names)),
        ("result", words(&["passed", "failed", "skipped"])),
        ("seconds", number()),
        ("said", text()),
    ]);
    let what = ["package", "folder", "file", "changed", "user", "group", "unit", "port"];
    let left = object(&[("what", words(&what)), ("name", text()), ("below", number())]);
    let module = object(&[
        ("module", text()),
        ("version", number()),
        ("result", words(&["passed", "failed", "unsupported"])),
        ("steps", list(step)),
        ("unsupported", list(object(&[("id", text()), ("why", text())]))),
        ("left", json!({ "anyOf": [list(left), { "type": "null" }] })),
    ]);
    let summary = object(&[("passed", number()), ("failed", number()), ("unsupported", number())]);
    titled(
        "How modules did in their tests",
        object(&[("format", json!({ "const": 1 })), ("modules", list(module)), ("summary", summary)]),
    )
}
