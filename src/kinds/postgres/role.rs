//! `postgres_role`: somebody who may log in to the server, and the password.

use std::sync::Arc;

use serde::Deserialize;

use crate::kinds::databases::{Rows, database_name, is_plain, observed};
use crate::kinds::passwords::{Password, Said, scram_sha_256};
use crate::kinds::{Answer, Build, Call, Item, Kind, Leaving, Presence, Risk, Site};
use crate::resource::{Observation, State, Want};
use crate::secret::Sealed;
use crate::yaml::Node;

#[derive(Debug)]
pub struct PostgresRoleKind;

/// A role of the `PostgreSQL` server of the host.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Its name; one like an account of the host can log in from that without a password.
    name: String,
    /// A secret: `"{{ secrets.db }}"`. Left as it is unless given; a new role has none.
    password: Option<String>,
    /// Whether it may log in; true unless given.
    #[serde(default = "yes")]
    login: bool,
    /// Absent: it is dropped, which the server refuses while it owns anything.
    #[serde(default)]
    state: Presence,
}

fn yes() -> bool {
    true
}

#[derive(Debug)]
struct Role {
    name: String,
    login: bool,
    /// Its verifier.
    password: Option<Password>,
    state: Presence,
    /// Nothing declares it any more: it goes, or is closed if it owns something.
    leaving: bool,
}

impl Kind for PostgresRoleKind {
    fn name(&self) -> &'static str {
        "postgres_role"
    }

    fn summary(&self) -> &'static str {
        "A role of the PostgreSQL server, with its password."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn short_field(&self) -> Option<&'static str> {
        Some("name")
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let Fields { name, password, login, state } = node.decode(build.mistakes)?;
        database_name(&name, node, "name", build.mistakes)?;
        let password = match password {
            Some(_) => Some(Password::given(node, "password", build)?.as_form(scram_sha_256, &name)),
            None => None,
        };
        Some(Box::new(Role { name, login, password, state, leaving: false }))
    }

    fn probe(&self) -> &'static str {
        include_str!("role.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let (rows, said) = (Rows::read(answer), Said::read(answer));
        observed(items, |role: &Role| role.observe(&rows, &said, answer))
    }

    fn apply(&self) -> &'static str {
        include_str!("role-apply.sh")
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let name = Some(leaving.name).filter(|name| is_plain(name))?.to_owned();
        Some(Box::new(Role { name, login: false, password: None, state: Presence::Absent, leaving: true }))
    }

    fn retires_first(&self) -> bool {
        true
    }

    fn secret_fields(&self) -> &'static [&'static str] {
        &["password"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["{ name: wiki }", "{ name: wiki-readers, login: false }", "{ name: wiki-gone, state: absent }"]
    }
}

impl Role {
    fn id(&self) -> String {
        format!("postgres_role:{}", self.name)
    }

    fn observe(&self, rows: &Rows, said: &Said, answer: &Answer) -> Result<Observation, String> {
        let Some([login, closed]) = rows.named(&self.name)? else { return Ok(Observation::Absent) };
        if self.leaving && closed == "true" {
            return Ok(Observation::Absent);
        }
        let password = self.password.as_ref().map(|password| password.seen(&self.id(), &self.name, answer, said));
        let state = State::new().with("login", login).with_some("password", password.transpose()?);
        Ok(Observation::Present(state))
    }
}

impl Item for Role {
    fn name(&self) -> &str {
        &self.name
    }

    fn want(&self) -> Want {
        match self.state {
            Presence::Absent => Want::Absent,
            Presence::Present => Want::Present(
                State::new()
                    .with("login", if self.login { "true" } else { "false" })
                    .with_some("password", self.password.as_ref().map(|password| password.public.clone())),
            ),
        }
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        vec![self.name.clone().into()]
    }

    fn call(&self, _: &Site) -> Call {
        if self.state == Presence::Absent {
            let function = if self.leaving { "postgres_role_retired" } else { "postgres_role_absent" };
            return Call::new(function).arg(self.name.as_str());
        }
        let call = Call::new("postgres_role_present").arg(self.name.as_str()).arg(if self.login {
            "LOGIN"
        } else {
            "NOLOGIN"
        });
        match &self.password {
            None => call.arg("no"),
            Some(password) => call
                .arg("yes")
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
