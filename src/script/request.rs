//! The data of a look: which resources, by kind, as lines of encoded fields. See `probe.sh` for the form. A resource
//! that holds secrets has three fields more: the word `sealed`, a digest with the nonce, its identity.

use std::collections::BTreeMap;

use crate::catalog::Backed;
use crate::kinds::{Item, Site};
use crate::quoting::encode;
use crate::resource::digest;
use crate::secret::Sealed;

/// What else is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Who can get in.
    pub access: bool,
    /// What Steward manages there besides these resources: they are all that is declared.
    pub whole: bool,
    /// The services whose backups it shall speak of.
    pub backed: &'a [Backed],
}

/// The request for these resources. `nonce` frames the answer; `records` is the directory of Steward's own records.
pub fn request(
    items: &BTreeMap<&'static str, Vec<&dyn Item>>,
    site: &Site,
    records: &str,
    asked: Asked<'_>,
    nonce: &str,
) -> Vec<u8> {
    let mut request = format!("steward-request 2 {nonce} {}\n", encode(records.as_bytes()));
    section(&mut request, "facts", "");
    section(&mut request, "debts", "");
    section(&mut request, "ledger", "");
    let mut declared = String::from(if asked.whole { "whole\n" } else { "part\n" });
    for (kind, items) in items {
        declared.extend(items.iter().map(|item| encode(format!("{kind}:{}", item.name()).as_bytes()) + "\n"));
    }
    section(&mut request, "owned", &declared);
    if asked.access {
        section(&mut request, "access", "");
    }
    if !asked.backed.is_empty() {
        let names: String = asked.backed.iter().map(|it| format!("{}\n", it.service)).collect();
        section(&mut request, "backups", &names);
    }
    for (kind, items) in items {
        let lines: String = items.iter().map(|item| line(kind, *item, site, nonce) + "\n").collect();
        section(&mut request, kind, &lines);
    }
    request.push_str("end 0\n");
    request.into_bytes()
}

/// The request for the content of one file, of at most 64 KiB: it is compared with what no file is.
pub fn content_of(path: &str, records: &str, nonce: &str) -> Vec<u8> {
    let mut request = format!("steward-request 2 {nonce} {}\n", encode(records.as_bytes()));
    section(&mut request, "file", &(joined(&["0".repeat(64).into_bytes(), path.as_bytes().to_vec()]) + "\n"));
    request.push_str("end 0\n");
    request.into_bytes()
}

/// SHA-256 of nonce and content, by which the host can tell whether it has that content, and nobody else anything;
/// empty if the content cannot be read here.
#[allow(clippy::disallowed_methods, reason = "only its digest with a nonce goes on from here")]
fn compared(sealed: &Sealed, nonce: &str) -> String {
    let Ok(real) = &sealed.real else { return String::new() };
    let bytes = zeroize::Zeroizing::new([nonce.as_bytes(), real.reveal()].concat());
    digest(&bytes)
}

fn section(request: &mut String, kind: &str, lines: &str) {
    request.push_str(&format!("{kind} {}\n{lines}", lines.len()));
}

/// The line of one resource, without its end.
pub fn line(kind: &str, item: &dyn Item, site: &Site, nonce: &str) -> String {
    let mut fields = item.ask(site);
    if let Some(sealed) = item.sealed() {
        fields.extend([b"sealed".to_vec(), compared(sealed, nonce).into_bytes()]);
        fields.push(format!("{kind}:{}", item.name()).into_bytes());
    }
    joined(&fields)
}

fn joined(fields: &[Vec<u8>]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| encode(field)).collect();
    fields.join("|")
}
