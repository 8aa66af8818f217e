//! Trees on a real shell: what is replaced, what is kept, what is left alone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use proptest::prelude::*;

use crate::kinds::bench::{Applied, Bench, Directory, HOSTILE_NAMES, SHELLS, assert_converged, entry};
use crate::kinds::{Call, Item, TreeEntry, TreeNode, laws};
use crate::resource::{Attribute, Observation};

fn file(path: &str, text: &str) -> TreeEntry {
    entry(path.as_bytes(), TreeNode::File { bytes: text.as_bytes().into(), executable: false })
}

fn link(path: &str, target: &str) -> TreeEntry {
    entry(path.as_bytes(), TreeNode::Link { target: target.into() })
}

fn source() -> Vec<TreeEntry> {
    let program = TreeNode::File { bytes: b"#!/bin/sh\n".as_slice().into(), executable: true };
    vec![
        file("index.html", "hello"),
        file("css/a.css", "a"),
        file("css/b.css", "b"),
        entry(b"bin/run", program),
        file("file", "was a directory"),
        file("directory/inner", "its parent was a file"),
        link("current", "css"),
        link("out", "../precious"),
    ]
}

/// A bench whose only source is this tree.
fn bench<'a>(place: &'a Directory, shell: &'static [&'static str], tree: Vec<TreeEntry>) -> Bench<'a> {
    let mut bench = place.bench(shell);
    bench.files.trees = BTreeMap::from([("site".to_owned(), tree)]);
    bench
}

/// A host on which almost everything is wrong.
fn mess(place: &Directory) {
    place.reset();
    let at = |path: &str| place.at(&format!("/srv/{path}"));
    for directory in ["css", "file/deep", "old/deeper", "logs", "keep", "out/letters", "../precious/letters"] {
        fs::create_dir_all(at(directory)).unwrap();
    }
    fs::set_permissions(place.at("/precious/letters"), fs::Permissions::from_mode(0o700)).unwrap();
    for (path, text) in [
        ("css/a.css", "a"),
        ("css/b.css", "an older b"),
        ("file/deep/x", "x"),
        ("old/deeper/y", "y"),
        ("directory", "a file"),
        ("logs/access.log", "ignored"),
        ("keep/cache", "ignored"),
        ("keep/gone", "not ignored"),
    ] {
        fs::write(at(path), text).unwrap();
    }
    fs::write(place.at("/precious/run"), "#!/bin/sh\n").unwrap();
    fs::write(place.at("/precious/photo"), "photo").unwrap();
    fs::write(at("out/photo"), "photo").unwrap();
    symlink(place.at("/precious"), at("bin")).unwrap();
    symlink(place.at("/precious"), at("extra")).unwrap();
    symlink("bin", at("current")).unwrap();
}

const YAML: &str = "{ path: /srv, source: site, ignore: ['*.log', keep/cache] }";

#[test]
fn whatever_was_there_becomes_the_source_and_the_rest_of_the_host_is_left_alone() {
    for shell in SHELLS {
        let place = Directory::new();
        mess(&place);
        let bench = bench(&place, shell, source());
        let before = fs::metadata(place.at("/srv/css/a.css")).unwrap();
        let item = bench.item("tree", YAML);
        laws::holds("tree", item.as_ref(), &bench);
        let after = fs::metadata(place.at("/srv/css/a.css")).unwrap();
        assert_eq!(
            (before.ino(), before.ctime_nsec()),
            (after.ino(), after.ctime_nsec()),
            "an equal file was touched"
        );
        assert_eq!(fs::read_to_string(place.at("/srv/css/b.css")).unwrap(), "b");
        assert_eq!(fs::read_link(place.at("/srv/current")).unwrap(), PathBuf::from("css"));
        assert_eq!(fs::metadata(place.at("/srv/bin/run")).unwrap().mode() & 0o7777, 0o755);
        assert!(!place.at("/srv/old").exists() && !place.at("/srv/extra").is_symlink(), "{shell:?}");
        assert!(!place.at("/srv/keep/gone").exists(), "{shell:?}");
        assert!(place.at("/srv/logs/access.log").exists() && place.at("/srv/keep/cache").exists(), "{shell:?}");
        assert_eq!(fs::read_dir(place.at("/precious")).unwrap().count(), 3, "a link was followed");
        assert_eq!(
            fs::metadata(place.at("/precious/letters")).unwrap().mode() & 0o7777,
            0o700,
            "a link was followed"
        );
    }
}

#[test]
fn an_apply_that_was_killed_anywhere_ends_the_same_when_run_again() {
    let place = Directory::new();
    let bench = bench(&place, SHELLS[0], source());
    let item = bench.item("tree", YAML);
    laws::interrupted_it_converges("tree", item.as_ref(), &bench, &|| mess(&place));
}

#[test]
fn what_a_tree_replaced_can_be_put_back() {
    for shell in SHELLS {
        let place = Directory::new();
        mess(&place);
        let bench = bench(&place, shell, source());
        let before = bench.contents();
        let change = bench.item("tree", YAML).call(&bench.site);
        let steps = bench.steps(&[change, Call::new("restore").arg("1")]);
        assert_eq!(steps, [Applied::Changed, Applied::Changed], "{shell:?}");
        assert_eq!(before, bench.contents(), "{shell:?}");
    }
}

#[test]
fn without_deletion_what_the_source_does_not_have_stays() {
    let place = Directory::new();
    mess(&place);
    let bench = bench(&place, SHELLS[0], source());
    let item = bench.item("tree", "{ path: /srv, source: site, delete: false }");
    let Applied::Failed(said) = bench.apply("tree", item.as_ref()) else { panic!("a directory was removed") };
    assert!(said.contains("./out is a directory where the source has something else"), "{said}");
    fs::remove_dir_all(place.at("/srv/file")).unwrap();
    fs::remove_dir_all(place.at("/srv/out")).unwrap();
    laws::holds("tree", item.as_ref(), &bench);
    assert!(place.at("/srv/old/deeper/y").exists() && place.at("/srv/extra").is_symlink());
    assert_eq!(fs::read_to_string(place.at("/srv/directory/inner")).unwrap(), "its parent was a file");
}

#[test]
fn a_directory_with_something_ignored_is_not_removed_for_a_file() {
    let place = Directory::new();
    fs::create_dir_all(place.at("/srv/file/deep")).unwrap();
    fs::write(place.at("/srv/file/deep/a.log"), "precious").unwrap();
    let bench = bench(&place, SHELLS[0], source());
    let Applied::Failed(said) = bench.apply("tree", bench.item("tree", YAML).as_ref()) else { panic!("removed") };
    assert!(said.contains("./file holds ./file/deep/a.log"), "{said}");
    assert!(place.at("/srv/file/deep/a.log").exists());
}

#[test]
fn the_difference_names_each_file_once() {
    let place = Directory::new();
    fs::create_dir(place.at("/srv")).unwrap();
    for (path, text) in [("same", "same"), ("changed", "old"), ("extra\n", "x")] {
        fs::write(place.at("/srv").join(path), text).unwrap();
    }
    let tree = vec![file("same", "same"), file("changed", "new"), file("added", "x")];
    let bench = bench(&place, SHELLS[0], tree);
    let item = bench.item("tree", "{ path: /srv, source: site }");
    let (wanted, seen) = (lines(&wanted(item.as_ref())), lines(&bench.probe_one("tree", item.as_ref())));
    let names = |lines: &[String], others: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !others.contains(line)).map(|line| line[70..].to_owned()).collect()
    };
    assert_eq!(names(&wanted, &seen), ["added", "changed"]);
    assert_eq!(names(&seen, &wanted), ["changed", "extra\\012"]);
}

fn wanted(item: &dyn Item) -> Observation {
    match item.want() {
        crate::resource::Want::Present(state) => Observation::Present(state),
        crate::resource::Want::Absent => Observation::Absent,
    }
}

fn lines(observation: &Observation) -> Vec<String> {
    let Observation::Present(state) = observation else { panic!("{observation:?}") };
    let Some(Attribute::Text(text)) = state.0.get("content") else { panic!("{state:?}") };
    text.lines().map(str::to_owned).collect()
}

#[test]
fn modes_follow_the_one_of_files() {
    let place = Directory::new();
    let bench = bench(&place, SHELLS[0], source());
    for (yaml, modes) in [
        ("mode: \"0640\"", [0o640, 0o750, 0o750]),
        ("mode: \"0644\", directory_mode: \"2775\"", [0o644, 0o755, 0o2775]),
    ] {
        let item = bench.item("tree", &format!("{{ path: /srv, source: site, {yaml} }}"));
        laws::holds("tree", item.as_ref(), &bench);
        let mode = |path: &str| fs::metadata(place.at(path)).unwrap().mode() & 0o7777;
        assert_eq!([mode("/srv/index.html"), mode("/srv/bin/run"), mode("/srv/css")], modes);
    }
}

#[test]
fn a_tree_claims_what_is_in_it_but_not_what_it_ignores() {
    let place = Directory::new();
    let bench = bench(&place, SHELLS[0], source());
    let item = bench.item("tree", YAML);
    assert!(item.claims("/srv") && item.claims("/srv/config.php"));
    assert!(!item.claims("/srv/keep/cache") && !item.claims("/srv/logs/a.log") && !item.claims("/srvx"));
    let keeping = bench.item("tree", "{ path: /srv, source: site, delete: false }");
    assert!(keeping.claims("/srv/index.html") && !keeping.claims("/srv/config.php"));
}

#[test]
fn a_pattern_that_tools_read_differently_is_refused() {
    let place = Directory::new();
    let bench = bench(&place, SHELLS[0], source());
    for pattern in ["/absolute", "[ab]", "a\\*"] {
        let yaml = format!("{{ path: /srv, source: site, ignore: ['{pattern}'] }}");
        assert!(bench.try_item("tree", &yaml).unwrap_err().contains("not a pattern"), "{pattern}");
    }
}

/// Small trees of hostile names, in which the same name is a file in one and a directory in the next.
fn trees() -> impl Strategy<Value = Vec<TreeEntry>> {
    let name = || (0..HOSTILE_NAMES.len()).prop_map(|index| HOSTILE_NAMES[index].to_vec());
    let node = prop_oneof![
        4 => (any::<[u8; 3]>(), any::<bool>())
            .prop_map(|(bytes, executable)| TreeNode::File { bytes: bytes.as_slice().into(), executable }),
        1 => Just(TreeNode::Directory),
        1 => name().prop_map(|name| TreeNode::Link { target: entry(&name, TreeNode::Directory).path }),
    ];
    let deep = prop::collection::vec(name(), 1..4).prop_map(|names| names.join(&b'/'));
    prop::collection::btree_map(deep, node, 0..12).prop_map(|entries| {
        let is_directory =
            |path: &[u8]| !matches!(entries.get(path), Some(TreeNode::File { .. } | TreeNode::Link { .. }));
        let possible = |path: &[u8]| {
            let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            slashes.into_iter().all(|(at, _)| is_directory(&path[..at]))
        };
        entries.iter().filter(|(path, _)| possible(path)).map(|(path, node)| entry(path, node.clone())).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_becomes_any_other(trees in prop::collection::vec(trees(), 3), shell in 0..SHELLS.len()) {
        let place = Directory::new();
        for tree in trees {
            let bench = bench(&place, SHELLS[shell], tree);
            let item = bench.item("tree", "{ path: /srv, source: site }");
            let applied = bench.apply("tree", item.as_ref());
            prop_assert!(matches!(applied, Applied::Changed | Applied::Unchanged), "{:?}", applied);
            assert_converged(item.as_ref(), &bench.probe_one("tree", item.as_ref()));
        }
    }
}

/// Found by the test above.
#[test]
fn a_link_that_leads_to_itself_gives_way() {
    for shell in SHELLS {
        let place = Directory::new();
        for tree in [vec![entry(b"~", TreeNode::Link { target: "~".into() })], vec![file("~", "x")]] {
            let bench = bench(&place, shell, tree);
            let item = bench.item("tree", "{ path: /srv, source: site }");
            assert_eq!(bench.apply("tree", item.as_ref()), Applied::Changed, "{shell:?}");
            assert_converged(item.as_ref(), &bench.probe_one("tree", item.as_ref()));
        }
    }
}

#[test]
fn five_hundred_files_are_looked_at_by_as_few_processes_as_five() {
    let place = Directory::new();
    let tree = (0..500).map(|number| file(&format!("d{}/f {number}", number % 7), "x")).collect();
    let bench = bench(&place, SHELLS[0], tree);
    let item = bench.item("tree", "{ path: /srv, source: site }");
    bench.apply("tree", item.as_ref());
    for tool in ["stat", "sha256sum"] {
        place.tool(tool, &format!("#!/bin/sh\necho x >>\"$0.calls\"\nexec /usr/bin/{tool} \"$@\"\n"));
    }
    assert_converged(item.as_ref(), &bench.probe_one("tree", item.as_ref()));
    assert_eq!(place.read_tool("sha256sum.calls").lines().count(), 1);
    // one for what is in the tree, one for its own directory
    assert_eq!(place.read_tool("stat.calls").lines().count(), 2);
}
