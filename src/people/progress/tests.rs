//! How far a leaving is, for plans made by hand.

use std::sync::Arc;

use super::super::checklist::Read;
use super::*;
use crate::catalog::{Resource, ServiceEntry};
use crate::diag::{Diagnostic, Diagnostics, Source};
use crate::inventory::from_sources;
use crate::kinds::bench::Sources;
use crate::kinds::{Build, Site, named};
use crate::observed::Observed;
use crate::plan::fleet::{HostEntry, HostError};
use crate::plan::plan;
use crate::resource::{Id, Observation};
use crate::secret::{NoValues, Sealed};

const INVENTORY: &str = "id: 0123456789abcdef0123456789abcdef\nchapter: { name: X, domain: x.example }\n\
    hosts:\n  web1: { address: 192.0.2.1 }\n  web2: { address: 192.0.2.2 }\n\
    former:\n  ana: { name: Ana, since: 2026-11-24 }\n";

fn inventory() -> Inventory {
    from_sources(std::path::Path::new("."), vec![Source::new("a.yaml", INVENTORY)]).0.unwrap()
}

fn resource(service: usize, kind: &str, yaml: &str) -> Resource {
    let node = crate::yaml::parse(&Source::new("test.yaml", yaml)).unwrap();
    let (mut mistakes, mut files, site) = (Diagnostics::default(), Sources::default(), Site::default());
    let kind = named(kind).unwrap();
    let item = kind.item(&node, &mut Build { mistakes: &mut mistakes, files: &mut files, site: &site }).unwrap();
    Resource {
        id: Id::new(kind.name(), item.name()),
        kind,
        item: Arc::from(item),
        owners: vec![service],
        data: false,
        place: node.place,
    }
}

/// A file that is made of a secret.
fn made_of(service: usize, yaml: &str, secret: &str) -> Resource {
    let mut node = crate::yaml::parse(&Source::new("test.yaml", yaml)).unwrap();
    let uses = [SecretName::parse(secret).unwrap()].into_iter().collect();
    let sealed = Sealed::new("‹secret›", uses, &NoValues, Ok(crate::secret::Secret::new("swordfish")));
    if let crate::yaml::Value::Map(map) = &mut node.value {
        map.get_mut("content").unwrap().node.sealed = Some(Arc::new(sealed));
    }
    let (mut mistakes, mut files, site) = (Diagnostics::default(), Sources::default(), Site::default());
    let kind = named("file").unwrap();
    let item = kind.item(&node, &mut Build { mistakes: &mut mistakes, files: &mut files, site: &site }).unwrap();
    Resource { id: Id::new("file", item.name()), item: Arc::from(item), ..resource(service, "file", yaml) }
}

/// A host that closes ana's account and runs the wiki; `odd` are the resources that are not as wanted.
fn host(name: &str, account: bool, odd: &[(usize, Observation)]) -> HostEntry {
    let mut resources = vec![made_of(1, "{ path: /etc/wiki, content: hi }", "wiki/admin_hash")];
    if account {
        resources.push(resource(0, "user", "{ name: ana, state: absent }"));
        resources.push(resource(1, "file", "{ path: /etc/other, content: hi }"));
    }
    let entry = |name: &str| ServiceEntry {
        name: name.into(),
        module: name.into(),
        needs: Vec::new(),
        state: crate::catalog::ServiceState::default(),
    };
    let catalog = Arc::new(HostCatalog {
        bootstrap: None,
        readers: Vec::new(),
        host: name.into(),
        chapter: "Test".into(),
        partial: false,
        retire: Arc::default(),
        site: Site::default(),
        os: None,
        architecture: None,
        wave: 0,
        ports: BTreeSet::new(),
        keepers: BTreeSet::new(),
        backed: Vec::new(),
        support: std::collections::BTreeMap::new(),
        checks: Vec::new(),
        services: vec![entry("baseline"), entry("wiki")],
        resources,
    });
    let wanted = |resource: &Resource| match resource.item.want() {
        Want::Present(state) => Observation::Present(state),
        Want::Absent => Observation::Absent,
    };
    let mut observed: Vec<Observation> = catalog.resources.iter().map(wanted).collect();
    for (index, observation) in odd {
        observed[*index] = observation.clone();
    }
    let observed = Observed { resources: observed, ..Observed::default() };
    HostEntry { host: name.into(), result: Ok(plan(&catalog, &observed)) }
}

fn checklist(rotate: Rotate) -> Checklist {
    let known = Known { read: Read::UntilTheEnd, rotate, values: vec!["old".into()] };
    Checklist {
        format: 1,
        person: "ana".into(),
        name: "Ana".into(),
        login: "ana".into(),
        since: "2026-11-24".into(),
        keys: Vec::new(),
        hosts: vec!["web1".into(), "gone".into()],
        gap: None,
        secrets: [("wiki/admin".to_owned(), known)].into_iter().collect(),
        by_hand: [("forge".to_owned(), Item { what: "The forge".into(), done: None })].into_iter().collect(),
    }
}

fn state(checklist: &Checklist, hosts: Vec<HostEntry>, id: Option<&str>, previous: bool) -> Vec<String> {
    let plan = FleetPlan { inventory: "X".into(), id: String::new(), revision: None, base: None, hosts };
    let names = || ["wiki/admin", "wiki/admin_hash"].iter().filter_map(|name| SecretName::parse(name)).collect();
    let hosts = || vec!["web1".into(), "web2".into()];
    let now = |_: &SecretName| Now { id: id.map(str::to_owned), previous, names: names(), hosts: hosts() };
    let progress = progress(checklist, &inventory(), &plan, now);
    let text = progress.text("Ana", true);
    assert_eq!(progress.is_finished(), text.contains("Finished: "));
    text.lines().filter(|line| line.starts_with("  [")).map(|line| line.trim().to_owned()).collect()
}

fn both(odd: &[(usize, Observation)]) -> Vec<HostEntry> {
    vec![host("web1", true, odd), host("web2", true, &[])]
}

#[test]
fn all_that_was_seen_and_acknowledged_is_done() {
    let mut list = checklist(Rotate::Auto);
    list.by_hand["forge"].done = Some("bea, 2026-11-25".into());
    let closed = "the account `ana` is closed or was never there";
    assert_eq!(
        state(&list, both(&[]), Some("new"), false),
        [
            format!("[x] web1: {closed}"),
            format!("[x] web2: {closed}"),
            "[x] gone: no longer in the inventory".into(),
            "[x] wiki/admin: changed, and seen on all 2 hosts".into(),
            "[x] forge: The forge: bea, 2026-11-25".into(),
        ]
    );
}

#[test]
fn what_was_not_seen_is_open() {
    let list = checklist(Rotate::Auto);
    let diagnostic = Diagnostic::error("no route to web2");
    let lost = HostEntry { host: "web2".into(), result: Err(HostError { unreachable: true, diagnostic }) };
    let lines = state(&list, vec![host("web1", true, &[]), lost], Some("new"), false);
    assert_eq!(lines[1], "[ ] web2: unreachable: no route to web2");
    assert_eq!(lines[3], "[ ] wiki/admin: changed, but not verified on web2: unreachable: no route to web2");
    let lines = state(&list, vec![host("web1", true, &[])], Some("new"), false);
    assert_eq!(lines[1], "[ ] web2: was not looked at");
    let unknown = [(0, Observation::Unknown("busy".into())), (1, Observation::Unknown("no getent".into()))];
    let lines = state(&list, both(&unknown), Some("new"), false);
    assert_eq!(lines[0], "[ ] web1: the account `ana` is not closed: user:ana could not be read (no getent)");
    assert_eq!(
        lines[3],
        "[ ] wiki/admin: changed, but not verified on web1: file:/etc/wiki could not be read (busy)"
    );
    assert_eq!(lines[4], "[ ] forge: The forge: not acknowledged");
}

#[test]
fn what_is_to_change_is_open() {
    let odd =
        [(0, Observation::Absent), (1, Observation::Present(crate::resource::State::new().with("password", "set")))];
    let lines = state(&checklist(Rotate::Auto), both(&odd), Some("new"), false);
    assert!(lines[0].starts_with("[ ] web1: the account `ana` is not closed: user:ana is to change ("), "{lines:?}");
    assert_eq!(lines[3], "[ ] wiki/admin: changed, but not verified on web1: file:/etc/wiki is to change (absent)");
}

#[test]
fn what_is_not_made_of_the_secret_does_not_hold_its_leaving_up() {
    let list = checklist(Rotate::Auto);
    let lines = state(&list, both(&[(2, Observation::Absent)]), Some("new"), false);
    assert_eq!(lines[3], "[x] wiki/admin: changed, and seen on all 2 hosts", "another file of the service");
}

#[test]
fn an_old_value_is_open_by_its_policy() {
    let of = |rotate, id, previous| state(&checklist(rotate), both(&[]), id, previous)[3].clone();
    assert_eq!(
        of(Rotate::Auto, Some("old"), false),
        "[ ] wiki/admin: not changed: `steward secrets rotate wiki/admin`"
    );
    assert!(of(Rotate::Manual, Some("old"), false).ends_with("then `steward secrets set wiki/admin`"));
    assert!(of(Rotate::Never, Some("old"), false).ends_with("then `--ack secret:wiki/admin`"));
    assert!(of(Rotate::Auto, None, false).starts_with("[ ] wiki/admin: no longer kept"));
    assert!(
        of(Rotate::Auto, Some("new"), true).starts_with("[x] wiki/admin: changed, and seen on all 2 hosts; `steward")
    );
    let mut list = checklist(Rotate::Never);
    list.by_hand.insert("secret:wiki/admin".into(), Item { what: "x".into(), done: Some("bea".into()) });
    assert_eq!(state(&list, both(&[]), Some("old"), false)[3], "[x] wiki/admin: bea");
}

#[test]
fn a_host_without_declared_accounts_needs_an_acknowledgement() {
    let mut list = checklist(Rotate::Auto);
    let hosts = || vec![host("web1", false, &[]), host("web2", true, &[])];
    let lines = state(&list, hosts(), Some("new"), false);
    assert_eq!(lines[0], "[ ] web1: nothing declares accounts there: look yourself, then `--ack account:web1`");
    list.by_hand.insert("account:web1".into(), Item { what: "x".into(), done: Some("bea".into()) });
    assert_eq!(state(&list, hosts(), Some("new"), false)[0], "[x] web1: bea");
}
