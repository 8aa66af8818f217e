//! A directory that stands for a host: what is unpacked, what is seen of it, and what becomes of what was there.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::kinds::bench::{Applied, Directory, SHELLS, assert_converged};
use crate::resource::{Observation, State};

const APP: &str = "{ path: /opt/app, source: app.tar.gz, strip: 1 }";

fn seen(sha256: &str, content: &str) -> Observation {
    Observation::Present(State::new().with("sha256", sha256).with("content", content))
}

#[test]
fn what_an_archive_holds_is_there_and_every_change_of_it_is_seen_and_undone() {
    for shell in SHELLS {
        let directory = Directory::new();
        let bench = directory.bench(shell);
        let item = bench.item("archive", APP);
        assert_eq!(bench.probe_one("archive", &*item), Observation::Absent);
        assert_eq!(bench.apply("archive", &*item), Applied::Changed);
        let root = directory.at("/opt/app");
        assert_eq!(fs::read_to_string(root.join("bin/run")).unwrap(), "#!/bin/sh\n");
        assert_eq!(fs::metadata(root.join("bin/run")).unwrap().permissions().mode() & 0o7777, 0o755);
        assert_eq!(fs::metadata(root.join("a 'b' $(c)")).unwrap().permissions().mode() & 0o7777, 0o644);
        assert_eq!(fs::metadata(root.join(".steward-unpacked")).unwrap().permissions().mode() & 0o7777, 0o600);
        let spoils: [&dyn Fn(); 5] = [
            &|| fs::write(root.join("bin/run"), "evil").unwrap(),
            &|| fs::write(root.join("bin/more"), "evil").unwrap(),
            &|| fs::remove_file(root.join("link")).unwrap(),
            &|| fs::set_permissions(root.join("bin/run"), fs::Permissions::from_mode(0o4755)).unwrap(),
            &|| fs::remove_file(root.join(".steward-unpacked")).unwrap(),
        ];
        for spoil in spoils {
            spoil();
            let Observation::Present(state) = bench.probe_one("archive", &*item) else { panic!() };
            assert_eq!(state.0.get("content"), Some(&"changed on the host".into()));
            assert_eq!(bench.apply("archive", &*item), Applied::Changed);
            assert_converged(&*item, &bench.probe_one("archive", &*item));
        }
        let left: Vec<_> = fs::read_dir(directory.at("/opt")).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left, ["app"], "{shell:?}");
    }
}

#[test]
fn another_version_takes_the_place_of_one_in_one_rename() {
    let directory = Directory::new();
    let bench = directory.bench(SHELLS[0]);
    let item = bench.item("archive", APP);
    bench.apply("archive", &*item);
    let other = bench.item("archive", "{ path: /opt/app, source: app.tar.gz }");
    let Observation::Present(state) = bench.probe_one("archive", &*other) else { panic!() };
    assert_ne!(Some(&state), Some(&State::new()));
    let said = format!("{:?}", state.0.get("sha256"));
    assert!(said.contains("unpacked otherwise"), "{said}");
    let inode = fs::metadata(directory.at("/opt/app")).unwrap().ino();
    assert_eq!(bench.apply("archive", &*other), Applied::Changed);
    assert_ne!(fs::metadata(directory.at("/opt/app")).unwrap().ino(), inode);
    assert!(directory.at("/opt/app/app-1.0/bin/run").exists());
}

#[test]
fn what_is_no_directory_is_left_alone() {
    for shell in SHELLS {
        let directory = Directory::new();
        let bench = directory.bench(shell);
        fs::create_dir(directory.at("/opt")).unwrap();
        fs::write(directory.at("/opt/app"), "somebody's").unwrap();
        let item = bench.item("archive", APP);
        let Observation::Present(state) = bench.probe_one("archive", &*item) else { panic!() };
        assert_eq!(state, State::new().with("content", "a file"));
        let Applied::Failed(said) = bench.apply("archive", &*item) else { panic!() };
        assert!(said.contains("is there and is no directory"), "{said}");
        assert_eq!(fs::read_to_string(directory.at("/opt/app")).unwrap(), "somebody's");
    }
}

#[test]
fn a_directory_that_is_somebody_elses_is_kept_where_only_root_can_read_it() {
    let directory = Directory::new();
    let bench = directory.bench(SHELLS[0]);
    fs::create_dir_all(directory.at("/opt/app")).unwrap();
    fs::write(directory.at("/opt/app/notes"), "somebody's").unwrap();
    let item = bench.item("archive", APP);
    let digest = match bench.probe_one("archive", &*item) {
        Observation::Present(state) => format!("{:?}", state.0.get("sha256")),
        other => panic!("{other:?}"),
    };
    assert!(digest.contains("not Steward's"), "{digest}");
    assert_eq!(bench.apply("archive", &*item), Applied::Changed);
    assert!(!directory.at("/opt/app/notes").exists());
    assert_eq!(bench.probe_one("archive", &*item), seen(&sha256(&*item), "as it was unpacked"));
}

fn sha256(item: &dyn crate::kinds::Item) -> String {
    match item.want() {
        crate::resource::Want::Present(state) => match state.0.get("sha256") {
            Some(crate::resource::Attribute::Text(text)) => text.clone(),
            other => panic!("{other:?}"),
        },
        other @ crate::resource::Want::Absent => panic!("{other:?}"),
    }
}

#[test]
fn a_declaration_that_names_no_digest_or_a_moving_branch_is_refused() {
    let directory = Directory::new();
    let bench = directory.bench(SHELLS[0]);
    let zeros = "0".repeat(64);
    let cases = [
        ("archive", "{ path: /a, url: \"https://x.example/a.zip\" }".to_owned(), "needs its `sha256`"),
        ("archive", "{ path: /a }".to_owned(), "nothing says where the archive comes from"),
        ("archive", "{ path: /a, source: a.tar.gz, url: b }".to_owned(), "both `source` and `url`"),
        ("archive", "{ path: /a, source: a.rar }".to_owned(), "no archive that is read here"),
        ("archive", format!("{{ path: /a, source: a.tar.gz, sha256: \"{zeros}\" }}"), "and not 000"),
        ("archive", format!("{{ path: /a, url: \"ftp://x/a.zip\", sha256: \"{zeros}\" }}"), "no address to fetch"),
        ("archive", format!("{{ path: /a, url: \"https://u:p@x/a.zip\", sha256: \"{zeros}\" }}"), "no address"),
        ("archive", "{ path: /a, source: a.tar.gz, strip: 9 }".to_owned(), "strip: 9"),
        ("git", "{ path: /a, url: \"https://x.example/a\", commit: main }".to_owned(), "whole name of a commit"),
        (
            "git",
            "{ path: /a, url: \"ext::sh -c id\", commit: 3f785b4c2f9a1d0e5b6c7d8e9f0a1b2c3d4e5f60 }".to_owned(),
            "no address to fetch",
        ),
    ];
    for (kind, yaml, said) in cases {
        let mistakes = bench.try_item(kind, &yaml).unwrap_err();
        assert!(mistakes.contains(said), "{yaml}: {mistakes}");
    }
}
