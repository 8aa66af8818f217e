//! Which keys to offer, in which order: files that are configured, and what the agent holds. Reads key files and asks
//! the agent for its list; decrypts nothing, signs nothing, asks nobody.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::config::Settings;
use super::host_key::Key;

/// Servers hang up at the sixth failure (`MaxAuthTries`), and newer ones remember who caused them; asking what else
/// they would take counts too.
const MOST: usize = 4;

/// Keys in the order in which they are offered.
#[derive(Default)]
pub(super) struct Offers {
    pub(super) list: Vec<Offer>,
    /// A security key that would be offered if libssh2 could.
    pub(super) security_key: Option<String>,
    /// Files that were named but are of no use, with why.
    pub(super) useless: Vec<String>,
}

pub(super) enum Offer {
    /// The agent signs with the key that has this public half.
    Agent {
        public: Key,
    },
    File(KeyFile),
}

impl Offer {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Agent { public } => format!("{} {} (agent)", public.kind, public.fingerprint()),
            Self::File(file) => file.path.display().to_string(),
        }
    }
}

/// A private key as it is on disk.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) text: Zeroizing<String>,
    pub(super) public: Option<Key>,
    pub(super) encrypted: bool,
    /// The certificate to show with it, as the line that `ssh-keygen -s` wrote.
    pub(super) certificate: Option<String>,
}

/// The agent's keys that are configured, then (unless `IdentitiesOnly`) its other keys, then files.
pub(super) fn offers(settings: &Settings) -> Offers {
    let mut offers = Offers::default();
    let agent = settings.agent.as_deref().map(agent_keys).unwrap_or_default();
    let mut files = Vec::new();
    let mut configured = Vec::new();
    for path in &settings.identities {
        match read(path, &settings.certificates) {
            Ok(Identity::Private(file)) => {
                configured.extend(file.public.clone());
                files.push(file);
            }
            Ok(Identity::Public(key)) => configured.push(key),
            Err(why) => offers.useless.push(format!("{}: {why}", path.display())),
        }
    }
    let mut list = Vec::new();
    let ordered = configured.iter().filter(|key| agent.contains(key));
    let others = agent.iter().filter(|key| !settings.identities_only && !configured.contains(key));
    list.extend(ordered.clone().chain(others).map(|key| Offer::Agent { public: key.clone() }));
    let held: Vec<Key> = ordered.cloned().collect();
    // With a certificate the file is offered even if the agent has the plain key.
    let needed = |file: &KeyFile| {
        file.certificate.is_some() || !file.public.as_ref().is_some_and(|public| held.contains(public))
    };
    let (certified, plain): (Vec<_>, Vec<_>) =
        files.into_iter().filter(needed).partition(|file| file.certificate.is_some());
    list.splice(0..0, certified.into_iter().map(Offer::File));
    list.extend(plain.into_iter().map(Offer::File));
    for offer in list {
        let public = match &offer {
            Offer::Agent { public } => Some(public),
            Offer::File(file) => file.public.as_ref(),
        };
        if public.is_some_and(|key| key.kind.starts_with("sk-")) {
            offers.security_key.get_or_insert(offer.name());
        } else if offers.list.len() < MOST {
            offers.list.push(offer);
        }
    }
    offers
}

enum Identity {
    Private(KeyFile),
    Public(Key),
}

fn read(path: &Path, certificates: &[PathBuf]) -> Result<Identity, String> {
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| error.to_string())?);
    if !text.contains("PRIVATE KEY-----") {
        return Key::parse(&text).map(Identity::Public).ok_or_else(|| "not a key".to_owned());
    }
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        std::fs::read_to_string(PathBuf::from(name)).ok()
    };
    let (public, encrypted) = match openssh_header(&text) {
        Some((public, encrypted)) => (Some(public), encrypted),
        None => (
            beside(".pub").and_then(|line| Key::parse(&line)),
            text.contains("BEGIN ENCRYPTED") || text.contains("Proc-Type: 4,ENCRYPTED"),
        ),
    };
    let certificate = beside("-cert.pub").or_else(|| {
        let lines = certificates.iter().filter_map(|path| std::fs::read_to_string(path).ok());
        let mut lines = lines.filter(|line| public.as_ref().is_some_and(|key| certifies(line, key)));
        lines.next()
    });
    Ok(Identity::Private(KeyFile { path: path.to_owned(), text, public, encrypted, certificate }))
}

/// Whether a certificate is for this key: it repeats the key's own fields after its nonce.
fn certifies(line: &str, key: &Key) -> bool {
    let fields = key.blob.get(4 + key.kind.len()..).unwrap_or_default();
    Key::parse(line).is_some_and(|certificate| {
        !fields.is_empty() && certificate.blob.windows(fields.len()).any(|window| window == fields)
    })
}

/// The public half and whether the private one is encrypted (OpenSSH's PROTOCOL.key; both are readable without it).
fn openssh_header(text: &str) -> Option<(Key, bool)> {
    let body = text.split_once("-----BEGIN OPENSSH PRIVATE KEY-----")?.1.split_once("-----END")?.0;
    let bytes = Zeroizing::new(STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?);
    let mut rest = bytes.strip_prefix(b"openssh-key-v1\0")?;
    let cipher = take(&mut rest)?;
    let (_kdf, _options) = (take(&mut rest)?, take(&mut rest)?);
    rest = rest.get(4..)?;
    Some((Key::from_blob(take(&mut rest)?), cipher != b"none"))
}

/// A string as SSH has it: its length in four bytes, then its bytes.
fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
    let taken = rest.get(4..length.checked_add(4)?)?;
    *rest = rest.get(4 + length..)?;
    Some(taken)
}

/// The public keys that the agent holds; none if it does not answer within five seconds.
fn agent_keys(socket: &Path) -> Vec<Key> {
    list_agent(socket).unwrap_or_default()
}

fn list_agent(socket: &Path) -> std::io::Result<Vec<Key>> {
    const REQUEST_IDENTITIES: [u8; 5] = [0, 0, 0, 1, 11];
    const IDENTITIES_ANSWER: u8 = 12;
    let mut agent = UnixStream::connect(socket)?;
    agent.set_read_timeout(Some(Duration::from_secs(5)))?;
    agent.set_write_timeout(Some(Duration::from_secs(5)))?;
    agent.write_all(&REQUEST_IDENTITIES)?;
    let mut length = [0; 4];
    agent.read_exact(&mut length)?;
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap_or(0).min(1 << 20)];
    agent.read_exact(&mut answer)?;
    let mut keys = Vec::new();
    if answer.first() == Some(&IDENTITIES_ANSWER) {
        let mut rest = answer.get(5..).unwrap_or_default();
        while let (Some(blob), Some(_comment)) = (take(&mut rest), take(&mut rest)) {
            keys.push(Key::from_blob(blob));
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::super::sshd::{keygen, settings};
    use super::*;

    fn names(offers: &Offers) -> Vec<String> {
        offers.list.iter().map(|offer| offer.name().rsplit('/').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_key_file_tells_its_public_half_and_whether_it_is_encrypted() {
        let dir = tempfile::tempdir().unwrap();
        for (kind, passphrase, format) in
            [("ed25519", "", &[][..]), ("ed25519", "secret", &[]), ("rsa", "x y z", &["-m", "PEM"])]
        {
            let path = keygen(dir.path(), &format!("{kind}{}", passphrase.len()), kind, passphrase, format);
            let Ok(Identity::Private(file)) = read(&path, &[]) else { panic!("not a private key") };
            let public = Key::parse(&std::fs::read_to_string(path.with_extension("pub")).unwrap());
            assert_eq!((file.public, file.encrypted), (public, !passphrase.is_empty()));
        }
    }

    #[test]
    fn no_more_than_four_keys_are_offered_and_useless_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut identities: Vec<PathBuf> =
            (0..7).map(|n| keygen(dir.path(), &format!("id{n}"), "ed25519", "", &[])).collect();
        std::fs::write(dir.path().join("junk"), "junk").unwrap();
        identities.insert(0, dir.path().join("junk"));
        let offers = offers(&Settings { identities, ..settings() });
        assert_eq!(names(&offers), ["id0", "id1", "id2", "id3"]);
        assert!(offers.useless[0].ends_with("junk: not a key"), "{:?}", offers.useless);
    }

    #[test]
    fn a_certificate_beside_the_key_or_configured_goes_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let key = keygen(dir.path(), "id", "ed25519", "", &[]);
        let authority = keygen(dir.path(), "ca", "ed25519", "", &[]);
        let mut sign = std::process::Command::new("ssh-keygen");
        sign.args(["-q", "-I", "x", "-s"]).arg(authority).arg(&key);
        assert!(sign.status().unwrap().success());
        let certified = |settings: &Settings| match offers(settings).list.as_slice() {
            [Offer::File(file)] => {
                file.certificate.as_ref().is_some_and(|line| line.contains("-cert-v01@openssh.com"))
            }
            _ => panic!("one key"),
        };
        let mut settings = Settings { identities: vec![key], ..settings() };
        assert!(certified(&settings));
        std::fs::rename(dir.path().join("id-cert.pub"), dir.path().join("elsewhere")).unwrap();
        assert!(!certified(&settings));
        settings.certificates = vec![dir.path().join("elsewhere")];
        assert!(certified(&settings));
    }

    #[test]
    fn an_agent_that_does_not_answer_has_no_keys() {
        assert!(agent_keys(Path::new("/nonexistent/agent")).is_empty());
    }
}
