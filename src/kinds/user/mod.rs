//! `user`: a local account with its groups and the keys that may log in as it. An account that shall not be there is
//! closed (locked, expired, without keys and groups); its home directory is never touched.
//!
//! No password and no hash of one is ever read from a host, only whether there is one, and whether it is the one wanted.

use std::sync::Arc;

use serde::Deserialize;

use super::accounts::{account_name, is_account_name};
use super::passwords;
use super::{Answer, Build, Call, Item, Kind, Leaving, Presence, Risk, Site, absolute, concrete, field_place};
use crate::diag::Diagnostic;
use crate::lifelines::{Lifeline, of_account};
use crate::resource::{Observation, State, Want};
use crate::secret::Sealed;
use crate::yaml::Node;

mod key;
mod look;

use look::Accounts;

#[derive(Debug)]
pub struct UserKind;

/// A local account.
#[derive(Debug, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// The login name.
    name: String,
    /// Its number; the next free one unless given.
    uid: Option<u32>,
    /// Its primary group, by name or number; it must exist. One of its own name unless given.
    group: Option<String>,
    /// Exactly these supplementary groups, which must exist. Left as they are unless given.
    groups: Option<Vec<String>>,
    /// Its home directory; made if it is missing, never moved or removed.
    home: Option<String>,
    /// Its login shell. /bin/bash for a new account, for one of the system none.
    shell: Option<String>,
    /// The name of the person, or what it is for.
    comment: Option<String>,
    /// True: if it is to be created, its number is one of those for the system, and it has no home directory.
    #[serde(default)]
    system: bool,
    /// What becomes of its password: `unmanaged` (as it is; a new account gets none; so unless given), `none`, `locked`, or
    /// a secret that holds its hash, as `generate: { from: NAME, form: sha512crypt }` makes one.
    password: Option<String>,
    /// The day on which the account closes, as 2027-01-31; never unless given.
    expires: Option<String>,
    /// Exactly these keys may log in, one a line of `authorized_keys(5)`. Left as they are unless given.
    authorized_keys: Option<Vec<String>>,
    /// True: software on the host writes its keys, each for one command (`command=`, without terminal and forwarding), so that
    /// only other keys are reported as undeclared access. For accounts such as that of gitolite.
    #[serde(default)]
    command_keys: bool,
    /// Absent: the account is closed. It is locked and expired, its keys and groups are taken, nothing is deleted.
    #[serde(default)]
    state: Presence,
}

/// What becomes of its password.
#[derive(Debug, Clone, PartialEq)]
enum Password {
    /// As it is; a new account gets none.
    Unmanaged,
    /// No password opens it. Keys do.
    None,
    /// No password opens it, and the one it had is kept.
    Locked,
    /// The one of this hash.
    Hash(passwords::Password),
}

impl Password {
    fn read(node: &Node, build: &mut Build<'_>) -> Option<Self> {
        match node.get("password").filter(|given| given.sealed.is_none()).map(Node::as_str) {
            Some(Some("none")) => Some(Self::None),
            Some(Some("locked")) => Some(Self::Locked),
            Some(Some("unmanaged")) => Some(Self::Unmanaged),
            None if node.get("password").is_none() => Some(Self::Unmanaged),
            _ => passwords::Password::given(node, "password", build).map(Self::Hash),
        }
    }
}

#[derive(Debug, PartialEq)]
struct User {
    fields: Fields,
    password: Password,
    /// Days since 1970-01-01.
    expires: Option<i64>,
}

impl Kind for UserKind {
    fn name(&self) -> &'static str {
        "user"
    }

    fn summary(&self) -> &'static str {
        "A local account with its groups and the keys that may log in."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn short_field(&self) -> Option<&'static str> {
        Some("name")
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        let before = build.mistakes.0.len();
        account_name(&fields.name, node, "name", build.mistakes);
        for group in fields.groups.iter().flatten() {
            account_name(group, node, "groups", build.mistakes);
        }
        if let Some(group) = fields.group.as_deref().filter(|group| group.parse::<u32>().is_err()) {
            account_name(group, node, "group", build.mistakes);
        }
        for (field, path) in [("home", &fields.home), ("shell", &fields.shell)] {
            if let Some(path) = path {
                absolute(path, node, field, build.mistakes);
            }
        }
        let mut mistake = |field: &str, fact: String, remedy: &str| {
            build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
        };
        for (field, text) in [("home", &fields.home), ("shell", &fields.shell), ("comment", &fields.comment)] {
            if text.as_deref().is_some_and(|text| text.contains([':', '\n', '\r', '\0'])) {
                mistake(field, format!("`{field}` holds what /etc/passwd cannot"), "leave out `:` and line breaks");
            }
        }
        for line in fields.authorized_keys.iter().flatten() {
            if let Err(fact) = key::check(line) {
                mistake("authorized_keys", fact, "copy the whole line of the .pub file");
            }
        }
        let expires = match fields.expires.as_deref().map(look::days) {
            None => None,
            Some(Some(days)) => Some(days),
            Some(None) => {
                mistake("expires", "`expires` is not a day".into(), "write it like \"2027-01-31\"");
                None
            }
        };
        if fields.command_keys && fields.authorized_keys.is_some() {
            let fact = "`command_keys` are those that somebody else writes".to_owned();
            mistake("command_keys", fact, "leave it out, or `authorized_keys`");
        }
        if fields.name == "root" && fields.state == Presence::Absent {
            mistake("state", "root cannot be absent".into(), "drop it, or give it `authorized_keys: []`");
        }
        let password = Password::read(node, build)?;
        (build.mistakes.0.len() == before).then(|| Box::new(User { fields, password, expires }) as Box<dyn Item>)
    }

    /// It is closed, as one that is declared absent is; a deleted one would leave its number to whoever comes next.
    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let fields = Fields {
            name: leaving.name.to_owned(),
            uid: None,
            group: None,
            groups: None,
            home: None,
            shell: None,
            comment: None,
            system: false,
            password: None,
            expires: None,
            authorized_keys: None,
            command_keys: false,
            state: Presence::Absent,
        };
        let sound = is_account_name(leaving.name) && leaving.name != "root";
        sound.then(|| Box::new(User { fields, password: Password::Unmanaged, expires: None }) as Box<dyn Item>)
    }

    fn free_text(&self) -> &'static [&'static str] {
        &["authorized_keys"]
    }

    fn probe(&self) -> &'static str {
        include_str!("probe.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let (accounts, said) = (Accounts::read(answer), passwords::Said::read(answer));
        items
            .iter()
            .map(|item| match concrete::<User>(*item) {
                Some(user) => {
                    let password =
                        |hash: &passwords::Password| hash.seen(&user.id(), &user.fields.name, answer, &said);
                    observe(user, &accounts, password).unwrap_or_else(Observation::Unknown)
                }
                None => Observation::Unknown("not a user".into()),
            })
            .collect()
    }

    fn apply(&self) -> &'static str {
        include_str!("apply.sh")
    }

    fn merges(&self) -> bool {
        true
    }

    fn secret_fields(&self) -> &'static [&'static str] {
        &["password"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ name: ana, comment: Ana, shell: /bin/bash, groups: [adm], password: none, authorized_keys: \
             [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE ana] }",
            "{ name: mirror, system: true, home: /srv/mirror, expires: \"2099-12-31\" }",
            "{ name: ana, authorized_keys: [], groups: [] }",
            "{ name: ana, state: absent }",
        ]
    }
}

/// `compared` says how the hash of the account's password compares with this one.
fn observe(
    user: &User,
    accounts: &Accounts,
    compared: impl Fn(&passwords::Password) -> Result<String, String>,
) -> Result<Observation, String> {
    let wanted = &user.fields;
    let Some(account) = accounts.named(&wanted.name)? else { return Ok(Observation::Absent) };
    let mut state = State::new()
        .with("uid", account.uid.as_str())
        .with("group", accounts.group_like(account, wanted.group.as_deref().unwrap_or_default()))
        .with("groups", account.groups.join("\n"))
        .with("home", account.home.as_str())
        .with("shell", account.shell.as_str())
        .with("comment", account.comment.as_str())
        .with("password", account.password_like(user.password == Password::Locked))
        .with("expires", look::day(account.expires));
    if let (Password::Hash(hash), true) = (&user.password, account.has_password()) {
        state = state.with("password", compared(hash)?);
    }
    if user.manages_keys() {
        let keys = accounts.keys(account)?;
        state = state.with("authorized_keys", keys.lines.join("\n")).with("keys_access", keys.access);
    }
    if wanted.state == Presence::Absent && account.is_closed() && !accounts.keys(account)?.is_open() {
        return Ok(Observation::Absent);
    }
    if user.has_home() {
        state = state.with("home_directory", accounts.home(account, wanted.home.is_some())?);
    }
    Ok(Observation::Present(state))
}

impl User {
    fn id(&self) -> String {
        format!("user:{}", self.fields.name)
    }

    fn manages_keys(&self) -> bool {
        self.fields.authorized_keys.is_some() || self.fields.state == Presence::Absent
    }

    fn has_home(&self) -> bool {
        !self.fields.system && self.fields.state == Presence::Present
    }

    /// The wanted keys as they are compared: sorted, since their order means nothing.
    fn keys(&self) -> Option<Vec<&str>> {
        let mut keys: Vec<&str> = self.fields.authorized_keys.as_ref()?.iter().map(|key| key.trim()).collect();
        keys.sort_unstable();
        keys.dedup();
        Some(keys)
    }

    fn groups(&self) -> Option<Vec<&str>> {
        let mut groups: Vec<&str> = self.fields.groups.as_ref()?.iter().map(String::as_str).collect();
        groups.retain(|group| Some(*group) != self.fields.group.as_deref());
        groups.sort_unstable();
        groups.dedup();
        Some(groups)
    }
}

impl Item for User {
    fn name(&self) -> &str {
        &self.fields.name
    }

    fn hands_out_command_keys(&self) -> bool {
        self.fields.command_keys
    }

    fn want(&self) -> Want {
        let fields = &self.fields;
        if fields.state == Presence::Absent {
            return Want::Absent;
        }
        let keys = self.keys();
        let password = match &self.password {
            Password::Unmanaged => None,
            Password::None => Some("none"),
            Password::Locked => Some("locked"),
            Password::Hash(hash) => Some(hash.public.as_str()),
        };
        let state = State::new()
            .with_some("uid", fields.uid.map(|uid| uid.to_string()))
            .with_some("group", fields.group.as_deref())
            .with_some("groups", self.groups().map(|groups| groups.join("\n")))
            .with_some("home", fields.home.as_deref())
            .with_some("shell", fields.shell.as_deref())
            .with_some("comment", fields.comment.as_deref())
            .with_some("password", password)
            .with("expires", look::day(self.expires))
            .with_some("keys_access", keys.as_ref().filter(|keys| !keys.is_empty()).map(|_| look::PRIVATE))
            .with_some("authorized_keys", keys.map(|keys| keys.join("\n")))
            .with_some("home_directory", self.has_home().then_some(look::THERE));
        Want::Present(state)
    }

    fn known(&self) -> Vec<String> {
        self.keys().into_iter().flatten().map(str::to_owned).collect()
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        let looks = if self.manages_keys() { "keys" } else { "" };
        vec![self.fields.name.clone().into(), looks.into()]
    }

    fn call(&self, _: &Site) -> Call {
        let fields = &self.fields;
        if fields.state == Presence::Absent {
            return Call::new("user_absent").arg(fields.name.as_str());
        }
        let keys = fields.authorized_keys.as_ref().map(|keys| key::file(keys));
        let call = Call::new("user_present")
            .arg(fields.name.as_str())
            .arg(if fields.system { "yes" } else { "no" })
            .arg(if keys.is_some() { "yes" } else { "no" })
            .payload(keys.unwrap_or_default().into_bytes())
            .arg(match self.password {
                Password::Unmanaged => "",
                Password::None => "none",
                Password::Locked => "locked",
                Password::Hash(_) => "hash",
            });
        let call = match &self.password {
            Password::Hash(hash) => {
                call.secret(&hash.sealed).payload(hash.public.as_bytes()).arg(hash.ledger_line(&self.id()))
            }
            _ => call.arg("").arg("").arg(""),
        };
        let call = call
            .arg(self.expires.map(|_| look::day(self.expires)).unwrap_or_default())
            .arg(if fields.groups.is_some() { "yes" } else { "no" })
            .arg(self.groups().unwrap_or_default().join(","));
        let given = [
            ("-u", fields.uid.map(|uid| uid.to_string())),
            ("-g", fields.group.clone()),
            ("-d", fields.home.clone()),
            ("-s", fields.shell.clone()),
            ("-c", fields.comment.clone()),
        ];
        given.into_iter().fold(call, |call, (option, value)| match value {
            Some(value) => call.arg(option).arg(value),
            None => call,
        })
    }

    fn lifelines(&self) -> Vec<Lifeline> {
        let fields = &self.fields;
        let lockout = self.manages_keys()
            || fields.groups.is_some()
            || fields.shell.is_some()
            || fields.expires.is_some()
            || self.password != Password::Unmanaged;
        if lockout { of_account(&self.fields.name) } else { Vec::new() }
    }

    fn sealed(&self) -> Option<&Arc<Sealed>> {
        match &self.password {
            Password::Hash(hash) => Some(&hash.sealed),
            _ => None,
        }
    }

    /// One more account takes no way in from anybody.
    fn risks_when_new(&self) -> Vec<Risk> {
        Vec::new()
    }

    fn same_as(&self, other: &dyn Item) -> bool {
        concrete::<Self>(other).is_some_and(|other| self == other)
    }
}

#[cfg(test)]
mod tests;
