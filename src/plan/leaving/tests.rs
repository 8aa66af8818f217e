use super::*;
use crate::kinds::named;
use crate::plan::tests::{NEEDS, NGINX, catalog, observed};
use crate::plan::{Action, plan};
use crate::resource::{Content, State, digest};

fn left(id: &str, owned: Owned) -> Left {
    let (kind, name) = id.split_once(':').unwrap();
    let kind = named(kind).unwrap();
    let seen = Observation::Present(State::new().with("type", kind.name()));
    let (service, keepsake) = ("wiki".to_owned(), String::new());
    Left { id: Id::new(kind.name(), name), kind, service, data: false, sealed: false, keepsake, owned, seen }
}

fn made(id: &str) -> Left {
    left(id, Owned::Made("abc123".into()))
}

fn with_left(left: Vec<Left>) -> (Arc<HostCatalog>, Observed) {
    let catalog = catalog(NGINX, NEEDS);
    let mut observed = observed(&catalog, &[]);
    observed.records.left = left;
    (catalog, observed)
}

fn planned(left: Vec<Left>) -> HostPlan {
    let (catalog, observed) = with_left(left);
    plan(&catalog, &observed)
}

fn lines(plan: &HostPlan) -> Vec<String> {
    plan.changes.iter().map(|change| format!("{:?} {}", change.action, change.id)).collect()
}

/// What is done, in its order.
fn steps(plan: &HostPlan) -> Vec<String> {
    plan.steps.iter().map(|step| plan.catalog.resources[*step].id.to_string()).collect()
}

#[test]
fn what_runs_stops_first_and_the_rest_goes_last_in_reverse() {
    let ids = [
        "user:wiki",
        "directory:/srv/wiki",
        "file:/etc/wiki.conf",
        "file:/etc/systemd/system/wiki.service",
        "service:wiki",
    ];
    let (catalog, mut observed) = with_left(ids.map(made).into());
    observed.resources[4] = crate::plan::tests::other("old\n");
    let plan = plan(&catalog, &observed);
    assert_eq!(
        steps(&plan),
        [
            "service:wiki",
            "file:/etc/motd",
            "file:/etc/systemd/system/wiki.service",
            "file:/etc/wiki.conf",
            "directory:/srv/wiki",
            "user:wiki"
        ]
    );
    assert_eq!(plan.changes.len(), 6);
    assert_eq!(plan.changes[0].action, Action::Delete, "{:?}", lines(&plan));
    assert_eq!(plan.changes[0].reason, "no longer in the inventory; created by service wiki at revision abc123");
    assert_eq!(plan.changes[0].services, ["wiki"]);
    assert_eq!(lines(&plan).last().unwrap(), "Update file:/etc/motd");
    // what is declared is looked at alone
    assert_eq!(plan.declared.resources.len(), 5);
}

#[test]
fn what_is_deleted_last_needs_all_others() {
    let plan = planned(vec![made("file:/etc/wiki.conf"), made("service:wiki")]);
    let services = &plan.catalog.services;
    assert_eq!(services.last().unwrap().needs, (0..services.len() - 1).collect::<Vec<_>>());
    assert_eq!(services[2].needs, [1], "s1 still needs s0: {services:?}");
}

#[test]
fn a_site_that_goes_reloads_its_server() {
    let plan = planned(vec![made("file:/etc/nginx/old.conf")]);
    assert_eq!(lines(&plan), ["Delete file:/etc/nginx/old.conf", "Reload service:nginx"]);
}

#[test]
fn what_steward_did_not_make_stays_and_is_said_once() {
    let plan = planned(vec![left("file:/etc/wiki.conf", Owned::No)]);
    assert!(plan.is_empty() && plan.leavings.due);
    assert_eq!(plan.leavings.forgotten, ["file:/etc/wiki.conf"]);
    assert!(plan.leavings.kept[0].why.program().contains("was there before"), "{:?}", plan.leavings.kept);
}

#[test]
fn a_part_of_the_services_takes_nothing_away() {
    let (catalog, observed) = with_left(vec![made("file:/etc/wiki.conf")]);
    let mut part = HostCatalog::clone(&catalog);
    part.partial = true;
    let plan = plan(&Arc::new(part), &observed);
    assert!(plan.is_empty() && plan.leavings.gone.is_empty() && !plan.leavings.due);
}

#[test]
fn records_in_trouble_take_nothing_away() {
    let (catalog, mut observed) = with_left(vec![made("file:/etc/wiki.conf")]);
    observed.records.trouble = Some("cannot be read".into());
    let plan = plan(&catalog, &observed);
    assert!(plan.is_empty() && plan.leavings.managed.is_empty() && !plan.leavings.due);
    assert!(plan.unknown[0].why.contains("nothing that left the inventory is taken away"), "{:?}", plan.unknown);
}

#[test]
fn unknown_is_not_there_to_be_deleted() {
    let mut unknown = made("file:/etc/wiki.conf");
    unknown.seen = Observation::Unknown("no way".into());
    let plan = planned(vec![unknown]);
    assert!(plan.is_empty() && plan.unknown.len() == 1 && plan.leavings.forgotten.is_empty());
}

#[test]
fn data_waits_for_a_word() {
    let data = || Left { data: true, ..made("directory:/srv/wiki") };
    let (catalog, mut observed) = with_left(vec![data()]);
    let waiting = plan(&catalog, &observed);
    assert!(waiting.is_empty() && waiting.leavings.forgotten.is_empty());
    assert!(waiting.leavings.kept[0].why.program().contains("`retire: { \"directory:/srv/wiki\": archive }`"));
    // it stays on the list, and there is nothing to write until somebody decides
    observed.records.listed = Some(digest(&waiting.leavings.managed));
    assert!(!plan(&catalog, &observed).leavings.due);
    for (key, fate, argument) in
        [("directory:/srv/wiki", Fate::Archive, "archive"), ("wiki", Fate::Destroy, "destroy")]
    {
        let mut catalog = HostCatalog::clone(&catalog);
        catalog.retire = Arc::new(BTreeMap::from([(key.to_owned(), fate)]));
        let plan = plan(&Arc::new(catalog), &observed);
        assert_eq!(lines(&plan), ["Delete directory:/srv/wiki"]);
        assert_eq!(plan.changes[0].risk, [Risk::Data]);
        let call = plan.catalog.resources.last().unwrap().item.call(&plan.catalog.site);
        assert_eq!(call.arguments[1], crate::kinds::Argument::Text(argument.into()));
    }
    let mut catalog = HostCatalog::clone(&catalog);
    catalog.retire = Arc::new(BTreeMap::from([("wiki".to_owned(), Fate::Remove)]));
    assert!(plan(&Arc::new(catalog), &observed).is_empty(), "`remove` is for packages");
}

#[test]
fn packages_stay_unless_they_are_to_be_removed() {
    let (catalog, observed) = with_left(vec![made("package:dokuwiki")]);
    let stays = plan(&catalog, &observed);
    assert!(stays.is_empty() && stays.leavings.kept[0].why.program().contains("remove"));
    assert_eq!(stays.leavings.forgotten, ["package:dokuwiki"]);
    let mut catalog = HostCatalog::clone(&catalog);
    catalog.retire = Arc::new(BTreeMap::from([("package:dokuwiki".to_owned(), Fate::Remove)]));
    assert_eq!(lines(&plan(&Arc::new(catalog), &observed)), ["Delete package:dokuwiki"]);
}

#[test]
fn what_is_declared_anew_at_the_same_place_or_below_is_not_touched() {
    for id in ["link:/etc/nginx/a.conf", "directory:/etc/nginx", "tree:/etc", "directory:/etc"] {
        let plan = planned(vec![made(id)]);
        assert!(plan.is_empty(), "{id}: {:?}", lines(&plan));
        assert!(plan.leavings.kept[0].why.program().ends_with("is there now"), "{id}");
    }
    assert_eq!(lines(&planned(vec![made("file:/etc/nginx-old")])), ["Delete file:/etc/nginx-old"]);
}

#[test]
fn another_inventory_keeps_what_it_manages() {
    let (catalog, mut observed) = with_left(vec![made("file:/etc/wiki.conf")]);
    let other = crate::ledger::Other { id: "ff".into(), name: "Next Chapter".into() };
    observed.records.others.insert("file:/etc/wiki.conf".into(), other);
    let plan = plan(&catalog, &observed);
    assert!(plan.is_empty() && plan.leavings.kept[0].why.program().contains("Next Chapter (ff)"));
}

#[test]
fn what_somebody_changed_is_said_to_be() {
    let mut changed = made("file:/etc/wiki.conf");
    changed.seen = crate::plan::tests::other("by hand\n");
    assert!(planned(vec![changed]).changes[0].reason.program().ends_with("a copy is kept for ten runs"));
    let mut ours = made("file:/etc/wiki.conf");
    let content = Content { ours: true, ..Content::of(b"x".as_slice()) };
    ours.seen = Observation::Present(State::new().with("type", "file").with("content", content));
    assert!(planned(vec![ours]).changes[0].reason.program().ends_with("abc123"));
}

#[test]
fn many_deletions_are_agreed_to_by_number() {
    let many =
        |count: usize| planned((0..count).map(|number| made(&format!("file:/etc/wiki.{number}"))).collect()).leavings;
    assert_eq!(many(1).too_many(1, None), None);
    assert_eq!(many(1).too_many(0, Some(0)), None);
    assert_eq!(many(2).too_many(5, None).as_deref(), Some("2 of 7 resources would be deleted"));
    assert_eq!(many(5).too_many(20, None), None);
    assert_eq!(many(6).too_many(100, None).as_deref(), Some("6 of 106 resources would be deleted"));
    assert_eq!(many(6).too_many(100, Some(6)), None);
    assert!(many(6).too_many(100, Some(5)).is_some());
}

#[test]
fn what_a_run_had_begun_to_make_is_ours_only_if_it_is_just_that() {
    let catalog = catalog(NGINX, NEEDS);
    let mut observed = observed(&catalog, &[(3, crate::plan::tests::other("foreign\n")), (4, Observation::Absent)]);
    observed.records.begun =
        ["file:/etc/nginx/a.conf", "file:/etc/nginx/b.conf", "file:/etc/motd"].map(str::to_owned).into();
    let plan = plan(&catalog, &observed);
    let begun: Vec<(&str, bool)> = plan.leavings.begun.iter().map(|(id, made)| (id.as_str(), *made)).collect();
    assert_eq!(begun, [("file:/etc/nginx/a.conf", true), ("file:/etc/nginx/b.conf", false)]);
}

#[test]
fn a_revision_from_a_host_is_shown_as_nothing_else() {
    assert_eq!(at("0123456789abcdef0123+dirty"), " at revision 0123456789ab+dirty");
    assert_eq!(at("\u{1b}[2J\nghost"), "");
}
