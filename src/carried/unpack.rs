//! Archives (tar, tar.gz, zip) as what is in them, and that packed again for a host: a plain tar in which nothing leads
//! out, nothing is set-id, and nothing is written through a link. Takes bytes, gives bytes; touches no file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Cursor, Read};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

/// What is unpacked at most, in bytes and names.
const LARGEST: u64 = 1 << 30;
const MOST: usize = 200_000;

/// What one name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Directory,
    File { bytes: Vec<u8>, executable: bool },
    Link { target: PathBuf },
}

/// By path, relative.
pub type Entries = BTreeMap<PathBuf, Node>;

/// What is in an archive, without the first `strip` parts of every name. The name says which kind of archive it is.
pub fn unpack(bytes: &[u8], name: &str, strip: usize) -> Result<Entries, String> {
    let mut found = Found { entries: Entries::new(), strip, left: LARGEST };
    let ends = |ending: &str| name.to_ascii_lowercase().ends_with(ending);
    if ends(".zip") {
        zip(bytes, &mut found)?;
    } else if ends(".tar.gz") || ends(".tgz") {
        tar(flate2::read::MultiGzDecoder::new(bytes), &mut found)?;
    } else if ends(".tar") {
        tar(bytes, &mut found)?;
    } else {
        return Err("it is neither .tar.gz, .tgz, .tar nor .zip".into());
    }
    if found.entries.is_empty() {
        return Err(match strip {
            0 => "nothing is in it".into(),
            _ => format!("nothing is left in it once `strip: {strip}` parts of every name are taken away"),
        });
    }
    checked(found.entries)
}

struct Found {
    entries: Entries,
    strip: usize,
    left: u64,
}

impl Found {
    /// Where it goes; `None`: it is above what is kept.
    fn place(&self, name: &Path) -> Result<Option<PathBuf>, String> {
        let shown = || name.to_string_lossy().escape_debug().to_string();
        if name.as_os_str().as_bytes().iter().any(|byte| byte.is_ascii_control() || *byte == b'\\') {
            return Err(format!("a name in it, `{}`, holds a control character or a backslash", shown()));
        }
        let mut parts = Vec::new();
        for part in name.components() {
            match part {
                Component::Normal(part) => parts.push(part),
                Component::CurDir => {}
                _ => return Err(format!("a name in it leads out: `{}`", shown())),
            }
        }
        let kept: PathBuf = parts.iter().skip(self.strip).collect();
        Ok((parts.len() > self.strip).then_some(kept))
    }

    fn add(&mut self, name: &Path, node: Node) -> Result<(), String> {
        if self.entries.len() >= MOST {
            return Err(format!("it holds more than {MOST} names"));
        }
        if let Some(place) = self.place(name)? {
            self.entries.insert(place, node);
        }
        Ok(())
    }

    /// No more than is left, however much a small archive unpacks to.
    fn read(&mut self, from: &mut dyn Read) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = from.take(self.left + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        let read = u64::try_from(read).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(read).ok_or_else(|| format!("it holds more than {} MiB", LARGEST >> 20))?;
        Ok(bytes)
    }
}

fn tar(bytes: impl Read, found: &mut Found) -> Result<(), String> {
    let broken = |error: std::io::Error| format!("it is damaged: {error}");
    let mut archive = tar::Archive::new(bytes);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = PathBuf::from(OsString::from_vec(entry.path_bytes().into_owned()));
        let link = entry.link_name_bytes().map(|bytes| PathBuf::from(OsString::from_vec(bytes.into_owned())));
        let kind = entry.header().entry_type();
        let executable = entry.header().mode().unwrap_or_default() & 0o100 != 0;
        if kind.is_dir() {
            found.add(&name, Node::Directory)?;
        } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
            let bytes = found.read(&mut entry)?;
            found.add(&name, Node::File { bytes, executable })?;
        } else if kind.is_symlink() {
            found.add(&name, Node::Link { target: link.unwrap_or_default() })?;
        } else if kind.is_hard_link() {
            let other = found.place(&link.unwrap_or_default())?;
            let node = other.and_then(|other| found.entries.get(&other).cloned());
            let shown = name.to_string_lossy().escape_debug().to_string();
            let node = node.ok_or_else(|| format!("`{shown}` is a hard link to what is not in it"))?;
            if let Node::File { bytes, .. } = &node {
                let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                found.left = found.left.checked_sub(size).ok_or("its hard links stand for too much")?;
            }
            found.add(&name, node)?;
        } else if !matches!(kind.as_byte(), b'g' | b'x') {
            let shown = name.to_string_lossy().escape_debug().to_string();
            return Err(format!("`{shown}` in it is a device or a pipe"));
        }
    }
    // to its very end, where its checksum stands
    let mut rest = archive.into_inner();
    let read = std::io::copy(&mut rest.by_ref().take(LARGEST), &mut std::io::sink()).map_err(broken)?;
    if read == LARGEST { Err("much lies behind its end".into()) } else { Ok(()) }
}

fn zip(bytes: &[u8], found: &mut Found) -> Result<(), String> {
    let broken =
        |error: zip::result::ZipError| format!("it is damaged, or packed in a way that is not read: {error}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    for number in 0..archive.len() {
        let mut entry = archive.by_index(number).map_err(broken)?;
        let name = PathBuf::from(OsString::from_vec(entry.name_raw().to_vec()));
        let mode = entry.unix_mode().unwrap_or_default();
        if entry.is_dir() {
            found.add(&name, Node::Directory)?;
            continue;
        }
        let link = mode & 0o170_000 == 0o120_000;
        let bytes = found.read(&mut entry)?;
        let node = if link {
            Node::Link { target: PathBuf::from(OsString::from_vec(bytes)) }
        } else {
            Node::File { bytes, executable: mode & 0o100 != 0 }
        };
        found.add(&name, node)?;
    }
    Ok(())
}

/// Refuses what would be written outside, or through a link; adds the directories that are only implied.
pub fn checked(entries: Entries) -> Result<Entries, String> {
    let mut whole = entries.clone();
    for (path, node) in &entries {
        let shown = || path.to_string_lossy().escape_debug().to_string();
        for above in path.ancestors().skip(1).filter(|above| *above != Path::new("")) {
            match whole.entry(above.to_owned()).or_insert(Node::Directory) {
                Node::Directory => {}
                Node::Link { .. } => return Err(format!("`{}` in it lies behind a link", shown())),
                Node::File { .. } => return Err(format!("`{}` in it lies below a file", shown())),
            }
        }
        if let Node::Link { target } = node
            && !stays_inside(path, target)
        {
            let target = target.to_string_lossy().escape_debug().to_string();
            return Err(format!("the link `{}` in it leads out, to `{target}`", shown()));
        }
    }
    Ok(whole)
}

/// By the names alone: through other links it may take another way, but each of those stays inside too, and no `..` is
/// taken after a name.
fn stays_inside(link: &Path, target: &Path) -> bool {
    let mut depth = link.components().count().saturating_sub(1);
    let mut named = false;
    let fits = |byte: &u8| !byte.is_ascii_control() && *byte != b'\\';
    !target.as_os_str().is_empty()
        && target.as_os_str().as_bytes().iter().all(fits)
        && target.components().all(|part| match part {
            Component::Normal(_) => {
                named = true;
                true
            }
            Component::CurDir => true,
            Component::ParentDir => !named && depth.checked_sub(1).map(|less| depth = less).is_some(),
            Component::RootDir | Component::Prefix(_) => false,
        })
}

/// A plain tar of it: files 0644 or 0755, directories 0755, all of them root's, without times.
pub fn pack(entries: &Entries) -> Result<Vec<u8>, String> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, node) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        let added = match node {
            Node::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_mode(0o755);
                archive.append_data(&mut header, path, &b""[..])
            }
            Node::File { bytes, executable } => {
                header.set_size(bytes.len() as u64);
                header.set_mode(if *executable { 0o755 } else { 0o644 });
                archive.append_data(&mut header, path, &bytes[..])
            }
            Node::Link { target } => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_mode(0o777);
                archive.append_link(&mut header, path, target)
            }
        };
        added.map_err(|error| format!("`{}`: {error}", path.to_string_lossy().escape_debug()))?;
    }
    archive.into_inner().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
