use super::*;
use crate::diag::{Diagnostics, Source};
use crate::kinds::Argument;
use crate::yaml::parse;

fn package(yaml: &str) -> Package {
    let node = parse(&Source::new("m.yaml", yaml)).unwrap();
    Package(node.decode(&mut Diagnostics::default()).unwrap())
}

fn observed(yaml: &str, answer: &str) -> Observation {
    let package = package(yaml);
    let answer = Answer { bytes: answer.as_bytes().to_vec(), ..Answer::default() };
    PackageKind.read(&[&package], &Site::default(), &answer).remove(0)
}

fn installed() -> Observation {
    Observation::Present(State::new().with("status", "installed"))
}

#[test]
fn what_dpkg_says_is_what_is_there() {
    let wanted = "{ name: nginx }";
    assert_eq!(observed(wanted, "P|nginx|all|ii \n"), installed());
    assert_eq!(observed(wanted, "P|nginx|amd64|hi \n"), installed());
    assert_eq!(observed(wanted, "P|nginx|amd64|it \n"), installed());
    assert_eq!(observed(wanted, "A|nginx\n"), Observation::Absent);
    assert_eq!(observed(wanted, "P|nginx|all|un \n"), Observation::Absent);
    assert_eq!(observed(wanted, "P|nginx|all|rc \n"), Observation::Absent);
    for (letters, status) in [("iF ", "half configured"), ("iU ", "unpacked, not configured"), ("iHR", "broken")] {
        let broken = Observation::Present(State::new().with("status", status));
        assert_eq!(observed(wanted, &format!("P|nginx|all|{letters}\n")), broken);
    }
}

#[test]
fn configuration_that_was_left_counts_only_for_a_purge() {
    let left = "P|nginx|all|rc \n";
    assert_eq!(observed("{ name: nginx, state: absent }", left), Observation::Absent);
    let present = Observation::Present(State::new().with("status", "configuration only"));
    assert_eq!(observed("{ name: nginx, state: absent, purge: true }", left), present);
}

#[test]
fn of_several_architectures_one_that_is_installed_counts() {
    let answer = "P|libc6|amd64|ii \nP|libc6|i386|rc \n";
    assert_eq!(observed("{ name: libc6 }", answer), installed());
    assert_eq!(observed("{ name: libc6:i386 }", answer), Observation::Absent);
    assert_eq!(observed("{ name: libc6:amd64 }", answer), installed());
}

#[test]
fn a_host_that_did_not_say_is_not_a_host_without_the_package() {
    let without = "E|the host has no dpkg, and Steward knows no other package manager yet\n";
    let why = "the host has no dpkg, and Steward knows no other package manager yet";
    assert_eq!(observed("{ name: nginx }", without), Observation::Unknown(why.into()));
    for answer in ["", "P|nginx|all", "P|nginx|all|", "P|nginx|all|i\u{0}?", "\u{1}", "A|nginx-common", "P||||||"] {
        assert!(matches!(observed("{ name: nginx }", answer), Observation::Unknown(_)), "{answer:?}");
    }
}

#[test]
fn neighbours_that_want_the_same_are_one_call() {
    let packages: Vec<Package> = [
        "{ name: a, debconf: [a a/b string c] }",
        "{ name: b, may_remove: [x] }",
        "{ name: c, start: false }",
        "{ name: d, state: absent }",
        "{ name: e, state: absent }",
        "{ name: f }",
    ]
    .map(package)
    .into();
    let items: Vec<&dyn Item> = packages.iter().map(|package| package as &dyn Item).collect();
    let calls = PackageKind.calls(&items, &Site::default());
    let shown: Vec<(&str, usize)> = calls.iter().map(|call| (call.function, call.covers)).collect();
    let install = "package_install";
    assert_eq!(shown, [(install, 2), (install, 1), ("package_remove", 2), (install, 1)]);
    let text = |text: &str| Argument::Text(text.into());
    let answers = Argument::Payload(b"a a/b string c\n".as_slice().into());
    assert_eq!(calls[0].arguments, [text("yes"), text("no"), answers, text("x"), text("a"), text("b")]);
}

#[test]
fn a_name_that_apt_would_take_for_more_than_a_name_is_refused() {
    for name in ["nginx", "g++", "libc6:i386", "python3.11", "0ad"] {
        assert!(is_name(name), "{name}");
    }
    for name in ["nginx-", "-y", "", "a b", "nginx*", "a/b", "nginx=1", "a:", "ä", "a\n"] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn all_mistakes_of_a_declaration_are_said() {
    let yaml = "{ name: a b, debconf: [ask me], purge: true, may_remove: [\"*\"] }";
    let node = parse(&Source::new("m.yaml", yaml)).unwrap();
    let mut mistakes = Diagnostics::default();
    let mut files = crate::kinds::bench::Sources::default();
    let site = Site::default();
    let mut build = Build { mistakes: &mut mistakes, files: &mut files, site: &site };
    assert!(PackageKind.item(&node, &mut build).is_none());
    let said: Vec<&str> = mistakes.0.iter().map(|mistake| mistake.fact.as_str()).collect();
    assert_eq!(
        said,
        [
            "`a b` is not the name of a package",
            "`*` is not the name of a package",
            "`ask me` is not an answer for debconf",
            "a package that is present cannot be purged",
        ]
    );
}
