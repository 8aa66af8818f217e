//! `archive`: a directory that holds what a .tar.gz or .zip holds. The operator's side reads, checks and repacks it, so
//! that a host needs neither a way out nor a program to unpack it.

use std::sync::Arc;

use serde::Deserialize;

use super::{Unpacked, read, retired};
use crate::carried::{Carried, download::download, unpack};
use crate::diag::Diagnostic;
use crate::kinds::{Answer, Build, Item, Kind, Leaving, Site, absolute, field_place};
use crate::resource::{Observation, digest};
use crate::yaml::Node;

#[derive(Debug)]
pub struct ArchiveKind;

/// A directory that holds what an archive holds, and nothing else.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The directory: an absolute path. Let the version be part of it (`/opt/wiki-1.2`), and a `link` lead to it: then a new
    /// version is whole before anything uses it. What its software writes belongs elsewhere.
    path: String,
    /// The archive, a file of the chapter's repository that ends in `.tar.gz`, `.tgz`, `.tar` or `.zip`.
    source: Option<String>,
    /// Or where it comes from, `https://…`, with such an ending. The operator's side fetches it, once a change needs it.
    url: Option<String>,
    /// Its SHA-256. It must be given with a `url`; what has another one is refused.
    sha256: Option<String>,
    /// How many leading parts of every name are taken away: 1 for archives in which all is below `wiki-1.2/`.
    #[serde(default)]
    strip: usize,
    /// Login name or number, of everything in it. `root` unless given: then what runs it cannot change it.
    owner: Option<String>,
    /// Group name or number, of everything in it. `root` unless given.
    group: Option<String>,
}

impl Kind for ArchiveKind {
    fn name(&self) -> &'static str {
        "archive"
    }

    fn summary(&self) -> &'static str {
        "A directory that holds what an archive holds, from the repository or by its SHA-256 from the web."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        absolute(&fields.path, node, "path", build.mistakes)?;
        super::owners(fields.owner.as_deref(), fields.group.as_deref(), node, build)?;
        if let Some((field, fact, remedy)) = mistake(&fields) {
            build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
            return None;
        }
        let strip = fields.strip;
        let stamp = |sha256: &str| format!("{sha256} strip {strip}");
        let (sha256, carried) = match (&fields.source, fields.url) {
            (Some(source), _) => {
                let place = field_place(node, "source");
                let bytes = build.files.source(source, place);
                let bytes = build.mistakes.keep(bytes)?;
                let sha256 = digest(&bytes);
                if let Some(wanted) = fields.sha256.filter(|wanted| *wanted != sha256) {
                    let fact = format!("the sha256 of `{source}` is {sha256}, and not {wanted}");
                    let remedy = "find out which of the two is right before anything runs it";
                    build.mistakes.push(Diagnostic::error(fact).at(field_place(node, "sha256")).remedy(remedy));
                    return None;
                }
                let packed = unpack::unpack(&bytes, source, strip).and_then(|entries| unpack::pack(&entries));
                let packed: Arc<[u8]> = match packed {
                    Ok(packed) => packed.into(),
                    Err(why) => {
                        let fact = format!("`{source}` cannot be unpacked: {why}");
                        build.mistakes.push(Diagnostic::error(fact).at(place));
                        return None;
                    }
                };
                let carried = Carried::new(source.as_str(), stamp(&sha256), || Ok(Vec::new()));
                carried.stand_in(packed);
                (sha256, carried)
            }
            (None, url) => {
                let (url, sha256) = (url.unwrap_or_default(), fields.sha256.unwrap_or_default());
                let (from, wanted) = (url.clone(), sha256.clone());
                let load = move || {
                    let bytes = download(&from, &wanted)?;
                    let name = from.split(['?', '#']).next().unwrap_or_default();
                    unpack::pack(&unpack::unpack(&bytes, name, strip)?)
                };
                let carried = Carried::new(url, stamp(&sha256), load);
                (sha256, carried)
            }
        };
        Some(Box::new(Unpacked {
            path: fields.path,
            attribute: "sha256",
            value: sha256,
            owner: fields.owner,
            group: fields.group,
            carried: Some(Arc::new(carried)),
            fate: None,
        }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        retired(leaving, "sha256")
    }

    fn probe(&self) -> &'static str {
        super::LOOK
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        read(items, answer)
    }

    fn apply(&self) -> &'static str {
        super::CHANGE
    }

    fn works_in_directory(&self) -> bool {
        true
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ path: /opt/wiki-1.2, source: carried/wiki-1.2.tar.gz, strip: 1 }",
            "{ path: /srv/app, url: \"https://downloads.chapter.example/app-2.0.zip\", \
             sha256: \"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\" }",
        ]
    }
}

/// Field, fact, remedy.
fn mistake(fields: &Fields) -> Option<(&'static str, String, &'static str)> {
    match (&fields.source, &fields.url) {
        (None, None) => {
            return Some(("path", "nothing says where the archive comes from".into(), "add `source:` or `url:`"));
        }
        (Some(_), Some(_)) => {
            return Some(("url", "both `source` and `url` say where it comes from".into(), "keep one of them"));
        }
        _ => {}
    }
    let is_hex =
        |text: &str| text.len() == 64 && text.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it));
    match (&fields.url, &fields.sha256) {
        (Some(_), None) => {
            let remedy = "add `sha256:`, from its makers; `curl -L URL | sha256sum` shows what you would get now";
            return Some(("url", "what comes from the web needs its `sha256`".into(), remedy));
        }
        (_, Some(sha256)) if !is_hex(sha256) => {
            return Some(("sha256", format!("`{sha256}` is not a SHA-256"), "write 64 digits of 0-9 and a-f"));
        }
        _ => {}
    }
    if let Some(url) = fields.url.as_deref() {
        let plain = !url.chars().any(|it| it.is_control() || it == ' ');
        if !(plain && (url.starts_with("https://") || url.starts_with("http://"))) || url.contains('@') {
            let fact = format!("`{}` is no address to fetch from", url.escape_debug());
            return Some(("url", fact, "write `https://…`, without a name or password in it"));
        }
    }
    let (field, name) = match (&fields.source, &fields.url) {
        (Some(source), _) => ("source", source.as_str()),
        (None, url) => ("url", url.as_deref().unwrap_or_default().split(['?', '#']).next().unwrap_or_default()),
    };
    let name = name.to_ascii_lowercase();
    let known = [".tar.gz", ".tgz", ".tar", ".zip"].iter().any(|ending| name.ends_with(ending));
    (!known).then(|| {
        let fact = format!("`{name}` is no archive that is read here");
        (field, fact, "take one that ends in `.tar.gz`, `.tgz`, `.tar` or `.zip`")
    })
}
