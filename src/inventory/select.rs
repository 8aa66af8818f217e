//! Which hosts a pattern means: `on:` of a service, and `--limit`.
//!
//! Words are joined by "or"; those with `!` in front are taken away again, and stand for "all but" when alone.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::load::Names;
use super::{Host, Inventory, Service};
use crate::diag::{Diagnostic, Diagnostics, Place, closest};
use crate::yaml::Placed;

/// The reserved word for every host.
pub(super) const ALL: &str = "all";

/// What `--limit` chose, in inventory order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    pub hosts: Vec<String>,
    /// `Some`: only these services. Such a limit shows part of each host, so nothing may be concluded from what is
    /// missing there (deletions above all).
    pub services: Option<Vec<String>>,
}

impl Selection {
    /// True unless `service:` patterns left this one out.
    pub fn has_service(&self, name: &str) -> bool {
        self.services.as_ref().is_none_or(|services| services.iter().any(|service| service == name))
    }
}

impl Inventory {
    /// The hosts and services that `--limit` means; all without one. An empty selection is an error.
    ///
    /// Comma-separated: hosts, groups, `all`, globs (`web*`), `service:NAME`, and `!` before any of these.
    pub fn select(&self, limit: Option<&str>) -> Result<Selection, Diagnostics> {
        let mut mistakes = Diagnostics::default();
        let words: Vec<&str> =
            limit.unwrap_or(ALL).split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
        let (by_service, by_host): (Vec<&str>, Vec<&str>) =
            words.iter().partition(|word| bare(word).starts_with("service:"));
        let services = self.chosen_services(&by_service, &mut mistakes);
        let mut chosen = Chosen::default();
        for word in &by_host {
            match self.matching(bare(word)) {
                Some(hosts) => chosen.add(word, hosts),
                None => mistakes.push(self.unknown(bare(word))),
            }
        }
        let runs =
            |service: &String, host: &String| self.services.get(service).is_some_and(|s| s.hosts.contains(host));
        let placed = |host: &String| services.as_ref().is_none_or(|chosen| chosen.iter().any(|s| runs(s, host)));
        let hosts: Vec<String> = chosen.of(&self.hosts).into_iter().filter(placed).collect();
        if hosts.is_empty() && !mistakes.has_errors() {
            mistakes.push(match limit {
                Some(limit) => Diagnostic::error(format!("`--limit {}` selects no host", limit.escape_debug()))
                    .suggest(limit, self.hosts.keys().map(String::as_str)),
                None => Diagnostic::error("the inventory has no hosts").remedy("add one below `hosts:`"),
            });
        }
        if mistakes.has_errors() { Err(mistakes) } else { Ok(Selection { hosts, services }) }
    }

    fn chosen_services(&self, words: &[&str], mistakes: &mut Diagnostics) -> Option<Vec<String>> {
        if words.is_empty() {
            return None;
        }
        let mut chosen = Chosen::default();
        let names = || self.services.keys().map(String::as_str);
        for word in words {
            let pattern = bare(word).trim_start_matches("service:");
            let found = positions(pattern, names());
            if found.is_empty() {
                let fact = format!("there is no service `{}`", pattern.escape_debug());
                mistakes.push(Diagnostic::error(fact).suggest(pattern, names()));
            }
            chosen.add(word, found);
        }
        Some(chosen.of(&self.services))
    }

    /// The positions of the hosts that one word means; `None` if it names nothing.
    fn matching(&self, word: &str) -> Option<Vec<usize>> {
        if word == ALL {
            return Some((0..self.hosts.len()).collect());
        }
        // Most words are plain names; a fleet has thousands of them.
        if let Some(host) = self.hosts.get_index_of(word) {
            return Some(vec![host]);
        }
        let groups: Vec<&str> = self.groups.keys().map(String::as_str).filter(|name| matches(word, name)).collect();
        let hit = |(name, host): (&String, &Placed<Host>)| {
            matches(word, name) || groups.iter().any(|group| host.is_in(group))
        };
        let found: Vec<usize> =
            self.hosts.iter().enumerate().filter(|(_, host)| hit(*host)).map(|(position, _)| position).collect();
        (!found.is_empty() || !groups.is_empty()).then_some(found)
    }

    fn unknown(&self, word: &str) -> Diagnostic {
        let mistake = Diagnostic::error(format!("there is no host or group `{}`", word.escape_debug()));
        if self.services.contains_key(word) {
            return mistake.remedy(format!("`{word}` is a service: write `service:{word}`"));
        }
        mistake.suggest(word, self.hosts.keys().chain(self.groups.keys()).map(String::as_str))
    }

    /// The hosts that a service's `on` means, in inventory order.
    pub(super) fn placement(&self, service: &Service, mistakes: &mut Diagnostics) -> Vec<String> {
        let mut chosen = Chosen::default();
        let mut sure = true;
        for word in &service.on {
            match self.matching(bare(word)) {
                Some(hosts) => chosen.add(word, hosts),
                // not everywhere, either: that would only bring mistakes of which there are none
                None => {
                    sure = false;
                    chosen.add(word, Vec::new());
                }
            }
        }
        let hosts = chosen.of(&self.hosts);
        if let Some(on) = service.on.first().filter(|_| sure && hosts.is_empty() && !self.hosts.is_empty()) {
            mistakes.push(
                Diagnostic::warning(format!("the service `{}` runs nowhere: `on` matches no host", service.name))
                    .at(&on.place)
                    .remedy("name a host, or put hosts into the group"),
            );
        }
        hosts
    }
}

/// One word of a service's `on` names something.
pub(super) fn check_placement(word: &str, place: &Place, names: &Names<'_>, mistakes: &mut Diagnostics) {
    let name = bare(word);
    let declared = names.hosts.contains_key(name) || names.groups.contains_key(name);
    let matched = || names.hosts.keys().chain(names.groups.keys()).any(|known| matches(name, known));
    if !declared && name != ALL && !matched() {
        mistakes.push(unknown_at(name, place, names));
    }
}

fn unknown_at(name: &str, place: &Place, names: &Names<'_>) -> Diagnostic {
    let mistake = Diagnostic::error(format!("there is no host or group `{}`", name.escape_debug())).at(place);
    let known: Vec<&str> = names.hosts.keys().chain(names.groups.keys()).map(String::as_str).collect();
    if closest(name, &known).is_none() && names.services.contains_key(name) {
        return mistake.remedy(format!("`{name}` is a service; name the host it should run on"));
    }
    mistake.suggest(name, known.into_iter().chain([ALL]))
}

/// Positions in the inventory, so that what is chosen comes out in its order.
#[derive(Default)]
struct Chosen {
    any: bool,
    with: BTreeSet<usize>,
    without: BTreeSet<usize>,
}

impl Chosen {
    fn add(&mut self, word: &str, found: Vec<usize>) {
        if word.starts_with('!') {
            self.without.extend(found);
        } else {
            self.any = true;
            self.with.extend(found);
        }
    }

    fn of<T>(mut self, all: &IndexMap<String, T>) -> Vec<String> {
        if !self.any {
            self.with = (0..all.len()).collect();
        }
        let left = self.with.difference(&self.without);
        left.filter_map(|position| all.get_index(*position)).map(|(name, _)| name.clone()).collect()
    }
}

fn positions<'a>(pattern: &str, names: impl Iterator<Item = &'a str>) -> Vec<usize> {
    names.enumerate().filter(|(_, name)| matches(pattern, name)).map(|(position, _)| position).collect()
}

fn bare(word: &str) -> &str {
    word.strip_prefix('!').unwrap_or(word).trim_start()
}

/// Shell patterns with `*` and `?` only.
fn matches(pattern: &str, name: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == name;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|&c| c == '?' || Some(&c) == name.get(n)) {
            p += 1;
            n += 1;
        } else if let Some((after, taken)) = star {
            star = Some((after, taken + 1));
            p = after + 1;
            n = taken + 1;
        } else {
            return false;
        }
    }
    pattern.iter().skip(p).all(|&c| c == '*')
}
