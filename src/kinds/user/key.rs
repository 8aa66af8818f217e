//! Lines of `authorized_keys(5)`. A line that sshd would pass over is refused before it reaches a host.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const TYPES: &[&str] = &[
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-ed25519-cert-v01@openssh.com",
];

/// The fact that is wrong with it.
pub(super) fn check(line: &str) -> Result<(), String> {
    if line.contains(['\n', '\r', '\0']) {
        return Err("a key has more than one line".into());
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let shown: String = line.chars().take(40).collect();
    // options may stand before the type, and may hold blanks in quotes
    let Some(at) = words.iter().position(|word| TYPES.contains(word)) else {
        return Err(format!("`{shown}` is not a public SSH key"));
    };
    let (Some(name), Some(body)) = (words.get(at), words.get(at + 1)) else {
        return Err(format!("the key `{shown}` ends after its type"));
    };
    let decoded = STANDARD.decode(body).map_err(|_| format!("the key `{shown}` is cut or altered"))?;
    let length = u32::try_from(name.len()).map(u32::to_be_bytes).unwrap_or_default();
    let says_so = decoded.strip_prefix(&length).is_some_and(|rest| rest.starts_with(name.as_bytes()));
    let whole = lengths_add_up(&decoded);
    if says_so && whole { Ok(()) } else { Err(format!("the key `{shown}` is cut or altered")) }
}

/// The parts of a public key each begin with their length, see RFC 4253 section 6.6.
fn lengths_add_up(mut bytes: &[u8]) -> bool {
    let mut parts = 0;
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some(after) = rest.get(length..) else { return false };
        bytes = after;
        parts += 1;
    }
    bytes.is_empty() && parts > 1
}

/// The whole file.
pub(super) fn file(keys: &[String]) -> String {
    let mut text = String::from("# Kept by Steward: what is changed here is put back.\n");
    for key in keys {
        text.push_str(key.trim());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE";

    #[test]
    fn a_whole_key_is_taken_with_and_without_options_and_comment() {
        for line in [KEY.to_owned(), format!("{KEY} ana@home"), format!("command=\"a b\",restrict {KEY} ana")] {
            assert_eq!(check(&line), Ok(()), "{line}");
        }
    }

    #[test]
    fn a_key_that_was_cut_by_copying_is_refused() {
        for cut in "ssh-ed25519".len()..KEY.len() {
            assert!(check(&KEY[..cut]).is_err(), "{}", &KEY[..cut]);
        }
        for line in ["", "AAAA", "ssh-ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-rsa AAAAC3NzaC1lZDI1"] {
            assert!(check(line).is_err(), "{line}");
        }
        assert!(check(&format!("{KEY}\n{KEY}")).is_err());
    }
}
