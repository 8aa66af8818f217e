//! sshd, by what it says of its own configuration (`sshd -T`), and blocks of `Match`, which that leaves out.

use super::said::{Said, none_of};
use super::{Audited, Verdict, by_module};
use crate::catalog::HostCatalog;

type IsRight = fn(&str) -> bool;

/// Keywords, and which values are right.
const SETTINGS: &[(&str, &str, &[&str], IsRight)] = &[
    (
        "ssh.passwords",
        "nobody logs in by a password",
        &["passwordauthentication", "kbdinteractiveauthentication"],
        |it| it == "no",
    ),
    ("ssh.empty-passwords", "sshd takes no empty password", &["permitemptypasswords"], |it| it == "no"),
    ("ssh.root", "root logs in by a key or not at all", &["permitrootlogin"], |it| {
        matches!(it, "no" | "prohibit-password" | "without-password" | "forced-commands-only")
    }),
    ("ssh.tries", "a connection has at most 4 tries", &["maxauthtries"], |it| {
        it.parse::<u32>().is_ok_and(|tries| tries <= 4)
    }),
    ("ssh.x11", "no X11 is forwarded", &["x11forwarding"], |it| it == "no"),
    ("ssh.macs", "no weak code protects what is sent", &["macs"], |it| !it.split(',').any(is_weak_mac)),
    ("ssh.ciphers", "no weak cipher protects what is sent", &["ciphers"], |it| !it.split(',').any(is_weak_cipher)),
];

/// MD5 and SHA-1, and tags of less than 128 bits.
fn is_weak_mac(name: &str) -> bool {
    ["hmac-md5", "hmac-sha1", "hmac-ripemd160", "umac-64"].iter().any(|weak| name.starts_with(weak))
}

fn is_weak_cipher(name: &str) -> bool {
    name.contains("-cbc") || name.starts_with("arcfour") || name.starts_with("rijndael")
}

pub(super) fn audit(catalog: &HostCatalog, said: &Said) -> Vec<Audited> {
    let mut all: Vec<Audited> = SETTINGS
        .iter()
        .map(|(id, title, keywords, is_right)| {
            let verdict = match said.all("ssh") {
                Err(skip) => skip,
                Ok(_) => setting(catalog, said, keywords, *is_right),
            };
            Audited { id, title, verdict }
        })
        .collect();
    let key = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let (mode, owner, path) = (words.next()?, words.next()?, words.next()?);
        // group `ssh_keys` reads them where a helper signs (Fedora)
        let closed = matches!(mode, "600" | "400" | "640" | "440") && owner == "0";
        (!closed).then(|| format!("{path} has mode {mode} and belongs to uid {owner}"))
    };
    let remedy = "`chown root` and `chmod 600` these files; if others could read them, make new host keys";
    all.push(none_of(said, ("ssh.host-keys", "only root reads the host keys"), "host_key", key, remedy));
    all
}

fn setting(catalog: &HostCatalog, said: &Said, keywords: &[&str], is_right: IsRight) -> Verdict {
    let mut wrong = Vec::new();
    for keyword in keywords {
        match said.of("ssh", keyword) {
            None => return Verdict::Skip(format!("not known: sshd does not say {keyword}")),
            Some(value) if !is_right(value) => wrong.push(format!("{keyword} {}", shortened(value))),
            Some(_) => {}
        }
        let inside = said.some("match").iter().filter_map(|line| line.strip_prefix(keyword)?.strip_prefix(' '));
        wrong
            .extend(inside.filter(|value| !is_right(value)).map(|value| format!("{keyword} {value}, for a `Match`")));
    }
    if wrong.is_empty() {
        return Verdict::Pass;
    }
    Verdict::Fail { found: wrong.join(", "), remedy: by_module("baseline", catalog) }
}

/// Of a list of algorithms, those that are weak.
fn shortened(value: &str) -> String {
    let weak: Vec<&str> = value.split(',').filter(|name| is_weak_mac(name) || is_weak_cipher(name)).collect();
    if weak.is_empty() { value.to_owned() } else { weak.join(",") }
}
