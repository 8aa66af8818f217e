//! How fast and how far an apply over many hosts goes: at most so many at a time, one first, and no further after too many
//! failures. What was begun is finished; what was not begun is said. Nothing is remembered here: `apply` again goes on
//! with what is not done, since hosts that are as they should be cost only a look.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use clap::Args;

use crate::diag::Diagnostic;
use crate::outcome::{Outcome, Status};

/// What stands for the first host that has changes.
const FIRST: &str = "";

/// Options of an apply over many hosts.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Pace {
    /// Change at most so many hosts at a time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) serial: Option<u32>,
    /// Change one host first, the named one or the first that has changes; the others only if that converged.
    #[arg(long, value_name = "HOST", num_args = 0..=1, require_equals = true, default_missing_value = FIRST)]
    pub(super) canary: Option<String>,
    /// Begin no further host after so many failed, or could not be reached: a number, or a share such as `20%`.
    #[arg(long, value_name = "N|N%")]
    pub(super) max_fail: Option<MaxFail>,
}

/// How many hosts may fail before no other is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaxFail {
    Hosts(usize),
    Percent(usize),
}

impl std::str::FromStr for MaxFail {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "give a number of hosts from 1, or a share from 1% to 100%".to_owned();
        let (digits, percent) = text.strip_suffix('%').map_or((text, false), |digits| (digits, true));
        match digits.parse().map_err(|_| wrong())? {
            percents @ 1..=100 if percent => Ok(Self::Percent(percents)),
            hosts @ 1.. if !percent => Ok(Self::Hosts(hosts)),
            _ => Err(wrong()),
        }
    }
}

impl MaxFail {
    /// The number of failures of so many hosts at which it ends; at least one.
    fn of(self, hosts: usize) -> usize {
        match self {
            Self::Hosts(most) => most,
            Self::Percent(percent) => (hosts * percent).div_ceil(100).max(1),
        }
    }
}

/// A host that has something to do, and the wave it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) host: &'a str,
    pub(super) wave: usize,
    pub(super) has_changes: bool,
}

impl Pace {
    /// How many hosts are changed at a time.
    pub(super) fn jobs(&self, jobs: usize) -> usize {
        self.serial.map_or(jobs, |serial| jobs.min(serial as usize))
    }

    /// The host that goes first. It must not need a host that has changes itself.
    pub(super) fn first<'a>(&self, hosts: &[Candidate<'a>]) -> Result<Option<&'a str>, Diagnostic> {
        let Some(name) = &self.canary else { return Ok(None) };
        let busy = || hosts.iter().filter(|host| host.has_changes);
        let lowest = busy().map(|host| host.wave).min().unwrap_or_default();
        if name == FIRST {
            return Ok(busy().find(|host| host.wave == lowest).map(|host| host.host));
        }
        match hosts.iter().find(|host| host.host == name) {
            None => Err(Diagnostic::error(format!("`--canary={}` is no selected host", name.escape_debug()))
                .suggest(name, hosts.iter().map(|host| host.host))),
            Some(host) if host.has_changes && host.wave > lowest => {
                let before = busy().find(|other| other.wave < host.wave).map(|other| other.host).unwrap_or_default();
                let fact = format!("host {name} cannot go first: it belongs after {before}, which has changes, too");
                Err(Diagnostic::error(fact).remedy("name a host that needs no other, or apply that one before"))
            }
            Some(host) => Ok(Some(host.host)),
        }
    }
}

/// Counts failures, and says when no further host is begun.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    failed: Arc<AtomicUsize>,
    most: usize,
    /// Set by Ctrl-C.
    stop: Arc<AtomicBool>,
}

impl Gate {
    /// `failed`: hosts that could not even be planned.
    pub(super) fn new(pace: &Pace, hosts: usize, failed: usize, stop: &Arc<AtomicBool>) -> Self {
        let most = pace.max_fail.map_or(usize::MAX, |most| most.of(hosts));
        Self { failed: Arc::new(AtomicUsize::new(failed)), most, stop: Arc::clone(stop) }
    }

    /// Why no further host is begun; `None` while one may.
    pub(super) fn closed(&self) -> Option<&'static str> {
        if self.stop.load(Ordering::Relaxed) {
            return Some("the run was stopped");
        }
        (self.failed.load(Ordering::Relaxed) >= self.most).then_some("too many hosts failed (`--max-fail`)")
    }

    pub(super) fn passed(&self, outcome: &Outcome) {
        if outcome.status != Status::Converged {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates<'a>(hosts: &[(&'a str, usize, bool)]) -> Vec<Candidate<'a>> {
        hosts.iter().map(|&(host, wave, has_changes)| Candidate { host, wave, has_changes }).collect()
    }

    #[test]
    fn a_share_is_of_all_hosts_and_at_least_one() {
        let most = |text: &str, hosts| text.parse::<MaxFail>().unwrap().of(hosts);
        assert_eq!((most("3", 20), most("10%", 20), most("10%", 25), most("1%", 5)), (3, 2, 3, 1));
        for wrong in ["0", "0%", "101%", "-1", "x", "", "%"] {
            assert!(wrong.parse::<MaxFail>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_canary_is_the_first_with_changes_that_needs_no_other() {
        let hosts = candidates(&[("db", 0, false), ("late", 1, true), ("web", 0, true), ("web2", 0, true)]);
        let pace = |canary: &str| Pace { canary: Some(canary.to_owned()), ..Pace::default() };
        assert_eq!(pace(FIRST).first(&hosts), Ok(Some("web")));
        assert_eq!(pace("web2").first(&hosts), Ok(Some("web2")));
        assert_eq!(Pace::default().first(&hosts), Ok(None));
        assert!(pace("late").first(&hosts).unwrap_err().fact.contains("belongs after web"));
        assert!(pace("wep").first(&hosts).unwrap_err().to_string().contains("did you mean `web`"));
        assert_eq!(pace(FIRST).first(&candidates(&[("a", 0, false)])), Ok(None));
    }
}
