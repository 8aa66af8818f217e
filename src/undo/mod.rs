//! Putting back the files of a run: from what the host kept, a catalog of file resources for the ordinary plan. Takes the
//! entry of a run, what was kept, and the catalogs of today and of the revision before; gives a catalog, and what is left
//! out with the reason. Pure; the host may lie about what it kept, and then the plan shows it.

use std::sync::Arc;

use crate::catalog::{HostCatalog, HostReaction, Resource, ServiceEntry};
use crate::diag::{Diagnostics, Place, Result, Source};
use crate::history::{Entry, Step};
use crate::kinds::{self, Build, Files, Rendered, Site, TreeEntry};
use crate::resource::Id;
use crate::yaml::parse;

mod kept;

pub use kept::{Kept, Now, Was, kept};

/// The return of a run's files.
#[derive(Debug)]
pub struct Undo {
    pub catalog: HostCatalog,
    /// What is not put back, and why.
    pub left: Vec<(String, String)>,
}

/// What decides about the return.
pub struct Wish<'a> {
    pub entry: &'a Entry,
    pub kept: Vec<Kept>,
    /// What the inventory wants of the host today: for reactions.
    pub today: &'a HostCatalog,
    /// What the revision before the run wanted, with secrets of today; why there is none.
    pub before: std::result::Result<&'a HostCatalog, String>,
    /// True to put back what somebody changed since the run, too.
    pub overwrite: bool,
}

/// True if something can be put back only by what the revision before wanted.
pub fn needs_before(kept: &[Kept]) -> bool {
    kept.iter().any(|kept| kept.was == Was::Secret)
}

/// The catalog that puts the files of a run back.
pub fn undo(wish: &Wish<'_>) -> Undo {
    let today = wish.today;
    let mut catalog = HostCatalog {
        services: vec![ServiceEntry {
            name: "undo".to_owned(),
            module: "undo".to_owned(),
            needs: Vec::new(),
            state: crate::catalog::ServiceState::default(),
        }],
        resources: Vec::new(),
        // a part of the host: nothing follows from what is not in it, and who can get in is not asked
        bootstrap: None,
        partial: true,
        checks: Vec::new(),
        ..today.clone()
    };
    let mut left = Vec::new();
    for kept in &wish.kept {
        match resource(kept, wish) {
            Ok(resource) => catalog.resources.push(resource),
            Err(why) => left.push((id_of(kept, wish), why)),
        }
    }
    let is_kept = |step: &Step| wish.kept.iter().any(|kept| kept.steps.contains(&step.number));
    let changed = |step: &&Step| matches!(step.result.as_deref(), Some("changed" | "failed")) && !is_kept(step);
    left.extend(wish.entry.steps.iter().filter(changed).map(|step| (step.id.clone(), other(step))));
    let reacts = |resource: &&Resource| {
        let mut reactions = resource.item.reactions().into_iter();
        reactions.any(|reaction| {
            let declared = HostReaction { resource: 0, reaction };
            catalog.resources.iter().any(|changed| declared.is_owed_by(changed))
        })
    };
    let reacting: Vec<Resource> = today.resources.iter().filter(reacts).map(alone).collect();
    // what is put back is not wanted twice
    let is_put_back = |resource: &Resource| catalog.resources.iter().any(|other| other.id == resource.id);
    let reacting: Vec<Resource> = reacting.into_iter().filter(|resource| !is_put_back(resource)).collect();
    catalog.resources.extend(reacting);
    Undo { catalog, left }
}

/// Without the resources that only react, by these ids.
pub fn without(catalog: &HostCatalog, ids: &[Id]) -> HostCatalog {
    let resources = catalog.resources.iter().filter(|resource| !ids.contains(&resource.id)).cloned().collect();
    HostCatalog { resources, ..catalog.clone() }
}

fn alone(resource: &Resource) -> Resource {
    Resource { owners: vec![0], ..resource.clone() }
}

fn id_of(kept: &Kept, wish: &Wish<'_>) -> String {
    let of = |step: &&Step| kept.steps.first() == Some(&step.number);
    let step = wish.entry.steps.iter().find(of).map(|step| step.id.clone());
    step.unwrap_or_else(|| kept.name())
}

fn resource(kept: &Kept, wish: &Wish<'_>) -> std::result::Result<Resource, String> {
    if kept.was == Was::Lost {
        return Err("its previous content is not kept any more: the host keeps that of ten runs".to_owned());
    }
    let site = &wish.today.site;
    let path = kept.path.as_deref().ok_or("its name is no text; put it back by hand")?;
    let path = path.strip_prefix(site.root.as_str()).unwrap_or(path);
    match &kept.now {
        Now::Left | Now::Kept => {}
        Now::Other(_) if wish.overwrite => {}
        Now::Other(what) => {
            let what = if what == "gone" { "somebody removed it" } else { "somebody changed it" };
            return Err(format!(
                "{what} since that run, or the run was cut off before it noted it; see it, and give `--overwrite`"
            ));
        }
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let (kind, yaml) = match kept.was {
        Was::Secret => return rendered(path, wish),
        Was::Absent => ("file", format!("{{ path: {}, state: absent }}", quoted(path))),
        Was::Link => {
            let target = kept.content.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
            let target = target.ok_or("where it led is no text; put it back by hand")?;
            ("link", format!("{{ path: {}, target: {} }}", quoted(path), quoted(target)))
        }
        Was::File => {
            if kept.content.is_none() {
                return Err(
                    "its previous content is too large to be fetched; it lies among the host's records".to_owned()
                );
            }
            let Kept { owner, group, mode, .. } = kept;
            let [owner, group] = [owner, group].map(|name| quoted(name));
            let form = |path: &str| {
                format!("{{ path: {path}, source: kept, owner: {owner}, group: {group}, mode: {} }}", quoted(mode))
            };
            ("file", form(&quoted(path)))
        }
        Was::Other | Was::Lost => return Err("it was no file before".to_owned()),
    };
    item(kind, &yaml, site, kept.content.clone()).ok_or_else(|| "what the host kept of it cannot be read".to_owned())
}

/// A file with secrets: as the revision before wanted it, with the values of today.
fn rendered(path: &str, wish: &Wish<'_>) -> std::result::Result<Resource, String> {
    let before = wish.before.as_ref().map_err(|why| format!("it held secrets, so it was not kept, and {why}"))?;
    let found = before.resources.iter().find(|resource| resource.id.kind == "file" && resource.id.name == path);
    let found = found.ok_or("it held secrets, so it was not kept, and the revision before did not make it")?;
    Ok(alone(found))
}

fn item(kind: &str, yaml: &str, site: &Site, content: Option<Arc<[u8]>>) -> Option<Resource> {
    let kind = kinds::named(kind)?;
    let node = parse(&Source::new("what the host kept", yaml)).ok()?;
    let mut mistakes = Diagnostics::default();
    let mut files = Fetched(content.unwrap_or_default());
    let item = kind.item(&node, &mut Build { mistakes: &mut mistakes, files: &mut files, site })?;
    if mistakes.has_errors() {
        return None;
    }
    let id = Id::new(kind.name(), item.name());
    Some(Resource { id, kind, item: Arc::from(item), owners: vec![0], place: node.place, data: false })
}

/// The one source that there is: what the host kept.
struct Fetched(Arc<[u8]>);

impl Files for Fetched {
    fn template(&mut self, _name: &str, _place: &Place) -> Result<Rendered> {
        Ok(Rendered { text: String::new(), name: String::new(), sealed: None })
    }

    fn source(&mut self, _path: &str, _place: &Place) -> Result<Arc<[u8]>> {
        Ok(Arc::clone(&self.0))
    }

    fn tree(&mut self, _path: &str, _place: &Place) -> Result<Vec<TreeEntry>> {
        Ok(Vec::new())
    }
}

/// Why a change is none that can be taken back here.
fn other(step: &Step) -> String {
    match step.id.split(':').next().unwrap_or_default() {
        "file" | "link" | "line" | "block" => "only its owner or mode changed, or nothing was replaced",
        "package" => "packages are not taken back: what they brought may be in use",
        "command" => "what a command did is not known",
        "directory" => "directories stay",
        "user" | "group" => "accounts are not taken back",
        "tree" => "the files it replaced lie among the host's records; `git revert` and apply brings them back",
        _ => "it is more than a file; `git revert` and apply brings it back",
    }
    .to_owned()
}

#[cfg(test)]
mod tests;
