//! The private keys of whoever runs Steward: age identity files (also passphrase-protected), SSH keys (also encrypted) and
//! plugins. Found once; a passphrase is asked only when nothing else opens a file, once, and the opened key kept.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use age::armor::ArmoredReader;
use age::secrecy::{ExposeSecret as _, SecretString};
use age::{DecryptError, Decryptor, Identity, plugin, ssh, x25519};
use age_core::format::{FileKey, Stanza};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::diag::shown;
use crate::transport::Asker;

/// How often a wrong passphrase is answered by asking again.
const TRIES: usize = 3;

/// Keys to try, in order: what asks nothing first.
pub struct Identities {
    keys: Vec<Key>,
    ask: Ask,
    /// Files that were named but hold no usable key, with why.
    pub useless: Vec<String>,
}

enum Key {
    Age(x25519::Identity),
    Ssh(Box<ssh::Identity>),
    LockedSsh { name: String, tag: String, key: Box<ssh::EncryptedKey>, open: Lock<Box<ssh::Identity>> },
    LockedFile { name: String, file: Vec<u8>, open: Lock<Vec<Key>> },
    Plugin(plugin::Identity),
}

/// Opened once by whoever comes first; the others wait for the answer.
type Lock<T> = Mutex<Option<Result<Arc<T>, DecryptError>>>;

/// Asks on behalf of age and its plugins.
#[derive(Clone)]
pub(super) struct Ask(Arc<dyn Asker>);

impl age::Callbacks for Ask {
    fn display_message(&self, message: &str) {
        self.0.tell(message);
    }

    fn confirm(&self, message: &str, _yes: &str, _no: Option<&str>) -> Option<bool> {
        self.0.confirm(message)
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.0.secret(&format!("{description}:")).map(|answer| answer.expose_secret().to_owned())
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        self.0.secret(&format!("{description}:"))
    }
}

impl Identities {
    /// Those of the files named, of `~/.config/steward/identities` (a directory, or `identities.txt`), and the usual SSH
    /// keys. A missing file is a mistake only if it was named.
    pub fn find(named: &[PathBuf], asker: Arc<dyn Asker>) -> Self {
        let mut found = Self { keys: Vec::new(), ask: Ask(asker), useless: Vec::new() };
        for path in named {
            found.add_file(path);
        }
        usual_files().iter().filter(|path| !named.contains(path)).for_each(|path| found.add_file(path));
        // what was named comes first among those that ask, too
        found.keys.sort_by_key(Key::asks);
        found
    }

    /// Of these texts alone, for tests and benchmarks.
    pub fn of(texts: &[&str], asker: Arc<dyn Asker>) -> Self {
        let mut found = Self { keys: Vec::new(), ask: Ask(asker), useless: Vec::new() };
        for text in texts {
            found.add("given", text.as_bytes());
        }
        found
    }

    /// True if there is no key at all, so that nothing can be read.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn ask(&self) -> &Ask {
        &self.ask
    }

    pub(super) fn why_none(&self) -> String {
        if self.keys.is_empty() { "you have no key that age can use".into() } else { "you cannot read it".into() }
    }

    fn add_file(&mut self, path: &Path) {
        match std::fs::read(path).map(Zeroizing::new) {
            Ok(bytes) => self.add(&shown(path), &bytes),
            Err(error) => self.useless.push(format!("{}: {error}", shown(path))),
        }
    }

    fn add(&mut self, name: &str, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        if text.contains("PRIVATE KEY-----") {
            match ssh_key(name, bytes) {
                Ok(key) => self.keys.push(key),
                Err(why) => self.useless.push(format!("{name}: {why}")),
            }
        } else if bytes.starts_with(b"age-encryption.org/") || text.trim_start().starts_with("-----BEGIN AGE ") {
            self.keys.push(Key::LockedFile { name: name.to_owned(), file: bytes.to_vec(), open: Mutex::default() });
        } else {
            match identity_file(text) {
                Ok(keys) => self.keys.extend(keys),
                Err(why) => self.useless.push(format!("{name}: {why}")),
            }
        }
    }

    /// Asks until the passphrase opens it, or nobody answers.
    fn unlock<T>(
        &self,
        lock: &Lock<T>,
        name: &str,
        open: impl Fn(SecretString) -> Result<T, DecryptError>,
    ) -> Result<Arc<T>, DecryptError> {
        let mut state = lock.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*state {
            return known.clone();
        }
        let mut result = Err(DecryptError::KeyDecryptionFailed);
        for again in 0..TRIES {
            let wrong = if again == 0 { "" } else { "That was wrong. " };
            let Some(passphrase) = self.ask.0.secret(&format!("{wrong}Passphrase of {name}:")) else { break };
            result = open(passphrase).map(Arc::new);
            if result.is_ok() {
                break;
            }
        }
        *state = Some(result.clone());
        result
    }

    fn open(&self, key: &Key, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        match key {
            Key::Age(identity) => identity.unwrap_stanzas(stanzas),
            Key::Ssh(identity) => identity.unwrap_stanzas(stanzas),
            Key::LockedSsh { name, tag, key, open } => {
                let mine = |stanza: &Stanza| stanza.tag.starts_with("ssh-") && stanza.args.first() == Some(tag);
                stanzas.iter().any(mine).then_some(())?;
                let opened = self.unlock(open, name, |passphrase| {
                    key.decrypt(passphrase).map(|key| Box::new(ssh::Identity::from(key)))
                });
                match opened {
                    Ok(identity) => identity.unwrap_stanzas(stanzas),
                    Err(error) => Some(Err(error)),
                }
            }
            Key::LockedFile { name, file, open } => {
                stanzas.iter().any(|stanza| !stanza.tag.starts_with("ssh-")).then_some(())?;
                match self.unlock(open, name, |passphrase| unlocked_file(file, passphrase)) {
                    Ok(keys) => keys.iter().find_map(|key| self.open(key, stanzas)),
                    Err(error) => Some(Err(error)),
                }
            }
            Key::Plugin(identity) => {
                match plugin::IdentityPluginV1::new(
                    identity.plugin(),
                    std::slice::from_ref(identity),
                    self.ask.clone(),
                ) {
                    Ok(running) => running.unwrap_stanzas(stanzas),
                    Err(error) => Some(Err(DecryptError::PluginResolve(error))),
                }
            }
        }
    }
}

impl Identity for Identities {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    /// The first that opens it; else the first failure, so that a key that failed does not hide one that works.
    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        let mut failure = None;
        for key in &self.keys {
            match self.open(key, stanzas) {
                Some(Ok(file_key)) => return Some(Ok(file_key)),
                Some(Err(error)) => failure = failure.or(Some(Err(error))),
                None => {}
            }
        }
        failure
    }
}

impl Key {
    /// Those that ask nobody come first.
    /// True if somebody may have to answer a question, or touch something, before it opens anything.
    fn asks(&self) -> bool {
        !matches!(self, Self::Age(_) | Self::Ssh(_))
    }
}

fn usual_files() -> Vec<PathBuf> {
    let home = std::env::home_dir();
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let mut files = Vec::new();
    if let Some(dir) = config.or_else(|| home.as_ref().map(|home| home.join(".config"))) {
        let dir = dir.join("steward");
        files.push(dir.join("identities.txt"));
        let inside = std::fs::read_dir(dir.join("identities")).into_iter().flatten().flatten();
        let mut inside: Vec<PathBuf> = inside.map(|entry| entry.path()).collect();
        inside.sort();
        files.extend(inside);
        files.push(dir.join("identities"));
    }
    files.extend(home.iter().flat_map(|home| ["id_ed25519", "id_rsa"].map(|name| home.join(".ssh").join(name))));
    files.retain(|path| path.is_file());
    files
}

fn ssh_key(name: &str, bytes: &[u8]) -> Result<Key, String> {
    let key = ssh::Identity::from_buffer(bytes, Some(name.to_owned())).map_err(|error| error.to_string())?;
    match key {
        ssh::Identity::Unencrypted(_) => Ok(Key::Ssh(Box::new(key))),
        ssh::Identity::Encrypted(key) => {
            let public = ssh::Recipient::try_from(ssh::Identity::from(key.clone()));
            let public = public.map_err(|_| "age cannot use keys of this type".to_owned())?.to_string();
            let blob = public.split(' ').nth(1).and_then(|blob| STANDARD.decode(blob).ok()).unwrap_or_default();
            let tag = STANDARD_NO_PAD.encode(Sha256::digest(&blob).get(..4).unwrap_or_default());
            Ok(Key::LockedSsh { name: name.to_owned(), tag, key: Box::new(key), open: Mutex::default() })
        }
        ssh::Identity::Unsupported(_) => Err("age cannot use keys of this type; make an age key".to_owned()),
    }
}

/// Lines of an identity file. The remedy never repeats the line: it may be a secret.
fn identity_file(text: &str) -> Result<Vec<Key>, String> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
    let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| {
        let plugin = || line.parse::<plugin::Identity>().ok().map(Key::Plugin);
        let key = line.parse::<x25519::Identity>().ok().map(Key::Age).or_else(plugin);
        key.ok_or_else(|| format!("line {number} is no age identity"))
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err("it holds no key".to_owned()) } else { Ok(keys) }
}

fn unlocked_file(file: &[u8], passphrase: SecretString) -> Result<Vec<Key>, DecryptError> {
    use std::io::Read as _;
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(file))?;
    let identity = age::scrypt::Identity::new(passphrase);
    let mut reader = decryptor.decrypt(std::iter::once(&identity as &dyn Identity))?;
    let mut text = Zeroizing::new(String::with_capacity(file.len()));
    reader.read_to_string(&mut text)?;
    identity_file(&text).map_err(|_| DecryptError::KeyDecryptionFailed)
}
