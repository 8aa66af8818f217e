//! The laws of all kinds, in one place: whoever adds a kind gets them for its examples. They are tried here on a
//! directory in every shell (`laws_here`); the integration tests include this file and try them on a real host.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary that includes this file uses a part of it, in its own way"
)]

use super::bench::{Applied, Bench, assert_converged};
use steward::kinds::{Item, Kind};

/// All laws for every example of a kind, one after the other.
pub fn hold(kind: &dyn Kind, bench: &Bench<'_>) {
    for example in kind.examples() {
        let item = bench.item(kind.name(), example);
        holds(kind.name(), item.as_ref(), bench);
    }
}

/// All laws for one item.
pub fn holds(kind: &str, item: &dyn Item, bench: &Bench<'_>) {
    looking_writes_nothing(kind, item, bench);
    applying_converges(kind, item, bench);
    looking_writes_nothing(kind, item, bench);
    applying_twice_changes_nothing(kind, item, bench);
}

pub fn looking_writes_nothing(kind: &str, item: &dyn Item, bench: &Bench<'_>) {
    let before = bench.listing();
    bench.probe_one(kind, item);
    assert_eq!(before, bench.listing(), "looking at {kind} {} wrote something", item.name());
}

/// Apply, then look: nothing differs.
pub fn applying_converges(kind: &str, item: &dyn Item, bench: &Bench<'_>) {
    let applied = bench.apply(kind, item);
    assert!(matches!(applied, Applied::Changed | Applied::Unchanged), "{kind} {}: {applied:?}", item.name());
    assert_converged(item, &bench.probe_one(kind, item));
}

pub fn applying_twice_changes_nothing(kind: &str, item: &dyn Item, bench: &Bench<'_>) {
    let before = bench.listing();
    assert_eq!(bench.apply(kind, item), Applied::Unchanged, "{kind} {} a second time", item.name());
    assert_eq!(before, bench.listing(), "applying {kind} {} a second time wrote something", item.name());
}

/// Killed before its first command, before its second, and so on; run again, it gets to where it gets undisturbed, and
/// nothing else is left. `spoil` makes the host what it was before the first time.
pub fn interrupted_it_converges(kind: &str, item: &dyn Item, bench: &Bench<'_>, spoil: &dyn Fn()) {
    spoil();
    bench.apply(kind, item);
    let undisturbed = bench.contents();
    for command in 1..400 {
        spoil();
        let killed = bench.interrupt(kind, item, command);
        let applied = bench.apply(kind, item);
        assert!(matches!(applied, Applied::Changed | Applied::Unchanged), "{kind} {}: {applied:?}", item.name());
        assert_eq!(undisturbed, bench.contents(), "{kind} {}, killed before command {command}", item.name());
        if killed != Applied::Silent {
            return;
        }
    }
    panic!("{kind} {} did not end", item.name());
}
