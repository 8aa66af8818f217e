//! The names that every expression can see: `chapter`, `people`, `former`, `inventory`, `host`; and `service`.

use std::sync::Arc;

use minijinja::Value;

use crate::inventory::{Former, Host, Inventory, Person};
use crate::template::Scope;

/// What is the same on all hosts.
pub(super) fn common(inventory: &Inventory) -> Arc<Scope> {
    let chapter = Value::from_pairs([
        ("name", Value::from(inventory.chapter.name.as_str())),
        ("domain", Value::from(inventory.chapter.domain.as_str())),
        ("locale", Value::from(inventory.chapter.locale.code())),
    ]);
    let people: Vec<Value> = inventory.people.iter().map(|(id, person)| of_person(id, person)).collect();
    let former: Vec<Value> = inventory.former.iter().map(|(id, former)| of_former(id, former)).collect();
    let scope = Scope::new().with("chapter", chapter).with("people", people).with("former", former);
    Arc::new(scope.with("inventory", inventory.id.as_str()))
}

fn of_person(id: &str, person: &Person) -> Value {
    let keys: Vec<String> = person.ssh.iter().map(|key| key.value.to_string()).collect();
    Value::from_pairs([
        ("id", Value::from(id)),
        ("name", Value::from(person.name.as_str())),
        ("login", Value::from(person.login())),
        ("role", Value::from(person.role.name())),
        ("ssh", Value::from(keys)),
    ])
}

fn of_former(id: &str, former: &Former) -> Value {
    let keys: Vec<String> = former.ssh.iter().map(|key| key.value.to_string()).collect();
    Value::from_pairs([
        ("id", Value::from(id)),
        ("name", Value::from(former.name.as_str())),
        ("login", Value::from(former.login())),
        ("since", Value::from(former.since.to_string())),
        ("ssh", Value::from(keys)),
    ])
}

/// What is declared of one host. What is not declared is `none`.
pub(super) fn of_host(common: &Arc<Scope>, host: &Host) -> Arc<Scope> {
    let declared =
        |fact: &Option<crate::yaml::Placed<String>>| Value::from(fact.as_ref().map(|fact| fact.value.clone()));
    let groups: Vec<String> = host.groups.iter().map(|group| group.value.clone()).collect();
    let value = Value::from_pairs([
        ("name", Value::from(host.name.as_str())),
        ("address", Value::from(host.address.as_str())),
        ("port", Value::from(host.port.get())),
        ("host_keys", Value::from(host.host_key.iter().map(|key| key.value.to_string()).collect::<Vec<_>>())),
        ("user", Value::from(host.user.as_str())),
        ("os", declared(&host.os)),
        ("arch", declared(&host.arch)),
        ("groups", Value::from(groups)),
        ("local", Value::from(host.is_local())),
    ]);
    Arc::new(Scope::within(common).with("host", value))
}
