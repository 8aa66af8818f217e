//! Somebody who left: kept so that hosts go on closing the account and the keys stay known as nobody's.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{AgeRecipient, Login, SshKey};
use crate::yaml::Placed;

/// A person who left. `steward people remove` writes this; every host closes the account and takes the keys away.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Former {
    /// The key of the person in the inventory.
    #[serde(skip)]
    pub id: String,
    /// The name as others know it.
    pub name: Placed<String>,
    /// The account on the hosts, if it is not the person's key in this file.
    #[serde(default)]
    pub login: Option<Placed<Login>>,
    /// The day of leaving, as 2027-01-31.
    pub since: Placed<Day>,
    /// SSH public keys that must let nobody in any more.
    #[serde(default)]
    pub ssh: Vec<Placed<SshKey>>,
    /// age recipients to which no secret may be encrypted any more.
    #[serde(default)]
    pub age: Vec<Placed<AgeRecipient>>,
}

impl Former {
    /// The account name on the hosts.
    pub fn login(&self) -> &str {
        self.login.as_ref().map_or(&self.id, |login| login.as_str())
    }
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Day(jiff::civil::Date);

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let day = text.parse().map(Self).ok().filter(|day| day.to_string() == text);
        day.ok_or_else(|| format!("`{}` is not a day\nwrite it like 2027-01-31", text.escape_debug()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::load;

    const TOP: &str = "id: 0123456789abcdef0123456789abcdef\nchapter: { name: X, domain: x.example }\n";
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE";

    fn loaded(text: &str) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.yaml"), format!("{TOP}{text}")).unwrap();
        let (inventory, mistakes) = load(dir.path());
        assert!(inventory.is_some());
        mistakes.0.iter().map(|mistake| mistake.fact.clone()).collect()
    }

    #[test]
    fn who_left_is_known_by_account_and_keys() {
        let text = format!("former:\n  ana: {{ name: Ana, since: 2026-11-24, login: aa, ssh: [{KEY}] }}\n");
        assert_eq!(loaded(&text), Vec::<String>::new());
    }

    #[test]
    fn nobody_is_here_and_gone_by_name_account_or_key() {
        let former = format!("former:\n  ana: {{ name: Ana, since: 2026-11-24, ssh: [{KEY} old] }}\n");
        for (person, fact) in [
            ("ana: { name: Ana, role: reader }".to_owned(), "`ana` is in `people` and in `former`"),
            ("bea: { name: B, role: reader, login: ana }".to_owned(), "`ana` is in `people` and in `former`"),
            (format!("bea: {{ name: B, role: reader, ssh: [{KEY}] }}"), "`bea` has a key of `ana`, who left"),
        ] {
            assert_eq!(loaded(&format!("people:\n  {person}\n{former}")), [fact]);
        }
        assert_eq!(
            loaded("former:\n  root: { name: R, since: 2026-11-24 }\n"),
            ["`root` cannot be the account of a person"]
        );
        assert_eq!(loaded("former:\n  ana: { name: A, since: 24.11.2026 }\n"), ["`24.11.2026` is not a day"]);
    }
}
