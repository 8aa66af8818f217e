//! What Steward says itself, in every language at once. The stages that decide (plan, review, drift) make a [`Said`], and whoever
//! shows it chooses the language, last of all; programs always get English. A [`Said`] has no `Display`, so that nothing
//! is printed in English by accident. The sentences stand in `texts`.

use std::fmt::Display;

use crate::inventory::Locale;

/// One thing said, in every language.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    en: String,
    es: String,
}

impl Said {
    /// What is the same in every language: names, and what others said.
    pub fn same(text: impl Into<String>) -> Self {
        let en = text.into();
        Self { es: en.clone(), en }
    }

    pub(crate) fn of(text: impl Fn(Locale) -> String) -> Self {
        Self { en: text(Locale::En), es: text(Locale::Es) }
    }

    /// For people.
    pub fn text(&self, locale: Locale) -> &str {
        match locale {
            Locale::En => &self.en,
            Locale::Es => &self.es,
        }
    }

    /// For programs, and for records that programs compare.
    pub fn program(&self) -> &str {
        &self.en
    }

    pub fn is_empty(&self) -> bool {
        self.en.is_empty()
    }

    /// This, and the other right behind it.
    #[must_use]
    pub fn then(mut self, other: &Said) -> Self {
        self.en.push_str(&other.en);
        self.es.push_str(&other.es);
        self
    }

    /// The same, each language made harmless alike.
    #[must_use]
    pub fn map(&self, make: impl Fn(&str) -> String) -> Self {
        Self { en: make(&self.en), es: make(&self.es) }
    }

    /// `a, b`
    pub fn joined(all: &[Said], between: &str) -> Self {
        let of = |locale| all.iter().map(|one| one.text(locale)).collect::<Vec<_>>().join(between);
        Self::of(of)
    }
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        Self::same(text)
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self::same(text)
    }
}

/// A test compares with what programs get.
impl PartialEq<&str> for Said {
    fn eq(&self, other: &&str) -> bool {
        self.en == *other
    }
}

/// What can stand in a sentence.
pub trait Say {
    fn say(&self, locale: Locale) -> String;
}

impl<T: Display + ?Sized> Say for T {
    fn say(&self, _: Locale) -> String {
        self.to_string()
    }
}

impl Say for Said {
    fn say(&self, locale: Locale) -> String {
        self.text(locale).to_owned()
    }
}

impl Say for &Said {
    fn say(&self, locale: Locale) -> String {
        self.text(locale).to_owned()
    }
}

/// Names in one line; the rest of a longer list is counted.
const NAMES: usize = 6;

/// `a, b, c and 4 more`.
pub fn listed<T: Say>(names: &[T]) -> Said {
    let shown =
        Said::of(|locale| names.iter().take(NAMES).map(|name| name.say(locale)).collect::<Vec<_>>().join(", "));
    match names.len().saturating_sub(NAMES) {
        0 => shown,
        more => crate::texts::and_more(&shown, more),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_counted() {
        let names: Vec<String> = (1..=9).map(|number| format!("web{number}")).collect();
        let list = listed(&names);
        assert_eq!(list, "web1, web2, web3, web4, web5, web6 and 3 more");
        assert_eq!(list.text(Locale::Es), "web1, web2, web3, web4, web5, web6 y 3 más");
    }

    #[test]
    fn what_stands_in_a_sentence_is_said_in_its_language() {
        let inner = crate::texts::absent();
        let outer = crate::texts::cannot_be_read("file:/etc/x", &inner);
        assert_eq!(outer.text(Locale::En), "file:/etc/x cannot be read: absent");
        assert_eq!(outer.text(Locale::Es), "no se pudo leer file:/etc/x: no está");
    }
}
