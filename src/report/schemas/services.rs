//! Schemas of what is printed about the data of services, and about tests of modules.

use serde_json::{Value, json};

use super::{list, nullable, object, text, titled, words};

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
