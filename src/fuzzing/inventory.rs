//! The files of an inventory, which a stranger's pull request brings.

use std::path::Path;

use super::assert_can_be_shown;
use crate::diag::Source;
use crate::inventory::from_sources;
use crate::ui::report;
use crate::yaml::Value;

/// The bytes are one or more files, with a NUL between them. A file that is not UTF-8 never gets as far as this.
pub fn inventory(bytes: &[u8]) {
    let texts = bytes.split(|byte| *byte == 0).take(4).map(String::from_utf8_lossy);
    let sources: Vec<_> = texts.enumerate().map(|(index, text)| Source::new(format!("{index}.yaml"), text)).collect();
    let (inventory, mistakes) = from_sources(Path::new("/nonexistent"), sources);
    for mistake in &mistakes.0 {
        assert!(!mistake.fact.is_empty(), "a mistake says nothing");
        for place in mistake.place.iter().chain(mistake.related.iter().map(|(place, _)| place)) {
            assert!(place.source.text.get(place.span.clone()).is_some(), "{mistake}: its place cuts a character");
        }
    }
    assert_can_be_shown(&report::render(&mistakes, false));
    let _ = report::json(&mistakes).to_string();
    let Some(inventory) = inventory else { return };
    for (name, host) in inventory.hosts.iter().take(50) {
        inventory.vars_for(name);
        let limit = format!("{name},!service:*");
        if let Ok(selection) = inventory.select(Some(&limit)) {
            assert!(!selection.hosts.is_empty(), "a selection of nothing");
        }
        if !mistakes.has_errors() {
            assert!(!host.value.name.contains(['/', '\0', '\n']), "a host may be a path: {name:?}");
        }
    }
    for entry in inventory.vars.values() {
        assert!(!matches!(entry.node.value, Value::Float(number) if !number.is_finite()), "no number");
    }
}
