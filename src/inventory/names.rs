//! What may be a name: of a host, a group, a service, an account. Names become file names, shell words and keys of
//! templates, so each rule is the strictest of its uses.

use std::fmt;
use std::num::NonZeroU16;

use schemars::JsonSchema;
use serde::Deserialize;

/// An account on a host, by the rule of useradd(8): at most 32 of `a-z 0-9 _ -`, not beginning with a digit or dash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Login(String);

impl Login {
    pub fn root() -> Self {
        Self("root".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Login {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if is_login(&text) {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{}` cannot be the name of an account\nuse at most 32 of a-z, 0-9, _ and -, beginning with a letter",
                text.escape_debug()
            ))
        }
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(super) fn is_login(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
}

/// The name of a host, group or service in the inventory: like a host name, so that it is safe everywhere.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !text.contains("..")
}

/// What is wrong with a DNS name (RFC 1123, with letters of other alphabets), if anything.
pub(super) fn host_name_mistake(text: &str) -> Option<String> {
    let strange = |c: &char| !(c.is_alphanumeric() || "-_.".contains(*c));
    if text.is_empty() {
        Some("it is empty".into())
    } else if let Some(c) = text.chars().find(strange) {
        Some(format!("it contains `{}`", c.escape_debug()))
    } else if text.starts_with('-') {
        Some("it begins with a dash".into())
    } else if text.len() > 253 || text.split('.').any(|label| label.len() > 63) {
        Some("it is too long".into())
    } else if text.trim_end_matches('.').split('.').any(str::is_empty) {
        Some("it has an empty part".into())
    } else {
        None
    }
}

pub(super) fn ssh_port() -> NonZeroU16 {
    NonZeroU16::MIN.saturating_add(21)
}
