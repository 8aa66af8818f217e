//! `wheelhouse`: a Python virtual environment made of wheels that the operator's side brings. A lock file in the repository
//! names each with its digest; the host reaches no index. `PATH` is a link to `PATH.DIGEST` beside it, so that a new one is
//! whole before anything uses it, and one that failed changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::read_as;
use crate::carried::{Carried, wheels};
use crate::diag::Diagnostic;
use crate::kinds::{
    Answer, Build, Call, Fate, Item, Kind, Leaving, Site, TreeNode, absolute, field_place, is_plain_absolute,
};
use crate::resource::{Observation, State, Want, digest};
use crate::yaml::Node;

#[derive(Debug)]
pub struct WheelhouseKind;

/// A Python virtual environment made of wheels that the operator's side brings.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Where it is found: an absolute path. It is a link to a directory beside it.
    path: String,
    /// The lock, a file of the chapter's repository: every package as `name==version --hash=sha256:…`, with all that it
    /// needs. `pip-compile --generate-hashes` writes such a file.
    lock: Option<String>,
    /// Or the lock itself, as a module brings it: `"{% include 'chat/wheels.txt.j2' %}"`.
    packages: Option<String>,
    /// A directory of the chapter's repository with the wheels. Unless given, `pip download` of the operator's machine
    /// fetches them, once a change needs them.
    wheels: Option<String>,
    /// The Python of the host, such as "3.11" on Debian 12. Its package `python3-venv` must be installed before.
    python: String,
    /// What the host's processor is called, for wheels that are not pure Python. `x86_64` unless given.
    #[serde(default = "usual")]
    architecture: String,
}

fn usual() -> String {
    "x86_64".to_owned()
}

#[derive(Debug)]
struct Wheelhouse {
    path: String,
    /// `None`: nothing declares it any more.
    wanted: Option<Wanted>,
    fate: Option<Fate>,
}

#[derive(Debug)]
struct Wanted {
    lock: Arc<[u8]>,
    python: String,
    carried: Arc<Carried>,
}

impl Kind for WheelhouseKind {
    fn name(&self) -> &'static str {
        "wheelhouse"
    }

    fn summary(&self) -> &'static str {
        "A Python virtual environment made of wheels that the operator's side brings, by the digests of a lock file."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        absolute(&fields.path, node, "path", build.mistakes)?;
        let plain = |text: &str| text.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it));
        let version = fields.python.split_once('.').map(|(major, minor)| (major.parse::<u8>(), minor.parse::<u8>()));
        if !matches!(version, Some((Ok(_), Ok(_)))) {
            let fact = format!("`{}` is not a version of Python", fields.python);
            let remedy = "write it with quotes, such as \"3.11\"";
            build.mistakes.push(Diagnostic::error(fact).at(field_place(node, "python")).remedy(remedy));
            return None;
        }
        if fields.architecture.is_empty() || !plain(&fields.architecture) {
            let fact = format!("`{}` is not the name of an architecture", fields.architecture);
            let remedy = "write what `uname -m` says there, such as `x86_64`";
            build.mistakes.push(Diagnostic::error(fact).at(field_place(node, "architecture")).remedy(remedy));
            return None;
        }
        let field = if fields.packages.is_some() { "packages" } else { "lock" };
        let place = field_place(node, field);
        let (name, lock): (String, Arc<[u8]>) = match (fields.lock, fields.packages) {
            (Some(lock), None) => {
                let bytes = build.files.source(&lock, place);
                (lock, build.mistakes.keep(bytes)?)
            }
            (None, Some(packages)) => (fields.path.clone(), packages.into_bytes().into()),
            _ => {
                let fact = "either `lock` or `packages` says what is in it";
                build.mistakes.push(Diagnostic::error(fact).at(place).remedy("give one of them"));
                return None;
            }
        };
        let text = String::from_utf8_lossy(&lock).into_owned();
        if let Some(fact) = without_digest(&text) {
            let remedy = "`pip-compile --generate-hashes` writes them; options such as `-r` or `--index-url` cannot stand in it";
            build.mistakes.push(Diagnostic::error(format!("`{name}`: {fact}")).at(place).remedy(remedy));
            return None;
        }
        let stamp = digest(format!("{}\n{}\n{text}", fields.python, fields.architecture).as_bytes());
        let what = format!("the wheels of `{name}`");
        let carried = if let Some(directory) = &fields.wheels {
            let tree = build.files.tree(directory, field_place(node, "wheels"));
            let tree = build.mistakes.keep(tree)?;
            let file = |entry: &crate::kinds::TreeEntry| match &entry.what {
                TreeNode::File { bytes, .. } => Some((entry.path.to_str()?.to_owned(), Arc::clone(bytes))),
                _ => None,
            };
            let files: BTreeMap<String, Arc<[u8]>> = tree.iter().filter_map(file).collect();
            Carried::new(what, stamp.as_str(), move || wheels::chosen(&text, &files))
        } else {
            let (python, architecture, key) = (fields.python.clone(), fields.architecture, stamp.clone());
            Carried::new(what, stamp.as_str(), move || wheels::download(&text, &python, &architecture, &key))
        };
        let wanted = Wanted { lock, python: fields.python, carried: Arc::new(carried) };
        Some(Box::new(Wheelhouse { path: fields.path, wanted: Some(wanted), fate: None }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        is_plain_absolute(leaving.name).then(|| {
            Box::new(Wheelhouse { path: leaving.name.to_owned(), wanted: None, fate: leaving.fate }) as Box<dyn Item>
        })
    }

    fn probe(&self) -> &'static str {
        include_str!("wheelhouse-probe.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        read_as::<Wheelhouse>(items, answer, |item, stamp| {
            let wanted = item.wanted.as_ref().map(|wanted| wanted.carried.stamp());
            let text = if stamp.is_empty() { "not Steward's" } else { stamp };
            ("made_of", if wanted == Some(stamp) { stamp.to_owned() } else { text.escape_debug().to_string() })
        })
    }

    fn apply(&self) -> &'static str {
        include_str!("wheelhouse-apply.sh")
    }

    fn examples(&self) -> &'static [&'static str] {
        &["{ path: /opt/chat, lock: carried/chat.lock, wheels: carried/wheels, python: \"3.11\" }"]
    }
}

/// The first line of a lock that names no digest, or that is more than a package.
fn without_digest(lock: &str) -> Option<String> {
    let joined = lock.replace("\\\n", " ");
    let mut count = 0;
    for line in joined.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        count += 1;
        let name = line.split_whitespace().next().unwrap_or_default();
        if name.starts_with('-') {
            return Some(format!("`{}` is no package", name.escape_debug()));
        }
        if !name.contains("==") || !line.contains("--hash=sha256:") {
            return Some(format!("`{}` is not pinned by a version and a sha256", name.escape_debug()));
        }
    }
    (count == 0).then(|| "it names no package".to_owned())
}

impl Item for Wheelhouse {
    fn name(&self) -> &str {
        &self.path
    }

    fn want(&self) -> Want {
        let Some(wanted) = &self.wanted else { return Want::Absent };
        let stamp = wanted.carried.stamp().to_owned();
        Want::Present(State::new().with("made_of", stamp).with("content", "as it was unpacked"))
    }

    fn ask(&self, site: &Site) -> Vec<Vec<u8>> {
        vec![site.path(&self.path).into_bytes()]
    }

    fn call(&self, site: &Site) -> Call {
        let path = site.path(&self.path);
        let Some(wanted) = &self.wanted else {
            let destroy = if self.fate == Some(Fate::Destroy) { "destroy" } else { "" };
            return Call::new("wheelhouse_retired").arg(path).arg(destroy);
        };
        Call::new("wheelhouse_present")
            .arg(path)
            .arg(wanted.carried.stamp())
            .arg(wanted.python.as_str())
            .payload(Arc::clone(&wanted.lock))
            .carried(&wanted.carried)
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }

    fn claims(&self, path: &str) -> bool {
        path.strip_prefix(&self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_pins_every_package_by_a_digest_and_holds_no_options() {
        let fine = "# made by pip-compile\na==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n    # via b\nb==2 ; python_version > \"3\" --hash=sha256:22\n";
        assert_eq!(without_digest(fine), None);
        for (lock, said) in [
            ("a==1\n", "not pinned"),
            ("a --hash=sha256:00\n", "not pinned"),
            ("--index-url http://evil.example\na==1 --hash=sha256:00\n", "no package"),
            ("# nothing\n", "names no package"),
        ] {
            assert!(without_digest(lock).is_some_and(|it| it.contains(said)), "{lock}");
        }
    }
}
