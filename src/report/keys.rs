//! Age keys that somebody put into a file by mistake: a mistake that quotes the line must not spread the key.

use std::borrow::Cow;

const AGE_KEY: &str = "AGE-SECRET-KEY-";

/// The text, with age keys that were put there by mistake cut short.
pub fn without_age_key(text: &str) -> Cow<'_, str> {
    let Some(at) = text.to_ascii_uppercase().find(AGE_KEY) else { return Cow::Borrowed(text) };
    let (before, key) = text.split_at(at);
    let end = key.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(key.len());
    let rest = key.get(end..).unwrap_or_default();
    Cow::Owned(format!("{before}{AGE_KEY}…{}", without_age_key(rest)))
}
