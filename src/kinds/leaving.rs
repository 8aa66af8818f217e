//! What becomes of a resource that nothing declares any more. Each kind brings its own retirement, as an item that wants
//! the resource absent and is made from its name alone: the declaration is gone. The name comes from a host, so a kind
//! takes it only if it could have been declared.

use schemars::JsonSchema;
use serde::Deserialize;

/// What the inventory says, under `retire`, of what leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Data, too, is moved to a dated place of the host that only root can read.
    Archive,
    /// Data, too, is deleted for good.
    Destroy,
    /// Packages, too, are removed; otherwise they stay.
    Remove,
}

/// A resource that left the inventory, in the words of the host's records.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// The second part of its identity.
    pub name: &'a str,
    /// What its item had to say, see [`Item::keepsake`](super::Item::keepsake).
    pub keepsake: &'a str,
    pub fate: Option<Fate>,
    /// True if it held secrets: then nothing of its content may be asked for.
    pub sealed: bool,
}

impl Fate {
    /// The argument of the functions that take something away; empty: as usual.
    pub fn word(fate: Option<Self>) -> &'static str {
        match fate {
            Some(Self::Archive) => "archive",
            Some(Self::Destroy) => "destroy",
            Some(Self::Remove) | None => "",
        }
    }
}

/// `PATH#KEY` of what lies inside a file, by the keepsake: the length of the path, and what only the kind knows.
pub fn inside<'a>(leaving: &Leaving<'a>) -> Option<(&'a str, &'a str, &'a str)> {
    let (length, rest) = leaving.keepsake.split_once('|')?;
    let length: usize = length.parse().ok()?;
    let path = leaving.name.get(..length).filter(|path| super::is_plain_absolute(path))?;
    let key = leaving.name.get(length..)?.strip_prefix('#')?;
    Some((path, key, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{ALL, Site};
    use crate::resource::Want;

    fn leaving<'a>(name: &'a str, keepsake: &'a str) -> Leaving<'a> {
        Leaving { name, keepsake, fate: Some(Fate::Destroy), sealed: false }
    }

    #[test]
    fn no_kind_takes_a_name_that_could_not_be_declared() {
        for kind in ALL {
            for name in ["", "/", "..", "/etc/../x", "/etc//x", "a/b", "-rf", "a b\n", "x\0", "/x/"] {
                for keepsake in ["", "1|", "0|", "99999999999999999999|x", "4|#", "|", "x|y"] {
                    let Some(item) = kind.retired(&leaving(name, keepsake)) else { continue };
                    panic!("{}: {name:?} {keepsake:?} became {:?}", kind.name(), item.call(&Site::default()));
                }
            }
        }
    }

    #[test]
    fn what_retires_wants_to_be_absent_and_keeps_its_name() {
        let bench = crate::kinds::bench::Directory::new();
        let bench = bench.bench(crate::kinds::bench::SHELLS[0]);
        for kind in ALL {
            for example in kind.examples() {
                let item = bench.item(kind.name(), example);
                let keepsake = item.keepsake();
                if let Some(retired) = kind.retired(&leaving(item.name(), &keepsake)) {
                    assert_eq!(retired.want(), Want::Absent, "{} {}", kind.name(), item.name());
                    assert_eq!(retired.name(), item.name(), "{}", kind.name());
                    assert_eq!(retired.path(), item.path(), "{} {}", kind.name(), item.name());
                }
            }
        }
    }

    #[test]
    fn the_path_in_a_name_is_found_whatever_stands_in_it() {
        assert_eq!(inside(&leaving("/etc/a#b#c", "8|x|y")), Some(("/etc/a#b", "c", "x|y")));
        for (name, keepsake) in [("/etc/a#b", "7|"), ("/etc/a#b", "5|"), ("etc#b", "3|"), ("/é#b", "2|")] {
            assert_eq!(inside(&leaving(name, keepsake)), None, "{name} {keepsake}");
        }
    }
}
