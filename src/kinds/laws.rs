//! The laws of all kinds, in one place: whoever adds a kind gets them for its examples. They are tried here on a
//! directory in every shell (`laws_here`); the integration tests include this file and try them on a real host.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary that includes this file uses a part of it, in its own way"
)]

use std::collections::BTreeSet;

use super::bench::{Applied, Bench, assert_converged};
use steward::kinds::{Item, Kind, Leaving};
use steward::resource::{Observation, Want};

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

/// Made and taken away again: it is gone, and whatever else was there is as it was. Only directories that were made for it
/// may remain. A kind that takes nothing back leaves all as it is.
pub fn retiring_takes_away_what_was_made(kind: &dyn Kind, item: &dyn Item, bench: &Bench<'_>) {
    if item.want() == Want::Absent {
        return;
    }
    let before = bench.contents();
    bench.apply(kind.name(), item);
    let made = bench.contents();
    let keepsake = item.keepsake();
    let leaving = Leaving { name: item.name(), keepsake: &keepsake, fate: None, sealed: item.sealed().is_some() };
    let Some(retired) = kind.retired(&leaving) else { return };
    assert!(
        matches!(bench.probe_one(kind.name(), &*retired), Observation::Present(_)),
        "{} {}",
        kind.name(),
        item.name()
    );
    assert_ne!(before, made, "nothing was made, so nothing is proved: {} {}", kind.name(), item.name());
    assert_eq!(bench.apply(kind.name(), &*retired), Applied::Changed, "{} {}", kind.name(), item.name());
    assert_converged(&*retired, &bench.probe_one(kind.name(), &*retired));
    let after = bench.contents();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<String>>();
    let (before, after) = (lines(&before), lines(&after));
    let less: Vec<&String> = before.difference(&after).collect();
    assert!(less.is_empty(), "{} {}: {less:?}", kind.name(), item.name());
    let more: Vec<&String> = after.difference(&before).filter(|line| !line.contains(" d ")).collect();
    assert!(more.is_empty(), "{} {}: {more:?}", kind.name(), item.name());
    assert_eq!(
        bench.apply(kind.name(), &*retired),
        Applied::Unchanged,
        "{} {} a second time",
        kind.name(),
        item.name()
    );
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
