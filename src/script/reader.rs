//! What reader keys need on a host: the program, the list of what it answers, the line of sudoers, the file of keys; and
//! the request of a look by such a key. Takes a catalog, gives texts; `reader.sh` says what the program tells.

use super::without_comments;
use crate::catalog::HostCatalog;
use crate::kinds;
use crate::observed::Installed;
use crate::quoting::{encode, quote};
use crate::resource::digest;

/// The account on the hosts that reader keys open.
pub const ACCOUNT: &str = "steward-reader";
pub const HOME: &str = "/var/lib/steward-reader";
pub const KEYS: &str = "/var/lib/steward-reader/.ssh/authorized_keys";
/// Outside of every place that the account, or anybody but root, may write to.
pub const PROGRAM: &str = "/usr/local/lib/steward/reader";
pub const SUDOERS: &str = "/etc/sudoers.d/steward-reader";

/// The program that reader keys run. Its own digest, without the line that names it, tells one version from another.
pub fn program() -> String {
    let body = body();
    format!(
        "#!/bin/sh\n# Steward {}: what reader keys may ask. Kept by Steward; a change is put back.\nREADER_PROGRAM={}\n{body}",
        env!("CARGO_PKG_VERSION"),
        digest(body.as_bytes())
    )
}

/// By which the operator's side names the program that it speaks to.
pub fn program_digest() -> String {
    digest(body().as_bytes())
}

fn body() -> String {
    let mut body = format!("READER_VERSION={}\n", env!("CARGO_PKG_VERSION"));
    let mut names = Vec::new();
    let mut cases = String::new();
    let mut own = without_comments(READER);
    body.push_str(&without_comments(super::PROBE));
    body.push_str(&without_comments(super::ACCOUNT));
    for kind in kinds::ALL {
        let Some(shell) = kind.reader() else { continue };
        body.push_str(&without_comments(kind.probe()));
        own.push_str(&without_comments(shell));
        names.push(kind.name());
        cases.push_str(&format!("{0}) probe_{0} ;;\n", kind.name()));
    }
    // what is defined last counts
    body.push_str(&own);
    body.push_str(&format!("READER_KINDS='{}'\n", names.join(" ")));
    body.push_str("probe() {\ncase $1 in\nfacts) probe_facts ;;\ndebts) probe_debts ;;\nledger) probe_ledger ;;\n");
    body.push_str(&cases);
    body.push_str("*) return 1 ;;\nesac\n}\nreader_main\n");
    body
}

pub(super) const READER: &str = include_str!("reader.sh");
pub(super) const INSTALL: &str = include_str!("reader_install.sh");

/// The one right of the account: this program, without an argument.
pub fn sudoers() -> String {
    format!("# Written by Steward.\n{ACCOUNT} ALL=(root) NOPASSWD: {PROGRAM} \"\"\n")
}

/// The file of keys: whoever has one runs the program, whatever they ask for.
pub fn authorized_keys(keys: &[String]) -> String {
    let line = |key: &String| format!("restrict,command=\"sudo -n {PROGRAM}\" {key}\n");
    let head = "# Written by Steward, from `readers` of the chapter.\n".to_owned();
    keys.iter().map(line).fold(head, |text, line| text + &line)
}

/// The lines of a request, and for each the index of its resource.
fn lines(catalog: &HostCatalog) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    for kind in kinds::ALL {
        for (index, resource) in catalog.resources.iter().enumerate().filter(|(_, it)| it.id.kind == kind.name()) {
            let mut fields = resource.item.ask(&catalog.site);
            if resource.item.sealed().is_some() {
                // no digest of it: a reader key compares with what was applied, never with a guess
                fields.extend([b"sealed".to_vec(), Vec::new(), resource.id.to_string().into_bytes()]);
            }
            let fields: Vec<String> = fields.iter().map(|field| encode(field)).collect();
            lines.push((index, format!("{}|{}", kind.name(), fields.join("|"))));
        }
    }
    lines
}

/// What a look by a reader key sends, and the resources behind its lines, from line 0.
pub fn request(catalog: &HostCatalog, inventory: &str, nonce: &str) -> (Vec<u8>, Vec<usize>) {
    let (indices, lines): (Vec<usize>, Vec<String>) = lines(catalog).into_iter().unzip();
    let list = digest(readable(catalog).as_bytes());
    let mut text = format!("steward-read 1 {nonce} {} {list} {inventory}\n", program_digest());
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    (text.into_bytes(), indices)
}

/// The list of what the program answers, once the host is as this catalog wants it.
pub fn readable(catalog: &HostCatalog) -> String {
    let mut text = String::from("steward-readable 1\n");
    let mut known: Vec<String> = catalog.resources.iter().flat_map(|resource| resource.item.known()).collect();
    known.retain(|known| !known.contains('\n'));
    known.sort_unstable();
    known.dedup();
    for known in known {
        text.push_str(&format!("={known}\n"));
    }
    for (_, line) in lines(catalog) {
        text.push_str(&format!("?{}\n", as_listed(&line)));
    }
    text
}

/// With # for every digest before a path, which may be another one next time; the same as in `reader_judges`.
fn as_listed(line: &str) -> String {
    let fields: Vec<&str> = line.split('|').collect();
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    let listed = fields.iter().enumerate().map(|(at, field)| {
        let before_path = fields.get(at + 1).is_some_and(|next| next.starts_with('/'));
        if at > 0 && before_path && (is_digest(field) || (at == 1 && field.is_empty())) { "#" } else { field }
    });
    listed.collect::<Vec<_>>().join("|")
}

/// What is installed on a host that is as this catalog wants it.
pub fn installed(catalog: &HostCatalog) -> Installed {
    let digest = |text: String| digest(text.as_bytes());
    Installed {
        program: digest(program()),
        sudoers: digest(sudoers()),
        keys: digest(authorized_keys(&catalog.readers)),
        readable: digest(readable(catalog)),
    }
}

/// The script that installs it. `records`: the directory of the inventory's records; `complete`: the host is as the catalog
/// wants it, so that there is something to answer.
pub fn install(catalog: &HostCatalog, records: &str, complete: bool, nonce: &str) -> Vec<u8> {
    let readable = if complete { readable(catalog) } else { String::new() };
    let (program, sudoers, keys) = (program(), sudoers(), authorized_keys(&catalog.readers));
    let words = [ACCOUNT, HOME, PROGRAM, &program, SUDOERS, &sudoers, &keys, records, &readable];
    framed("reader_install", &words, nonce)
}

/// The script that takes everything away again, of all inventories.
pub fn remove(nonce: &str) -> Vec<u8> {
    framed("reader_remove", &[ACCOUNT, HOME, PROGRAM, SUDOERS, super::change::RECORDS], nonce)
}

fn framed(function: &str, words: &[&str], nonce: &str) -> Vec<u8> {
    let mut script = without_comments(INSTALL).into_bytes();
    script.extend_from_slice(format!("NONCE={nonce}\nreader_framed {function}").as_bytes());
    for word in words {
        script.push(b' ');
        script.extend(quote(word.as_bytes()));
    }
    script.push(b'\n');
    script
}
