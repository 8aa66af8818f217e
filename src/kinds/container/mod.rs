//! `container`: a service that Debian does not package, run by Podman as a unit of systemd. Steward writes that unit whole;
//! where Podman is 4.4 or newer, as a Quadlet file of which Podman makes it. The image is pinned by its digest.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::paths::{Found, Paths};
use super::units::{Unit, Units, is_name};
use super::{
    Answer, Build, Call, Item, Kind, Leaving, Presence, Reaction, ReactionKind, Site, concrete, field_place,
};
use crate::diag::Diagnostic;
use crate::resource::{Content, Observation, State, Want};
use crate::yaml::Node;

mod image;
mod judge;
mod text;

#[derive(Debug)]
pub struct ContainerKind;

/// A container of Podman, as a unit of systemd.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Of the container and of its unit, without a suffix. No unit of a package may have it.
    name: String,
    /// The image by its whole name and digest: `docker.io/library/redis@sha256:…`. A tag may stand between, for people.
    /// Needed unless it shall be absent. It is pulled during apply, unless it is there.
    image: Option<String>,
    /// Arguments for what the image runs.
    #[serde(default)]
    command: Vec<String>,
    /// What it runs, in place of what the image says.
    entrypoint: Option<String>,
    /// Variables. A secret does not belong here: everybody on the host could read it.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// A file of variables, `NAME=value` a line, such as one of mode "0600" with secrets.
    environment_file: Option<String>,
    /// `/of/the/host:/in/the/container`, with `:ro` behind it if it may only read.
    #[serde(default)]
    volumes: Vec<String>,
    /// `8080:80`: a port of the host's loopback and one of the container, with `/udp` behind it if it is that. With an address
    /// in front (`192.0.2.1:8080:80`, `0.0.0.0:8080:80`) others reach it, past the firewall.
    #[serde(default)]
    publish: Vec<String>,
    /// Its network: `bridge` (its own, unless given), `host` (the host's), `none`.
    #[serde(default)]
    network: Network,
    /// The account in the container, `UID` or `UID:GID`, in place of what the image says.
    user: Option<String>,
    /// True: it can write only to volumes and to /tmp.
    #[serde(default)]
    read_only: bool,
    /// If given, all that root can do in it beside what everybody can, such as `CHOWN`; see capabilities(7).
    capabilities: Option<Vec<String>>,
    /// More memory than this it does not get, as systemd.resource-control(5) writes sizes: `512M`.
    memory: Option<String>,
    /// What it is for; its name unless given.
    description: Option<String>,
    /// Absolute path globs; a change under one of them restarts it.
    #[serde(default)]
    restart_on: Vec<String>,
    /// Whether it is written as a Quadlet: where the host's `os` has Podman 4.4 or newer, unless given.
    quadlet: Option<bool>,
    /// `absent` stops it and removes its unit, and the image unless another one uses it. What is in volumes stays.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Network {
    #[default]
    Bridge,
    Host,
    None,
}

impl Network {
    fn word(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Host => "host",
            Self::None => "none",
        }
    }
}

/// How the unit is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Unit,
    Quadlet,
}

impl Form {
    fn word(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Quadlet => "quadlet",
        }
    }

    fn path(self, name: &str) -> String {
        match self {
            Self::Unit => format!("/etc/systemd/system/{name}.service"),
            Self::Quadlet => format!("/etc/containers/systemd/{name}.container"),
        }
    }

    /// What systems have: Debian 12 has Podman 4.3.
    fn of(os: Option<&str>) -> Self {
        let release = os.and_then(|os| os.strip_prefix("debian-")).and_then(|number| number.parse::<u32>().ok());
        if release.is_some_and(|release| release >= 13) { Self::Quadlet } else { Self::Unit }
    }
}

#[derive(Debug)]
struct Container {
    name: String,
    form: Form,
    /// The image and the text; `None`: it shall not be there.
    wanted: Option<(String, Content)>,
    restart_on: Vec<String>,
}

impl Kind for ContainerKind {
    fn name(&self) -> &'static str {
        "container"
    }

    fn summary(&self) -> &'static str {
        "A service in a container of Podman, its image pinned by digest, as a unit of systemd."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        let found = judge::mistakes(&fields);
        if !found.is_empty() {
            for (field, fact, remedy) in found {
                build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
            }
            return None;
        }
        let form = match fields.quadlet {
            Some(true) => Form::Quadlet,
            Some(false) => Form::Unit,
            // Quadlet loses it, and all that stands behind it
            None if judge::has_empty_word(&fields) => Form::Unit,
            None => Form::of(build.site.os.as_deref()),
        };
        let image = fields.image.as_deref().and_then(image::pinned);
        let wanted = image.filter(|_| fields.state == Presence::Present).map(|image| {
            let text = text::of(&fields, &image, form);
            (image, Content::of(text.into_bytes()))
        });
        Some(Box::new(Container { name: fields.name, form, wanted, restart_on: fields.restart_on }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let form = if leaving.keepsake == Form::Quadlet.word() { Form::Quadlet } else { Form::Unit };
        judge::is_container(leaving.name).then(|| {
            Box::new(Container { name: leaving.name.to_owned(), form, wanted: None, restart_on: Vec::new() })
                as Box<dyn Item>
        })
    }

    fn retires_first(&self) -> bool {
        true
    }

    fn free_text(&self) -> &'static [&'static str] {
        &["unit"]
    }

    fn probe(&self) -> &'static str {
        include_str!("probe.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let (paths, units) = (Paths::read(answer), Units::read(answer));
        items
            .iter()
            .map(|item| match concrete::<Container>(*item) {
                Some(container) => container.observe(&paths, &units).unwrap_or_else(Observation::Unknown),
                None => Observation::Unknown("not a container".into()),
            })
            .collect()
    }

    fn apply(&self) -> &'static str {
        include_str!("apply.sh")
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ name: cache, image: \"docker.io/library/redis:7@sha256:0000000000000000000000000000000000000000000000000000000000000000\", \
             command: [redis-server, --save, \"\"], volumes: [\"/srv/cache:/data\"], publish: [\"6379:6379\"], user: \"999\", \
             capabilities: [], memory: 512M }",
            "{ name: pad, image: \"ghcr.io/example/pad@sha256:0000000000000000000000000000000000000000000000000000000000000000\", \
             network: host, environment: { TITLE: \"100% ours\" }, environment_file: /etc/pad.env, read_only: true, \
             restart_on: [/etc/pad.env] }",
            "{ name: cache, state: absent }",
        ]
    }
}

impl Container {
    fn unit(&self) -> String {
        format!("{}.service", self.name)
    }

    fn path(&self) -> String {
        self.form.path(&self.name)
    }

    fn observe(&self, paths: &Paths, units: &Units) -> Result<Observation, String> {
        let unit: &Unit = units.named(&self.unit())?;
        let path = self.path();
        let state = match paths.at(&path) {
            Found::Absent => return Ok(Observation::Absent),
            Found::Unknown(why) => return Err(format!("{path}: {why}")),
            Found::There(stat) if stat.is_regular() => {
                let content = paths.content(&path, stat.size).ok_or_else(|| format!("{path} could not be read"))?;
                State::new().with("unit", content)
            }
            Found::There(stat) => State::new().with("unit", format!("a {}", stat.file_type())),
        };
        // whether a unit that Podman makes is enabled stands in its text
        let enabled = match (self.form, unit.enabled()) {
            (Form::Quadlet, "either") => "yes",
            (_, word) => word,
        };
        let definition = if unit.outdated { "changed on disk" } else { "loaded" };
        Ok(Observation::Present(
            state.with("enabled", enabled).with("running", unit.running()).with("definition", definition),
        ))
    }
}

impl Item for Container {
    fn name(&self) -> &str {
        &self.name
    }

    fn want(&self) -> Want {
        let Some((_, text)) = &self.wanted else { return Want::Absent };
        let state = State::new().with("unit", text.clone()).with("enabled", "yes");
        Want::Present(state.with("running", "yes").with("definition", "loaded"))
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        // what shall not be there differs, so that the host says whether it is as it was written
        let digest = self.wanted.as_ref().map_or_else(|| "none".to_owned(), |(_, text)| text.digest.clone());
        vec![self.unit().into_bytes(), digest.into_bytes(), self.path().into_bytes()]
    }

    fn call(&self, _: &Site) -> Call {
        let Some((image, text)) = &self.wanted else { return Call::new("container_absent").arg(self.name.as_str()) };
        Call::new("container_present")
            .arg(self.name.as_str())
            .arg(image.as_str())
            .arg(self.form.word())
            .payload(text.bytes.clone().unwrap_or_default())
    }

    fn keepsake(&self) -> String {
        self.form.word().to_owned()
    }

    fn reactions(&self) -> Vec<Reaction> {
        let reaction = || Reaction {
            action: ReactionKind::Restart,
            on: self.restart_on.clone(),
            call: Call::new("container_restart").arg(self.name.as_str()),
            validate: None,
        };
        (!self.restart_on.is_empty()).then(reaction).into_iter().collect()
    }

    fn starts_from(&self, observed: Option<&State>) -> bool {
        observed.and_then(|state| state.0.get("running")) != Some(&"yes".into())
    }
}

#[cfg(test)]
mod tests;
