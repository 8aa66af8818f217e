//! What `people list` and `people show` say: text for people, JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::keys::fingerprint;
use crate::catalog::Catalog;
use crate::inventory::{Former, Inventory, Person};
use crate::resource::Want;

/// A person, where they may log in, and what they can read.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    pub person: &'a Person,
    /// Hosts on which their account is declared.
    pub hosts: Vec<String>,
    /// Names of secrets, with the reasons.
    pub secrets: Vec<(String, Vec<String>)>,
}

/// The hosts on which some module declares an account of this name.
pub fn hosts(catalog: &Catalog, login: &str) -> Vec<String> {
    let declares = |host: &crate::catalog::HostCatalog| {
        let account = host.resources.iter().find(|it| it.id.kind == "user" && it.id.name == login);
        account.is_some_and(|account| account.item.want() != Want::Absent)
    };
    catalog.hosts.iter().filter(|host| declares(host)).map(|host| host.host.clone()).collect()
}

pub fn list_text(inventory: &Inventory) -> String {
    let mut text = String::new();
    let width = |of: &dyn Fn(&Person) -> usize| inventory.people.values().map(|person| of(person)).max().unwrap_or(0);
    let (ids, names) = (width(&|person| person.id.chars().count()), width(&|person| person.name.chars().count()));
    for person in inventory.people.values() {
        let login = if person.login() == person.id { String::new() } else { format!(", login {}", person.login()) };
        let _ = writeln!(
            text,
            "{:ids$}  {:names$}  {:10}  {} SSH, {} age{login}",
            person.id,
            person.name.value,
            person.role.name(),
            person.ssh.len(),
            person.age.len()
        );
    }
    for left in inventory.former.values() {
        let _ = writeln!(text, "{:ids$}  {:names$}  left {}", left.id, left.name.value, left.since.value);
    }
    text
}

pub fn list_json(inventory: &Inventory) -> Value {
    let former = |left: &Former| json!({ "person": left.id, "name": left.name.value, "login": left.login(), "since": left.since.value.to_string() });
    json!({
        "format": 1,
        "people": inventory.people.values().map(|person| person_json(person)).collect::<Vec<_>>(),
        "former": inventory.former.values().map(|left| former(left)).collect::<Vec<_>>(),
    })
}

fn person_json(person: &Person) -> Value {
    let ssh = person.ssh.iter().map(
        |key| json!({ "type": key.kind, "fingerprint": fingerprint(key), "comment": key.comment, "key": key.key() }),
    );
    json!({
        "person": person.id,
        "name": person.name.value,
        "role": person.role.name(),
        "login": person.login(),
        "ssh": ssh.collect::<Vec<_>>(),
        "age": person.age.iter().map(|key| key.as_str()).collect::<Vec<_>>(),
    })
}

impl Shown<'_> {
    pub fn text(&self) -> String {
        let person = self.person;
        let mut text = format!(
            "{} ({})\n  role     {}\n  login    {}\n",
            person.id,
            person.name.value,
            person.role.name(),
            person.login()
        );
        for key in &person.ssh {
            let _ = writeln!(text, "  ssh      {} {} {}", fingerprint(key), key.kind, key.comment);
        }
        for key in &person.age {
            let _ = writeln!(text, "  age      {key}");
        }
        let hosts = if self.hosts.is_empty() { "none".to_owned() } else { self.hosts.join(", ") };
        let _ = writeln!(text, "  hosts    {hosts}");
        if self.secrets.is_empty() {
            let _ = writeln!(text, "  secrets  none");
        }
        for (name, why) in &self.secrets {
            let _ = writeln!(text, "  secret   {name}: {}", why.join(", "));
        }
        text
    }

    pub fn json(&self) -> Value {
        let mut value = person_json(self.person);
        let secrets: Vec<Value> =
            self.secrets.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
        if let Some(map) = value.as_object_mut() {
            map.insert("format".into(), 1.into());
            map.insert("hosts".into(), self.hosts.clone().into());
            map.insert("secrets".into(), secrets.into());
        }
        value
    }
}
