//! The types of parameters, and what a value must look like to be of one.

use std::fmt;
use std::net::IpAddr;

use crate::diag::closest;
use crate::yaml::{Node, Value};

/// What a parameter takes. `Object` has its fields beside it, in [`Param`](super::Param).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    String,
    Int,
    Bool,
    Float,
    /// A DNS name, with or without dots, or an IP address.
    Hostname,
    /// A DNS name with at least one dot.
    Domain,
    Email,
    /// An absolute path on the host.
    Path,
    Port,
    /// Begins with http:// or https://.
    Url,
    /// An IP address, or a network as `ADDRESS/BITS`.
    Network,
    List(Box<Self>),
    Map(Box<Self>),
    Object,
}

/// The words for types that are not made of others.
pub(super) const SIMPLE: &[(&str, Type)] = &[
    ("string", Type::String),
    ("int", Type::Int),
    ("bool", Type::Bool),
    ("float", Type::Float),
    ("hostname", Type::Hostname),
    ("domain", Type::Domain),
    ("email", Type::Email),
    ("path", Type::Path),
    ("port", Type::Port),
    ("url", Type::Url),
    ("network", Type::Network),
    ("object", Type::Object),
];

impl Type {
    /// `string`, `list of port`, `map of list of string`, … `Err` is a remedy.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(inner) = text.strip_prefix("list of ") {
            return Ok(Self::List(Box::new(Self::parse(inner)?)));
        }
        if let Some(inner) = text.strip_prefix("map of ") {
            return Ok(Self::Map(Box::new(Self::parse(inner)?)));
        }
        let words: Vec<&str> = SIMPLE.iter().map(|(word, _)| *word).collect();
        match SIMPLE.iter().find(|(word, _)| *word == text) {
            Some((_, simple)) => Ok(simple.clone()),
            None if matches!(text, "list" | "map") => Err(format!("say of what: `{text} of string`")),
            None => Err(match closest(text, &words) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of: {}, list of …, map of …", words.join(", ")),
            }),
        }
    }

    /// True if an object is somewhere in it, so that it needs fields.
    pub(super) fn has_fields(&self) -> bool {
        match self {
            Self::Object => true,
            Self::List(inner) | Self::Map(inner) => inner.has_fields(),
            _ => false,
        }
    }

    /// What a value must be, for "must be …".
    pub(super) fn description(&self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Int => "a whole number",
            Self::Bool => "true or false",
            Self::Float => "a number",
            Self::Hostname => "a host name or address, such as wiki.chapter.example",
            Self::Domain => "a domain, such as chapter.example",
            Self::Email => "an e-mail address",
            Self::Path => "an absolute path without `..`, quotes and other special characters, such as /srv/wiki",
            Self::Port => "a port number from 1 to 65535",
            Self::Url => "an address that begins with https:// or http://",
            Self::Network => "an address or a network, such as 192.0.2.0/24",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Object => "a map",
        }
    }

    /// True if the value itself is of this type; the parts of lists and maps are looked at one by one elsewhere.
    pub(super) fn holds(&self, node: &Node) -> bool {
        match (self, &node.value) {
            (Self::Int, Value::Int(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Float, Value::Int(_) | Value::Float(_))
            | (Self::List(_), Value::List(_))
            | (Self::Map(_) | Self::Object, Value::Map(_)) => true,
            (Self::Port, Value::Int(port)) => (1..=65535).contains(port),
            (_, Value::String(text)) => self.holds_text(text),
            _ => false,
        }
    }

    fn holds_text(&self, text: &str) -> bool {
        match self {
            Self::String => !text.contains('\0'),
            Self::Hostname => text.parse::<IpAddr>().is_ok() || is_dns_name(text),
            Self::Domain => text.contains('.') && text.parse::<IpAddr>().is_err() && is_dns_name(text),
            Self::Email => text.split_once('@').is_some_and(|(user, host)| is_mailbox(user) && is_dns_name(host)),
            Self::Path => crate::kinds::is_plain_absolute(text) && text.chars().all(is_path_letter),
            Self::Url => {
                let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
                rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic() && c != '"'))
            }
            Self::Network => is_network(text),
            _ => false,
        }
    }
}

fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| {
        bits.bytes().all(|b| b.is_ascii_digit()) && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    })
}

/// What no configuration file and no shell takes for anything else, inside double quotes.
fn is_path_letter(c: char) -> bool {
    !c.is_control() && !"\"'\\$`;{}|&<>*?!#".contains(c)
}

/// RFC 1123; other alphabets as punycode (`xn--`), since servers take no other form.
fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_mailbox(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c))
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(inner) => write!(f, "list of {inner}"),
            Self::Map(inner) => write!(f, "map of {inner}"),
            simple => f.write_str(SIMPLE.iter().find(|(_, of)| of == simple).map_or("", |(word, _)| *word)),
        }
    }
}
