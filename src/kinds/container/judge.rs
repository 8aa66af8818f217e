//! What can be wrong in a declaration of a container. What only Podman knows, it says during apply.

use super::image::pinned;
use super::{Fields, Network, Presence, is_name};
use crate::kinds::is_plain_absolute;

pub(super) fn is_container(name: &str) -> bool {
    is_name(name) && !name.starts_with('-') && !name.contains(['@', '\\', '.', ':'])
}

/// Field, fact, remedy.
pub(super) fn mistakes(fields: &Fields) -> Vec<(&'static str, String, &'static str)> {
    let mut found = Vec::new();
    if !is_container(&fields.name) {
        let fact = format!("`{}` is not the name of a container", fields.name);
        found.push(("name", fact, "use letters, digits, `-` and `_`, without `.service`"));
    }
    if fields.state == Presence::Absent {
        return found;
    }
    match &fields.image {
        None => found.push(("image", "the container has no image".to_owned(), "add `image:`")),
        Some(image) if pinned(image).is_none() => {
            let fact = format!("`{image}` is not the whole name of an image with its digest");
            found.push((
                "image",
                fact,
                "write `REGISTRY/NAME@sha256:…`; `podman inspect --format '{{.Digest}}' IMAGE` says it",
            ));
        }
        Some(_) => {}
    }
    for volume in fields.volumes.iter().filter(|volume| !is_volume(volume)) {
        found.push((
            "volumes",
            format!("`{volume}` is not a volume"),
            "write `/of/the/host:/in/the/container`, or with `:ro`",
        ));
    }
    for port in fields.publish.iter().filter(|port| published(port).is_none()) {
        found.push(("publish", format!("`{port}` publishes no port"), "write `8080:80`, or `ADDRESS:8080:80`"));
    }
    if !fields.publish.is_empty() && fields.network != Network::Bridge {
        let fact = format!("with `network: {}` there is nothing to publish", fields.network.word());
        found.push(("publish", fact, "leave one of them out"));
    }
    for name in fields.environment.keys().filter(|name| !is_variable(name)) {
        found.push(("environment", format!("`{name}` is not the name of a variable"), "use letters, digits and `_`"));
    }
    if let Some(path) = fields.environment_file.as_deref().filter(|path| !is_plain_absolute(path)) {
        found.push(("environment_file", format!("`{path}` is not a plain absolute path"), "begin it with `/`"));
    }
    for glob in fields.restart_on.iter().filter(|glob| !is_plain_absolute(glob)) {
        found.push((
            "restart_on",
            format!("`{glob}` is not an absolute path or glob"),
            "write it like `/etc/pad/**`",
        ));
    }
    if let Some(user) = fields.user.as_deref().filter(|user| !is_user(user)) {
        found.push((
            "user",
            format!("`{user}` is no account in a container"),
            "write `UID` or `UID:GID`, or names that the image knows",
        ));
    }
    let is_capability = |name: &&String| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    for name in fields.capabilities.iter().flatten().filter(|name| !is_capability(name)) {
        found.push((
            "capabilities",
            format!("`{name}` is no capability"),
            "write it as capabilities(7) does, without CAP_: `CHOWN`",
        ));
    }
    if let Some(memory) = fields.memory.as_deref().filter(|memory| !is_size(memory)) {
        found.push(("memory", format!("`{memory}` is no size"), "write it like `512M` or `2G`"));
    }
    let texts =
        fields.command.iter().chain(fields.environment.values()).chain(&fields.description).chain(&fields.entrypoint);
    if texts.clone().any(|text| text.contains('\0'))
        || fields.description.as_deref().is_some_and(|text| text.contains(['\n', '\r']))
    {
        found.push((
            "name",
            "a text of it holds what no unit can hold".to_owned(),
            "write the description on one line, and no NUL anywhere",
        ));
    }
    if fields.quadlet == Some(true) && has_empty_word(fields) {
        let fact = "a Quadlet loses an empty argument and all behind it".to_owned();
        found.push(("command", fact, "leave `quadlet` out, so that Steward writes the unit itself"));
    }
    if fields.entrypoint.as_deref().is_some_and(|it| it.trim().is_empty()) {
        found.push(("entrypoint", "`entrypoint` is empty".to_owned(), "name a program, or leave it out"));
    }
    found
}

/// An argument that is empty.
pub(super) fn has_empty_word(fields: &Fields) -> bool {
    fields.command.iter().any(String::is_empty)
}

fn is_volume(volume: &str) -> bool {
    let parts: Vec<&str> = volume.split(':').collect();
    let paths = match &parts[..] {
        [host, inside] | [host, inside, "ro"] => is_plain_absolute(host) && is_plain_absolute(inside),
        _ => false,
    };
    // Podman separates options by commas
    paths && !volume.contains([',', '\n', '\r'])
}

/// With the address of loopback if there is none.
pub(super) fn published(port: &str) -> Option<String> {
    let (ports, protocol) = match port.rsplit_once('/') {
        Some((ports, protocol @ ("tcp" | "udp"))) => (ports, protocol),
        Some(_) => return None,
        None => (port, "tcp"),
    };
    let is_port = |text: &str| !text.starts_with(['+', '0']) && text.parse::<u16>().is_ok();
    let (address, host, inside) =
        match ports.rsplit_once(':').map(|(rest, inside)| (rest.rsplit_once(':'), rest, inside)) {
            Some((None, host, inside)) => ("127.0.0.1", host, inside),
            Some((Some((address, host)), _, inside)) => (address, host, inside),
            None => return None,
        };
    let bare = address.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let is_address = match bare {
        Some(six) => six.parse::<std::net::Ipv6Addr>().is_ok(),
        None => address.parse::<std::net::Ipv4Addr>().is_ok(),
    };
    (is_address && is_port(host) && is_port(inside)).then(|| format!("{address}:{host}:{inside}/{protocol}"))
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_user(user: &str) -> bool {
    let part = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    match user.split_once(':') {
        Some((user, group)) => part(user) && part(group),
        None => part(user),
    }
}

fn is_size(text: &str) -> bool {
    let digits = text.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(text);
    digits.starts_with(|c: char| matches!(c, '1'..='9')) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
