//! A host's catalog with every kind in it, a secret too, for the answers to be about.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::{HostCatalog, Resource, ServiceEntry};
use crate::diag::{Diagnostics, Source};
use crate::inventory::Locale;
use crate::kinds::bench::{Sources, entry};
use crate::kinds::{ALL, Build, Kind, Site, TreeNode, named};
use crate::plan::HostPlan;
use crate::plan::diff::Remote;
use crate::plan::fleet::{FleetPlan, HostEntry};
use crate::plan::text::{Options, text};
use crate::resource::{Id, Observation};
use crate::secret::{Sealed, Secret, SecretName, SecretSource};
use crate::yaml::{Node, Value, parse};
use crate::{markdown, plan};

pub(super) const CANARY: &str = "canary-value-Zq8w3";

/// A store in which every secret has the same value.
pub(super) struct Store;

impl SecretSource for Store {
    fn value(&self, _: &SecretName) -> Result<Arc<Secret>, String> {
        Ok(Arc::new(Secret::new(CANARY)))
    }

    fn value_id(&self, _: &SecretName) -> Option<String> {
        Some("00112233".to_owned())
    }
}

/// Each kind's examples, one of each name, and a file with a secret.
pub(super) fn catalog() -> Arc<HostCatalog> {
    let site = Site::default();
    let mut resources: Vec<Resource> = Vec::new();
    for kind in ALL {
        for example in kind.examples() {
            let node = parse(&Source::new("example.yaml", *example)).expect("an example parses");
            let found = resource(*kind, &node, &site);
            if !resources.iter().any(|other| other.id == found.id) {
                resources.push(found);
            }
        }
    }
    resources.push(resource(named("file").expect("a kind"), &sealed(), &site));
    let service = |name: &str, needs: &[usize]| ServiceEntry {
        name: name.into(),
        module: "test".into(),
        needs: needs.into(),
        state: crate::catalog::ServiceState::default(),
    };
    Arc::new(HostCatalog {
        host: "web1".into(),
        chapter: "Test".into(),
        partial: false,
        retire: Arc::default(),
        readers: Vec::new(),
        checks: Vec::new(),
        site,
        os: Some("debian-12".into()),
        architecture: None,
        bootstrap: Some("admin".into()),
        wave: 0,
        ports: BTreeSet::new(),
        keepers: BTreeSet::new(),
        backed: Vec::new(),
        support: std::collections::BTreeMap::new(),
        services: vec![service("base", &[]), service("wiki", &[0])],
        resources,
    })
}

fn resource(kind: &'static dyn Kind, node: &Node, site: &Site) -> Resource {
    let mut mistakes = Diagnostics::default();
    let tree = vec![
        entry(b"a b", TreeNode::Directory),
        entry(b"a b/\xff", TreeNode::File { bytes: b"x".as_slice().into(), executable: true }),
    ];
    let trees = ["site/", "app/"].map(|path| (path.to_owned(), tree.clone()));
    let mut files = Sources { trees: trees.into(), ..Sources::default() };
    let item = kind
        .item(node, &mut Build { mistakes: &mut mistakes, files: &mut files, site })
        .expect("an example is valid");
    let owners = vec![usize::from(kind.name() == "service")];
    let id = Id::new(kind.name(), item.name());
    Resource { id, kind, item: Arc::from(item), owners, place: node.place.clone(), data: false }
}

fn sealed() -> Node {
    let text = "{ path: /etc/wiki.conf, content: \"password = ‹secret wiki/password›\\n\" }";
    let mut node = parse(&Source::new("example.yaml", text)).expect("an example parses");
    let uses = SecretName::new("wiki", "password").into_iter().collect();
    let real = Secret::new(format!("password = {CANARY}\n"));
    if let Value::Map(map) = &mut node.value {
        let content = &mut map.get_mut("content").expect("the content").node;
        let public = content.as_str().expect("a text").to_owned();
        content.sealed = Some(Arc::new(Sealed::new(&public, uses, &Store, Ok(real))));
    }
    node
}

/// Whatever is shown of a plan, in every form.
pub(super) fn shown(plan: HostPlan) -> Vec<String> {
    let host = plan.catalog.host.clone();
    let fleet = FleetPlan {
        inventory: "Test".into(),
        id: "ab12".into(),
        revision: None,
        base: None,
        hosts: vec![HostEntry { host, result: Ok(plan) }],
    };
    let drift = plan::drift::drift(&fleet);
    let mut shown = vec![drift.text(Locale::En), markdown::of_plan(&fleet, Remote::Shown, Locale::Es).text()];
    for whole in [true, false] {
        shown.push(text(&fleet, Options { color: false, remote: Remote::Shown, whole, locale: Locale::Es }));
    }
    let _ = drift.json().to_string();
    let _ = plan::json::json(&fleet, Remote::Withheld).to_string();
    shown
}

/// One observation for each resource, and none of what nothing was said about.
pub(super) fn assert_nothing_is_made_up(
    catalog: &HostCatalog,
    seen: &[Observation],
    said: impl Fn(&str) -> Option<Vec<u8>>,
) {
    assert_eq!(seen.len(), catalog.resources.len());
    for (resource, observation) in catalog.resources.iter().zip(seen) {
        if !matches!(observation, Observation::Present(_) | Observation::Absent) {
            continue;
        }
        let kind = resource.id.kind;
        let section =
            said(kind).unwrap_or_else(|| panic!("{} was seen, but the host said nothing of {kind}", resource.id));
        if ["file", "directory", "link", "package", "group", "user"].contains(&kind) {
            let name = resource.id.name.as_bytes();
            let named = section.windows(name.len()).any(|window| window == name);
            assert!(named, "{} was seen, but the host did not name it", resource.id);
        }
    }
}
