//! What a whole compilation may take, so that an inventory from a stranger cannot exhaust the computer that reviews it.
//! Each rendering has limits of its own; these hold for all of them together.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::diag::{Diagnostic, Place, Result};
use crate::yaml::{Node, Value};

/// What all hosts and services of an inventory together may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub time: Duration,
    /// Of texts that are rendered, of values, and of files that are read.
    pub bytes: u64,
    pub resources: usize,
}

impl Limits {
    /// For the inventory of whoever runs Steward: it takes what it takes.
    pub const OWN: Self = Self { time: Duration::MAX, bytes: u64::MAX, resources: usize::MAX };
    /// For a revision under review, which anybody may have written: fifty hosts and four hundred services take a tenth
    /// of it.
    pub const STRANGERS: Self = Self { time: Duration::from_mins(2), bytes: 256 << 20, resources: 100_000 };
}

/// What is left of the limits.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    start: Instant,
    bytes: Cell<u64>,
    resources: Cell<usize>,
    /// The first mistake, which is given again and again: what follows from it is nothing to read.
    exceeded: RefCell<Option<Diagnostic>>,
}

impl Budget {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            start: Instant::now(),
            bytes: Cell::new(0),
            resources: Cell::new(0),
            exceeded: RefCell::new(None),
        }
    }

    /// Takes so many bytes, and looks at the clock.
    pub fn spend(&self, bytes: u64, place: &Place) -> Result<()> {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        if self.bytes.get() > self.limits.bytes {
            return self.exceed(format!("renders more than {} MiB", self.limits.bytes >> 20), place);
        }
        if self.start.elapsed() > self.limits.time {
            return self.exceed(format!("takes more than {} s to compile", self.limits.time.as_secs()), place);
        }
        self.exceeded.borrow().clone().map_or(Ok(()), |first| Err(Box::new(first)))
    }

    pub fn add_resource(&self, place: &Place) -> Result<()> {
        self.resources.set(self.resources.get() + 1);
        if self.resources.get() > self.limits.resources {
            return self.exceed(format!("declares more than {} resources", self.limits.resources), place);
        }
        Ok(())
    }

    fn exceed(&self, what: String, place: &Place) -> Result<()> {
        let first = || {
            Diagnostic::error(format!("the inventory {what}, which is the limit for a review"))
                .at(place)
                .remedy("make what is here smaller: a loop, a `for_each` or a file that grows with every host")
        };
        Err(Box::new(self.exceeded.borrow_mut().get_or_insert_with(first).clone()))
    }
}

/// About how many bytes a value takes.
pub(super) fn weight(node: &Node) -> u64 {
    let inner = match &node.value {
        Value::String(text) => text.len() as u64,
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Map(map) => map.iter().map(|(key, entry)| key.len() as u64 + weight(&entry.node)).sum(),
        _ => 0,
    };
    inner + 64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;

    #[test]
    fn the_first_mistake_is_said_once_and_ever_after() {
        let source = Source::new("a.yaml", "a: 1\nb: 2\n");
        let (one, two) = (Place::new(&source, 0..1), Place::new(&source, 5..6));
        let budget = Budget::new(Limits { bytes: 2 << 20, ..Limits::STRANGERS });
        assert!(budget.spend(1 << 20, &one).is_ok());
        let first = budget.spend(2 << 20, &one).unwrap_err();
        assert!(first.to_string().starts_with("a.yaml:1:1: the inventory renders more than 2 MiB"), "{first}");
        assert_eq!(budget.spend(0, &two).unwrap_err(), first);
    }

    #[test]
    fn time_and_resources_end_too() {
        let source = Source::new("a.yaml", "a: 1\n");
        let place = Place::new(&source, 0..1);
        let late = Budget::new(Limits { time: Duration::ZERO, ..Limits::STRANGERS });
        std::thread::sleep(Duration::from_millis(1));
        assert!(late.spend(0, &place).is_err());
        let few = Budget::new(Limits { resources: 1, ..Limits::STRANGERS });
        assert!(few.add_resource(&place).is_ok() && few.add_resource(&place).is_err());
        assert!(few.spend(0, &place).is_err());
    }
}
