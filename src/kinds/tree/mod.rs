//! `tree`: a whole directory that holds what a directory of the chapter's repository holds, and nothing else unless
//! `delete: false` or `ignore` says so. Files that are equal already are not touched; others are replaced atomically,
//! one by one. No link on the host is ever followed out of the tree.

use serde::Deserialize;

use self::manifest::{Manifest, Owners, Wanted};
use super::{
    Answer, Build, Call, Fate, Item, Kind, Leaving, Site, absolute, concrete, field_place, four_digits,
    is_plain_absolute, mode,
};
use crate::diag::Diagnostic;
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

mod manifest;
#[cfg(test)]
mod tests;

#[derive(Debug)]
pub struct TreeKind;

/// A directory that holds what a directory of the chapter's repository holds, and nothing else.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Where it lies: an absolute path.
    path: String,
    /// The directory of the chapter's repository.
    source: String,
    /// Login name or number, of everything in it. `root` unless given.
    owner: Option<String>,
    /// Group name or number, of everything in it. `root` unless given.
    group: Option<String>,
    /// Permissions of files in octal, quoted. "0644" unless given. Executable files may also be executed by whoever may
    /// read them.
    mode: Option<String>,
    /// Permissions of directories. Unless given, those of files, and whoever may read may also enter.
    directory_mode: Option<String>,
    /// Removes what the source does not have. True unless given.
    #[serde(default = "yes")]
    delete: bool,
    /// What to leave alone on both sides: names such as `*.log`, or paths below the tree such as `cache/*`. An ignored
    /// directory is ignored with all that is in it. `*` and `?` also stand for slashes.
    #[serde(default)]
    ignore: Vec<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug)]
struct Tree {
    path: String,
    owners: Owners,
    wanted: Wanted,
    delete: bool,
    ignore: Vec<String>,
    /// Set if nothing declares it any more: the word of [`Fate`].
    leaving: Option<&'static str>,
}

impl Kind for TreeKind {
    fn name(&self) -> &'static str {
        "tree"
    }

    fn summary(&self) -> &'static str {
        "A directory that holds what a directory of the chapter's repository holds, and nothing else."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        absolute(&fields.path, node, "path", build.mistakes)?;
        mode(fields.mode.as_deref(), node, build.mistakes)?;
        mode(fields.directory_mode.as_deref(), node, build.mistakes)?;
        for pattern in &fields.ignore {
            if pattern.is_empty() || pattern.starts_with('/') || pattern.contains(['[', '\\', '\0']) {
                let fact = format!("`{pattern}` is not a pattern that a tree can ignore");
                let remedy = "write a name or a path below the tree, with `*` and `?` at most";
                build.mistakes.push(Diagnostic::error(fact).at(field_place(node, "ignore")).remedy(remedy));
                return None;
            }
        }
        let entries = build.files.tree(&fields.source, field_place(node, "source"));
        let entries = build.mistakes.keep(entries)?;
        let root = || (!build.site.is_directory()).then(|| "root".to_owned());
        let file_mode = four_digits(fields.mode.as_deref().unwrap_or("0644"));
        Some(Box::new(Tree {
            path: fields.path,
            owners: Owners { owner: fields.owner.or_else(root), group: fields.group.or_else(root) },
            wanted: Wanted::new(&entries, &fields.ignore, &file_mode, fields.directory_mode.as_deref()),
            delete: fields.delete,
            ignore: fields.ignore,
            leaving: None,
        }))
    }

    /// What is in it need not all be Steward's: unless it is to be destroyed, it is moved away whole.
    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let ignore = vec!["*".to_owned()]; // whether it is there is all that is asked
        is_plain_absolute(leaving.name).then(|| {
            Box::new(Tree {
                path: leaving.name.to_owned(),
                owners: Owners { owner: None, group: None },
                wanted: Wanted::new(&[], &ignore, "0644", None),
                delete: true,
                ignore,
                leaving: Some(if leaving.fate == Some(Fate::Destroy) { "destroy" } else { "archive" }),
            }) as Box<dyn Item>
        })
    }

    fn probe(&self) -> &'static str {
        include_str!("probe.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let said = |number: usize| {
            let mark = format!("{number}|");
            answer.text_lines().find_map(|line| line.strip_prefix(&mark))
        };
        let observe = |(number, item): (usize, &&dyn Item)| match (concrete::<Tree>(*item), said(number)) {
            (Some(tree), Some(said)) => tree.observe(said, &answer.nonce),
            _ => Observation::Unknown("the host did not say".into()),
        };
        items.iter().enumerate().map(observe).collect()
    }

    fn apply(&self) -> &'static str {
        include_str!("apply.sh")
    }

    fn works_in_directory(&self) -> bool {
        true
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ path: /srv/www, source: site/ }",
            "{ path: /srv/app, source: app/, mode: \"0640\", delete: false, ignore: [cache, '*.log'] }",
        ]
    }
}

impl Tree {
    /// What follows the number: `absent`, `other|type`, or `tree|base64`.
    fn observe(&self, said: &str, nonce: &str) -> Observation {
        match said.split_once('|') {
            None if said == "absent" => Observation::Absent,
            Some(("other", what)) => Observation::Present(State::new().with("type", what)),
            Some(("tree", _)) if self.leaving.is_some() => {
                Observation::Present(State::new().with("type", "directory"))
            }
            Some(("tree", encoded)) => match Manifest::read(encoded, nonce) {
                Ok(manifest) => {
                    let lines = manifest.lines(&self.owners, &self.wanted, |path| self.manages(path));
                    Observation::Present(State::new().with("type", "directory").with("content", lines))
                }
                Err(why) => Observation::Unknown(why),
            },
            _ => Observation::Unknown("the host's answer makes no sense".into()),
        }
    }

    /// True if what lies at this path below the tree is its business.
    fn manages(&self, path: &[u8]) -> bool {
        // a directory of this name at the top was left by a run that was killed
        let leftover = path.strip_prefix(b".steward.").is_some_and(|rest| rest.len() == 6 && !rest.contains(&b'/'));
        self.delete || leftover || self.wanted.get(path).is_some()
    }
}

impl Item for Tree {
    fn name(&self) -> &str {
        &self.path
    }

    fn want(&self) -> Want {
        if self.leaving.is_some() {
            return Want::Absent;
        }
        Want::Present(State::new().with("type", "directory").with("content", self.wanted.lines()))
    }

    fn known(&self) -> Vec<String> {
        self.wanted.digests()
    }

    fn ask(&self, site: &Site) -> Vec<Vec<u8>> {
        let patterns = self.ignore.iter().map(|pattern| pattern.clone().into_bytes());
        std::iter::once(site.path(&self.path).into_bytes()).chain(patterns).collect()
    }

    fn call(&self, site: &Site) -> Call {
        if let Some(fate) = self.leaving {
            return Call::new("tree_retired").arg(site.path(&self.path)).arg(fate);
        }
        let modes = &self.wanted.modes;
        let call = Call::new("tree_present")
            .arg(site.path(&self.path))
            .arg(site.makes_parents())
            .optional(self.owners.owner.as_deref())
            .optional(self.owners.group.as_deref())
            .arg(modes.file.as_str())
            .arg(modes.executable.as_str())
            .arg(modes.directory.as_str())
            .arg(if self.delete { "yes" } else { "" })
            .payload(self.wanted.archive());
        self.ignore.iter().fold(call, |call, pattern| call.arg(pattern.as_str()))
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn claims(&self, path: &str) -> bool {
        match path.strip_prefix(&self.path).map(str::as_bytes) {
            Some(b"") => true,
            Some([b'/', ..]) if self.leaving.is_some() => true,
            Some([b'/', below @ ..]) => !manifest::is_ignored(below, &self.ignore) && self.manages(below),
            _ => false,
        }
    }
}
