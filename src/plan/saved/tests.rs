//! What makes a saved plan stale, and what does not.

use std::sync::Arc;

use super::super::fleet::{FleetPlan, HostEntry};
use super::super::plan;
use super::super::tests::{NEEDS, NGINX, catalog, observed, other};
use super::*;
use crate::catalog::HostCatalog;
use crate::resource::Observation;

type Declared = [(usize, &'static str, &'static str)];

fn fleet(declared: &Declared, but: &[(usize, Observation)]) -> (FleetPlan, Catalog) {
    let host = catalog(declared, NEEDS);
    let planned = plan(&host, &observed(&host, but));
    (entries(vec![HostEntry { host: "h1".into(), result: Ok(planned) }]), of(host))
}

fn entries(hosts: Vec<HostEntry>) -> FleetPlan {
    FleetPlan { inventory: "Test".into(), id: String::new(), revision: Some("abc".into()), base: None, hosts }
}

fn of(host: Arc<HostCatalog>) -> Catalog {
    Catalog { inventory: "5f0c".into(), name: "Test".into(), hosts: vec![host], partial: false }
}

fn noon() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// What was reviewed: `b.conf` is old there.
fn reviewed() -> Saved {
    let (plan, catalog) = fleet(NGINX, &[(3, other("old\n"))]);
    saved(&plan, &catalog, None, noon(), 24).unwrap()
}

fn said(declared: &Declared, but: &[(usize, Observation)]) -> Vec<String> {
    let (plan, catalog) = fleet(declared, but);
    reviewed().differences(&plan, &catalog).into_iter().map(|(_, it)| it.fact).collect()
}

#[test]
fn a_plan_that_is_still_true_has_no_differences() {
    assert_eq!(said(NGINX, &[(3, other("old\n"))]), [""; 0]);
}

#[test]
fn it_survives_its_file_and_holds_no_content() {
    let text = serde_json::to_string(&reviewed()).unwrap();
    assert_eq!(serde_json::from_str::<Saved>(&text).unwrap(), reviewed());
    assert!(text.contains("/etc/nginx/b.conf") && text.contains("\"expires\":\"2026-11-25T12:00:00Z\""), "{text}");
    for content in ["old", "b\\n  c"] {
        assert!(!text.contains(content), "{text}");
    }
}

#[test]
fn another_content_on_the_host_is_named() {
    assert_eq!(
        said(NGINX, &[(3, other("older\n"))]),
        ["host h1: file:/etc/nginx/b.conf is not on the host what it was"]
    );
}

#[test]
fn a_change_more_or_less_is_named() {
    assert_eq!(
        said(NGINX, &[(3, other("old\n")), (4, Observation::Absent)]),
        ["host h1: file:/etc/motd would now create: absent"]
    );
    assert_eq!(
        said(NGINX, &[]),
        [
            "host h1: file:/etc/nginx/b.conf would not update any more",
            "host h1: service:nginx would not reload any more"
        ]
    );
    let unknown = Observation::Unknown("no permission".into());
    assert_eq!(
        said(NGINX, &[(3, other("old\n")), (4, unknown)]),
        ["host h1: file:/etc/motd cannot be read any more"]
    );
}

#[test]
fn another_wish_is_named_even_where_nothing_would_change() {
    let mut declared = NGINX.to_vec();
    declared[2].2 = "{ name: nginx, reload_on: [/etc/nginx/**, /etc/motd], validate: nginx -t }";
    assert_eq!(
        said(&declared, &[(3, other("old\n"))]),
        ["host h1: service:nginx is wanted to be something else than was reviewed"]
    );
    let mut declared = NGINX.to_vec();
    declared[4].2 = "{ path: /etc/issue, content: hi }";
    assert_eq!(
        said(&declared, &[(3, other("old\n"))]),
        [
            "host h1: file:/etc/issue is new in the inventory",
            "host h1: file:/etc/motd is not in the inventory any more"
        ]
    );
}

#[test]
fn another_order_is_a_difference() {
    let mut declared = NGINX.to_vec();
    declared.swap(1, 2);
    assert_eq!(said(&declared, &[(3, other("old\n"))]), ["host h1: its resources are in another order"]);
}

#[test]
fn hosts_that_come_and_go_are_named() {
    let (plan, catalog) = fleet(NGINX, &[(3, other("old\n"))]);
    let mut plan_two = reviewed();
    plan_two.hosts[0].host = "h2".into();
    let facts: Vec<String> = plan_two.differences(&plan, &catalog).into_iter().map(|(_, it)| it.fact).collect();
    assert_eq!(facts, ["host h2 is not in the inventory any more", "host h1 was not in the plan"]);
}

#[test]
fn another_revision_time_or_version_ends_it() {
    let late = noon().checked_add(SignedDuration::from_hours(24)).unwrap();
    let fact = |saved: &Saved, revision, now| saved.is_out_of_date(revision, now).map(|it| it.fact);
    assert_eq!(fact(&reviewed(), Some("abc"), noon()), None);
    assert_eq!(fact(&reviewed(), Some("abc"), late).unwrap(), "the plan expired at 2026-11-25T12:00:00Z");
    for (revision, said) in [(None, "no revision"), (Some("abc+dirty"), "abc+dirty"), (Some("def"), "def")] {
        let fact = fact(&reviewed(), revision, noon()).unwrap();
        assert_eq!(fact, format!("the plan was made at abc, the inventory is at {said}"));
    }
    let older = Saved { steward: "0.0.1".into(), ..reviewed() };
    assert!(fact(&older, Some("abc"), noon()).unwrap().contains("Steward 0.0.1"));
    let broken = Saved { expires: "never".into(), ..reviewed() };
    assert!(fact(&broken, Some("abc"), noon()).is_some());
}

#[test]
fn what_nobody_saw_is_not_saved() {
    let (mut plan, catalog) = fleet(NGINX, &[]);
    let error = super::super::fleet::HostError { unreachable: true, diagnostic: Diagnostic::error("gone") };
    plan.hosts.push(HostEntry { host: "h2".into(), result: Err(error) });
    assert_eq!(saved(&plan, &catalog, None, noon(), 24), None);
}
