//! The data of a look: which resources, by kind, as lines of encoded fields. See `probe.sh` for the form.

use std::collections::BTreeMap;

use crate::kinds::{Item, Site};
use crate::quoting::encode;

/// The request for these resources. `nonce` frames the answer; `records` is the directory of Steward's own records;
/// `access` asks who can get in, too.
pub fn request(
    items: &BTreeMap<&'static str, Vec<&dyn Item>>,
    site: &Site,
    records: &str,
    access: bool,
    nonce: &str,
) -> Vec<u8> {
    let mut request = format!("steward-request 1 {nonce}\n");
    section(&mut request, "facts", "");
    section(&mut request, "debts", &format!("{}\n", encode(records.as_bytes())));
    if access {
        section(&mut request, "access", "");
    }
    for (kind, items) in items {
        let lines: String = items.iter().map(|item| line(&item.ask(site))).collect();
        section(&mut request, kind, &lines);
    }
    request.push_str("end 0\n");
    request.into_bytes()
}

fn section(request: &mut String, kind: &str, lines: &str) {
    request.push_str(&format!("{kind} {}\n{lines}", lines.len()));
}

fn line(fields: &[Vec<u8>]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| encode(field)).collect();
    fields.join("|") + "\n"
}
