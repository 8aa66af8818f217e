//! `git`: a directory that holds what one commit of a repository holds, without the repository. The operator's side fetches
//! it, so that a host needs neither git nor a way out, and no hook ever runs there.

use std::sync::Arc;

use serde::Deserialize;

use super::{Unpacked, read, retired};
use crate::carried::{Carried, checkout::checkout, unpack};
use crate::diag::Diagnostic;
use crate::kinds::{Answer, Build, Item, Kind, Leaving, Site, absolute, field_place};
use crate::resource::Observation;
use crate::yaml::Node;

#[derive(Debug)]
pub struct GitKind;

/// A directory that holds what one commit of a git repository holds, and nothing else.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The directory: an absolute path. No `.git` is in it.
    path: String,
    /// `https://…`, `ssh://…` or a repository of the operator's machine. Whoever applies must be able to fetch from it.
    url: String,
    /// The whole name of the commit. A branch or tag may move to what nobody reviewed, so none is taken;
    /// `git ls-remote URL` shows where they are.
    commit: String,
    /// The branch that the commit is on, for servers that do not give a commit by its name.
    branch: Option<String>,
    /// Login name or number, of everything in it. `root` unless given: then what runs it cannot change it.
    owner: Option<String>,
    /// Group name or number, of everything in it. `root` unless given.
    group: Option<String>,
}

impl Kind for GitKind {
    fn name(&self) -> &'static str {
        "git"
    }

    fn summary(&self) -> &'static str {
        "A directory that holds what one commit of a git repository holds."
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
        let what = format!("{} at {}", fields.url, fields.commit);
        let (url, commit, branch) = (fields.url, fields.commit.clone(), fields.branch);
        let load = move || unpack::pack(&checkout(&url, &commit, branch.as_deref())?);
        let carried = Carried::new(what, fields.commit.as_str(), load);
        Some(Box::new(Unpacked {
            path: fields.path,
            attribute: "commit",
            value: fields.commit,
            owner: fields.owner,
            group: fields.group,
            carried: Some(Arc::new(carried)),
            fate: None,
        }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        retired(leaving, "commit")
    }

    /// The functions are those of `archive`.
    fn probe(&self) -> &'static str {
        "probe_git() { probe_archive; }\n"
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        read(items, answer)
    }

    fn apply(&self) -> &'static str {
        ""
    }

    fn works_in_directory(&self) -> bool {
        true
    }

    fn examples(&self) -> &'static [&'static str] {
        &["{ path: /srv/site, url: \"https://forge.example/chapter/site.git\", \
             commit: 3f785b4c2f9a1d0e5b6c7d8e9f0a1b2c3d4e5f60, branch: main }"]
    }
}

/// Field, fact, remedy.
fn mistake(fields: &Fields) -> Option<(&'static str, String, &'static str)> {
    let is_hex = |text: &str| text.bytes().all(|it| it.is_ascii_digit() || (b'a'..=b'f').contains(&it));
    if !(matches!(fields.commit.len(), 40 | 64) && is_hex(&fields.commit)) {
        let fact = format!("`{}` is not the whole name of a commit", fields.commit);
        return Some(("commit", fact, "`git ls-remote URL BRANCH` shows it: 40 digits of 0-9 and a-f"));
    }
    let scheme = ["https://", "ssh://", "file:///", "/"].iter().any(|start| fields.url.starts_with(start));
    let strange = |it: char| it.is_control() || it == ' ';
    if !scheme || fields.url.chars().any(strange) {
        let fact = format!("`{}` is no address to fetch from", fields.url.escape_debug());
        return Some(("url", fact, "write `https://…`, `ssh://…` or an absolute path"));
    }
    let secret = fields.url.strip_prefix("https://").and_then(|rest| rest.split('/').next()?.split_once('@'));
    if secret.is_some() {
        let fact = "the address holds a name or password, which all would see".to_owned();
        return Some(("url", fact, "leave it out; git's credential helper gives it"));
    }
    let plain = |it: char| it.is_ascii_alphanumeric() || "._/+-".contains(it);
    let branch = fields.branch.as_deref().filter(|it| {
        !it.starts_with(|first: char| first.is_ascii_alphanumeric()) || !it.chars().all(plain) || it.contains("..")
    })?;
    Some(("branch", format!("`{}` is not the name of a branch", branch.escape_debug()), "write it like `main`"))
}
