//! What a module, or the inventory itself, says of a secret: how its value is made, how it is changed, who else reads it.
//! Takes YAML, gives [`SecretDeclaration`]s and every mistake in them. Never sees a value.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diag::{Diagnostic, Diagnostics, Place};
use crate::secret::SecretName;
use crate::yaml::{Entry, Map, Node, Placed};

/// The service name under which the inventory's own secrets are kept: `inventory/NAME`.
pub const INVENTORY: &str = "inventory";

/// A secret as it was declared.
#[derive(Debug, Clone)]
pub struct SecretDeclaration {
    /// How its first value, and every new one of `rotate: auto`, is made. `None`: a person gives it.
    pub generate: Option<Generate>,
    pub rotate: Rotate,
    /// With `rotate: command`: what changes it, as words; it reads the old and the new value, a line each, on its input.
    pub rotate_command: Option<Vec<String>>,
    /// The file on the host that software made and that is to be fetched into the store.
    pub escrow: Option<Placed<String>>,
    /// The parameter with the list of which each item has one of its own.
    pub each: Option<Placed<String>>,
    /// People or roles that read it besides maintainers; only for the inventory's own secrets.
    pub readers: Vec<Placed<String>>,
    /// Text, or text by language.
    pub help: Option<Node>,
    /// Where its name stands.
    pub place: Place,
}

impl SecretDeclaration {
    /// What it is for, in this language, else in English; empty if nothing was said.
    pub fn help(&self, language: &str) -> &str {
        let Some(help) = &self.help else { return "" };
        let in_language = help.get(language).or_else(|| help.get("en"));
        help.as_str().or_else(|| in_language.and_then(Node::as_str)).unwrap_or_default()
    }
}

/// How a value is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Generate {
    /// So many letters and digits.
    Length(u16),
    /// So many random bytes, written in hexadecimal.
    Hex(u16),
    /// So many random bytes, written in base64.
    Base64(u16),
    /// So many words, joined by dashes; 11 bits of entropy each.
    Passphrase(u16),
    /// An SSH key pair; the public half is kept in clear.
    Ssh,
    /// A `WireGuard` key pair; the public half is kept in clear.
    Wireguard,
    /// A key and the certificate of an authority that vouches for others, as PEM.
    Authority,
    /// Made once from another secret of the same service, and again whenever that one changes.
    Derived { from: Placed<String>, form: Form, user: Option<String> },
}

impl Generate {
    /// The name of the secret that this one is a form of.
    pub fn parent(&self) -> Option<&str> {
        match self {
            Self::Derived { from, .. } => Some(&from.value),
            _ => None,
        }
    }
}

/// A hash of a password, as programs want to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// `user:hash`, a line for web servers.
    Htpasswd,
    Bcrypt,
    Argon2,
    /// For `/etc/shadow`.
    Sha512crypt,
    /// Of an authority: a key of its own for servers' certificates, which the authority vouches for.
    Issuer,
}

/// How a value is replaced by a new one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rotate {
    /// A new value is made, and the next apply changes it everywhere.
    Auto,
    /// The module's `rotate_command` changes it.
    Command,
    /// A person does it, by a checklist.
    #[default]
    Manual,
    /// It can never change.
    Never,
}

impl Rotate {
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Command => "command",
            Self::Manual => "manual",
            Self::Never => "never",
        }
    }
}

/// A secret that a module or the inventory declares.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretEntry {
    /// How `steward secrets generate` makes a value. Without it, a person gives one by `steward secrets set`.
    #[serde(default)]
    generate: Option<Placed<GenerateEntry>>,
    /// How it is replaced: `auto`, `command`, `manual` (the default) or `never`.
    #[serde(default)]
    rotate: Rotate,
    /// With `rotate: command`: the words of the command; it reads the old and the new value, a line each, on its input.
    #[serde(default)]
    rotate_command: Option<Placed<Vec<String>>>,
    /// The absolute path of the file on the host that software made, to be fetched into the store.
    #[serde(default)]
    escrow: Option<Placed<String>>,
    /// The name of a parameter, a list or map: each item has one of its own, `NAME-ITEM`, and `secrets.NAME` is a map of them.
    #[serde(default)]
    each: Option<Placed<String>>,
    /// People or roles that read it besides maintainers. Only in an inventory's own `secrets`.
    #[serde(default)]
    readers: Vec<Placed<String>>,
    /// What it is for, and where a person finds it: text, or text by language.
    #[serde(default)]
    help: Option<Node>,
}

/// One way to make a value; without any, 24 letters and digits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GenerateEntry {
    /// So many letters and digits; 24 if nothing is said.
    length: Option<Placed<u16>>,
    /// So many random bytes, in hexadecimal.
    hex: Option<Placed<u16>>,
    /// So many random bytes, in base64.
    base64: Option<Placed<u16>>,
    /// So many words joined by dashes, 11 bits each.
    passphrase: Option<Placed<u16>>,
    /// An SSH key pair.
    ssh: Option<Placed<SshType>>,
    /// A `WireGuard` key pair.
    wireguard: Option<Placed<bool>>,
    /// An authority for certificates: its key, and its certificate, which is kept in clear.
    authority: Option<Placed<bool>>,
    /// The secret of the same service that this one is a form of; with `form`.
    from: Option<Placed<String>>,
    /// The form of the secret named by `from`.
    form: Option<Placed<Form>>,
    /// The account name in a `htpasswd` line.
    user: Option<Placed<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SshType {
    Ed25519,
}

/// The `secrets` of a module, or of the inventory if `own`.
pub fn read_secrets(map: &Map, own: bool, mistakes: &mut Diagnostics) -> IndexMap<String, SecretDeclaration> {
    let entries = map.iter().filter_map(|(name, entry)| Some((name.clone(), read(name, entry, own, mistakes)?)));
    let declared: IndexMap<String, SecretDeclaration> = entries.collect();
    for declaration in declared.values() {
        check_parent(declaration, map, &declared, mistakes);
    }
    declared
}

fn read(name: &str, entry: &Entry, own: bool, mistakes: &mut Diagnostics) -> Option<SecretDeclaration> {
    if SecretName::new(INVENTORY, name).is_none() || name.contains(".previous") {
        mistakes.push(
            Diagnostic::error(format!("`{}` cannot be the name of a secret", name.escape_debug()))
                .at(&entry.key)
                .remedy("use letters, digits, dashes and underscores, beginning with a letter or digit"),
        );
        return None;
    }
    let nothing = Node::new(crate::yaml::Value::Map(Map::new()), &entry.node.place);
    let whole =
        Entry { key: entry.key.clone(), node: if entry.node.is_null() { nothing } else { entry.node.clone() } };
    if let Some(generate) = whole.node.get("generate").filter(|generate| generate.as_str().is_some()) {
        let word = generate.as_str().unwrap_or_default();
        let fact = format!("`generate` must be a map, not the text `{}`", word.escape_debug());
        let remedy = "write one of `{ length: 24 }`, `{ hex: 32 }`, `{ base64: 32 }`, `{ passphrase: 6 }`, `{ ssh: ed25519 }`, `{ wireguard: true }`";
        mistakes.push(Diagnostic::error(fact).at(&generate.place).remedy(remedy));
        return None;
    }
    let written: SecretEntry = whole.decode(name, mistakes)?;
    let SecretEntry { generate, rotate, rotate_command, escrow, each, readers, help } = written;
    let generate = match generate {
        Some(written) => Some(way(&written, each.is_some(), mistakes)?),
        None => None,
    };
    let mut wrong = |place: &Place, fact: String, remedy: &str| {
        mistakes.push(Diagnostic::error(fact).at(place).remedy(remedy));
    };
    match (&rotate_command, rotate) {
        (None, Rotate::Command) => {
            wrong(&entry.key, format!("`{name}` has `rotate: command`, but no `rotate_command`"), "add what runs");
        }
        (Some(command), Rotate::Command) if command.value.is_empty() => {
            wrong(&command.place, "the `rotate_command` is empty".to_owned(), "write its words as a list");
        }
        (Some(command), Rotate::Auto | Rotate::Manual | Rotate::Never) => {
            wrong(&command.place, format!("`rotate: {}` runs no command", rotate.name()), "write `rotate: command`");
        }
        _ => {}
    }
    if let (true, Rotate::Auto) = (generate.is_none(), rotate) {
        wrong(
            &entry.key,
            format!("`{name}` has `rotate: auto`, but nothing says how a value is made"),
            "add `generate`",
        );
    }
    if let Some(path) = escrow.as_ref().filter(|path| !crate::kinds::is_plain_absolute(path)) {
        wrong(&path.place, "`escrow` is not an absolute path".to_owned(), "name the file on the host");
    }
    if let (Some(path), true) = (&escrow, generate.is_some()) {
        wrong(&path.place, format!("`{name}` is made on the host and generated here"), "keep one of the two");
    }
    if let Some(param) = &each
        && (own || rotate_command.is_some() || escrow.is_some())
    {
        let fact = "`each` is for secrets of a module that have neither `rotate_command` nor `escrow`".to_owned();
        wrong(&param.place, fact, "declare them one by one");
    }
    if let (Some(reader), false) = (readers.first(), own) {
        wrong(&reader.place, "a module cannot name people".to_owned(), "name `readers` at the service");
    }
    Some(SecretDeclaration {
        generate,
        rotate,
        rotate_command: rotate_command.map(|command| command.value),
        escrow,
        each,
        readers,
        help,
        place: entry.key.clone(),
    })
}

fn way(written: &Placed<GenerateEntry>, each: bool, mistakes: &mut Diagnostics) -> Option<Generate> {
    let GenerateEntry { length, hex, base64, passphrase, ssh, wireguard, authority, from, form, user } =
        &written.value;
    let mut ways = Vec::new();
    let mut number = |given: &Option<Placed<u16>>, least: u16, make: fn(u16) -> Generate| {
        if let Some(count) = given {
            if !(least..=1024).contains(&count.value) {
                let fact = format!("{} is not enough to be safe, or too much", count.value);
                mistakes.push(Diagnostic::error(fact).at(&count.place).remedy(format!("give {least} to 1024")));
            }
            ways.push(make(count.value));
        }
    };
    // Each about 64 bits at least; what a person must type is the reason for less than a key's 128.
    number(length, 12, Generate::Length);
    number(hex, 8, Generate::Hex);
    number(base64, 8, Generate::Base64);
    number(passphrase, 6, Generate::Passphrase);
    ways.extend(ssh.as_ref().map(|it| match it.value {
        SshType::Ed25519 => Generate::Ssh,
    }));
    ways.extend(wireguard.as_ref().filter(|wanted| wanted.value).map(|_| Generate::Wireguard));
    ways.extend(authority.as_ref().filter(|wanted| wanted.value).map(|_| Generate::Authority));
    if let Some(from) = from {
        let Some(form) = form else {
            let fact = "a secret made `from` another has no `form`";
            mistakes.push(
                Diagnostic::error(fact)
                    .at(&from.place)
                    .remedy("add one of: htpasswd, bcrypt, argon2, sha512crypt, issuer"),
            );
            return None;
        };
        let user = user.as_ref().map(|user| user.value.clone());
        if form.value == Form::Htpasswd
            && !each
            && user.as_ref().is_none_or(|user| user.is_empty() || user.contains([':', '\n']))
        {
            mistakes.push(
                Diagnostic::error("a `htpasswd` line needs a `user` without a colon")
                    .at(&form.place)
                    .remedy("add `user: NAME`"),
            );
        }
        ways.push(Generate::Derived { from: from.clone(), form: form.value, user });
    } else if let Some(place) = form.as_ref().map(|it| &it.place).or(user.as_ref().map(|it| &it.place)) {
        mistakes.push(Diagnostic::error("a `form` of what?").at(place).remedy("add `from: NAME`"));
    }
    if ways.len() > 1 {
        mistakes.push(
            Diagnostic::error("`generate` names more than one way to make a value")
                .at(&written.place)
                .remedy("keep one"),
        );
    }
    Some(ways.into_iter().next().unwrap_or(Generate::Length(24)))
}

/// What a derived secret comes from must be a password of the same place, and not itself derived.
fn check_parent(
    declaration: &SecretDeclaration,
    map: &Map,
    declared: &IndexMap<String, SecretDeclaration>,
    mistakes: &mut Diagnostics,
) {
    let Some(Generate::Derived { from, form, .. }) = &declaration.generate else { return };
    let is_issuer = *form == Form::Issuer;
    match declared.get(&from.value).map(|parent| &parent.generate) {
        None if map.contains_key(&from.value) => {}
        None => mistakes.push(
            Diagnostic::error(format!("there is no secret `{}` here", from.escape_debug()))
                .at(&from.place)
                .suggest(from, declared.keys().map(String::as_str)),
        ),
        Some(Some(Generate::Authority)) if is_issuer => {}
        Some(_) if is_issuer => mistakes.push(
            Diagnostic::error(format!("`{}` is no authority that has an issuer", from.value))
                .at(&from.place)
                .remedy("name a secret with `generate: { authority: true }`"),
        ),
        Some(Some(Generate::Derived { .. } | Generate::Ssh | Generate::Wireguard | Generate::Authority)) => mistakes
            .push(
                Diagnostic::error(format!("`{}` is no password that has such a form", from.value))
                    .at(&from.place)
                    .remedy("name the password itself"),
            ),
        Some(_) => {
            let each = |it: &SecretDeclaration| it.each.as_ref().map(|param| param.value.clone());
            if declared.get(&from.value).is_some_and(|parent| each(parent) != each(declaration)) {
                let fact = format!("`{}` is not of the same list", from.value);
                mistakes.push(Diagnostic::error(fact).at(&from.place).remedy("give both the same `each`"));
            }
        }
    }
}
