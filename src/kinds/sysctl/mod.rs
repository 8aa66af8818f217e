//! `sysctl`: a setting of the kernel, now and after the next boot. What the kernel, or a container, does not let be set
//! is a failure that says so, never in order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use super::{Answer, Build, Call, Item, Kind, Leaving, Presence, Site, concrete, field_place};
use crate::diag::Diagnostic;
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

#[derive(Debug)]
pub struct SysctlKind;

/// A setting of the kernel.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// As sysctl(8) writes it, `net.ipv4.ip_forward`; with slashes where a part holds a dot, `net/ipv4/conf/eth0.1/rp_filter`.
    key: String,
    /// What it shall be. Several numbers are separated by blanks.
    value: Option<Value>,
    /// Absent: Steward's file is removed; the setting itself stays until the next boot.
    #[serde(default)]
    state: Presence,
}

/// Text or a whole number.
#[derive(Debug)]
struct Value(String);

#[derive(Debug)]
struct Sysctl {
    /// As people write it.
    key: String,
    /// Below /proc/sys.
    path: String,
    /// With single blanks; `None`: not kept.
    value: Option<String>,
}

impl Kind for SysctlKind {
    fn name(&self) -> &'static str {
        "sysctl"
    }

    fn summary(&self) -> &'static str {
        "A setting of the kernel, now and after the next boot."
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        let mut mistake = |field: &str, fact: String, remedy: &str| {
            build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
        };
        let Some(path) = path(&fields.key) else {
            let fact = format!("`{}` is not a setting of the kernel", fields.key);
            mistake("key", fact, "write it like `net.ipv4.ip_forward`");
            return None;
        };
        let value = fields.value.map(|Value(text)| normal(&text)).filter(|text| !text.is_empty());
        let value = match fields.state {
            Presence::Absent => None,
            Presence::Present if value.is_none() => {
                mistake("value", format!("`{}` has no value", fields.key), "add `value:`, or `state: absent`");
                return None;
            }
            Presence::Present => value,
        };
        Some(Box::new(Sysctl { key: key(&path), path, value }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let path = path(leaving.name).filter(|path| key(path) == leaving.name)?;
        Some(Box::new(Sysctl { key: key(&path), path, value: None }))
    }

    fn probe(&self) -> &'static str {
        include_str!("probe.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let settings = Settings::read(answer);
        items
            .iter()
            .map(|item| match concrete::<Sysctl>(*item) {
                Some(sysctl) => settings.observe(sysctl),
                None => Observation::Unknown("not a sysctl".into()),
            })
            .collect()
    }

    fn apply(&self) -> &'static str {
        include_str!("apply.sh")
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ key: net.ipv4.ip_forward, value: 1 }",
            "{ key: net.ipv4.ip_local_port_range, value: \"32768 60000\" }",
            "{ key: net/ipv4/conf/lo/rp_filter, value: 2 }",
            "{ key: net.ipv4.ip_local_port_range, state: absent }",
        ]
    }
}

/// Where it lies below /proc/sys. As sysctl.d(5) has it: dots separate, unless a slash comes first.
fn path(key: &str) -> Option<String> {
    let slashes = key.find(['.', '/']).is_some_and(|first| key.as_bytes().get(first) == Some(&b'/'));
    let swapped = |letter| match letter {
        '.' if !slashes => '/',
        '/' if !slashes => '.',
        other => other,
    };
    let path: String = key.chars().map(swapped).collect();
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@+".contains(&byte))
    };
    (path.contains('/') && path.split('/').all(plain)).then_some(path)
}

/// As people write what lies at this path.
fn key(path: &str) -> String {
    if path.contains('.') { path.to_owned() } else { path.replace('/', ".") }
}

/// The kernel separates by tabs, people by blanks.
fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Sysctl {
    fn file(&self) -> String {
        format!("/etc/sysctl.d/60-steward-{}.conf", self.path.replace('/', "."))
    }
}

impl Item for Sysctl {
    fn name(&self) -> &str {
        &self.key
    }

    fn want(&self) -> Want {
        match &self.value {
            Some(value) => Want::Present(State::new().with("value", value.as_str()).with("at boot", value.as_str())),
            None => Want::Absent,
        }
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        vec![self.path.clone().into()]
    }

    fn call(&self, _: &Site) -> Call {
        match &self.value {
            Some(value) => Call::new("sysctl_present")
                .arg(self.path.as_str())
                .arg(self.key.as_str())
                .arg(self.file())
                .arg(value.as_str()),
            None => Call::new("sysctl_absent").arg(self.file()),
        }
    }
}

/// What files say of one setting, by their names, then how much their directory counts.
type Said = BTreeMap<(String, u8), (String, String)>;

/// What the kernel and the files that it is set from say.
#[derive(Debug, Default)]
struct Settings {
    live: BTreeMap<String, Live>,
    /// By the path of the setting.
    files: BTreeMap<String, Said>,
    whole: bool,
}

#[derive(Debug)]
enum Live {
    Value(String),
    Absent,
    Unreadable,
}

impl Settings {
    fn read(answer: &Answer) -> Self {
        let mut settings = Self::default();
        for line in answer.lines() {
            let line = String::from_utf8_lossy(line);
            let fields: Vec<&str> = line.splitn(4, '|').collect();
            match fields[..] {
                ["V", path, ref value @ ..] => {
                    settings.live.insert(path.to_owned(), Live::Value(normal(&value.join("|"))));
                }
                ["A", path] => {
                    settings.live.insert(path.to_owned(), Live::Absent);
                }
                ["U", path] => {
                    settings.live.insert(path.to_owned(), Live::Unreadable);
                }
                ["F", path, file, value] => {
                    let name = file.rsplit('/').next().unwrap_or(file).to_owned();
                    let rank = if file.starts_with("/etc/") {
                        3
                    } else if file.starts_with("/run/") {
                        2
                    } else {
                        u8::from(file.starts_with("/usr/local/"))
                    };
                    let files = settings.files.entry(path.to_owned()).or_default();
                    files.insert((name, rank), (file.to_owned(), normal(value)));
                }
                ["Z"] => settings.whole = true,
                _ => {}
            }
        }
        settings
    }

    /// The file that is read last, and its value.
    fn at_boot(&self, path: &str) -> Option<(&str, &str)> {
        let (_, (file, value)) = self.files.get(path)?.last_key_value()?;
        Some((file, value))
    }

    fn observe(&self, wanted: &Sysctl) -> Observation {
        if !self.whole {
            return Observation::Unknown("the host did not say".into());
        }
        let own = wanted.file();
        let Some(value) = &wanted.value else {
            let kept = self.files.get(&wanted.path).into_iter().flatten().find(|(_, (file, _))| *file == own);
            return match kept {
                Some((_, (_, value))) => Observation::Present(State::new().with("at boot", value.as_str())),
                None => Observation::Absent,
            };
        };
        let live = match self.live.get(&wanted.path) {
            Some(Live::Value(live)) => live,
            Some(Live::Absent) => return Observation::Absent,
            Some(Live::Unreadable) => return Observation::Unknown("the kernel does not let it be read".into()),
            None => return Observation::Unknown("the host did not say".into()),
        };
        let at_boot = match self.at_boot(&wanted.path) {
            None => "not set".to_owned(),
            Some((file, other)) if file != own && other != value => format!("{other}, by {file}"),
            Some((_, other)) => other.to_owned(),
        };
        Observation::Present(State::new().with("value", live.as_str()).with("at boot", at_boot))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a whole number")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
                Ok(Value(number.to_string()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
                if text.contains(['\n', '\0']) {
                    return Err(E::custom("a setting of the kernel has one line\nwrite it on one line"));
                }
                Ok(Value(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for Value {
    fn schema_name() -> Cow<'static, str> {
        "SysctlValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"] })
    }
}

#[cfg(test)]
mod tests;
