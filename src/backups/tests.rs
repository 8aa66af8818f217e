use super::job::Ended;
use super::report::snapshots;
use super::*;
use crate::kinds::Site;

fn catalog(keeper: Option<&str>) -> HostCatalog {
    let backed = Backed { service: "wiki".into(), version: 3, keeper: keeper.map(Into::into), drill_days: 30 };
    HostCatalog {
        host: "web1".into(),
        chapter: "Test".into(),
        site: Site::of(std::path::Path::new("/"), None),
        os: None,
        architecture: None,
        bootstrap: None,
        partial: false,
        retire: std::sync::Arc::default(),
        readers: Vec::new(),
        wave: 0,
        ports: std::collections::BTreeSet::new(),
        keepers: std::collections::BTreeSet::new(),
        support: BTreeMap::new(),
        backed: vec![backed],
        services: Vec::new(),
        checks: Vec::new(),
        resources: Vec::new(),
    }
}

fn said(lines: &str) -> Backups {
    read(Some(&Answer { bytes: lines.as_bytes().to_vec(), ..Answer::default() })).unwrap()
}

/// What is said of a service whose line is this one, 100 days after the beginning of time.
fn of(line: &str) -> Vec<String> {
    let seen = said(&format!("N|8640000|50\n{line}\n"));
    remarks(&catalog(Some("backup")), Some(&seen))
        .iter()
        .map(|it| format!("{}: {}", it.what.word(), it.detail.program()))
        .collect()
}

#[test]
fn what_is_old_or_missing_is_said_and_what_is_fresh_is_not() {
    for (line, expected) in [
        ("B|wiki|wiki|3|8630000|8000000||", &[][..]),
        ("B|wiki|wiki|3||||", &["never: was never saved yet"]),
        ("B|wiki||8630000|||", &["undrilled: its backup was never restored"]),
        ("B|wiki|wiki|3|8400000|8000000||", &["stale: its last backup is 2 days old"]),
        ("B|wiki|wiki|3|8630000|8000000|8639000|", &["failing: its last backup failed"]),
        (
            "B|wiki|wiki|3|8630000|6000000||",
            &["undrilled: its backup was last restored 30 days ago, and 30 days are allowed"],
        ),
        ("B|wiki|wiki|3|8630000|8000000||yes", &["unfinished: a restore was interrupted and is not finished"]),
        ("U|wiki", &["unknown: how its backups went cannot be read"]),
        // not set up there yet
        ("B|other|wiki|3||||", &[]),
    ] {
        assert_eq!(of(line), expected, "{line}");
    }
    let no_time = said("N||\nB|wiki|wiki|3|8630000|8000000||\n");
    assert_eq!(remarks(&catalog(Some("backup")), Some(&no_time))[0].what, What::Unknown);
    assert_eq!(remarks(&catalog(None), None)[0].what, What::Unsaved);
    assert_eq!(remarks(&catalog(Some("backup")), None), []);
}

#[test]
fn a_newer_module_needs_a_fresh_drill() {
    for (line, refused) in [
        ("B|wiki|wiki|2|8630000|8000000||", false),
        ("B|wiki|wiki|2|8630000|6000000||", true),
        ("B|wiki|wiki|2|8630000|||", true),
        ("B|wiki|wiki|2||||", true),
        ("B|wiki|wiki|3|8630000|||", false),
        ("B|wiki|wiki|4|8630000|||", false),
        ("B|wiki||8630000|||", false),
    ] {
        let seen = said(&format!("N|8640000|50\n{line}\n"));
        assert_eq!(!unproven(&catalog(Some("backup")), Some(&seen)).is_empty(), refused, "{line}");
    }
    // without the time nothing is fresh
    let seen = said("B|wiki|wiki|2|8630000|8639999||\n");
    assert_eq!(unproven(&catalog(Some("backup")), Some(&seen)), ["wiki"]);
}

#[test]
fn what_restic_lists_is_read_newest_first_or_not_at_all() {
    let list = |line: &str| snapshots(&Ended { succeeded: true, snapshot: None, said: vec![line.to_owned()] });
    let line = r#"[{"time":"2026-11-25T05:01:02.5+01:00","paths":["/srv/wiki","/var/lib/steward-backup/dump/wiki"],"id":"7a8aeacd1234"},{"time":"2026-11-25T05:01:02Z","paths":[],"id":"beef"}]"#;
    let found = list(line).unwrap();
    assert_eq!(found.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["beef", "7a8aeacd"]);
    assert_eq!(found[1].paths, ["/srv/wiki"]);
    assert_eq!(list("null"), Some(Vec::new()));
    assert_eq!(list("[]"), Some(Vec::new()));
    for broken in [
        "",
        "{}",
        "[{}]",
        r#"[{"time":"noon","paths":[],"id":"beef"}]"#,
        r#"[{"time":"2026-11-25T05:01:02Z","paths":[],"id":"\u001b[31m"}]"#,
    ] {
        assert_eq!(list(broken), None, "{broken}");
    }
}
