//! Who may answer: the host keys that the inventory pins, else those of `known_hosts`, and the verdict on the key that
//! was shown. Takes files and a key, gives yes or a refusal with both fingerprints; never asks and never writes.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use crate::diag::{Diagnostic, Result};

/// A public host key as OpenSSH writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) kind: String,
    pub(super) blob: Vec<u8>,
}

impl Key {
    /// From `ssh-ed25519 AAAA… comment`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (kind, base64) = (words.next()?, words.next()?);
        let key = Self { kind: kind.to_owned(), blob: STANDARD.decode(base64).ok()? };
        (kind_of(&key.blob)? == kind).then_some(key)
    }

    pub(super) fn from_blob(blob: &[u8]) -> Self {
        Self { kind: kind_of(blob).unwrap_or("unknown").to_owned(), blob: blob.to_vec() }
    }

    /// `ssh-ed25519 AAAA…`
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.kind, STANDARD.encode(&self.blob))
    }

    /// As `ssh-keygen -l` shows it: `SHA256:…`.
    pub(super) fn fingerprint(&self) -> String {
        format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&self.blob)))
    }
}

/// The algorithm name that a key begins with (RFC 4253, 6.6).
pub(super) fn kind_of(blob: &[u8]) -> Option<&str> {
    let length = u32::from_be_bytes(*blob.first_chunk()?);
    std::str::from_utf8(blob.get(4..4 + usize::try_from(length).ok()?)?).ok()
}

/// What is known of a machine's keys before it shows one.
#[derive(Debug, Default)]
pub(super) struct Known {
    keys: Vec<Key>,
    revoked: Vec<Key>,
    /// `known_hosts` trusts a certificate authority for this machine, and knows no key of it.
    pub(super) authority: bool,
    pinned: bool,
}

impl Known {
    /// The pins, or if there are none, what `files` say of `host` (or of `alias`).
    pub(super) fn gather(
        pins: &[String],
        files: &[PathBuf],
        host: &str,
        port: u16,
        alias: Option<&str>,
    ) -> Result<Self> {
        let mut known = Self::default();
        for pin in pins {
            known.keys.push(Key::parse(pin).ok_or_else(|| {
                let fact = format!("{host}: the inventory's host key `{pin}` is not an OpenSSH public key");
                Diagnostic::error(fact).remedy("write it as `ssh-ed25519 AAAA…`, as in /etc/ssh/ssh_host_*_key.pub")
            })?);
        }
        known.pinned = !pins.is_empty();
        let host = host.to_lowercase();
        let name = match alias {
            Some(alias) => alias.to_lowercase(),
            None if port == 22 => host.clone(),
            None => format!("[{host}]:{port}"),
        };
        let mut authority = false;
        for entry in files.iter().flat_map(|file| entries(file)) {
            if !matches_name(&entry.names, &name, entry.line.as_str()) {
                continue;
            }
            match entry.marker {
                Marker::Revoked => known.revoked.push(entry.key),
                Marker::Authority => authority = true,
                Marker::None if !known.pinned => known.keys.push(entry.key),
                Marker::None => {}
            }
        }
        known.authority = authority && known.keys.is_empty();
        Ok(known)
    }

    /// Host key algorithms for the negotiation, those of the known keys first, so that a pinned ed25519 key works with
    /// a server that also has an RSA key. Certificates are never offered: libssh2 would not check them.
    pub(super) fn preference(&self) -> String {
        let known = |method: &&str| self.keys.iter().any(|key| method_is_for(method, &key.kind));
        let (first, last): (Vec<&str>, Vec<&str>) = METHODS.iter().copied().partition(known);
        [first, last].concat().join(",")
    }

    /// Whether the key that the machine showed is one that we know; `name`: what the operator calls the machine.
    pub(super) fn verify(&self, shown: &Key, name: &str) -> Result<()> {
        let fingerprint = shown.fingerprint();
        if self.revoked.contains(shown) {
            let fact =
                format!("{name} showed a host key that known_hosts marks as revoked: {} {fingerprint}", shown.kind);
            let remedy = "do not connect: whoever answers has a key that was given up";
            return Err(Box::new(Diagnostic::error(fact).remedy(remedy)));
        }
        if self.keys.contains(shown) {
            return Ok(());
        }
        let line = shown.line();
        if self.keys.is_empty() {
            let fact = format!("the host key of {name} is unknown: {} {fingerprint}", shown.kind);
            let remedy = format!(
                "compare the fingerprint with `ssh-keygen -lf` on the host's console (or with the hosting's panel), \
                 then put `host_key: {line}` into the inventory"
            );
            return Err(Box::new(Diagnostic::error(fact).remedy(remedy)));
        }
        let known: Vec<String> = self.keys.iter().map(|key| format!("{} {}", key.kind, key.fingerprint())).collect();
        let source = if self.pinned { "the inventory" } else { "known_hosts" };
        let fact = format!(
            "the host key of {name} has changed: it showed {} {fingerprint}, but {source} has {}",
            shown.kind,
            known.join(" and ")
        );
        let remedy = if self.pinned {
            format!(
                "do not go on unless you know why (a reinstallation?); then replace the pin by `host_key: {line}`"
            )
        } else {
            format!(
                "do not go on unless you know why (a reinstallation?); then run `ssh-keygen -R {name}` and put \
                 `host_key: {line}` into the inventory"
            )
        };
        Err(Box::new(Diagnostic::error(fact).remedy(remedy)))
    }

    /// The known keys, as a `known_hosts` file has them under `alias`, for the system's `ssh`.
    pub(super) fn as_known_hosts(&self, alias: &str) -> Option<String> {
        self.pinned.then(|| {
            let revoked = self.revoked.iter().map(|key| format!("@revoked {alias} {}\n", key.line()));
            self.keys.iter().map(|key| format!("{alias} {}\n", key.line())).chain(revoked).collect()
        })
    }
}

const METHODS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

fn method_is_for(method: &str, kind: &str) -> bool {
    method == kind || (kind == "ssh-rsa" && method.starts_with("rsa-sha2-"))
}

enum Marker {
    None,
    Revoked,
    Authority,
}

struct Entry {
    marker: Marker,
    names: String,
    key: Key,
    /// The line without its marker.
    line: String,
}

/// The entries of a `known_hosts` file (sshd(8), its section on that format); what cannot be read knows nobody.
fn entries(file: &Path) -> Vec<Entry> {
    let text = std::fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<Entry> {
    let line = line.trim();
    let (marker, line) = match line.strip_prefix('@') {
        None => (Marker::None, line),
        Some(marked) => match marked.split_once(char::is_whitespace)? {
            ("revoked", line) => (Marker::Revoked, line.trim()),
            ("cert-authority", line) => (Marker::Authority, line.trim()),
            _ => return None,
        },
    };
    let (names, key) = line.split_once(char::is_whitespace).filter(|_| !line.starts_with('#'))?;
    Some(Entry { marker, names: names.to_owned(), key: Key::parse(key)?, line: line.to_owned() })
}

fn matches_name(names: &str, name: &str, line: &str) -> bool {
    if names.starts_with("|1|") {
        return hashed_matches(line, name).unwrap_or(false);
    }
    let mut found = false;
    for pattern in names.split(',') {
        match pattern.strip_prefix('!') {
            Some(refused) if glob(refused.to_lowercase().as_bytes(), name.as_bytes()) => return false,
            Some(_) => {}
            None => found |= glob(pattern.to_lowercase().as_bytes(), name.as_bytes()),
        }
    }
    found
}

/// The name is an HMAC-SHA1 under a salt; libssh2 computes it, asked with the line's own key.
fn hashed_matches(line: &str, name: &str) -> Option<bool> {
    let key = Key::parse(line.split_once(char::is_whitespace)?.1)?;
    let mut hosts = ::ssh2::Session::new().ok()?.known_hosts().ok()?;
    hosts.read_str(line, ::ssh2::KnownHostFileKind::OpenSSH).ok()?;
    Some(matches!(hosts.check(name, &key.blob), ::ssh2::CheckResult::Match))
}

/// `*` and `?`, as `ssh_config(5)` has them.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|at| glob(rest, text.get(at..).unwrap_or_default())),
        (Some((b'?', pattern)), Some((_, text))) => glob(pattern, text),
        (Some((one, pattern)), Some((other, text))) => one == other && glob(pattern, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMtEUPnYb3zT8K0t1YkZt2Qh5m7tV6vXyLQ3o5n9v1Yx";
    const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAtEUPnYb3zT8K0t1YkZt2Qh5m7tV6vXyLQ3o5n9v1Yx one two";

    fn known(text: &str, host: &str, port: u16) -> Known {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Known::gather(&[], &[file.path().to_owned()], host, port, None).unwrap()
    }

    fn key(line: &str) -> Key {
        Key::parse(line).unwrap()
    }

    #[test]
    fn names_match_as_openssh_matches_them() {
        for (names, host, port, matches) in [
            ("web1", "web1", 22, true),
            ("web1", "WEB1", 22, true),
            ("web1,192.0.2.1", "192.0.2.1", 22, true),
            ("*.example.org", "web1.example.org", 22, true),
            ("*.example.org,!db?.example.org", "db1.example.org", 22, false),
            ("web1", "web1", 2222, false),
            ("[web1]:2222", "web1", 2222, true),
            ("[web1]:*", "web1", 2222, true),
            ("web", "web1", 22, false),
        ] {
            let verdict = known(&format!("# comment\n\n{names} {ONE}\n"), host, port).verify(&key(ONE), host);
            assert_eq!(verdict.is_ok(), matches, "{names} for {host}:{port}");
        }
    }

    #[test]
    fn hashed_names_match_too() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        std::fs::write(&file, format!("web1 {ONE}\n[web1]:2222 {TWO}\n")).unwrap();
        let hashed = std::process::Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&file).status().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(hashed.success() && !text.contains("web1"), "{text}");
        assert!(known(&text, "web1", 22).verify(&key(ONE), "web1").is_ok());
        assert!(known(&text, "web1", 2222).verify(&key(TWO), "web1").is_ok());
        assert!(known(&text, "web1", 22).verify(&key(TWO), "web1").is_err());
        assert!(known(&text, "web2", 22).verify(&key(ONE), "web2").is_err());
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_fingerprint_and_the_line_to_write() {
        let refusal = Known::default().verify(&key(ONE), "web1").unwrap_err();
        assert!(refusal.fact.contains(&key(ONE).fingerprint()), "{refusal}");
        assert!(refusal.remedy.unwrap().contains(&format!("`host_key: {ONE}`")));
    }

    #[test]
    fn a_changed_key_is_refused_with_both_fingerprints() {
        let pins = [TWO.to_owned()];
        let pinned = Known::gather(&pins, &[], "web1", 22, None).unwrap();
        for known in [pinned, known(&format!("web1 {TWO}\n"), "web1", 22)] {
            let refusal = known.verify(&key(ONE), "web1").unwrap_err();
            let both = [key(ONE), key(TWO)].iter().all(|key| refusal.fact.contains(&key.fingerprint()));
            assert!(both && refusal.fact.contains("changed"), "{refusal}");
        }
    }

    #[test]
    fn a_revoked_key_is_refused_even_if_pinned() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("@revoked * {ONE}\n")).unwrap();
        let known = Known::gather(&[ONE.to_owned()], &[file.path().to_owned()], "web1", 22, None).unwrap();
        assert!(known.verify(&key(ONE), "web1").unwrap_err().fact.contains("revoked"));
    }

    #[test]
    fn a_certificate_authority_counts_only_where_no_key_is_known() {
        assert!(known(&format!("@cert-authority *.example.org {ONE}\n"), "a.example.org", 22).authority);
        assert!(!known(&format!("@cert-authority a {ONE}\na {TWO}\n"), "a", 22).authority);
    }

    #[test]
    fn the_known_algorithm_is_negotiated_first_and_certificates_never() {
        let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB";
        assert!(
            Known::gather(&[rsa.to_owned()], &[], "a", 22, None)
                .unwrap()
                .preference()
                .starts_with("rsa-sha2-512,rsa")
        );
        assert!(Known::default().preference().starts_with("ssh-ed25519,"));
        assert!(!Known::default().preference().contains("cert"));
    }

    #[test]
    fn a_pin_that_is_no_key_is_an_error_not_an_unpinned_host() {
        for pin in ["ssh-ed25519", "ssh-ed25519 !!!", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIMtEUPnYb3zT8K0t1YkZt2Qh5m7t"]
        {
            assert!(Known::gather(&[pin.to_owned()], &[], "a", 22, None).is_err(), "{pin}");
        }
    }
}
