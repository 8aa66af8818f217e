//! `directory`: a directory with this owner, group and mode. Says nothing about what is in it, and is removed only
//! when it is empty.

use serde::Deserialize;

use super::leaving::{Fate, Leaving};
use super::paths::{Found, Paths};
use super::{Answer, Build, Call, Item, Kind, Presence, Site, absolute, concrete, is_plain_absolute, mode};
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

#[derive(Debug)]
pub struct DirectoryKind;

/// A directory.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Where it lies: an absolute path.
    path: String,
    /// Login name or number. `root` unless given.
    owner: Option<String>,
    /// Group name or number. `root` unless given.
    group: Option<String>,
    /// Permissions in octal, quoted: "0750". "0755" unless given.
    mode: Option<String>,
    /// Makes missing directories above it, too, as root's and "0755".
    #[serde(default)]
    parents: bool,
    /// `absent` removes it if it is empty.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug)]
struct Directory {
    path: String,
    owner: Option<String>,
    group: Option<String>,
    mode: String,
    parents: bool,
    state: Presence,
    /// Set if nothing declares it any more: the word of [`Fate`].
    leaving: Option<&'static str>,
}

impl Kind for DirectoryKind {
    fn name(&self) -> &'static str {
        "directory"
    }

    fn summary(&self) -> &'static str {
        "A directory with this owner, group and mode."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn short_field(&self) -> Option<&'static str> {
        Some("path")
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        absolute(&fields.path, node, "path", build.mistakes)?;
        mode(fields.mode.as_deref(), node, build.mistakes)?;
        let root = || (!build.site.is_directory()).then(|| "root".to_owned());
        Some(Box::new(Directory {
            owner: fields.owner.or_else(root),
            group: fields.group.or_else(root),
            mode: fields.mode.unwrap_or_else(|| "0755".to_owned()),
            path: fields.path,
            parents: fields.parents,
            state: fields.state,
            leaving: None,
        }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        is_plain_absolute(leaving.name).then(|| {
            Box::new(Directory {
                path: leaving.name.to_owned(),
                owner: None,
                group: None,
                mode: String::new(),
                parents: false,
                state: Presence::Absent,
                leaving: Some(Fate::word(leaving.fate)),
            }) as Box<dyn Item>
        })
    }

    fn probe(&self) -> &'static str {
        "probe_directory() { stat_paths; }\n"
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], site: &Site, answer: &Answer) -> Vec<Observation> {
        let paths = Paths::read(answer);
        items.iter().map(|item| observe(*item, site, &paths)).collect()
    }

    fn apply(&self) -> &'static str {
        APPLY
    }

    fn works_in_directory(&self) -> bool {
        true
    }

    fn merges(&self) -> bool {
        true
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ path: /srv, mode: \"0750\" }",
            "{ path: /srv/www/site, parents: true }",
            "{ path: /srv/old, state: absent }",
        ]
    }
}

fn observe(item: &dyn Item, site: &Site, paths: &Paths) -> Observation {
    let Some(directory) = concrete::<Directory>(item) else { return Observation::Unknown("not a directory".into()) };
    match paths.at(&site.path(&directory.path)) {
        Found::Absent => Observation::Absent,
        Found::Unknown(why) => Observation::Unknown(why),
        Found::There(stat) => Observation::Present(
            State::new()
                .with("type", stat.file_type())
                .with("mode", stat.permissions())
                .with("owner", stat.owner_like(directory.owner.as_deref().unwrap_or_default()))
                .with("group", stat.group_like(directory.group.as_deref().unwrap_or_default())),
        ),
    }
}

impl Item for Directory {
    fn name(&self) -> &str {
        &self.path
    }

    fn want(&self) -> Want {
        if self.state == Presence::Absent {
            return Want::Absent;
        }
        Want::Present(
            State::new()
                .with("type", "directory")
                .with("mode", super::four_digits(&self.mode))
                .with_some("owner", self.owner.as_deref())
                .with_some("group", self.group.as_deref()),
        )
    }

    fn ask(&self, site: &Site) -> Vec<Vec<u8>> {
        vec![site.path(&self.path).into()]
    }

    fn call(&self, site: &Site) -> Call {
        if let Some(fate) = self.leaving {
            return Call::new("directory_retired").arg(site.path(&self.path)).arg(fate);
        }
        if self.state == Presence::Absent {
            return Call::new("directory_absent").arg(site.path(&self.path));
        }
        Call::new("directory_present")
            .arg(site.path(&self.path))
            .arg(if self.parents { "yes" } else { site.makes_parents() })
            .optional(self.owner.as_deref())
            .optional(self.group.as_deref())
            .arg(self.mode.as_str())
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }
}

const APPLY: &str = r#"
directory_present() { # PATH PARENTS OWNER GROUP MODE
  if [ -d "$1" ] && [ ! -L "$1" ]; then
    set_owner_mode "$1" "$3" "$4" "$5" || unchanged
    exit 0
  fi
  if [ -e "$1" ] || [ -L "$1" ]; then
    echo "$1 is there and is no directory; remove it by hand if a directory shall take its place"
    exit 1
  fi
  parent "$1" "$2"
  creates
  mkdir -m 700 -- "$1"
  set_owner_mode "$1" "$3" "$4" "$5" || :
}

directory_retired() { # PATH FATE
  if [ ! -d "$1" ] || [ -L "$1" ]; then unchanged; fi
  case $2 in
    archive) archive "$1" ;;
    destroy) destroy "$1" ;;
    # what others have put there is theirs
    *) rmdir -- "$1" 2>/dev/null || unchanged ;;
  esac
}

directory_absent() { # PATH
  [ -e "$1" ] || [ -L "$1" ] || unchanged
  if [ ! -d "$1" ] || [ -L "$1" ]; then
    echo "$1 is no directory; it is not removed"
    exit 1
  fi
  rmdir -- "$1" && return
  echo "only an empty directory is removed; move away or remove by hand what is in $1"
  exit 1
}
"#;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use crate::kinds::bench::{Applied, Directory, SHELLS, assert_converged};
    use crate::resource::Observation;

    #[test]
    fn what_is_in_a_directory_is_never_lost() {
        let place = Directory::new();
        fs::create_dir_all(place.at("/srv/old/photos")).unwrap();
        let bench = place.bench(SHELLS[0]);
        let item = bench.item("directory", "{ path: /srv/old, state: absent }");
        let Applied::Failed(said) = bench.apply("directory", item.as_ref()) else { panic!("it was removed") };
        assert!(said.contains("only an empty directory is removed"), "{said}");
        assert!(place.at("/srv/old/photos").exists());
    }

    #[test]
    fn a_file_or_link_in_its_place_is_seen_and_left_alone() {
        let place = Directory::new();
        fs::write(place.at("/etc/file"), "x").unwrap();
        symlink("/etc", place.at("/etc/link")).unwrap();
        let bench = place.bench(SHELLS[0]);
        for path in ["/etc/file", "/etc/link"] {
            let item = bench.item("directory", &format!("{{ path: {path} }}"));
            assert!(matches!(bench.apply("directory", item.as_ref()), Applied::Failed(_)), "{path}");
            let Observation::Present(state) = bench.probe_one("directory", item.as_ref()) else { panic!("{path}") };
            assert_ne!(state.0["type"], "directory".into(), "{path}");
        }
        assert!(place.at("/etc/file").is_file() && place.at("/etc/link").is_symlink());
    }

    #[test]
    fn only_the_mode_changes_where_only_the_mode_differs() {
        let place = Directory::new();
        fs::create_dir(place.at("/srv")).unwrap();
        fs::write(place.at("/srv/kept"), "x").unwrap();
        let bench = place.bench(SHELLS[0]);
        let item = bench.item("directory", "{ path: /srv, mode: \"2770\" }");
        assert_eq!(bench.apply("directory", item.as_ref()), Applied::Changed);
        assert_converged(item.as_ref(), &bench.probe_one("directory", item.as_ref()));
        assert_eq!(fs::metadata(place.at("/srv")).unwrap().permissions().mode() & 0o7777, 0o2770);
        assert!(place.at("/srv/kept").exists());
    }
}
