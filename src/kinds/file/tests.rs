use std::fs;
use std::os::unix::fs::{FileTypeExt as _, symlink};

use proptest::prelude::*;

use crate::kinds::bench::{Applied, Bench, Directory, HOSTILE_NAMES, SHELLS, assert_converged};
use crate::kinds::{Item, laws};
use crate::resource::{Attribute, Observation, digest};

fn failure(bench: &Bench<'_>, item: &dyn Item) -> String {
    match bench.apply("file", item) {
        Applied::Failed(said) => said,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_link_in_its_place_is_replaced_and_not_followed() {
    for shell in SHELLS {
        let place = Directory::new();
        let bench = place.bench(shell);
        fs::create_dir(place.at("/elsewhere")).unwrap();
        fs::write(place.at("/elsewhere/secret"), "untouched").unwrap();
        for target in ["../elsewhere", "../elsewhere/secret", "../nothing", "x"] {
            let _ = fs::remove_file(place.at("/etc/x"));
            symlink(target, place.at("/etc/x")).unwrap();
            let item = bench.item("file", "{ path: /etc/x, content: new }");
            let Observation::Present(state) = bench.probe_one("file", item.as_ref()) else { panic!("{target}") };
            assert_eq!(state.0["type"], Attribute::from("link"));
            laws::holds("file", item.as_ref(), &bench);
            assert!(fs::symlink_metadata(place.at("/etc/x")).unwrap().is_file(), "{shell:?} {target}");
        }
        assert_eq!(fs::read_to_string(place.at("/elsewhere/secret")).unwrap(), "untouched");
        assert_eq!(fs::read_dir(place.at("/elsewhere")).unwrap().count(), 1, "{shell:?}");
    }
}

#[test]
fn a_pipe_or_directory_in_its_place_is_left_alone_with_a_remedy() {
    let place = Directory::new();
    fs::create_dir(place.at("/etc/directory")).unwrap();
    std::process::Command::new("mkfifo").arg(place.at("/etc/pipe")).status().unwrap();
    let bench = place.bench(SHELLS[0]);
    for path in ["/etc/directory", "/etc/pipe"] {
        for rest in ["content: x", "state: absent"] {
            let item = bench.item("file", &format!("{{ path: {path}, {rest} }}"));
            assert!(matches!(bench.probe_one("file", item.as_ref()), Observation::Present(_)), "{path}");
            assert!(failure(&bench, item.as_ref()).contains("remove it by hand"), "{path} {rest}");
        }
    }
    assert!(fs::symlink_metadata(place.at("/etc/pipe")).unwrap().file_type().is_fifo());
}

#[test]
fn without_its_directory_it_fails_with_a_remedy() {
    let place = Directory::new();
    let bench = place.host(SHELLS[0]);
    let path = place.at("/etc/missing/x").display().to_string();
    let item = bench.item("file", &format!("{{ path: {path:?}, content: x, owner: '0', group: '0' }}"));
    let said = failure(&bench, item.as_ref());
    assert!(said.contains("/etc/missing does not exist; declare it"), "{said}");
}

#[test]
fn what_a_validator_refuses_is_not_put_in_place() {
    let place = Directory::new();
    fs::write(place.at("/etc/x"), "old").unwrap();
    let bench = place.bench(SHELLS[0]);
    let before = bench.listing();
    let item = bench.item("file", "{ path: /etc/x, content: new, validate: 'echo line 3 is wrong; grep -q old %s' }");
    let said = failure(&bench, item.as_ref());
    assert!(said.contains("line 3 is wrong") && said.contains("does not pass: echo"), "{said}");
    assert_eq!(fs::read_to_string(place.at("/etc/x")).unwrap(), "old");
    let names =
        |listing: &str| listing.lines().map(|line| line.split(' ').nth(2).unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&before), names(&bench.listing()), "something was left behind");
}

#[test]
fn modes_with_special_bits_and_empty_and_large_contents_converge() {
    for shell in SHELLS {
        let place = Directory::new();
        let mut bench = place.bench(shell);
        bench.files.sources.insert("large".into(), vec![b'\n'; 3 << 20].into());
        for rest in
            ["content: '', mode: '4755'", "content: x, mode: '600'", "source: large, mode: '2711'", "source: small"]
        {
            let item = bench.item("file", &format!("{{ path: /etc/x, {rest} }}"));
            laws::holds("file", item.as_ref(), &bench);
        }
    }
}

#[test]
fn a_thousand_files_are_looked_at_by_as_few_processes_as_ten() {
    let place = Directory::new();
    for number in 0..1000 {
        fs::write(place.at(&format!("/etc/f{number}")), "x").unwrap();
    }
    for tool in ["stat", "sha256sum"] {
        place.tool(tool, &format!("#!/bin/sh\necho x >>\"$0.calls\"\nexec /usr/bin/{tool} \"$@\"\n"));
    }
    let bench = place.bench(SHELLS[0]);
    let items: Vec<_> =
        (0..1000).map(|number| bench.item("file", &format!("{{ path: /etc/f{number}, content: x }}"))).collect();
    let items: Vec<&dyn Item> = items.iter().map(|item| &**item).collect();
    let seen = bench.probe("file", &items);
    for (item, observation) in items.iter().zip(&seen) {
        assert_converged(*item, observation);
    }
    assert_eq!(place.read_tool("stat.calls").lines().count(), 1);
    assert_eq!(place.read_tool("sha256sum.calls").lines().count(), 1);
}

#[test]
fn of_what_differs_the_look_brings_the_content() {
    for shell in SHELLS {
        let place = Directory::new();
        fs::write(place.at("/etc/x y"), b"old\0\xff").unwrap();
        let bench = place.bench(shell);
        let item = bench.item("file", "{ path: /etc/x y, content: new }");
        let Observation::Present(state) = bench.probe_one("file", item.as_ref()) else { panic!("{shell:?}") };
        let Some(Attribute::Content(content)) = state.0.get("content") else { panic!("{state:?}") };
        assert_eq!(
            (content.digest.clone(), content.bytes.as_deref()),
            (digest(b"old\0\xff"), Some(&b"old\0\xff"[..]))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_content_at_any_name_converges_and_stays_data(
        content in ".{0,40}", names in prop::collection::vec(0..HOSTILE_NAMES.len(), 1..4), shell in 0..SHELLS.len(),
    ) {
        let place = Directory::new();
        let bench = place.bench(SHELLS[shell]);
        let names: Vec<_> = names.iter().map(|name| String::from_utf8_lossy(HOSTILE_NAMES[*name])).collect();
        let path = serde_json::to_string(&format!("/{}", names.join("/"))).unwrap();
        let content = serde_json::to_string(&content).unwrap();
        if let Ok(item) = bench.try_item("file", &format!("{{ path: {path}, content: {content} }}")) {
            laws::holds("file", item.as_ref(), &bench);
        }
    }
}
