//! What is no longer declared, on a directory that stands for the host.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::kinds::Fate;

const WIKI: &[(usize, &str, &str)] = &[
    (0, "directory", "{ path: /srv/wiki }"),
    (0, "file", "{ path: /srv/wiki/conf, content: a }"),
    (0, "link", "{ path: /etc/wiki, target: /srv/wiki/conf }"),
    (1, "file", "{ path: /etc/motd, content: hi }"),
];

impl Host {
    fn declare(&mut self, resources: &[(usize, &str, &str)]) {
        let site = self.catalog.site.clone();
        let resources = resources.iter().map(|(service, kind, yaml)| resource(*service, kind, yaml, &site)).collect();
        self.catalog = Arc::new(HostCatalog { resources, ..HostCatalog::clone(&self.catalog) });
    }

    fn converge(&mut self) -> Outcome {
        let plan = self.plan();
        let outcome = self.apply(plan);
        assert_eq!(outcome.status, Status::Converged, "{outcome:?}");
        let next = self.plan();
        assert!(next.is_empty() && !next.leavings.due, "{:?} {:?}", next.changes, next.leavings);
        outcome
    }

    fn record(&self, file: &str) -> std::path::PathBuf {
        self.at("var/lib/steward/ab12").join(file)
    }

    fn records(&self, file: &str) -> String {
        fs::read_to_string(self.record(file)).unwrap().replace(self.root.path().to_str().unwrap(), "")
    }
}

fn ids(plan: &HostPlan) -> Vec<String> {
    plan.changes.iter().map(|change| change.id.to_string()).collect()
}

#[test]
fn what_steward_made_goes_and_what_it_found_stays() {
    let mut host = host(&[], &[&[], &[]]);
    fs::write(host.at("etc/found"), "somebody's").unwrap();
    host.declare(&[WIKI, &[(1, "file", "{ path: /etc/found, content: ours }")]].concat());
    host.converge();
    host.declare(&WIKI[3..]);
    let plan = host.plan();
    assert_eq!(ids(&plan), ["link:/etc/wiki", "file:/srv/wiki/conf", "directory:/srv/wiki"]);
    assert_eq!(plan.leavings.kept[0].id.to_string(), "file:/etc/found");
    let outcome = host.converge();
    assert_eq!((outcome.changed, outcome.exchanges > 0), (3, true));
    assert!(!host.at("srv/wiki").exists() && !host.at("etc/wiki").is_symlink());
    assert_eq!(fs::read_to_string(host.at("etc/found")).unwrap(), "ours");
    assert!(host.plan().leavings.kept.is_empty(), "it is said once");
    assert!(!host.records("ledger").contains("wiki") && !host.records("managed").contains("wiki"));
    // and what comes back is simply managed
    host.declare(WIKI);
    host.converge();
    assert!(host.at("srv/wiki/conf").exists());
}

#[test]
fn what_others_put_into_a_directory_stays_with_it() {
    let mut host = host(WIKI, &[&[], &[]]);
    host.converge();
    fs::write(host.at("srv/wiki/page"), "mine").unwrap();
    host.declare(&WIKI[3..]);
    host.converge();
    assert!(!host.at("srv/wiki/conf").exists());
    assert_eq!(fs::read_to_string(host.at("srv/wiki/page")).unwrap(), "mine");
}

#[test]
fn a_file_that_somebody_changed_goes_but_a_copy_stays() {
    let mut host = host(WIKI, &[&[], &[]]);
    host.converge();
    fs::write(host.at("srv/wiki/conf"), "by hand").unwrap();
    host.declare(&WIKI[3..]);
    assert!(host.plan().changes[1].reason.program().ends_with("a copy is kept for ten runs"));
    host.converge();
    let mut found = Vec::new();
    walk(&host.record("previous"), &mut found);
    assert!(found.iter().any(|path| fs::read(path).is_ok_and(|bytes| bytes == b"by hand")), "{found:?}");
}

#[test]
fn data_stays_until_it_is_archived_or_destroyed() {
    for fate in [Fate::Archive, Fate::Destroy] {
        let mut host = host(WIKI, &[&[], &[]]);
        let mut catalog = HostCatalog::clone(&host.catalog);
        catalog.resources[0].data = true;
        host.catalog = Arc::new(catalog);
        host.converge();
        fs::write(host.at("srv/wiki/page"), "mine").unwrap();
        host.declare(&WIKI[3..]);
        host.converge();
        assert_eq!(host.plan().leavings.kept.len(), 1);
        assert_eq!(fs::read_to_string(host.at("srv/wiki/page")).unwrap(), "mine");
        let mut catalog = HostCatalog::clone(&host.catalog);
        catalog.retire = Arc::new(BTreeMap::from([("directory:/srv/wiki".to_owned(), fate)]));
        host.catalog = Arc::new(catalog);
        host.converge();
        assert!(!host.at("srv/wiki").exists());
        let archived = host.at("var/lib/steward/archive").join(Host::run().id).join("1.wiki");
        assert_eq!(archived.join("page").exists(), fate == Fate::Archive);
        if fate == Fate::Archive {
            let mode = fs::metadata(archived.parent().unwrap()).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o700);
            let was = fs::read_to_string(archived.with_file_name("1.wiki.was")).unwrap();
            assert_eq!(was, host.at("srv/wiki").display().to_string());
        }
    }
}

#[test]
fn nothing_goes_while_something_fails() {
    let mut host = host(WIKI, &[&[], &[]]);
    host.converge();
    host.declare(&[(1, "file", "{ path: /etc/motd, content: new, validate: 'false' }")]);
    let plan = host.plan();
    let outcome = host.apply(plan);
    assert_eq!((outcome.status, outcome.failed, outcome.skipped), (Status::Failed, 1, 3), "{outcome:?}");
    assert!(host.at("srv/wiki/conf").exists());
    host.declare(&WIKI[3..]);
    host.converge();
    assert!(!host.at("srv/wiki").exists());
}

#[test]
fn records_that_are_lost_or_cut_never_lead_to_a_deletion() {
    type Damage = fn(&str) -> String;
    let damage: &[(&str, Damage)] = &[
        ("ledger", |_| String::new()),
        ("ledger", |text| text[..text.len() / 2].to_owned()),
        ("ledger", |text| text.replace("|made|", "|mad")),
        ("ledger", |_| "\u{0}\u{1b}O|file:/srv/wiki/conf|made\nO|||\n".repeat(1000)),
        ("managed", |_| String::new()),
        ("managed", |text| text[..text.len() / 2].to_owned()),
        ("managed", |text| text.replace("M|", "M|file:/etc/motd.d/x|")),
    ];
    for (number, (file, damaged)) in damage.iter().enumerate() {
        let mut host = host(WIKI, &[&[], &[]]);
        host.converge();
        fs::write(host.record(file), damaged(&fs::read_to_string(host.record(file)).unwrap())).unwrap();
        // rebuilt from what is declared, while all of it is
        let plan = host.plan();
        assert!(plan.is_empty(), "{number}: {:?}", plan.changes);
        host.converge();
        let listed = host.records("managed");
        assert_eq!(listed.lines().count(), WIKI.len() + 1, "{number}: {listed}");
        if *file == "ledger" && number != 1 {
            host.declare(&WIKI[3..]);
            let plan = host.plan();
            assert!(plan.is_empty(), "{number}: {:?}", ids(&plan));
            host.converge();
            assert!(host.at("srv/wiki/conf").exists() && host.at("etc/wiki").is_symlink(), "{number}");
        }
    }
}

#[test]
fn half_a_line_that_a_power_cut_left_becomes_no_other_identity() {
    let mut host = host(&WIKI[3..], &[&[], &[]]);
    host.converge();
    let mut ledger = fs::read_to_string(host.record("ledger")).unwrap();
    ledger.push_str("O|file:/etc/passw");
    fs::write(host.record("ledger"), ledger).unwrap();
    host.declare(WIKI);
    host.converge();
    let ledger = host.records("ledger");
    assert!(ledger.contains("O|file:/srv/wiki/conf|made|\n"), "{ledger}");
    assert!(!ledger.contains("passwO"), "{ledger}");
}

#[test]
fn a_forged_record_is_a_planned_deletion_that_everybody_sees_and_nothing_more() {
    let mut host = host(&WIKI[3..], &[&[], &[]]);
    host.converge();
    fs::write(host.at("etc/precious"), "x").unwrap();
    let path = host.at("etc/precious").display().to_string();
    let forge = |host: &Host, id: &str, ask: &str| {
        let mut managed = fs::read_to_string(host.record("managed")).unwrap();
        managed.push_str(&format!("M|{id}|wiki|-||{ask}\n"));
        fs::write(host.record("managed"), managed).unwrap();
        let mut ledger = fs::read_to_string(host.record("ledger")).unwrap();
        ledger.push_str(&format!("O|{id}|made|abc\n"));
        fs::write(host.record("ledger"), ledger).unwrap();
    };
    for (id, ask) in [
        ("file:/etc/../etc/precious", "\\0174/x"),
        ("command:rm", "rm"),
        ("ledger:x", "whole"),
        ("owned:x", "whole"),
        ("file:-rf", "\\0174-rf"),
        ("user:root", "root\\0174keys"),
        ("nothing:x", "x"),
    ] {
        forge(&host, id, ask);
        let plan = host.plan();
        assert!(plan.is_empty(), "{id}: {:?}", ids(&plan));
    }
    forge(&host, "file:/etc/precious", &format!("\\0174{path}"));
    assert_eq!(ids(&host.plan()), ["file:/etc/precious"]);
}

#[test]
fn another_inventory_that_manages_the_same_is_seen_by_name() {
    let mut host = host(WIKI, &[&[], &[]]);
    host.converge();
    let other = host.at("var/lib/steward/cd34");
    fs::create_dir(&other).unwrap();
    fs::write(
        other.join("managed"),
        "steward-managed 1|Next Chapter\nM|file:/srv/wiki/conf|x|-||\nM|file:/etc/motd|x|-||\n",
    )
    .unwrap();
    host.declare(&WIKI[3..]);
    let records = Host::run().records(&host.catalog.site);
    let observed = look(&mut *host.session, &host.catalog, &records, SILENCE).unwrap();
    let found = &observed.records.others["file:/etc/motd"];
    assert_eq!((found.id.as_str(), found.name.as_str()), ("cd34", "Next Chapter"));
    let plan = host.plan();
    assert!(!ids(&plan).contains(&"file:/srv/wiki/conf".to_owned()), "{:?}", ids(&plan));
}

#[test]
fn what_a_cut_off_run_had_begun_is_ours_only_if_it_made_just_that() {
    for (there, is_ours) in [(Some("hi"), true), (Some("foreign"), false), (None, true)] {
        let mut host = host(&WIKI[3..], &[&[], &[]]);
        fs::create_dir_all(host.record("")).unwrap();
        fs::write(host.record("ledger"), "O|file:/etc/motd|begun|\n").unwrap();
        if let Some(content) = there {
            fs::write(host.at("etc/motd"), content).unwrap();
            fs::set_permissions(host.at("etc/motd"), fs::Permissions::from_mode(0o644)).unwrap();
        }
        host.converge();
        assert_eq!(host.records("ledger").contains("O|file:/etc/motd|made|"), is_ours, "{there:?}");
        assert!(!host.records("ledger").contains("begun"), "{there:?}");
    }
}

#[test]
fn a_step_that_fails_makes_nothing_ours() {
    let mut host = host(&[(0, "file", "{ path: /etc/refused, content: a, validate: 'false' }")], &[&[]]);
    let plan = host.plan();
    assert_eq!(host.apply(plan).status, Status::Failed);
    fs::write(host.at("etc/refused"), "somebody's").unwrap();
    host.declare(&[(0, "file", "{ path: /etc/refused, content: a }")]);
    host.converge();
    assert!(!host.records("ledger").contains("O|"), "{}", host.records("ledger"));
}
