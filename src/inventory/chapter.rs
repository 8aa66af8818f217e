//! The chapter itself: what templates know as `chapter.name`, `chapter.domain` and `chapter.locale`.

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SshKey;
use crate::yaml::Placed;

/// Who runs these servers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chapter {
    /// The name as people write it, such as "Example Chapter".
    pub name: Placed<String>,
    /// The chapter's own domain, such as `chapter.example`; services usually live under it.
    pub domain: Placed<String>,
    /// The language of generated pages and of the runbook.
    #[serde(default)]
    pub locale: Locale,
    /// SSH public keys of programs, such as CI, that may look at the hosts and do nothing else. `steward host reader` installs them.
    #[serde(default)]
    pub readers: Vec<Placed<SshKey>>,
    /// How many people at least must be able to read each secret; 2 if not given.
    #[serde(default)]
    #[schemars(with = "Option<u8>", range(min = 1))]
    pub min_readers: Option<Placed<std::num::NonZeroU8>>,
}

impl Chapter {
    /// How many people at least must be able to read each secret.
    pub fn least_readers(&self) -> usize {
        self.min_readers.as_ref().map_or(2, |least| usize::from(least.value.get()))
    }
}

/// A language that Steward speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Spanish.
    Es,
}

impl Locale {
    /// The code of ISO 639-1: `en`, `es`.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }
}
