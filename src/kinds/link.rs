//! `link`: a symbolic link with exactly this target. Takes the place of a file or another link in one step, never
//! that of a directory. The target need not exist.

use serde::Deserialize;

use super::paths::{Found, Paths};
use super::{
    Answer, Build, Call, Item, Kind, Leaving, Presence, Site, absolute, concrete, field_place, is_plain_absolute,
};
use crate::diag::Diagnostic;
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

#[derive(Debug)]
pub struct LinkKind;

/// A symbolic link.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Where it lies: an absolute path.
    path: String,
    /// Where it leads, as it is written into the link. May be relative to the link's own directory.
    target: Option<String>,
    /// `absent` removes it.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug)]
struct Link {
    path: String,
    /// `None`: it shall not exist.
    target: Option<String>,
    /// True if nothing declares it any more.
    leaving: bool,
}

impl Kind for LinkKind {
    fn name(&self) -> &'static str {
        "link"
    }

    fn summary(&self) -> &'static str {
        "A symbolic link with exactly this target."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        absolute(&fields.path, node, "path", build.mistakes)?;
        let wrong = |fact: String, remedy: &str| {
            Diagnostic::error(fact).at(field_place(node, "target")).remedy(remedy.to_owned())
        };
        match (fields.state, &fields.target) {
            (Presence::Present, None) => {
                build.mistakes.push(wrong(format!("link {} has no target", fields.path), "give it `target`"));
                return None;
            }
            (Presence::Present, Some(target)) if target.is_empty() || target.contains('\0') => {
                let fact = format!("link {} has an impossible target", fields.path);
                build.mistakes.push(wrong(fact, "write the path it shall lead to"));
                return None;
            }
            _ => {}
        }
        let target = fields.target.filter(|_| fields.state == Presence::Present);
        Some(Box::new(Link { path: fields.path, target, leaving: false }))
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let link = || Link { path: leaving.name.to_owned(), target: None, leaving: true };
        is_plain_absolute(leaving.name).then(|| Box::new(link()) as Box<dyn Item>)
    }

    fn probe(&self) -> &'static str {
        PROBE
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

    fn examples(&self) -> &'static [&'static str] {
        &["{ path: /etc/localtime, target: /usr/share/zoneinfo/UTC }", "{ path: /etc/alias, state: absent }"]
    }
}

fn observe(item: &dyn Item, site: &Site, paths: &Paths) -> Observation {
    let Some(link) = concrete::<Link>(item) else { return Observation::Unknown("not a link".into()) };
    let path = site.path(&link.path);
    match paths.at(&path) {
        Found::Absent => Observation::Absent,
        Found::Unknown(why) => Observation::Unknown(why),
        Found::There(stat) if stat.is_link() => match paths.target(&path) {
            Some(target) => {
                let target = String::from_utf8_lossy(target).into_owned();
                Observation::Present(State::new().with("type", "link").with("target", target))
            }
            None => Observation::Unknown("its target could not be read".into()),
        },
        Found::There(stat) => Observation::Present(State::new().with("type", stat.file_type())),
    }
}

impl Item for Link {
    fn name(&self) -> &str {
        &self.path
    }

    fn want(&self) -> Want {
        match &self.target {
            Some(target) => Want::Present(State::new().with("type", "link").with("target", target.as_str())),
            None => Want::Absent,
        }
    }

    fn ask(&self, site: &Site) -> Vec<Vec<u8>> {
        vec![site.path(&self.path).into()]
    }

    fn call(&self, site: &Site) -> Call {
        match &self.target {
            Some(target) => {
                Call::new("link_present").arg(site.path(&self.path)).arg(site.makes_parents()).arg(target.as_str())
            }
            None if self.leaving => Call::new("link_retired").arg(site.path(&self.path)),
            None => Call::new("link_absent").arg(site.path(&self.path)),
        }
    }

    fn path(&self) -> Option<&str> {
        Some(&self.path)
    }
}

/// Lines: path. One `stat` for all of them, and one more for those that are links.
const PROBE: &str = r#"
probe_link() {
  stats=$(stat_paths)
  printf '%s\n' "$stats"
  printf '%s\n' "$stats" | linked_paths | link_targets
}
"#;

const APPLY: &str = r#"
link_present() { # PATH PARENTS TARGET
  vacant "$1" link
  # the point keeps final newlines of the target
  [ ! -L "$1" ] || [ "$(readlink -- "$1" && echo .)" != "$3
." ] || unchanged
  parent "$1" "$2"
  [ -e "$1" ] || [ -L "$1" ] || creates
  stage_beside "$1"
  rm -f -- "$TEMP"
  ln -s -n -- "$3" "$TEMP"
  keep "$1"
  replace "$TEMP" "$1"
}

link_retired() { # PATH
  [ -L "$1" ] || unchanged
  keep "$1"
  rm -f -- "$1"
}

link_absent() { # PATH
  [ -e "$1" ] || [ -L "$1" ] || unchanged
  if [ ! -L "$1" ]; then
    echo "$1 is no link; it is not removed"
    exit 1
  fi
  keep "$1"
  rm -f -- "$1"
}
"#;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use crate::kinds::bench::{Applied, Directory, SHELLS};
    use crate::kinds::laws;

    #[test]
    fn a_link_that_leads_to_a_directory_is_replaced_and_the_directory_left_alone() {
        for shell in SHELLS {
            let place = Directory::new();
            fs::create_dir(place.at("/etc/release-1")).unwrap();
            symlink("release-1", place.at("/etc/current")).unwrap();
            let bench = place.bench(shell);
            let item = bench.item("link", "{ path: /etc/current, target: release-2 }");
            laws::holds("link", item.as_ref(), &bench);
            assert_eq!(fs::read_dir(place.at("/etc/release-1")).unwrap().count(), 0, "{shell:?}");
        }
    }

    #[test]
    fn a_directory_in_its_place_is_left_alone() {
        let place = Directory::new();
        fs::create_dir(place.at("/etc/current")).unwrap();
        let bench = place.bench(SHELLS[0]);
        for yaml in ["{ path: /etc/current, target: x }", "{ path: /etc/current, state: absent }"] {
            let item = bench.item("link", yaml);
            assert!(matches!(bench.apply("link", item.as_ref()), Applied::Failed(_)), "{yaml}");
        }
        assert!(place.at("/etc/current").is_dir());
    }

    #[test]
    fn targets_may_hold_anything() {
        for shell in SHELLS {
            let place = Directory::new();
            for target in
                ["$(reboot)", "-rf", "a -> b", "it's", "\n", "x\n\nS|81a4|root|0|root|0|1|/etc/l", "ünïcode"]
            {
                let bench = place.bench(shell);
                let yaml = format!("{{ path: \"/etc/l x\", target: {} }}", serde_json::to_string(target).unwrap());
                laws::holds("link", bench.item("link", &yaml).as_ref(), &bench);
                assert_eq!(fs::read_link(place.at("/etc/l x")).unwrap().to_str(), Some(target), "{shell:?}");
            }
        }
    }
}
