//! The access audit: who can get into a host though the inventory does not say so. Takes a host's catalog and what a look
//! said, gives [`Finding`]s. Pure; it never changes anything, and never takes what could not be read for absent.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::catalog::HostCatalog;
use crate::observed::{Installed, Observed};
use crate::said::Said;
use crate::texts;

mod declared;
mod readers;
mod seen;

use declared::Declared;
use readers::readers;
pub use seen::{Account, Key, Right, Seen};

/// One thing about a host that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub what: What,
    /// Whom it concerns; empty if nobody in particular.
    pub account: String,
    /// The fact, as a part of a sentence: "key SHA256:… (ana@home) of root".
    pub detail: Said,
    /// The file it stands in.
    pub file: Said,
    pub remedy: Said,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The login that the hosting gave can still be used.
    Bootstrap,
    /// An account that can log in, or that is closed only in the inventory.
    Account,
    /// Another account with the number of root.
    Uid0,
    /// A key that may log in.
    Key,
    /// A right to act as root or as others.
    Sudo,
    /// Something in sshd's configuration that lets others in.
    Sshd,
    /// Something that could not be read.
    Unknown,
}

impl What {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Account => "account",
            Self::Uid0 => "uid-0",
            Self::Key => "key",
            Self::Sudo => "sudo",
            Self::Sshd => "sshd",
            Self::Unknown => "unknown",
        }
    }
}

impl Finding {
    /// One line for people.
    pub fn line(&self) -> Said {
        let Self { detail, file, .. } = self;
        match self.what {
            What::Bootstrap => texts::bootstrap_open(detail),
            What::Unknown => texts::access_unknown(file, detail),
            _ => texts::undeclared_access(detail, file),
        }
    }
}

/// What the inventory does not declare. Nothing where the host was not asked: a directory, or a part of its services.
pub fn findings(catalog: &HostCatalog, observed: &Observed) -> Vec<Finding> {
    observed.access.as_ref().map(|seen| undeclared(catalog, seen, observed.reader.as_ref())).unwrap_or_default()
}

/// The same from what a host said; `reader`: what is installed there for reader keys.
pub fn undeclared(catalog: &HostCatalog, seen: &Seen, reader: Option<&Installed>) -> Vec<Finding> {
    let Some(bootstrap) = &catalog.bootstrap else { return Vec::new() };
    let declared = Declared::of(catalog);
    let readers = readers(catalog, reader);
    let seen = &readers.leave_out(seen);
    let first_root = seen.accounts.iter().position(|account| account.name == "root");
    let audit = Audit { bootstrap, seen, declared, first_root };
    let mut findings = audit.bootstrap();
    for (index, account) in seen.accounts.iter().enumerate() {
        findings.extend(audit.account(account, index));
    }
    findings.extend(audit.members());
    findings.extend(seen.rights.iter().filter_map(|right| audit.right(right)));
    findings.extend(audit.ways());
    for finding in &mut findings {
        readers.remedy(finding);
    }
    findings.extend(seen.unknown.iter().map(|(what, why)| Finding {
        what: What::Unknown,
        account: String::new(),
        detail: why.map(shown),
        file: what.map(shown),
        remedy: texts::access_look(),
    }));
    findings
}

struct Audit<'a> {
    bootstrap: &'a str,
    seen: &'a Seen,
    declared: Declared,
    /// Where root itself stands among the accounts; whoever else has its number is a twin.
    first_root: Option<usize>,
}

impl Audit<'_> {
    /// True for the hosting's login, unless the chapter made the account its own.
    fn is_bootstrap(&self, account: &str) -> bool {
        account == self.bootstrap && !self.declared.has(account)
    }

    fn bootstrap(&self) -> Vec<Finding> {
        let Some(account) = self.seen.accounts.iter().find(|account| self.is_bootstrap(&account.name)) else {
            return Vec::new();
        };
        let mut ways: Vec<Said> = self.undeclared_keys(account).map(key).collect();
        if account.password && account.has_shell() {
            ways.push(texts::access_password());
        }
        if account.expired || ways.is_empty() {
            return Vec::new();
        }
        let name = &account.name;
        let remedy = if self.declared.closes(name) {
            texts::access_apply_closes()
        } else if name == "root" {
            texts::access_declare_root()
        } else {
            texts::access_close_bootstrap(shown(name))
        };
        let detail = texts::access_by(shown(name), Said::joined(&ways, ", "));
        vec![Finding { what: What::Bootstrap, account: shown(name), detail, file: "/etc/passwd".into(), remedy }]
    }

    fn account(&self, account: &Account, index: usize) -> Vec<Finding> {
        let mut findings = Vec::new();
        let name = shown(&account.name);
        let finding = |what, detail, remedy| Finding {
            what,
            account: name.clone(),
            detail,
            file: "/etc/passwd".into(),
            remedy,
        };
        let is_root = account.name == "root" && self.first_root == Some(index);
        if account.uid == 0 && !is_root {
            findings.push(finding(What::Uid0, texts::access_uid_0(&name), texts::access_twin_of_root(&name)));
        }
        if account.expired || self.is_bootstrap(&account.name) {
            return findings;
        }
        let keys: Vec<&Key> = self.undeclared_keys(account).collect();
        let mut ways = Vec::new();
        if account.password && account.has_shell() {
            ways.push(texts::access_password());
        }
        // that there is a root is no news
        if !keys.is_empty() && !is_root {
            ways.push(texts::access_keys());
        }
        if !ways.is_empty() && !self.declared.has(&account.name) {
            let ways = ways.into_iter().reduce(|one, other| texts::and_then(&one, &other)).unwrap_or_default();
            let detail = texts::access_can_log_in(&name, account.uid, &ways);
            findings.push(finding(What::Account, detail, self.account_remedy(&account.name)));
        }
        for it in keys {
            let own = [".ssh/authorized_keys", ".ssh/authorized_keys2"];
            let is_own = own.iter().any(|own| it.file == format!("{}/{own}", account.home));
            let remedy = if is_own && self.declared.manages_keys(&account.name) {
                texts::access_apply_removes_key()
            } else {
                texts::access_declare_key(shown(&it.file))
            };
            findings.push(Finding {
                what: What::Key,
                account: name.clone(),
                detail: texts::access_of(key(it), &name),
                file: shown(&it.file).into(),
                remedy,
            });
        }
        findings
    }

    fn account_remedy(&self, name: &str) -> Said {
        if self.declared.closes(name) {
            return texts::access_apply_closes();
        }
        let name = shown(name);
        if name == "root" {
            return texts::access_lock_root();
        }
        texts::access_declare_account(&name)
    }

    fn undeclared_keys<'b>(&'b self, account: &'b Account) -> impl Iterator<Item = &'b Key> {
        let is_declared = |key: &Key| {
            let Key { file, blob, options, .. } = key;
            self.declared.has_key(&account.name, file, blob) || self.declared.lets_run(&account.name, options)
        };
        self.seen.keys_of(account).filter(move |key| !is_declared(key))
    }

    fn members(&self) -> Vec<Finding> {
        let members: BTreeSet<&(String, String)> = self.seen.members.iter().collect();
        // an account's own group, of its name, gives nothing unless sudoers names it
        let is_own = |group: &str, account: &str| {
            group == account && !self.seen.rights.iter().any(|right| right.who == format!("%{group}"))
        };
        let is_undeclared = |group: &str, account: &str| {
            account != "root"
                && !is_own(group, account)
                && !self.is_bootstrap(account)
                && !self.declared.has_member(group, account)
        };
        let undeclared = members.into_iter().filter(|(group, account)| is_undeclared(group, account));
        undeclared
            .map(|(group, account)| {
                let (group, account) = (shown(group), shown(account));
                Finding {
                    what: What::Sudo,
                    detail: texts::access_member(&account, &group),
                    file: "/etc/group".into(),
                    remedy: texts::access_declare_member(&account, &group),
                    account,
                }
            })
            .collect()
    }

    fn right(&self, right: &Right) -> Option<Finding> {
        if self.declared.grants(&right.file, &right.who) {
            return None;
        }
        let without_password = ["NOPASSWD", "nopass"].iter().any(|word| right.what.contains(word));
        let is_expected = match right.who.as_str() {
            // whoever is in these is looked at
            "%sudo" | "%wheel" | "%admin" | ":sudo" | ":wheel" | ":admin" => !without_password,
            "root" | "#0" | "unix-user:0" | "unix-user:root" | "unix-group:sudo" | "unix-group:wheel"
            | "unix-group:admin" => true,
            who => self.is_bootstrap(who),
        };
        if is_expected {
            return None;
        }
        let (who, file) = (shown(&right.who), shown(&right.file));
        let members = self.seen.aliases.iter().flat_map(|line| line.split(" : "));
        let members = members.filter_map(|alias| alias.split_once('=')).find(|(name, _)| name.trim() == right.who);
        let also = members.map(|(_, members)| texts::access_alias(shown(members.trim()))).unwrap_or_default();
        Some(Finding {
            what: What::Sudo,
            detail: texts::access_may_use(&who, &also, shown(&right.what)),
            remedy: texts::access_declare_file(&file),
            account: who,
            file: file.into(),
        })
    }

    fn ways(&self) -> Vec<Finding> {
        let undeclared = self.seen.ways.iter().filter(|(file, ..)| !self.declared.writes(file));
        undeclared
            .map(|(file, word, value)| {
                let file = shown(file);
                Finding {
                    what: What::Sshd,
                    account: String::new(),
                    detail: texts::access_sshd_has(shown(word), shown(value)),
                    remedy: texts::access_declare_file(&file),
                    file: file.into(),
                }
            })
            .collect()
    }
}

/// `key SHA256:… (comment)`, as `ssh-keygen -l` says it.
fn key(key: &Key) -> Said {
    let print = match STANDARD.decode(&key.blob) {
        Ok(bytes) => Said::same(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(bytes)))),
        Err(_) => texts::access_not_whole(),
    };
    let comment = shown(&key.comment);
    if comment.is_empty() { texts::access_key(&print) } else { texts::access_key_of(&print, comment) }
}

/// Text of a host, on one line, without what could move a terminal's cursor or turn the reading direction.
fn shown(text: &str) -> String {
    let is_strange = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if is_strange(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
