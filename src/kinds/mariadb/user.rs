//! `mariadb_user`: somebody who may log in to the server, from where, and the password.

use std::sync::Arc;

use serde::Deserialize;

use crate::kinds::databases::{Rows, database_name, is_plain, observed, plain_word};
use crate::kinds::passwords::{Password, Said, mysql_native};
use crate::kinds::{Answer, Build, Call, Item, Kind, Leaving, Presence, Risk, Site};
use crate::resource::{Observation, State, Want};
use crate::secret::Sealed;
use crate::yaml::Node;

#[derive(Debug)]
pub struct MariadbUserKind;

/// A user of the `MariaDB` server of the host.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Its name.
    name: String,
    /// From where it may log in: `localhost` unless given; a host name, an address, or a pattern with `%`.
    host: Option<String>,
    /// A secret: `"{{ secrets.db }}"`. Without one, the account of this name on the host logs in by its socket.
    password: Option<String>,
    /// Absent: it is dropped. What it made stays.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug)]
struct User {
    user: String,
    host: String,
    /// Both: `wiki@localhost`.
    name: String,
    /// Its hash.
    password: Option<Password>,
    state: Presence,
}

impl Kind for MariadbUserKind {
    fn name(&self) -> &'static str {
        "mariadb_user"
    }

    fn summary(&self) -> &'static str {
        "A user of the MariaDB server, with its password."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn short_field(&self) -> Option<&'static str> {
        Some("name")
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let Fields { name, host, password, state } = node.decode(build.mistakes)?;
        let before = build.mistakes.0.len();
        database_name(&name, node, "name", build.mistakes);
        plain_word(host.as_deref(), "._%:-", (node, "host"), build.mistakes);
        let host = host.unwrap_or_else(|| "localhost".to_owned());
        let password =
            password.and_then(|_| Some(Password::given(node, "password", build)?.as_form(mysql_native, &name)));
        if build.mistakes.0.len() > before {
            return None;
        }
        Some(Box::new(User { name: format!("{name}@{host}"), user: name, host, password, state }))
    }

    fn probe(&self) -> &'static str {
        include_str!("user.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let (rows, said) = (Rows::read(answer), Said::read(answer));
        observed(items, |user: &User| user.observe(&rows, &said, answer))
    }

    fn apply(&self) -> &'static str {
        include_str!("user-apply.sh")
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let (user, host) = leaving.name.split_once('@').filter(|(user, _)| is_plain(user))?;
        let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "._%:-".contains(c));
        is_host.then(|| {
            let (name, user, host) = (leaving.name.to_owned(), user.to_owned(), host.to_owned());
            Box::new(User { user, host, name, password: None, state: Presence::Absent }) as Box<dyn Item>
        })
    }

    fn retires_first(&self) -> bool {
        true
    }

    fn secret_fields(&self) -> &'static [&'static str] {
        &["password"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["{ name: wiki }", "{ name: wiki, host: 10.0.0.% }", "{ name: wiki-gone, state: absent }"]
    }
}

impl User {
    fn id(&self) -> String {
        format!("mariadb_user:{}", self.name)
    }

    fn plugin(&self) -> &'static str {
        if self.password.is_some() { "mysql_native_password" } else { "unix_socket" }
    }

    fn observe(&self, rows: &Rows, said: &Said, answer: &Answer) -> Result<Observation, String> {
        let Some([plugin]) = rows.named(&self.name)? else { return Ok(Observation::Absent) };
        let password = self.password.as_ref().map(|password| password.seen(&self.id(), &self.name, answer, said));
        let state = State::new().with("plugin", plugin).with_some("password", password.transpose()?);
        Ok(Observation::Present(state))
    }
}

impl Item for User {
    fn name(&self) -> &str {
        &self.name
    }

    fn want(&self) -> Want {
        match self.state {
            Presence::Absent => Want::Absent,
            Presence::Present => Want::Present(
                State::new()
                    .with("plugin", self.plugin())
                    .with_some("password", self.password.as_ref().map(|password| password.public.clone())),
            ),
        }
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        vec![self.name.clone().into()]
    }

    fn call(&self, _: &Site) -> Call {
        let (name, host) = (self.user.as_str(), self.host.as_str());
        if self.state == Presence::Absent {
            return Call::new("mariadb_user_absent").arg(name).arg(host);
        }
        let call = Call::new("mariadb_user_present").arg(name).arg(host).arg(self.plugin());
        match &self.password {
            None => call,
            Some(password) => call
                .secret(&password.sealed)
                .payload(password.public.as_bytes())
                .arg(password.ledger_line(&self.id())),
        }
    }

    fn sealed(&self) -> Option<&Arc<Sealed>> {
        self.password.as_ref().map(|password| &password.sealed)
    }

    fn risks(&self) -> Vec<Risk> {
        if self.state == Presence::Absent { vec![Risk::Data] } else { Vec::new() }
    }
}
