//! Checks as modules declare them: `- http: { url: …, status: 200 }`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::curl::Http;
use super::inside::{Command, Inside, PortSet, Sql, Unit};
use super::network::{Dns, Tcp};
use super::smtp::Smtp;
use super::spoken::{Caldav, Matrix, Xmlrpc};
use super::tls::Tls;
use super::{Check, What};
use crate::diag::{Diagnostic, Diagnostics};
use crate::yaml::Node;

/// Their tags, in the order of the reference.
pub const KINDS: &[&str] =
    &["http", "tcp", "tls", "dns", "smtp", "matrix", "xmlrpc", "caldav", "unit", "port_set", "command", "sql"];

/// What stands beside the tag.
const BESIDE: &[&str] = &["within"];

/// True for what may stand in an entry, beside `when` and `for_each`.
pub fn is_known(key: &str) -> bool {
    KINDS.contains(&key) || BESIDE.contains(&key)
}

const PATIENCE: u64 = 30;

/// The check that this evaluated entry means. Mistakes are pushed, all of them.
pub fn read(node: &Node, service: &str, mistakes: &mut Diagnostics) -> Option<Check> {
    let map = node.as_map()?;
    let mut tags = map.iter().filter(|(key, _)| !BESIDE.contains(&key.as_str()));
    let Some((tag, entry)) = tags.next() else {
        let remedy = format!("write `- KIND: {{ … }}`, with one of: {}", KINDS.join(", "));
        mistakes.push(Diagnostic::error("the check has no kind").at(&node.place).remedy(remedy));
        return None;
    };
    if let Some((other, second)) = tags.next() {
        let fact = format!("the check has two kinds, `{tag}` and `{other}`");
        mistakes.push(
            Diagnostic::error(fact)
                .at(&second.key)
                .remedy(format!("begin it with a dash of its own: `- {other}: …`")),
        );
        return None;
    }
    let within = match map.get("within") {
        None => PATIENCE,
        Some(entry) => entry.node.decode::<u64>(mistakes)?,
    };
    let of = &entry.node;
    let what = match tag.as_str() {
        "http" => What::Http(of.decode::<Http>(mistakes)?),
        "tcp" => What::Tcp(of.decode::<Tcp>(mistakes)?),
        "tls" => What::Tls(of.decode::<Tls>(mistakes)?),
        "dns" => What::Dns(of.decode::<Dns>(mistakes)?),
        "smtp" => What::Smtp(of.decode::<Smtp>(mistakes)?),
        "matrix" => What::Matrix(of.decode::<Matrix>(mistakes)?),
        "xmlrpc" => What::Xmlrpc(of.decode::<Xmlrpc>(mistakes)?),
        "caldav" => What::Caldav(of.decode::<Caldav>(mistakes)?),
        "unit" => What::Inside(Inside::Unit(of.decode::<Unit>(mistakes)?)),
        "port_set" => What::Inside(Inside::PortSet(of.decode::<PortSet>(mistakes)?)),
        "command" => What::Inside(Inside::Command(of.decode::<Command>(mistakes)?)),
        "sql" => What::Inside(Inside::Command(of.decode::<Sql>(mistakes)?.command())),
        // said when the module was read
        _ => return None,
    };
    let subject = match &what {
        What::Http(http) => http.url.clone(),
        What::Tcp(tcp) => tcp.port.to_string(),
        What::Tls(tls) => tls.name.clone(),
        What::Dns(dns) => dns.name.clone(),
        What::Smtp(smtp) => smtp.port.to_string(),
        What::Matrix(matrix) => matrix.url.clone(),
        What::Xmlrpc(xmlrpc) => format!("{} {}", xmlrpc.url, xmlrpc.call),
        What::Caldav(caldav) => caldav.url.clone(),
        What::Inside(inside) => inside.subject(),
    };
    let name = format!("{tag} {subject}");
    Some(Check {
        service: service.to_owned(),
        place: node.place.clone(),
        name,
        within: Duration::from_secs(within),
        what,
    })
}

/// JSON Schema of an entry of `checks`, before expressions are evaluated.
pub fn schema() -> Value {
    fn of<T: schemars::JsonSchema>() -> Value {
        let generator = schemars::generate::SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator();
        let mut schema = generator.into_root_schema_for::<T>().to_value();
        if let Some(map) = schema.as_object_mut() {
            map.remove("$schema");
            map.remove("title");
        }
        schema
    }
    let all = [
        of::<Http>(),
        of::<Tcp>(),
        of::<Tls>(),
        of::<Dns>(),
        of::<Smtp>(),
        of::<Matrix>(),
        of::<Xmlrpc>(),
        of::<Caldav>(),
        of::<Unit>(),
        of::<PortSet>(),
        of::<Command>(),
        of::<Sql>(),
    ];
    let expression = json!({ "type": "string", "pattern": "\\{[{%]" });
    let mut properties: Map<String, Value> = KINDS.iter().map(|kind| (*kind).to_owned()).zip(all).collect();
    for fields in properties.values_mut().filter_map(|kind| kind.get_mut("properties")?.as_object_mut()) {
        for field in fields.values_mut() {
            *field = json!({ "anyOf": [field.take(), expression] });
        }
    }
    properties.insert("when".into(), json!({ "type": ["string", "boolean"] }));
    properties.insert("for_each".into(), json!({}));
    properties.insert(
        "within".into(),
        json!({ "description": "Seconds to try again; 30 unless said.", "type": "integer", "minimum": 0 }),
    );
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// Fields that are true unless said.
pub(super) fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Engine {
    Postgres,
    Mariadb,
}
