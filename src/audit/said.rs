//! Reading what a host says of itself (`script/audit.sh`). It may stop in the middle or say anything: a list without its
//! end is not known.

use std::collections::{BTreeMap, BTreeSet};

use super::{Audited, Verdict};
use crate::kinds::Answer;

#[derive(Debug, Default)]
pub(super) struct Said {
    values: BTreeMap<String, Vec<String>>,
    whole: BTreeSet<String>,
    /// Why something is not known or not there.
    why: BTreeMap<String, String>,
}

impl Said {
    pub(super) fn read(answer: Option<&Answer>) -> Self {
        let mut said = Self::default();
        for line in answer.iter().flat_map(|answer| answer.text_lines()) {
            let mut fields = line.splitn(3, '|');
            match (fields.next(), fields.next(), fields.next()) {
                (Some("V"), Some(what), Some(value)) => {
                    said.values.entry(what.to_owned()).or_default().push(value.trim().to_owned());
                }
                (Some("E"), Some(what), None) => {
                    said.whole.insert(what.to_owned());
                }
                (Some("U"), Some(what), Some(why)) => {
                    said.why.insert(what.to_owned(), format!("not known: {why}"));
                }
                (Some("N"), Some(what), Some(why)) => {
                    said.why.insert(what.to_owned(), why.to_owned());
                }
                _ => {}
            }
        }
        said
    }

    /// Whatever came, complete or not.
    pub(super) fn some(&self, what: &str) -> &[String] {
        self.values.get(what).map(Vec::as_slice).unwrap_or_default()
    }

    /// All values; `Err` says why they are not known.
    pub(super) fn all(&self, what: &str) -> Result<&[String], Verdict> {
        match self.why.get(what) {
            Some(why) => Err(Verdict::Skip(why.clone())),
            None if self.whole.contains(what) => Ok(self.some(what)),
            None => Err(Verdict::Skip("not known: the host did not say".to_owned())),
        }
    }

    /// The value behind a key, of values that are `key value`.
    pub(super) fn of(&self, what: &str, key: &str) -> Option<&str> {
        self.some(what).iter().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
    }

    pub(super) fn number(&self, what: &str, key: &str) -> Option<i64> {
        self.of(what, key)?.parse().ok()
    }
}

/// A point that passes if nothing of a list is wrong.
pub(super) fn none_of(
    said: &Said,
    (id, title): (&'static str, &'static str),
    what: &str,
    wrong: impl Fn(&str) -> Option<String>,
    remedy: &str,
) -> Audited {
    let verdict = said
        .all(what)
        .map_or_else(|skip| skip, |values| failing(values.iter().filter_map(|value| wrong(value)).collect(), remedy));
    Audited { id, title, verdict }
}

/// Passes if nothing was found.
pub(super) fn failing(found: Vec<String>, remedy: &str) -> Verdict {
    if found.is_empty() {
        return Verdict::Pass;
    }
    let more = if found.len() > 10 { format!(" and {} more", found.len() - 10) } else { String::new() };
    let some: Vec<String> = found.into_iter().take(10).collect();
    Verdict::Fail { found: some.join(", ") + &more, remedy: remedy.to_owned() }
}
