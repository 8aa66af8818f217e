//! What hosts say they kept, and the catalogs that puts it back.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Now, Undo, Was, Wish, kept, needs_before, undo};
use crate::catalog::HostCatalog;
use crate::history::{Entry, Step};
use crate::kinds::Site;
use crate::resource::Want;

fn today() -> HostCatalog {
    HostCatalog {
        host: "h1".into(),
        site: Site::default(),
        os: None,
        architecture: None,
        bootstrap: Some("root".into()),
        wave: 0,
        ports: BTreeSet::new(),
        keepers: BTreeSet::new(),
        backed: Vec::new(),
        support: std::collections::BTreeMap::new(),
        partial: false,
        readers: Vec::new(),
        chapter: "Test".into(),
        retire: Arc::default(),
        checks: Vec::new(),
        services: Vec::new(),
        resources: super::item("service", "{ name: nginx, reload_on: [/etc/nginx/**] }", &Site::default(), None)
            .into_iter()
            .collect(),
    }
}

fn ran(ids: &[&str]) -> Entry {
    let step = |(number, id): (usize, &&str)| Step {
        number: number.to_string(),
        action: "update".into(),
        services: "web".into(),
        id: (*id).to_owned(),
        result: Some("changed".into()),
    };
    Entry { id: "r".into(), steps: ids.iter().enumerate().map(step).collect(), ..Entry::default() }
}

fn line(name: &str, was: &str, path: &str, now: &str) -> String {
    format!("N|{name}|{was}|3|www-data|root|640|{}|{now}\n", STANDARD.encode(path))
}

fn undone(answer: &str, ids: &[&str], overwrite: bool) -> Undo {
    let (entry, today) = (ran(ids), today());
    undo(&Wish {
        entry: &entry,
        kept: kept(answer.as_bytes()),
        today: &today,
        before: Err("it is unknown".into()),
        overwrite,
    })
}

fn ids(undo: &Undo) -> Vec<String> {
    undo.catalog.resources.iter().map(|resource| resource.id.to_string()).collect()
}

#[test]
fn files_links_and_what_was_absent_become_resources_and_their_reactions_follow() {
    let answer = line("0.1", "file", "/etc/nginx/a", "left")
        + "C|0.1|YWJj\n"
        + &line("1.1", "link", "/etc/l", "left")
        + "C|1.1|Li4veAo=\n"
        + &line("2.1", "absent", "/etc/new \"x\"", "kept");
    let undone =
        undone(&answer, &["file:/etc/nginx/a", "link:/etc/l", "file:/etc/new \"x\"", "package:nginx"], false);
    assert_eq!(ids(&undone), ["file:/etc/nginx/a", "link:/etc/l", "file:/etc/new \"x\"", "service:nginx"]);
    let Want::Present(file) = undone.catalog.resources[0].item.want() else { panic!("present") };
    assert_eq!((&file.0["owner"], &file.0["mode"]), (&"www-data".into(), &"0640".into()));
    assert_eq!(file.0["content"], crate::resource::Content::of(b"abc".as_slice()).into());
    let Want::Present(link) = undone.catalog.resources[1].item.want() else { panic!("present") };
    assert_eq!(link.0["target"], "../x".into());
    assert_eq!(undone.catalog.resources[2].item.want(), Want::Absent);
    assert_eq!(undone.left.len(), 1, "{:?}", undone.left);
    assert_eq!(undone.left[0].0, "package:nginx");
    assert!(undone.catalog.bootstrap.is_none());
}

#[test]
fn a_path_that_several_steps_changed_becomes_what_it_was_before_the_first() {
    let answer = line("0.1", "file", "/etc/hosts", "file")
        + "C|0.1|b25l\n"
        + &line("1.1", "file", "/etc/hosts", "left")
        + "C|1.1|dHdv\n";
    let found = kept(answer.as_bytes());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].content.as_deref(), &found[0].now), (Some(&b"one"[..]), &Now::Left));
    assert_eq!(undone(&answer, &["line:/etc/hosts a", "line:/etc/hosts b"], false).left, []);
}

#[test]
fn what_somebody_changed_since_is_named_and_left_unless_wished() {
    let answer = line("0.1", "file", "/etc/a", "file") + "C|0.1|YWJj\n" + &line("1.1", "absent", "/etc/b", "gone");
    let careful = undone(&answer, &["file:/etc/a", "file:/etc/b"], false);
    assert_eq!(ids(&careful), Vec::<String>::new());
    assert!(careful.left[0].1.starts_with("somebody changed it since"), "{:?}", careful.left);
    assert!(careful.left[1].1.starts_with("somebody removed it since"), "{:?}", careful.left);
    assert_eq!(ids(&undone(&answer, &["file:/etc/a", "file:/etc/b"], true)), ["file:/etc/a", "file:/etc/b"]);
}

#[test]
fn a_file_with_secrets_comes_from_the_revision_before_or_not_at_all() {
    let answer = line("0.1", "secret", "/etc/s", "left");
    assert!(needs_before(&kept(answer.as_bytes())));
    let refused = undone(&answer, &["file:/etc/s"], false);
    assert!(
        refused.left[0].1.contains("it held secrets, so it was not kept, and it is unknown"),
        "{:?}",
        refused.left
    );
    let (entry, today) = (ran(&["file:/etc/s"]), today());
    let resource = super::item("file", "{ path: /etc/s, source: x }", &Site::default(), Some(Arc::from(&b"old"[..])));
    let before = HostCatalog { resources: resource.into_iter().collect(), ..today.clone() };
    let wish =
        Wish { entry: &entry, kept: kept(answer.as_bytes()), today: &today, before: Ok(&before), overwrite: false };
    assert_eq!(ids(&undo(&wish)), ["file:/etc/s"]);
}

#[test]
fn what_cannot_be_put_back_says_why() {
    let answer = line("0.1", "lost", "/etc/a", "left")
        + &line("1.1", "file", "/etc/big", "left")
        + &line("2.1", "file", "relative", "left")
        + "C|2.1|eA==\n";
    let undone = undone(&answer, &["file:/etc/a", "file:/etc/big", "file:/etc/x"], false);
    assert_eq!(ids(&undone), Vec::<String>::new());
    let why: Vec<&str> = undone.left.iter().map(|(_, why)| why.as_str()).collect();
    assert!(why[0].contains("keeps that of ten runs") && why[1].contains("too large"), "{why:?}");
    assert_eq!(why[2], "what the host kept of it cannot be read");
}

#[test]
fn what_a_host_says_it_kept_is_never_taken_for_more() {
    assert!(kept(b"N|0.1|file\nC|9.9|YWJj\nN||absent|0||||L2V0Yw==|left\n\xff|\n").is_empty());
    let odd = kept(line("0.1", "whatever", "/x", "nonsense").as_bytes());
    assert_eq!((odd[0].was, &odd[0].now), (Was::Other, &Now::Other("nonsense".into())));
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_it_panic(answer in "(N|C|\\||[0-9a-z=./]{0,5}|\n){0,30}") {
        let _ = undone(&answer, &["file:/etc/a"], false);
    }
}
