//! Reading what a host says about local accounts. A host may lie or stop in the middle: an account counts only if
//! everything about it was said.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::{Span, Unit};

use crate::kinds::Answer;
use crate::kinds::paths::{Found, Paths, Stat};

/// What `keys_access` is when nobody else can change the keys.
pub(super) const PRIVATE: &str = "private";
/// What `home_directory` is when it is there.
pub(super) const THERE: &str = "there";

#[derive(Debug, Default, Clone)]
pub(super) struct Account {
    pub uid: String,
    gid: String,
    pub comment: String,
    pub home: String,
    pub shell: String,
    /// Supplementary ones, sorted, without the primary one.
    pub groups: Vec<String>,
    /// `none`, `locked`, `set` or `empty`.
    password: String,
    /// Days since 1970-01-01.
    pub expires: Option<i64>,
}

/// The keys that may log in as an account.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Sorted.
    pub lines: Vec<String>,
    /// [`PRIVATE`], or what is wrong with the files.
    pub access: String,
}

impl Keys {
    pub(super) fn is_open(&self) -> bool {
        !self.lines.is_empty()
    }
}

#[derive(Debug, Default)]
pub(super) struct Accounts {
    accounts: BTreeMap<String, Option<Account>>,
    groups: BTreeMap<String, String>,
    paths: Paths,
    keys: BTreeMap<String, Vec<String>>,
    whole: bool,
    trouble: Option<String>,
}

impl Accounts {
    pub(super) fn read(answer: &Answer) -> Self {
        let mut accounts = Self { paths: Paths::read(answer), ..Self::default() };
        let mut memberships: Vec<(String, String)> = Vec::new();
        for line in answer.lines() {
            let line = String::from_utf8_lossy(line);
            if let Some((path, key)) = line.strip_prefix("K|").and_then(|rest| rest.split_once('|')) {
                accounts.keys.entry(path.to_owned()).or_default().push(key.trim().to_owned());
                continue;
            }
            let fields: Vec<&str> = line.split(':').collect();
            match fields[..] {
                ["P", name, uid, gid, comment, home, shell]
                    if uid.parse::<u32>().is_ok() && gid.parse::<u32>().is_ok() =>
                {
                    let [uid, gid, comment, home, shell] = [uid, gid, comment, home, shell].map(str::to_owned);
                    let account = Account { uid, gid, comment, home, shell, ..Account::default() };
                    accounts.accounts.insert(name.to_owned(), Some(account));
                }
                ["S", name, password, expires] => {
                    if let Some(Some(account)) = accounts.accounts.get_mut(name) {
                        password.clone_into(&mut account.password);
                        account.expires = expires.parse().ok();
                    }
                }
                ["N", gid, name] => {
                    accounts.groups.insert(gid.to_owned(), name.to_owned());
                }
                ["M", name, group] => memberships.push((name.to_owned(), group.to_owned())),
                ["A", name] => {
                    accounts.accounts.insert(name.to_owned(), None);
                }
                ["E", why] => accounts.trouble = Some(why.to_owned()),
                ["Z"] => accounts.whole = true,
                _ => {}
            }
        }
        for (name, group) in memberships {
            let Some(Some(account)) = accounts.accounts.get_mut(&name) else { continue };
            if accounts.groups.get(&account.gid) != Some(&group) {
                account.groups.push(group);
            }
        }
        for account in accounts.accounts.values_mut().flatten() {
            account.groups.sort_unstable();
            account.groups.dedup();
        }
        accounts
    }

    /// `None` if the host says that there is none.
    pub(super) fn named(&self, name: &str) -> Result<Option<&Account>, String> {
        let silent = || self.trouble.clone().unwrap_or_else(|| "the host did not say".to_owned());
        if !self.whole {
            return Err(silent());
        }
        match self.accounts.get(name) {
            Some(Some(account)) if account.password.is_empty() => Err("its password could not be looked at".into()),
            Some(account) => Ok(account.as_ref()),
            None => Err(silent()),
        }
    }

    /// The primary group in the form that the wish has.
    pub(super) fn group_like<'a>(&'a self, account: &'a Account, wanted: &str) -> &'a str {
        let by_number = wanted.parse::<u32>().is_ok();
        self.groups.get(&account.gid).filter(|_| !by_number).unwrap_or(&account.gid)
    }

    /// An account that came with the system needs no home directory, unless one is asked for.
    pub(super) fn home(&self, account: &Account, asked: bool) -> Result<&'static str, String> {
        if !asked && account.uid.parse::<u32>().is_ok_and(|uid| uid < FIRST_PERSON) {
            return Ok(THERE);
        }
        match self.paths.at(&account.home) {
            Found::There(stat) if stat.is_directory() => Ok(THERE),
            Found::There(_) => Ok("not a directory"),
            Found::Absent => Ok("missing"),
            Found::Unknown(why) => Err(format!("its home directory: {why}")),
        }
    }

    /// What sshd would take, see `AuthorizedKeysFile` in `sshd_config(5)`.
    pub(super) fn keys(&self, account: &Account) -> Result<Keys, String> {
        let mut keys = Keys { lines: Vec::new(), access: PRIVATE.into() };
        let directory = format!("{}/.ssh", account.home);
        match self.paths.at(&directory) {
            Found::Absent => return Ok(keys),
            Found::Unknown(why) => return Err(format!("its keys: {why}")),
            Found::There(stat) if stat.is_directory() => keys.access = access(&stat, account, ".ssh"),
            Found::There(stat) => {
                keys.access = format!(".ssh is a {}", stat.file_type());
                keys.lines.push("(not read)".into());
                return Ok(keys);
            }
        }
        for name in ["authorized_keys", "authorized_keys2"] {
            let path = format!("{directory}/{name}");
            let stat = match self.paths.at(&path) {
                Found::Absent => continue,
                Found::Unknown(why) => return Err(format!("its keys: {why}")),
                Found::There(stat) => stat,
            };
            if !stat.is_regular() || stat.size > LARGEST {
                let what = if stat.is_regular() { "too large" } else { stat.file_type() };
                keys.lines.push(format!("({name}: {what}, not read)"));
                continue;
            }
            if keys.access == PRIVATE {
                keys.access = access(&stat, account, name);
            }
            keys.lines.extend(self.keys.get(&path).into_iter().flatten().cloned());
        }
        keys.lines.sort_unstable();
        keys.lines.dedup();
        Ok(keys)
    }
}

/// `UID_MIN` in Debian's login.defs(5).
const FIRST_PERSON: u32 = 1000;

/// In bytes; the probe reads no larger file.
const LARGEST: u64 = 65536;

/// sshd's `StrictModes`: nobody but the account and root may write.
fn access(stat: &Stat, account: &Account, name: &str) -> String {
    if stat.mode & 0o022 != 0 {
        format!("{name} is writable by others")
    } else if stat.uid != account.uid && stat.uid != "0" {
        format!("{name} belongs to {}", stat.user)
    } else {
        PRIVATE.into()
    }
}

impl Account {
    /// An account without password is as locked as one whose password is locked.
    pub(super) fn password_like(&self, locked: bool) -> &str {
        if locked && self.password == "none" { "locked" } else { &self.password }
    }

    /// True if there is one that opens it.
    pub(super) fn has_password(&self) -> bool {
        self.password == "set"
    }

    /// True if neither a password nor sshd lets anybody in, and it has no rights by groups.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.password.as_str(), "none" | "locked") && self.expires == Some(1) && self.groups.is_empty()
    }
}

/// Days since 1970-01-01 of a day written as 2027-01-31.
pub(super) fn days(text: &str) -> Option<i64> {
    let day: Date = text.parse().ok()?;
    if day.to_string() != text {
        return None;
    }
    let days = date(1970, 1, 1).until((Unit::Day, day)).ok()?.get_days();
    Some(i64::from(days)).filter(|days| *days > 1)
}

/// The day, or `never`.
pub(super) fn day(days: Option<i64>) -> String {
    let Some(days) = days else { return "never".into() };
    let span = Span::new().try_days(days).ok();
    let day = span.and_then(|span| date(1970, 1, 1).checked_add(span).ok());
    day.map_or_else(|| "a day beyond the calendar".into(), |day| day.to_string())
}
