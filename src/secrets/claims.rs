//! What the files of a repository claim about its secrets, for whoever may read nothing but these files: a stranger's
//! pull request, say. Nothing is decrypted, nothing repaired, and no link is followed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Header;
use super::store::public_text;
use crate::resource::digest;
use crate::secret::{Secret, SecretName, SecretSource};

/// A header or an encrypted file larger than this is none.
const LARGEST: u64 = 4 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// `Err`: why the `.recipients` file means nothing.
    pub header: Result<Header, String>,
    /// True if the encrypted file beside it is the one that the header was written for.
    pub whole: bool,
    /// The public half of a key pair, which stands beside it in clear.
    pub public_half: Option<String>,
}

/// By name.
pub type Claims = BTreeMap<SecretName, Claim>;

/// For compiling without any key: the ids of values, and no value.
#[derive(Debug)]
pub struct IdsOnly(pub Arc<Claims>);

impl SecretSource for IdsOnly {
    fn value(&self, _name: &SecretName) -> Result<Arc<Secret>, String> {
        Err("this command reads no secrets".to_owned())
    }

    fn value_id(&self, name: &SecretName) -> Option<String> {
        self.0.get(name)?.header.as_ref().ok().map(|header| header.id.clone())
    }

    fn public_half(&self, name: &SecretName) -> Option<String> {
        self.0.get(name)?.public_half.clone()
    }
}

/// What stands below `root`, the repository's top.
pub fn claims(root: &Path) -> Claims {
    let mut found = Claims::new();
    let top = root.join("secrets");
    let is_dir = |path: &Path| path.symlink_metadata().is_ok_and(|about| about.is_dir());
    if !is_dir(&top) {
        return found;
    }
    for service in names(&top).iter().filter(|service| is_dir(&top.join(service))) {
        let dir = top.join(service);
        for file in names(&dir) {
            let name = file.strip_suffix(".recipients").and_then(|name| SecretName::new(service, name));
            let Some(name) = name.filter(|name| !name.name.ends_with(".previous")) else { continue };
            let header = plain(&dir.join(&file))
                .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is no text".to_owned()))
                .and_then(|text| Header::parse(&text));
            let encrypted = plain(&dir.join(format!("{}.age", name.name)));
            let whole = match (&header, encrypted) {
                (Ok(header), Ok(bytes)) => header.digest == digest(&bytes),
                _ => false,
            };
            let public = plain(&dir.join(format!("{}.pub", name.name))).ok();
            let public_half = public.and_then(|bytes| public_text(std::str::from_utf8(&bytes).ok()?));
            found.insert(name, Claim { header, whole, public_half });
        }
    }
    found
}

/// Sorted; nothing that is hidden.
fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

fn plain(path: &Path) -> Result<Vec<u8>, String> {
    let about = path.symlink_metadata().map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("it is not a plain file".to_owned());
    }
    if about.len() > LARGEST {
        return Err(format!("it has more than {} MiB", LARGEST >> 20));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}
