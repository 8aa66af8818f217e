//! Steward from the outside: the real binary against real files, sshd and hosts. One test binary, so that it links once.
//!
//! Tests that boot hosts (root, systemd-nspawn) live under `hosts::`; everything else needs neither root nor network, and
//! `./script/test --fast` runs only that.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod add;
mod annotations;
mod ci;
mod cli;
mod drift;
mod golden;
mod harness;
mod history;
mod hostile;
mod hosts;
mod limits;
mod origins;
mod pace;
mod people;
mod reaching;
mod readme;
mod retiring;
mod review;
mod saved;
mod schemas;
mod secrets;
mod secrets_git;
mod secrets_keys;
mod secrets_plugins;
mod support;
mod undo;
mod vendor;

use std::path::{Path, PathBuf};

/// A test file that no `mod` names is never compiled, and nothing else would say so.
#[test]
fn no_test_file_is_forgotten() {
    let mut forgotten = Vec::new();
    look_for_forgotten(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), "main.rs", &mut forgotten);
    assert!(forgotten.is_empty(), "no `mod` names {forgotten:?}");
}

fn look_for_forgotten(dir: &Path, root: &str, forgotten: &mut Vec<PathBuf>) {
    let declared = std::fs::read_to_string(dir.join(root)).unwrap_or_default();
    for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let module = path.is_dir() || path.extension().is_some_and(|it| it == "rs") && !path.ends_with(root);
        let line = format!("mod {name};");
        if module && !declared.lines().any(|it| it == line || it == format!("pub {line}")) {
            forgotten.push(path.clone());
        }
        if path.is_dir() {
            look_for_forgotten(&path, "mod.rs", forgotten);
        }
    }
}

#[test]
fn a_forgotten_test_file_would_be_noticed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("deep")).unwrap();
    for (file, text) in [
        ("main.rs", "mod deep;\nmod kept;\n"),
        ("kept.rs", ""),
        ("lost.rs", ""),
        ("deep/mod.rs", ""),
        ("deep/lost.rs", ""),
    ] {
        std::fs::write(dir.path().join(file), text).unwrap();
    }
    let mut forgotten = Vec::new();
    look_for_forgotten(dir.path(), "main.rs", &mut forgotten);
    forgotten.sort();
    assert_eq!(forgotten, [dir.path().join("deep/lost.rs"), dir.path().join("lost.rs")]);
}
