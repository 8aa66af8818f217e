//! Public keys: SSH keys of people and hosts, age recipients. Parsed, so that a typing error is found here and not on
//! the host that lets nobody in.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Deserialize;

/// A public key of a person: type, base64 and a comment, on one line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct SshKey {
    /// `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`, …
    pub kind: String,
    /// The key itself, base64.
    pub blob: String,
    pub comment: String,
}

/// A public key of a host: type and base64.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct HostKey {
    pub kind: String,
    pub blob: String,
}

/// An age recipient: `age1…`, of X25519 or of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct AgeRecipient(String);

const KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

impl SshKey {
    /// Type and base64, without the comment: what makes two keys the same.
    pub fn key(&self) -> String {
        format!("{} {}", self.kind, self.blob)
    }
}

/// The line of an `authorized_keys` file.
impl fmt::Display for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.blob)?;
        if self.comment.is_empty() { Ok(()) } else { write!(f, " {}", self.comment) }
    }
}

/// As in a `known_hosts` file, without the address.
impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.blob)
    }
}

impl TryFrom<String> for SshKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.contains("PRIVATE KEY") || text.starts_with("AGE-SECRET-KEY-") {
            return Err("this is a private key\nremove it from the file and from git, make a new one, and give the \
                        public half (`.pub`) here"
                .into());
        }
        if text.chars().any(char::is_control) {
            return Err("an SSH key is one line\nremove the line breaks".into());
        }
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let kind = words.next().unwrap_or_default().to_owned();
        if !KINDS.contains(&kind.as_str()) {
            let remedy = "paste the line of the `.pub` file; it begins with a type such as ssh-ed25519";
            return Err(match kind.as_str() {
                "" => format!("the SSH key is empty\n{remedy}"),
                "ssh-dss" => "ssh-dss keys are no longer accepted by OpenSSH\nmake an ed25519 key".into(),
                _ => format!("`{}` is not a type of SSH key\n{remedy}", kind.escape_debug()),
            });
        }
        let blob = words.next().unwrap_or_default().to_owned();
        let comment = words.collect::<Vec<_>>().join(" ");
        match named_kind(&blob) {
            Some(named) if named == kind.as_bytes() => Ok(Self { kind, blob, comment }),
            Some(named) => Err(format!(
                "the key calls itself `{}` inside, not {kind}\ncopy the whole line again",
                String::from_utf8_lossy(&named).escape_debug()
            )),
            None => Err("the SSH key is damaged or cut short\ncopy the whole line again".into()),
        }
    }
}

impl TryFrom<String> for HostKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let SshKey { kind, blob, .. } = SshKey::try_from(text).map_err(|why| {
            why.replace("the line of the `.pub` file", "what `ssh-keyscan` prints after the address")
        })?;
        Ok(Self { kind, blob })
    }
}

/// The type inside the blob, if its length-prefixed fields (RFC 4253, 6.6) fill it exactly.
fn named_kind(blob: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(blob).ok()?;
    let mut rest = bytes.as_slice();
    let mut first = None;
    let mut fields = 0;
    while !rest.is_empty() {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (field, tail) = tail.split_at_checked(length)?;
        first.get_or_insert_with(|| field.to_vec());
        fields += 1;
        rest = tail;
    }
    first.filter(|_| fields >= 2)
}

impl AgeRecipient {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for AgeRecipient {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err("this is a secret age key\nremove it from the file and from git, make a new one, and give \
                        what `age-keygen -y` prints"
                .into());
        }
        let plugin = age::plugin::Recipient::from_str(&text).is_ok();
        if plugin || age::x25519::Recipient::from_str(&text).is_ok() {
            return Ok(Self(text));
        }
        let remedy = if text.starts_with("ssh-") {
            "give SSH keys under `ssh`; those of type ed25519 and RSA can read secrets, too"
        } else {
            "it begins with age1 and is printed by `age-keygen -y`; copy it again"
        };
        Err(format!("`{}` is not an age recipient\n{remedy}", text.escape_debug()))
    }
}
