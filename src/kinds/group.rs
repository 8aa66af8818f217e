//! `group`: a local group, by its name and perhaps its number. Its members are said by `user`s.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::accounts::{account_name, is_account_name};
use super::{Answer, Build, Call, Item, Kind, Leaving, Presence, Site, concrete};
use crate::lifelines::{Lifeline, of_accounts};
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

#[derive(Debug)]
pub struct GroupKind;

/// A local group.
#[derive(Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The group's name.
    name: String,
    /// Its number; the next free one unless given.
    gid: Option<u32>,
    /// True: if it is to be created, its number is one of those for the system.
    #[serde(default)]
    system: bool,
    /// `absent` removes it.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug)]
struct Group {
    fields: Fields,
    /// True if nothing declares it any more.
    leaving: bool,
}

impl Kind for GroupKind {
    fn name(&self) -> &'static str {
        "group"
    }

    fn summary(&self) -> &'static str {
        "A local group."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn short_field(&self) -> Option<&'static str> {
        Some("name")
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        account_name(&fields.name, node, "name", build.mistakes)?;
        Some(Box::new(Group { fields, leaving: false }))
    }

    /// One that accounts are in stays.
    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let fields = Fields { name: leaving.name.to_owned(), gid: None, system: false, state: Presence::Absent };
        is_account_name(leaving.name).then(|| Box::new(Group { fields, leaving: true }) as Box<dyn Item>)
    }

    fn probe(&self) -> &'static str {
        PROBE
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let groups = Groups::read(answer);
        items.iter().map(|item| groups.observe(item.name())).collect()
    }

    fn apply(&self) -> &'static str {
        APPLY
    }

    fn merges(&self) -> bool {
        true
    }

    fn examples(&self) -> &'static [&'static str] {
        &["{ name: editors }", "{ name: sftp-only, gid: 4711, system: true }", "{ name: editors, state: absent }"]
    }
}

impl Item for Group {
    fn name(&self) -> &str {
        &self.fields.name
    }

    fn want(&self) -> Want {
        match self.fields.state {
            Presence::Present => {
                Want::Present(State::new().with_some("gid", self.fields.gid.map(|gid| gid.to_string())))
            }
            Presence::Absent => Want::Absent,
        }
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        vec![self.fields.name.clone().into()]
    }

    fn call(&self, _: &Site) -> Call {
        let name = self.fields.name.as_str();
        match self.fields.state {
            Presence::Present => Call::new("group_present")
                .arg(name)
                .optional(self.fields.gid.map(|gid| gid.to_string()).as_deref())
                .arg(if self.fields.system { "yes" } else { "no" }),
            Presence::Absent if self.leaving => Call::new("group_retired").arg(name),
            Presence::Absent => Call::new("group_absent").arg(name),
        }
    }

    fn lifelines(&self) -> Vec<Lifeline> {
        // who may log in or use sudo may depend on it
        if self.fields.state == Presence::Absent { of_accounts() } else { Vec::new() }
    }

    fn same_as(&self, other: &dyn Item) -> bool {
        concrete::<Self>(other).is_some_and(|other| self.fields == other.fields)
    }
}

#[derive(Debug, Default)]
struct Groups {
    /// By name; `None` is explicitly not there.
    gids: BTreeMap<String, Option<String>>,
    trouble: Option<String>,
}

impl Groups {
    fn read(answer: &Answer) -> Self {
        let mut groups = Self::default();
        for line in answer.lines() {
            let line = String::from_utf8_lossy(line);
            let fields: Vec<&str> = line.split(':').collect();
            match fields[..] {
                ["G", name, _, gid, _] if gid.parse::<u32>().is_ok() => {
                    groups.gids.insert(name.to_owned(), Some(gid.to_owned()));
                }
                ["A", name] => {
                    groups.gids.insert(name.to_owned(), None);
                }
                ["E", why] => groups.trouble = Some(why.to_owned()),
                _ => {}
            }
        }
        groups
    }

    fn observe(&self, name: &str) -> Observation {
        let silent = || self.trouble.clone().unwrap_or_else(|| "the host did not say".to_owned());
        match self.gids.get(name) {
            Some(Some(gid)) => Observation::Present(State::new().with("gid", gid.as_str())),
            Some(None) => Observation::Absent,
            None => Observation::Unknown(silent()),
        }
    }
}

/// Lines: name. Prints G:line of /etc/group, A:name, E:why.
const PROBE: &str = r#"
probe_group() {
  if [ ! -r /etc/group ]; then
    cat >/dev/null
    echo 'E:/etc/group cannot be read'
    return 0
  fi
  awk -F: '
    part == "asked" { order[++count] = $1; asked[$1]; next }
    ($1 in asked) && !($1 in seen) { seen[$1]; print "G:" $1 ":x:" $3 ":" $4 }
    END { for (i = 1; i <= count; i++) if (!(order[i] in seen)) print "A:" order[i] }
  ' part=asked - part=group /etc/group
}
"#;

const APPLY: &str = r#"
group_present() { # NAME GID SYSTEM
  gid=$(awk -F: -v name="$1" '$1 == name { print $3; exit }' /etc/group)
  if [ -n "$gid" ]; then
    if [ -z "$2" ] || [ "$gid" = "$2" ]; then unchanged; fi
    keep_accounts
    groupmod -g "$2" -- "$1"
    return 0
  fi
  creates
  keep_accounts
  name=$1 gid=$2 system=$3
  set --
  [ -z "$gid" ] || set -- "$@" -g "$gid"
  [ "$system" = no ] || set -- "$@" -r
  groupadd "$@" -- "$name"
}

group_retired() { # NAME
  gid=$(awk -F: -v name="$1" '$1 == name { print $3; exit }' /etc/group)
  [ -n "$gid" ] || unchanged
  [ -z "$(awk -F: -v name="$1" '$1 == name { print $4; exit }' /etc/group)" ] || unchanged
  ! awk -F: -v gid="$gid" '$4 == gid { found = 1 } END { exit !found }' /etc/passwd || unchanged
  keep_accounts
  groupdel -- "$1"
}

group_absent() { # NAME
  awk -F: -v name="$1" '$1 == name { found = 1 } END { exit !found }' /etc/group || unchanged
  keep_accounts
  groupdel -- "$1"
}
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::bench::{Directory, SHELLS};

    fn observed(answer: &[u8]) -> Observation {
        Groups::read(&Answer { bytes: answer.to_vec(), ..Answer::default() }).observe("sudo")
    }

    #[test]
    fn what_the_group_file_says_is_what_is_there() {
        let gid = |gid: &str| Observation::Present(State::new().with("gid", gid));
        assert_eq!(observed(b"G:sudo:x:27:ana,ben\n"), gid("27"));
        assert_eq!(observed(b"A:adm\nG:sudo:*:27:\n"), gid("27"));
        assert_eq!(observed(b"A:sudo\n"), Observation::Absent);
    }

    #[test]
    fn a_host_that_did_not_say_is_not_a_host_without_the_group() {
        assert_eq!(
            observed(b"E:/etc/group cannot be read\n"),
            Observation::Unknown("/etc/group cannot be read".into())
        );
        for answer in [&b""[..], b"G:sudo:x:", b"G:sudo:x:many:\n", b"A:sud", b"\xff:\n", b"G:sudo:x:27:a:b\n"] {
            assert!(matches!(observed(answer), Observation::Unknown(_)), "{answer:?}");
        }
    }

    #[test]
    fn real_groups_are_seen_in_every_shell() {
        for shell in SHELLS {
            let directory = Directory::new();
            let bench = directory.host(shell);
            let items = ["{ name: root }", "{ name: no-such-group }"].map(|yaml| bench.item("group", yaml));
            let seen = bench.probe("group", &[&*items[0], &*items[1]]);
            assert_eq!(seen, [Observation::Present(State::new().with("gid", "0")), Observation::Absent]);
        }
    }
}
