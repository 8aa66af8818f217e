//! The store on the disk: `secrets/SERVICE/NAME.age` and `NAME.recipients` beside it. Takes decisions who reads what, gives
//! the files that follow from them; only `journal` writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::identities::Identities;
use super::readers::Reader;
use super::{Header, crypt, journal};
use crate::diag::{Diagnostic, Result, shown};
use crate::modules::root_of;
use crate::secret::{Secret, SecretName};

/// All secrets of a chapter.
pub struct Store {
    root: PathBuf,
    headers: BTreeMap<SecretName, Header>,
}

pub(super) const PREVIOUS: &str = ".previous";

impl Store {
    /// Reads who can read what. `inventory` is the inventory's directory.
    pub fn open(inventory: &Path) -> Result<Self> {
        let root = root_of(inventory);
        journal::recover(&root)?;
        let mut store = Self { headers: BTreeMap::new(), root };
        for path in files_below(&store.root.join("secrets")) {
            let relative = path.strip_prefix(store.root.join("secrets")).unwrap_or(&path);
            let name = relative.to_str().and_then(|text| text.strip_suffix(".recipients"));
            let Some(name) = name.filter(|name| !name.ends_with(PREVIOUS)).and_then(SecretName::parse) else {
                continue;
            };
            let text = std::fs::read_to_string(&path).map_err(|error| unusable(&path, &error.to_string()))?;
            let header = Header::parse(&text).map_err(|why| unusable(&path, &why))?;
            store.headers.insert(name, header);
        }
        Ok(store)
    }

    /// Those that are set, sorted.
    pub fn names(&self) -> Vec<SecretName> {
        self.headers.keys().cloned().collect()
    }

    pub fn header(&self, name: &SecretName) -> Option<&Header> {
        self.headers.get(name)
    }

    /// `Err` says why not, without a remedy.
    pub fn decrypt(&self, name: &SecretName, identities: &Identities) -> std::result::Result<Secret, String> {
        Self::decrypt_file(&self.path(name, ".age"), identities)
    }

    pub(super) fn decrypt_file(path: &Path, identities: &Identities) -> std::result::Result<Secret, String> {
        let file = std::fs::read(path).map_err(|error| format!("its file cannot be read: {error}"))?;
        crypt::decrypt(&file, identities)
    }

    /// The files of a value that these can read. A new value has a new `id`. Which earlier values are kept stays.
    pub fn encrypted(
        &self,
        name: &SecretName,
        value: &Secret,
        id: &str,
        readers: &[Reader],
        identities: &Identities,
    ) -> std::result::Result<Vec<journal::Write>, String> {
        let parent = self.header(name).and_then(|header| header.parent.clone());
        let header = Header::new(id.to_owned(), parent, readers).keeping(self.kept_ids(name));
        self.encrypted_as(name, value, header, identities)
    }

    /// The files of a value to the recipients of this header.
    pub(super) fn encrypted_as(
        &self,
        name: &SecretName,
        value: &Secret,
        mut header: Header,
        identities: &Identities,
    ) -> std::result::Result<Vec<journal::Write>, String> {
        let file = crypt::encrypt(value, &header.recipients(), identities.ask())?;
        header.digest = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(vec![
            (self.path(name, ".age"), Some(file)),
            (self.path(name, ".recipients"), Some(header.text(name).into_bytes())),
        ])
    }

    /// The file of the public half of a key pair.
    pub fn public(&self, name: &SecretName, line: String) -> journal::Write {
        (self.path(name, ".pub"), Some(line.into_bytes()))
    }

    /// True if the public half of a key pair is there.
    pub fn has_public(&self, name: &SecretName) -> bool {
        self.path(name, ".pub").is_file()
    }

    /// The public half of a key pair, if it is there and one line of text or a certificate.
    pub fn public_half(&self, name: &SecretName) -> Option<String> {
        let text = std::fs::read_to_string(self.path(name, ".pub")).ok()?;
        public_text(&text)
    }

    /// True if these keys open an encrypted file.
    pub fn opens(file: &[u8], identities: &Identities) -> bool {
        crypt::decrypt(file, identities).is_ok()
    }

    /// Writes all of them, or none.
    pub fn commit(&self, writes: &[journal::Write]) -> Result<()> {
        journal::commit(&self.root, writes)
    }

    /// True if the encrypted file is the one that the header was written for.
    pub fn is_whole(&self, name: &SecretName) -> bool {
        let file = std::fs::read(self.path(name, ".age")).unwrap_or_default();
        self.header(name).is_some_and(|header| header.digest == crate::resource::digest(&file))
    }

    pub(super) fn path(&self, name: &SecretName, suffix: &str) -> PathBuf {
        self.root.join("secrets").join(&name.service).join(format!("{}{suffix}", name.name))
    }
}

/// The only line of a text, or the lines of a certificate, if it is short and can be shown as it is.
pub(super) fn public_text(text: &str) -> Option<String> {
    let line = text.trim_end();
    let is_certificate = line.starts_with("-----BEGIN CERTIFICATE-----\n");
    let is_shown = |c: char| !c.is_control() || (is_certificate && c == '\n');
    (!line.is_empty() && line.len() < 8192 && line.chars().all(is_shown)).then(|| line.to_owned())
}

fn unusable(path: &Path, why: &str) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error(format!("{} is not usable: {why}", shown(path)))
            .remedy("restore it from git, or let somebody who can read the secret set it again"),
    )
}

/// Two levels, sorted; nothing that is hidden.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let visible = |path: &PathBuf| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
    let list = |dir: &Path| {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(visible)
            .collect();
        paths.sort();
        paths
    };
    list(dir).iter().flat_map(|dir| list(dir)).collect()
}
