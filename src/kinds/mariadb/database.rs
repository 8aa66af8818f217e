//! `mariadb_database`: a database and who may do everything in it. It is dropped only if it is declared to be absent.

use serde::Deserialize;

use crate::kinds::databases::{Rows, database_name, is_plain, observed, plain_word};
use crate::kinds::{Answer, Build, Call, Fate, Item, Kind, Leaving, Presence, Risk, Site};
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

#[derive(Debug)]
pub struct MariadbDatabaseKind;

/// A database of the `MariaDB` server of the host, in UTF-8 (`utf8mb4`).
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Its name.
    name: String,
    /// These users may do everything in it, `wiki` or `wiki@10.0.0.%`; without a host, `localhost`. What others may is left.
    #[serde(default)]
    users: Vec<String>,
    /// The order of new tables, such as `utf8mb4_unicode_ci`; the server's own unless given.
    collation: Option<String>,
    /// Absent: it is dropped, with all that is in it.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug)]
struct Database {
    name: String,
    /// Name and host, sorted.
    users: Vec<(String, String)>,
    collation: Option<String>,
    state: Presence,
    /// Nothing declares it any more, and the inventory says what becomes of it.
    fate: Option<Fate>,
}

impl Kind for MariadbDatabaseKind {
    fn name(&self) -> &'static str {
        "mariadb_database"
    }

    fn summary(&self) -> &'static str {
        "A database of the MariaDB server, and who may do everything in it."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let Fields { name, users, collation, state } = node.decode(build.mistakes)?;
        let before = build.mistakes.0.len();
        database_name(&name, node, "name", build.mistakes);
        plain_word(collation.as_deref(), "_", (node, "collation"), build.mistakes);
        let mut parted = Vec::new();
        for user in &users {
            let (name, host) = user.split_once('@').unwrap_or((user, "localhost"));
            database_name(name, node, "users", build.mistakes);
            plain_word(Some(host), "._%:-", (node, "users"), build.mistakes);
            parted.push((name.to_owned(), host.to_owned()));
        }
        parted.sort();
        parted.dedup();
        (build.mistakes.0.len() == before)
            .then(|| Box::new(Database { name, users: parted, collation, state, fate: None }) as Box<dyn Item>)
    }

    fn probe(&self) -> &'static str {
        include_str!("database.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let rows = Rows::read(answer);
        observed(items, |database: &Database| database.observe(&rows))
    }

    fn apply(&self) -> &'static str {
        include_str!("database-apply.sh")
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let name = Some(leaving.name).filter(|name| is_plain(name))?.to_owned();
        let fate = leaving.fate?;
        let (users, collation, state) = (Vec::new(), None, Presence::Absent);
        Some(Box::new(Database { name, users, collation, state, fate: Some(fate) }))
    }

    fn provides(&self) -> bool {
        true
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ name: wiki_pages, users: [wiki], collation: utf8mb4_unicode_ci }",
            "{ name: numbers }",
            "{ name: wiki-old, state: absent }",
        ]
    }
}

impl Database {
    fn observe(&self, rows: &Rows) -> Result<Observation, String> {
        let Some([collation]) = rows.named(&self.name)? else { return Ok(Observation::Absent) };
        let granted = |(name, host): &&(String, String)| rows.is_granted(&self.name, &format!("{name}@{host}"));
        let users = lines(self.users.iter().filter(granted));
        Ok(Observation::Present(State::new().with("collation", collation).with("users", users)))
    }
}

fn lines<'a>(users: impl Iterator<Item = &'a (String, String)>) -> String {
    users.map(|(name, host)| format!("{name}@{host}")).collect::<Vec<_>>().join("\n")
}

impl Item for Database {
    fn name(&self) -> &str {
        &self.name
    }

    fn want(&self) -> Want {
        match self.state {
            Presence::Absent => Want::Absent,
            Presence::Present => Want::Present(
                State::new()
                    .with_some("collation", self.collation.as_deref())
                    .with("users", lines(self.users.iter())),
            ),
        }
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        vec![self.name.clone().into()]
    }

    fn call(&self, _: &Site) -> Call {
        if self.fate.is_some() {
            return Call::new("mariadb_database_retired").arg(self.name.as_str()).arg(Fate::word(self.fate));
        }
        if self.state == Presence::Absent {
            return Call::new("mariadb_database_absent").arg(self.name.as_str());
        }
        let call = Call::new("mariadb_database_present").arg(self.name.as_str()).optional(self.collation.as_deref());
        self.users.iter().fold(call, |call, (name, host)| call.arg(name.as_str()).arg(host.as_str()))
    }

    fn risks(&self) -> Vec<Risk> {
        if self.state == Presence::Absent { vec![Risk::Data] } else { Vec::new() }
    }
}
