//! What a plan says, for small catalogs and looks made by hand.

use std::sync::Arc;

use super::diff::{self, Remote};
use super::fleet::{FleetPlan, HostEntry};
use super::text::{Options, text};
use super::{Action, HostPlan, plan};
use crate::catalog::{HostCatalog, Resource, ServiceEntry};
use crate::diag::{Diagnostics, Source};
use crate::inventory::Locale;
use crate::kinds::bench::Sources;
use crate::kinds::{Build, Site, named};
use crate::observed::{Debt, Observed};
use crate::resource::{Attribute, Content, Id, Observation, State, Want};
use crate::yaml::parse;

/// `(service, kind, yaml)` in order; `needs` of each service.
pub(super) fn catalog(resources: &[(usize, &str, &str)], needs: &[&[usize]]) -> Arc<HostCatalog> {
    let site = Site::default();
    let resources = resources.iter().map(|(service, kind, yaml)| resource(*service, kind, yaml, &site)).collect();
    let entry = |(index, needs): (usize, &&[usize])| ServiceEntry {
        name: format!("s{index}"),
        module: "test".into(),
        needs: needs.to_vec(),
        state: crate::catalog::ServiceState::default(),
    };
    let services = needs.iter().enumerate().map(entry).collect();
    Arc::new(HostCatalog {
        host: "h1".into(),
        chapter: "Test".into(),
        site,
        os: None,
        architecture: None,
        bootstrap: None,
        partial: false,
        retire: Arc::default(),
        readers: Vec::new(),
        wave: 0,
        ports: std::collections::BTreeSet::new(),
        keepers: std::collections::BTreeSet::new(),
        backed: Vec::new(),
        support: std::collections::BTreeMap::new(),
        checks: Vec::new(),
        services,
        resources,
    })
}

fn resource(service: usize, kind: &str, yaml: &str, site: &Site) -> Resource {
    let node = parse(&Source::new("test.yaml", yaml)).unwrap();
    let mut mistakes = Diagnostics::default();
    let mut files = Sources::default();
    let kind = named(kind).unwrap();
    let item = kind.item(&node, &mut Build { mistakes: &mut mistakes, files: &mut files, site });
    let item = item.unwrap_or_else(|| panic!("{mistakes:?}"));
    Resource {
        id: Id::new(kind.name(), item.name()),
        kind,
        item: Arc::from(item),
        owners: vec![service],
        data: false,
        place: node.place,
    }
}

/// Everything is as wanted, but for what is given.
pub(super) fn observed(catalog: &HostCatalog, but: &[(usize, Observation)]) -> Observed {
    let as_wanted = |resource: &Resource| match resource.item.want() {
        Want::Present(state) => Observation::Present(state),
        Want::Absent => Observation::Absent,
    };
    let mut resources: Vec<Observation> = catalog.resources.iter().map(as_wanted).collect();
    for (index, observation) in but {
        resources[*index] = observation.clone();
    }
    Observed { resources, ..Observed::default() }
}

fn lines(plan: &HostPlan) -> Vec<String> {
    let line = |change: &super::Change| {
        let deferred = change.deferred.as_deref().map(|by| format!(" after {by}")).unwrap_or_default();
        format!("{:?} {}{deferred}", change.action, change.id)
    };
    plan.changes.iter().map(line).collect()
}

pub(super) const NGINX: &[(usize, &str, &str)] = &[
    (0, "package", "{ name: nginx }"),
    (0, "file", "{ path: /etc/nginx/a.conf, content: \"a\\n\" }"),
    (0, "service", "{ name: nginx, reload_on: [/etc/nginx/**], validate: nginx -t }"),
    (1, "file", "{ path: /etc/nginx/b.conf, content: \"b\\n  c\\n\" }"),
    (2, "file", "{ path: /etc/motd, content: hi }"),
];
pub(super) const NEEDS: &[&[usize]] = &[&[], &[0], &[]];

pub(super) fn other(content: &str) -> Observation {
    let state = State::new().with("type", "file").with("mode", "0644").with("owner", "root").with("group", "root");
    Observation::Present(state.with("content", Content::of(content.as_bytes())))
}

#[test]
fn nothing_differs_and_nothing_is_planned() {
    let catalog = catalog(NGINX, NEEDS);
    let plan = plan(&catalog, &observed(&catalog, &[]));
    assert!(plan.is_empty() && plan.steps.is_empty());
    assert_eq!(plan.unchanged, 5);
}

#[test]
fn a_change_under_a_glob_reloads_the_service_whoever_declares_it() {
    let catalog = catalog(NGINX, NEEDS);
    let plan = plan(&catalog, &observed(&catalog, &[(3, other("old\n"))]));
    assert_eq!(lines(&plan), ["Update file:/etc/nginx/b.conf", "Reload service:nginx"]);
    assert_eq!(plan.changes[1].reason, "file:/etc/nginx/b.conf changes");
    assert_eq!(plan.steps, [3]);
}

#[test]
fn a_service_that_this_plan_starts_reads_its_new_files_by_itself() {
    let catalog = catalog(NGINX, NEEDS);
    let Want::Present(wanted) = catalog.resources[2].item.want() else { panic!("present") };
    let stopped = Observation::Present(wanted.with("running", "no"));
    let plan = plan(&catalog, &observed(&catalog, &[(1, other("old\n")), (2, stopped)]));
    assert_eq!(lines(&plan), ["Update file:/etc/nginx/a.conf", "Update service:nginx"]);
}

#[test]
fn what_follows_a_package_is_decided_during_apply_but_only_where_it_is_needed() {
    let catalog = catalog(NGINX, NEEDS);
    let absent = [0, 1, 2, 3, 4].map(|index| (index, Observation::Absent));
    let plan = plan(&catalog, &observed(&catalog, &absent));
    assert_eq!(
        lines(&plan),
        [
            "Create package:nginx",
            "Create file:/etc/nginx/a.conf after package:nginx",
            "Create service:nginx after package:nginx",
            "Create file:/etc/nginx/b.conf after package:nginx",
            "Reload service:nginx after package:nginx",
            "Create file:/etc/motd",
        ]
    );
}

#[test]
fn after_a_change_that_may_bring_things_even_what_is_in_order_runs_again() {
    let catalog = catalog(NGINX, NEEDS);
    let plan = plan(&catalog, &observed(&catalog, &[(0, Observation::Absent)]));
    assert_eq!(lines(&plan), ["Create package:nginx"]);
    assert_eq!(plan.steps, [0, 1, 2, 3, 4]);
}

#[test]
fn unknown_is_never_a_change_unless_an_earlier_change_may_explain_it() {
    let catalog = catalog(NGINX, NEEDS);
    let unknown = || Observation::Unknown("Permission denied".into());
    let alone = plan(&catalog, &observed(&catalog, &[(1, unknown())]));
    assert!(alone.changes.is_empty() && alone.steps.is_empty());
    assert_eq!(alone.unknown[0].why, "Permission denied");
    let after = plan(&catalog, &observed(&catalog, &[(0, Observation::Absent), (1, unknown())]));
    assert!(lines(&after).contains(&"Create file:/etc/nginx/a.conf after package:nginx".to_owned()));
    assert!(after.unknown.is_empty());
}

#[test]
fn what_an_interrupted_run_owes_is_shown_with_its_reason_and_paid() {
    let catalog = catalog(NGINX, NEEDS);
    let mut observed = observed(&catalog, &[]);
    observed.debts =
        vec![Debt { name: "reload.service:nginx".into(), reason: "file:/etc/nginx/a.conf changed".into() }];
    let plan = plan(&catalog, &observed);
    assert_eq!(lines(&plan), ["Reload service:nginx"]);
    assert_eq!(plan.changes[0].reason, "owed since an interrupted run: file:/etc/nginx/a.conf changed");
    assert_eq!(plan.owed, [0]);
}

#[test]
fn what_is_there_and_shall_not_be_is_deleted() {
    let catalog = catalog(&[(0, "file", "{ path: /etc/gone, state: absent }")], &[&[]]);
    let plan = plan(&catalog, &observed(&catalog, &[(0, other("x"))]));
    assert_eq!(plan.changes[0].action, Action::Delete);
}

#[test]
fn an_attribute_that_is_not_declared_is_not_compared() {
    let catalog = catalog(&[(0, "file", "{ path: /etc/x, content: x }")], &[&[]]);
    let Want::Present(wanted) = catalog.resources[0].item.want() else { panic!("present") };
    let more = wanted.with("label", Attribute::from("anything"));
    assert!(plan(&catalog, &observed(&catalog, &[(0, Observation::Present(more))])).is_empty());
}

#[test]
fn a_plan_reads_well() {
    let catalog = catalog(NGINX, NEEDS);
    let but = [(1, other("old\n")), (3, Observation::Absent), (4, Observation::Unknown("Input/output error".into()))];
    let plan = plan(&catalog, &observed(&catalog, &but));
    let entry = HostEntry { host: "h1".into(), result: Ok(plan) };
    let fleet =
        FleetPlan { inventory: "Test".into(), id: String::new(), revision: None, base: None, hosts: vec![entry] };
    let shown = text(&fleet, Options { color: false, remote: Remote::Shown, whole: false, locale: Locale::En });
    assert_eq!(
        shown,
        "\
h1  3 to change, 2 unchanged
  ~ file:/etc/nginx/a.conf  [s0] content differs
      --- /etc/nginx/a.conf
      +++ /etc/nginx/a.conf
      @@ -1 +1 @@
      -old
      +a
  + file:/etc/nginx/b.conf  [s1] absent
      --- /dev/null
      +++ /etc/nginx/b.conf
      @@ -0,0 +1,2 @@
      +b
      +  c
  ^ reload service:nginx  [s0] file:/etc/nginx/a.conf and 1 more change
  ? file:/etc/motd cannot be read: Input/output error

Plan: 1 to create, 1 to update, 0 to delete, 0 to run on 1 host.
Then: 1 to reload.
Attention: 1 resource could not be read.
"
    );
}

#[test]
fn what_somebody_wrote_into_a_line_is_counted_and_not_shown() {
    let line = "{ path: /etc/app.conf, line: \"mode = calm\", match: \"^mode\" }";
    let catalog = catalog(&[(0, "line", line)], &[&[]]);
    let theirs = State::new().with("line", "mode = hunter2\nmode = calm\nmode = hunter3");
    let planned = plan(&catalog, &observed(&catalog, &[(0, Observation::Present(theirs))]));
    let withheld = diff::diff(&planned.changes[0], Remote::Withheld, Locale::En);
    assert_eq!(withheld, "- line: 2 lines; withheld, --show-remote shows it\n");
    assert!(diff::diff(&planned.changes[0], Remote::Shown, Locale::En).contains("- line: mode = hunter2\n"));
    let other = State::new().with("line", "mode = hunter2");
    let planned = plan(&catalog, &observed(&catalog, &[(0, Observation::Present(other))]));
    let withheld = diff::diff(&planned.changes[0], Remote::Withheld, Locale::En);
    assert_eq!(withheld, "- line: 1 line; withheld, --show-remote shows it\n+ line: mode = calm\n");
}
