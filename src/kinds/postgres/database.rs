//! `postgres_database`: a database and who owns it. It is dropped only if it is declared to be absent.

use serde::Deserialize;

use crate::kinds::databases::{Rows, database_name, is_plain, observed, plain_word};
use crate::kinds::{Answer, Build, Call, Fate, Item, Kind, Leaving, Presence, Risk, Site};
use crate::resource::{Observation, State, Want};
use crate::yaml::Node;

#[derive(Debug)]
pub struct PostgresDatabaseKind;

/// A database of the `PostgreSQL` server of the host, in UTF-8.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Its name.
    name: String,
    /// The role that owns it and may do everything in it. Left as it is unless given.
    owner: Option<String>,
    /// Its collation and character types, such as `C`; the server's own unless given. It can never change.
    locale: Option<String>,
    /// Absent: it is dropped, with all that is in it, unless somebody is connected.
    #[serde(default)]
    state: Presence,
}

#[derive(Debug)]
struct Database {
    fields: Fields,
    /// Nothing declares it any more, and the inventory says what becomes of it.
    fate: Option<Fate>,
}

impl Kind for PostgresDatabaseKind {
    fn name(&self) -> &'static str {
        "postgres_database"
    }

    fn summary(&self) -> &'static str {
        "A database of the PostgreSQL server, and who owns it."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        let before = build.mistakes.0.len();
        database_name(&fields.name, node, "name", build.mistakes);
        if let Some(owner) = &fields.owner {
            database_name(owner, node, "owner", build.mistakes);
        }
        plain_word(fields.locale.as_deref(), "._@-", (node, "locale"), build.mistakes);
        (build.mistakes.0.len() == before).then(|| Box::new(Database { fields, fate: None }) as Box<dyn Item>)
    }

    fn probe(&self) -> &'static str {
        include_str!("database.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some("")
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let rows = Rows::read(answer);
        observed(items, |database: &Database| {
            let Some([owner, locale]) = rows.named(database.name())? else { return Ok(Observation::Absent) };
            Ok(Observation::Present(State::new().with("owner", owner).with("locale", locale)))
        })
    }

    fn apply(&self) -> &'static str {
        include_str!("database-apply.sh")
    }

    fn retired(&self, leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        let name = Some(leaving.name).filter(|name| is_plain(name))?.to_owned();
        let fate = leaving.fate?;
        let fields = Fields { name, owner: None, locale: None, state: Presence::Absent };
        Some(Box::new(Database { fields, fate: Some(fate) }))
    }

    fn provides(&self) -> bool {
        true
    }

    fn examples(&self) -> &'static [&'static str] {
        &["{ name: wiki, owner: wiki }", "{ name: synapse, locale: C }", "{ name: wiki-old, state: absent }"]
    }
}

impl Item for Database {
    fn name(&self) -> &str {
        &self.fields.name
    }

    fn want(&self) -> Want {
        match self.fields.state {
            Presence::Absent => Want::Absent,
            Presence::Present => Want::Present(
                State::new()
                    .with_some("owner", self.fields.owner.as_deref())
                    .with_some("locale", self.fields.locale.as_deref()),
            ),
        }
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        vec![self.fields.name.clone().into()]
    }

    fn call(&self, _: &Site) -> Call {
        match self.fields.state {
            Presence::Absent if self.fate.is_some() => {
                Call::new("postgres_database_retired").arg(self.name()).arg(Fate::word(self.fate))
            }
            Presence::Absent => Call::new("postgres_database_absent").arg(self.name()),
            Presence::Present => Call::new("postgres_database_present")
                .arg(self.name())
                .optional(self.fields.owner.as_deref())
                .optional(self.fields.locale.as_deref()),
        }
    }

    fn risks(&self) -> Vec<Risk> {
        if self.fields.state == Presence::Absent { vec![Risk::Data] } else { Vec::new() }
    }
}
