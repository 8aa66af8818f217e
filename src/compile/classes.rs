//! What kind of data a service keeps, and what follows: data that is not public has a backup, is not readable by everybody on
//! the host, and lies below no site's root. Judged here, so that `validate` and a review say it, long before any host is asked.

use std::collections::BTreeMap;

use super::World;
use super::offers::Told;
use crate::catalog::{Backed, Resource};
use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::modules::DataClass;
use crate::resource::{Attribute, Id, Want};

/// Something that a module says is data of a class.
pub(super) struct Kept {
    /// `None`: the service as a whole.
    pub(super) resource: Option<Id>,
    pub(super) service: String,
    pub(super) place: Place,
    pub(super) class: DataClass,
}

/// One host: what was made of it, what is kept there, what its services told, who saves what.
pub(super) struct OnHost<'a> {
    pub(super) host: usize,
    pub(super) resources: &'a [Resource],
    pub(super) kept: &'a [Kept],
    pub(super) told: &'a Told,
    pub(super) backed: &'a [Backed],
}

pub(super) fn judge(world: &mut World<'_, '_, '_>, on: &OnHost<'_>) {
    let mut mistakes = Diagnostics::default();
    let by_id: BTreeMap<&Id, &Resource> = on.resources.iter().map(|resource| (&resource.id, resource)).collect();
    for kept in on.kept.iter().filter(|kept| kept.class.is_private()) {
        let resource = kept.resource.as_ref().and_then(|id| by_id.get(id)).copied();
        // what is to be gone keeps nothing
        if resource.is_some_and(|resource| resource.item.want() == Want::Absent) {
            continue;
        }
        let may_be_lost = world.inventory.services.get(&kept.service).is_some_and(|service| !service.backup);
        if kept.class.backup && !may_be_lost && !is_saved(kept, resource, on) {
            let is_offered = on.told.saved.iter().any(|saved| saved.service == kept.service);
            mistakes.push(unsaved(kept, is_offered));
        }
        if let Some(resource) = resource {
            mistakes.0.extend(open_to_all(kept, resource, &by_id));
            mistakes.0.extend(below_a_site(kept, resource, on));
        }
    }
    world.report.on_host(on.host, mistakes);
}

fn is_saved(kept: &Kept, resource: Option<&Resource>, on: &OnHost<'_>) -> bool {
    let has_keeper = |service: &str| on.backed.iter().any(|it| it.service == service && it.keeper.is_some());
    let mut saved = on.told.saved.iter().filter(|saved| has_keeper(&saved.service));
    match resource {
        None => saved.any(|saved| saved.service == kept.service),
        Some(resource) => match resource.item.path() {
            Some(path) => saved.any(|saved| saved.paths.iter().any(|root| is_below(path, root))),
            None => saved.any(|saved| saved.databases.contains(&resource.id.name) || saved.service == kept.service),
        },
    }
}

fn unsaved(kept: &Kept, is_offered: bool) -> Diagnostic {
    let what = kept.resource.as_ref().map_or_else(String::new, |id| format!(" in `{id}`"));
    let class = kept.class.word();
    let fact = format!("`{}` keeps {class} data{what}, and nothing backs it up", kept.service);
    let remedy = if is_offered {
        "first put a service of the module `backup` on this host (`steward add backup`); or, while it is only tried, let what it \
         keeps be lost: `backup: false` of the service, `--trial` of `steward add`"
            .to_owned()
    } else {
        format!(
            "let its module offer it in `backups`, and put a service of the module `backup` on this host (`steward add backup`); \
             `data: {{ class: {class}, backup: false }}` only for what can be made again"
        )
    };
    Diagnostic::error(fact).at(&kept.place).remedy(remedy)
}

/// A mode that lets everybody on the host read it, unless a directory above, declared too, lets nobody through.
fn open_to_all(kept: &Kept, resource: &Resource, by_id: &BTreeMap<&Id, &Resource>) -> Option<Diagnostic> {
    let path = resource.item.path()?;
    let mode = mode_of(resource);
    let closed_above = path.match_indices('/').filter_map(|(end, _)| path.get(..end)).any(|above| {
        let above = by_id.get(&Id::new("directory", above)).and_then(|resource| mode_of(resource));
        above.is_some_and(|mode| mode & 0o001 == 0)
    });
    if closed_above {
        return None;
    }
    let class = kept.class.word();
    match mode {
        Some(mode) if mode.is_multiple_of(0o10) => None,
        Some(mode) => Some(
            Diagnostic::error(format!(
                "`{}` holds {class} data, and its mode {mode:04o} lets everybody in",
                resource.id
            ))
            .at(&kept.place)
            .remedy(
                "take the last digit away: \"0640\" or \"0600\" for a file, \"0750\" or \"0700\" for a directory",
            ),
        ),
        None if matches!(resource.id.kind, "file" | "directory" | "tree") => Some(
            Diagnostic::error(format!("`{}` holds {class} data, and nothing says who may read it", resource.id))
                .at(&kept.place)
                .remedy(
                    "give it `mode` and `owner`, or declare a directory above it that only its service may enter",
                ),
        ),
        None => None,
    }
}

fn mode_of(resource: &Resource) -> Option<u32> {
    let Want::Present(state) = resource.item.want() else { return None };
    match state.0.get("mode") {
        Some(Attribute::Text(mode)) => u32::from_str_radix(mode, 8).ok(),
        _ => None,
    }
}

fn below_a_site(kept: &Kept, resource: &Resource, on: &OnHost<'_>) -> Option<Diagnostic> {
    let path = resource.item.path()?;
    let (root, site) = on.told.roots.iter().find(|(root, _)| is_below(path, root))?;
    let fact = format!(
        "`{}` holds {} data below {root}, which the site of `{site}` shows to everybody",
        resource.id,
        kept.class.word()
    );
    Some(Diagnostic::error(fact).at(&kept.place).remedy("keep it outside of every site's root, in /var/lib say"))
}

/// True for the same path, too.
fn is_below(path: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}
