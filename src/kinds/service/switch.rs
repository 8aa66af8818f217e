//! `true`, `false` or `unmanaged`, and that nothing was written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Switch {
    #[default]
    Default,
    On,
    Off,
    /// Left as it is.
    Unmanaged,
}

impl Switch {
    /// As states and calls say it; empty: left as it is.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::On => "yes",
            Self::Off => "no",
            Self::Unmanaged | Self::Default => "",
        }
    }
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Switch;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false` or `unmanaged`")
            }

            fn visit_bool<E: Error>(self, on: bool) -> Result<Switch, E> {
                Ok(if on { Switch::On } else { Switch::Off })
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Switch, E> {
                if word == "unmanaged" {
                    Ok(Switch::Unmanaged)
                } else {
                    Err(E::invalid_value(serde::de::Unexpected::Str(word), &self))
                }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for Switch {
    fn schema_name() -> Cow<'static, str> {
        "Switch".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [true, false, "unmanaged"] })
    }
}
