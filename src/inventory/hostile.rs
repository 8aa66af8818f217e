//! Anything may stand in a file: whatever it is, loading ends, does not panic, and each mistake can be shown.

use proptest::prelude::*;

use super::load;
use crate::diag::Source;
use crate::ui::report;
use crate::yaml;

const VALID: &str = "\
id: 0123456789abcdef0123456789abcdef
chapter: { name: Example, domain: chapter.example }
vars: { tz: &tz UTC, deep: { a: [1, { b: ~ }] } }
people:
  ana: { name: Ana, ssh: [ssh-ed25519 AAAA ana], age: [age1x], role: maintainer, login: ana }
hosts:
  web1: { address: 203.0.113.10, user: admin, port: 22, host_key: [ssh-rsa AAAA], groups: [web], jump: db }
  db: { address: local, root: /tmp/x, os: debian-12, arch: x86_64, vars: { tz: *tz } }
groups:
  web: { vars: { tz: A }, hosts: [db, '*'] }
services:
  wiki: { module: dokuwiki, on: ['web', '!db'], params: { title: \"{{ vars.tz }}\" }, needs: { pg: {} } }
  base:
    module: base
    on: all
";

/// What breaks YAML, names or addresses when it stands in the wrong place.
const PIECES: [&str; 38] = [
    "\n",
    "  ",
    "\t",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "!x ",
    "!!int ",
    "|\n",
    ">\n",
    "? ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "<<: *tz\n",
    "\u{feff}",
    "\r",
    "\u{0}",
    "\u{1b}[2J",
    "é",
    "\u{2028}",
    "~",
    "-1",
    "1e400",
    "all",
    "web1",
    "\\x",
    "{{",
    "hosts:\n",
];

/// The valid inventory with pieces cut out and put in.
fn damaged() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0..12_usize, prop::sample::select(PIECES.to_vec()));
    prop::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut text: Vec<char> = VALID.chars().collect();
        for (at, cut, piece) in edits {
            let at = at.index(text.len() + 1);
            text.splice(at..(at + cut).min(text.len()), piece.chars());
        }
        text.into_iter().collect()
    })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        "(no|on|~|0[0-9]{3}|1_000|[0-9]{4}-[0-9]{2}|\\.inf|0x1f|'|: |#)".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map("[a-z]{1,8}|\\PC{1,12}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn survives(bytes: &[u8]) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("a.yaml"), bytes).expect("a file in it");
    let (inventory, mistakes) = load(dir.path());
    let shown = report::render(&mistakes, true);
    assert!(shown.matches("a.yaml").count() >= mistakes.0.len(), "a mistake has no place: {shown}");
    for mistake in &mistakes.0 {
        assert!(!mistake.fact.is_empty() && !mistake.fact.ends_with('.'), "{mistake}");
        for place in mistake.place.iter().chain(mistake.related.iter().map(|(place, _)| place)) {
            let range = place.span.clone();
            assert!(place.source.text.get(range).is_some(), "{mistake}: {:?} cuts a character", place.span);
        }
    }
    if let Some(inventory) = inventory {
        for host in inventory.hosts.keys() {
            inventory.vars_for(host);
        }
        let _ = inventory.select(Some("web*,!db,service:w?ki"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_inventory_is_refused_with_places_and_never_panics(text in damaged()) {
        survives(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&bytes);
    }

    #[test]
    fn json_means_the_same_when_it_is_read_as_yaml(value in json()) {
        let source = Source::new("t.yaml", value.to_string());
        let node = yaml::parse(&source).map_err(|mistakes| TestCaseError::fail(format!("{mistakes:?}: {value}")))?;
        let expected = if value.is_null() { serde_json::json!({}) } else { value };
        prop_assert_eq!(node.to_json(), expected);
    }

    #[test]
    fn any_limit_is_survived(limit in "\\PC{0,20}|([!*?a-z:,]{0,12})") {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(dir.path().join("a.yaml"), VALID).expect("a file in it");
        let selection = load(dir.path()).0.map(|inventory| inventory.select(Some(&limit)));
        if let Some(Ok(selection)) = selection {
            prop_assert!(!selection.hosts.is_empty());
        }
    }
}
