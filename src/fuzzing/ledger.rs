//! What a host remembers and brings with every look: its ledger, what it owes, who can get in. A hostile host writes in it what
//! it likes.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::assert_can_be_shown;
use super::world::{assert_nothing_is_made_up, catalog, shown};
use crate::catalog::HostCatalog;
use crate::kinds::{ALL, Answer};
use crate::observed::Look;
use crate::plan::plan;
use crate::probe::observed;

/// The bytes are sections with a NUL between them: ledger, debts, facts, access, owned, and then one for each kind.
pub fn ledger(bytes: &[u8]) {
    static CATALOG: OnceLock<Arc<HostCatalog>> = OnceLock::new();
    let catalog = CATALOG.get_or_init(catalog);
    let names = ["ledger", "debts", "facts", "access", "owned"].into_iter().chain(ALL.iter().map(|kind| kind.name()));
    let answer = |bytes: &[u8]| Answer { bytes: bytes.to_vec(), nonce: "ab12".into(), ..Answer::default() };
    let sections: BTreeMap<String, Answer> =
        names.zip(bytes.split(|byte| *byte == 0)).map(|(name, bytes)| (name.to_owned(), answer(bytes))).collect();
    let seen = observed(catalog, &sections, Look::default());
    assert_nothing_is_made_up(catalog, &seen.resources, |kind| sections.get(kind).map(|it| it.bytes.clone()));
    let todo = plan(catalog, &seen);
    for step in &todo.steps {
        assert!(*step < todo.catalog.resources.len(), "a step of nothing");
    }
    for gone in todo.leavings.gone.keys() {
        assert!(catalog.resources.iter().all(|it| it.id != *gone), "what is declared is not taken away");
        assert!(ALL.iter().any(|kind| kind.name() == gone.kind), "no kind takes that away");
        let is_path = matches!(gone.kind, "file" | "directory" | "link" | "tree");
        let is_sound = gone.name.starts_with('/') && !gone.name.split('/').any(|part| part == "..");
        assert!(!is_path || is_sound, "not a path: {}", gone.name);
    }
    for text in shown(todo) {
        assert_can_be_shown(&text);
    }
}
