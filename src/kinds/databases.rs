//! What the kinds of both database servers share: names that need no quoting anywhere, and the reading of their rows.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Item, concrete, field_place};
use crate::diag::{Diagnostic, Diagnostics};
use crate::resource::Observation;
use crate::yaml::Node;

/// Refuses what is not a plain name of a role, user or database, pointing at the field it stands in.
pub fn database_name(name: &str, node: &Node, field: &str, mistakes: &mut Diagnostics) -> Option<()> {
    if is_plain(name) {
        return Some(());
    }
    let fact = format!("`{}` is not a plain name for a database server", name.escape_debug());
    let remedy = "write a letter or `_`, then at most 62 letters, digits, `_` or `-`";
    mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
    None
}

/// What means itself between the quotes of SQL, of a shell and of a pattern.
pub fn is_plain(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Refuses a word with anything but letters, digits and these characters.
pub fn plain_word(word: Option<&str>, more: &str, (node, field): (&Node, &str), mistakes: &mut Diagnostics) {
    let Some(word) = word else { return };
    if word.is_empty() || !word.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c)) {
        let fact = format!("`{}` is nothing that a database server knows", word.escape_debug());
        let remedy = format!("use letters, digits and `{more}`");
        mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
    }
}

/// The lines `R|name|field…`, `A|name` (absent), `G|name|grantee`, `E|why`, and `Z` at the end.
#[derive(Debug, Default)]
pub struct Rows {
    rows: BTreeMap<String, Vec<String>>,
    absent: BTreeSet<String>,
    granted: BTreeSet<(String, String)>,
    whole: bool,
    trouble: Option<String>,
}

impl Rows {
    pub fn read(answer: &Answer) -> Self {
        let mut rows = Self::default();
        for line in answer.text_lines() {
            match line.split('|').collect::<Vec<_>>()[..] {
                ["R", name, ref fields @ ..] => {
                    rows.rows.insert(name.to_owned(), fields.iter().map(|field| (*field).to_owned()).collect());
                }
                ["A", name] => {
                    rows.absent.insert(name.to_owned());
                }
                ["G", name, grantee] => {
                    rows.granted.insert((name.to_owned(), grantee.to_owned()));
                }
                ["E", ref why @ ..] => rows.trouble = Some(why.join("|")),
                ["Z"] => rows.whole = true,
                _ => {}
            }
        }
        rows
    }

    /// Its fields, exactly so many; `None` if the host says that there is no such thing. `Err`: why nobody knows.
    pub fn named<const N: usize>(&self, name: &str) -> Result<Option<[&str; N]>, String> {
        let silent = || self.trouble.clone().unwrap_or_else(|| "the host did not say".to_owned());
        if !self.whole || self.trouble.is_some() {
            return Err(silent());
        }
        match self.rows.get(name) {
            Some(fields) => {
                let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
                <[&str; N]>::try_from(fields).map(Some).map_err(|_| silent())
            }
            None if self.absent.contains(name) => Ok(None),
            None => Err(silent()),
        }
    }

    pub fn is_granted(&self, name: &str, grantee: &str) -> bool {
        self.granted.contains(&(name.to_owned(), grantee.to_owned()))
    }
}

/// What was seen of each of these; why nobody knows, where it is not known.
pub fn observed<T: Item>(
    items: &[&dyn Item],
    observe: impl Fn(&T) -> Result<Observation, String>,
) -> Vec<Observation> {
    let one = |item: &&dyn Item| match concrete::<T>(*item) {
        Some(item) => observe(item).unwrap_or_else(Observation::Unknown),
        None => Observation::Unknown("not of this kind".into()),
    };
    items.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Rows {
        Rows::read(&Answer { bytes: text.as_bytes().to_vec(), ..Answer::default() })
    }

    #[test]
    fn names_that_sql_or_a_shell_could_misread_are_refused() {
        for name in ["wiki", "_x", "matrix-synapse", "A1"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", "1a", "-a", "a b", "a\"b", "a'b", "a`b", "a%", "a.b", "\u{e4}", "a$b", &"a".repeat(64)] {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[test]
    fn what_was_not_said_is_unknown_and_never_absent() {
        assert_eq!(rows("A|wiki\nZ\n").named::<1>("wiki"), Ok(None));
        assert_eq!(rows("R|wiki|true\nZ\n").named("wiki"), Ok(Some(["true"])));
        for said in ["A|wiki\n", "Z\n", "E|down\nA|wiki\nZ\n", "R|wiki|true|more\nZ\n", "R|other|x\nZ\n"] {
            assert!(rows(said).named::<1>("wiki").is_err(), "{said}");
        }
    }
}
