//! The entries of `people` and `former` as values for the inventory's files.

use serde_json::{Map, Value};

use super::keys::Keys;
use crate::inventory::{Person, Role};

/// Somebody who comes.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// The key in the inventory.
    pub id: String,
    pub name: String,
    pub role: Role,
    /// The account on the hosts, if it is not `id`.
    pub login: Option<String>,
    pub keys: Keys,
}

impl NewPerson {
    pub fn entry(&self) -> Value {
        let mut entry = Map::new();
        entry.insert("name".into(), self.name.as_str().into());
        entry.insert("role".into(), self.role.name().into());
        add_login(&mut entry, &self.id, self.login.as_deref());
        let ssh = self.keys.ssh.iter().map(ToString::to_string).collect();
        let age = self.keys.age.iter().map(ToString::to_string).collect();
        add_keys(&mut entry, ssh, age);
        entry.into()
    }
}

/// What is kept of somebody who left on `day`.
pub fn former(person: &Person, day: &str) -> Value {
    let mut entry = Map::new();
    entry.insert("name".into(), person.name.as_str().into());
    entry.insert("since".into(), day.into());
    add_login(&mut entry, &person.id, person.login.as_ref().map(|login| login.as_str()));
    let ssh = person.ssh.iter().map(|key| key.value.to_string()).collect();
    let age = person.age.iter().map(|key| key.value.to_string()).collect();
    add_keys(&mut entry, ssh, age);
    entry.into()
}

fn add_login(entry: &mut Map<String, Value>, id: &str, login: Option<&str>) {
    if let Some(login) = login.filter(|login| *login != id) {
        entry.insert("login".into(), login.into());
    }
}

fn add_keys(entry: &mut Map<String, Value>, ssh: Vec<String>, age: Vec<String>) {
    for (field, keys) in [("ssh", ssh), ("age", age)] {
        if !keys.is_empty() {
            entry.insert(field.into(), keys.into());
        }
    }
}
