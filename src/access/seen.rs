//! Reading what a host says about who can get in (`script/access.sh`). A host may lie, stop in the middle or send
//! anything: a line that is not whole is noted as unknown, and an answer without its end is no answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::Answer;
use crate::quoting::decode;
use crate::said::Said;

/// Who can get into a host, and what they may do there, as the host says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub accounts: Vec<Account>,
    /// Members of the groups `sudo`, `wheel` and `admin`: group and account.
    pub members: Vec<(String, String)>,
    /// By account, the files that sshd reads for it, where they exist.
    pub files: BTreeMap<String, BTreeSet<String>>,
    /// By file.
    pub keys: BTreeMap<String, Vec<Key>>,
    pub rights: Vec<Right>,
    /// Definitions of a `User_Alias` in sudoers.
    pub aliases: Vec<String>,
    /// Other ways into sshd: configuration file, keyword, value.
    pub ways: Vec<(String, String, String)>,
    /// What could not be read, and why.
    pub unknown: Vec<(Said, Said)>,
}

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub home: String,
    pub shell: String,
    /// True if a password opens it, an empty one too.
    pub password: bool,
    /// True if its last day has passed.
    pub expired: bool,
}

/// A public key in a file that sshd reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub file: String,
    pub kind: String,
    /// Base64, as it stands in the file.
    pub blob: String,
    /// Names of options, without their values.
    pub options: String,
    pub comment: String,
}

/// A line that lets somebody act as others: in sudoers, doas.conf or polkit's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    pub file: String,
    pub who: String,
    /// Without arguments of commands.
    pub what: String,
}

impl Seen {
    pub fn read(answer: Option<&Answer>) -> Self {
        let mut seen = Self::default();
        let mut is_whole = false;
        for line in answer.iter().flat_map(|answer| answer.lines()) {
            is_whole = line == b"Z";
            if !is_whole && seen.line(line).is_none() {
                seen.unknown.push(("the answer".into(), "the host said something that makes no sense".into()));
            }
        }
        if is_whole {
            seen.unknown.dedup();
            return seen;
        }
        // half an answer could hide the other half
        Self { unknown: vec![("access".into(), "the host did not say who can log in".into())], ..Self::default() }
    }

    fn line(&mut self, line: &[u8]) -> Option<()> {
        let line = std::str::from_utf8(line).ok()?;
        let field = |field: &str| String::from_utf8_lossy(&decode(field)).into_owned();
        let fields: Vec<String> = line.split('|').map(field).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        match fields[..] {
            ["P", name, uid, _, home, shell, password, expired] => {
                let Ok(uid) = uid.parse() else {
                    self.unknown
                        .push(("/etc/passwd".into(), format!("the number of account `{name}` is no number").into()));
                    return Some(());
                };
                let [name, home, shell] = [name, home, shell].map(str::to_owned);
                let password = match password {
                    "set" | "empty" => true,
                    "none" | "locked" => false,
                    _ => return None,
                };
                self.accounts.push(Account { name, uid, home, shell, password, expired: expired == "yes" });
            }
            ["M", group, account] => self.members.push((group.into(), account.into())),
            ["F", account, file] => {
                self.files.entry(account.into()).or_default().insert(file.into());
            }
            ["K", file, kind, blob, options, comment] => {
                let [file, kind, blob, options, comment] = [file, kind, blob, options, comment].map(str::to_owned);
                let key = Key { file: file.clone(), kind, blob, options, comment };
                self.keys.entry(file).or_default().push(key);
            }
            ["R", file, who, what] => {
                let [file, who, what] = [file, who, what].map(str::to_owned);
                self.rights.push(Right { file, who, what });
            }
            ["A", _, members] => self.aliases.push(members.into()),
            ["W", file, word, value] => self.ways.push((file.into(), word.into(), value.into())),
            ["U", what, why] => self.unknown.push((what.into(), why.into())),
            _ => return None,
        }
        Some(())
    }

    /// The keys that open this account.
    pub fn keys_of<'a>(&'a self, account: &'a Account) -> impl Iterator<Item = &'a Key> {
        self.files.get(&account.name).into_iter().flatten().filter_map(|file| self.keys.get(file)).flatten()
    }
}

impl Account {
    /// True if its shell lets somebody work; an empty one is /bin/sh, see passwd(5).
    pub fn has_shell(&self) -> bool {
        let name = self.shell.rsplit('/').next().unwrap_or_default();
        !matches!(name, "nologin" | "false" | "sync" | "shutdown" | "halt")
    }
}
