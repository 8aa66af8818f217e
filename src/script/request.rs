//! The data of a look: which resources, by kind, as lines of encoded fields. See `probe.sh` for the form. A resource
//! that holds secrets has three fields more: the word `sealed`, a digest with the nonce, its identity.

use std::collections::BTreeMap;

use crate::kinds::{Item, Site};
use crate::quoting::encode;
use crate::resource::digest;
use crate::secret::Sealed;

/// The request for these resources. `nonce` frames the answer; `records` is the directory of Steward's own records;
/// `access` asks who can get in, too.
pub fn request(
    items: &BTreeMap<&'static str, Vec<&dyn Item>>,
    site: &Site,
    records: &str,
    access: bool,
    nonce: &str,
) -> Vec<u8> {
    let mut request = format!("steward-request 2 {nonce} {}\n", encode(records.as_bytes()));
    section(&mut request, "facts", "");
    section(&mut request, "debts", "");
    section(&mut request, "ledger", "");
    if access {
        section(&mut request, "access", "");
    }
    for (kind, items) in items {
        let lines: String = items
            .iter()
            .map(|item| {
                let mut fields = item.ask(site);
                if let Some(sealed) = item.sealed() {
                    fields.extend([b"sealed".to_vec(), compared(sealed, nonce).into_bytes()]);
                    fields.push(format!("{kind}:{}", item.name()).into_bytes());
                }
                line(&fields)
            })
            .collect();
        section(&mut request, kind, &lines);
    }
    request.push_str("end 0\n");
    request.into_bytes()
}

/// The request for the content of one file, of at most 64 KiB: it is compared with what no file is.
pub fn content_of(path: &str, records: &str, nonce: &str) -> Vec<u8> {
    let mut request = format!("steward-request 2 {nonce} {}\n", encode(records.as_bytes()));
    section(&mut request, "file", &line(&["0".repeat(64).into_bytes(), path.as_bytes().to_vec()]));
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

fn line(fields: &[Vec<u8>]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| encode(field)).collect();
    fields.join("|") + "\n"
}
