//! What is in a tree, wanted or seen, as sorted lines `mode digest path` that a person can compare. Paths are bytes;
//! in a line, what is not printable is written `\ooo`.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::kinds::paths::{Stat, pieces, target};
use crate::kinds::{TreeEntry, TreeNode};
use crate::resource::digest;

/// Permissions, four octal digits each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Modes {
    pub(super) file: String,
    pub(super) executable: String,
    pub(super) directory: String,
}

/// `None`: as they are.
#[derive(Debug, Default)]
pub(super) struct Owners {
    pub(super) owner: Option<String>,
    pub(super) group: Option<String>,
}

/// The source, as it shall be on the host.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) modes: Modes,
    entries: BTreeMap<Vec<u8>, TreeNode>,
}

impl Wanted {
    pub(super) fn new(entries: &[TreeEntry], ignore: &[String], file: &str, directory: Option<&str>) -> Self {
        let mut kept = BTreeMap::new();
        for entry in entries {
            let path = entry.path.as_os_str().as_bytes();
            if is_ignored(path, ignore) {
                continue;
            }
            for parent in entry.path.ancestors().skip(1).filter(|parent| *parent != Path::new("")) {
                kept.entry(parent.as_os_str().as_bytes().to_vec()).or_insert(TreeNode::Directory);
            }
            kept.insert(path.to_vec(), entry.what.clone());
        }
        let bits = u32::from_str_radix(file, 8).unwrap_or(0o644);
        // whoever may read may also enter or execute
        let executable = format!("{:04o}", bits | (bits & 0o444) >> 2);
        let directory = directory.map_or_else(|| executable.clone(), crate::kinds::four_digits);
        Self { modes: Modes { file: file.to_owned(), executable, directory }, entries: kept }
    }

    pub(super) fn get(&self, path: &[u8]) -> Option<&TreeNode> {
        self.entries.get(path)
    }

    pub(super) fn lines(&self) -> String {
        let mut lines = vec![line(&self.modes.directory, "directory", b"", "")];
        for (path, node) in &self.entries {
            lines.push(match node {
                TreeNode::Directory => line(&self.modes.directory, "directory", path, ""),
                TreeNode::File { bytes, executable } => line(self.mode(*executable), &digest(bytes), path, ""),
                TreeNode::Link { target } => link_line(path, target.as_os_str().as_bytes(), ""),
            });
        }
        lines.join("\n")
    }

    /// Of the contents of its files.
    pub(super) fn digests(&self) -> Vec<String> {
        let of = |node: &TreeNode| match node {
            TreeNode::File { bytes, .. } => Some(digest(bytes)),
            _ => None,
        };
        self.entries.values().filter_map(of).collect()
    }

    fn mode(&self, executable: bool) -> &str {
        if executable { &self.modes.executable } else { &self.modes.file }
    }

    /// A tar stream of everything. What cannot be put into one is left out, and then missed by the verification.
    pub(super) fn archive(&self) -> Arc<[u8]> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, node) in &self.entries {
            let path = Path::new(std::ffi::OsStr::from_bytes(path));
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            header.set_mtime(0);
            let bits = |mode: &str| u32::from_str_radix(mode, 8).unwrap_or(0o600);
            let _ = match node {
                TreeNode::Directory => {
                    header.set_entry_type(tar::EntryType::Directory);
                    header.set_mode(bits(&self.modes.directory));
                    archive.append_data(&mut header, path, &b""[..])
                }
                TreeNode::File { bytes, executable } => {
                    header.set_size(bytes.len() as u64);
                    header.set_mode(bits(self.mode(*executable)));
                    archive.append_data(&mut header, path, &bytes[..])
                }
                TreeNode::Link { target } => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_mode(0o777);
                    archive.append_link(&mut header, path, target)
                }
            };
        }
        archive.into_inner().unwrap_or_default().into()
    }
}

/// True if a pattern names the path or a directory above it.
pub(super) fn is_ignored(path: &[u8], patterns: &[String]) -> bool {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().filter_map(|end| path.get(..end)).any(|above| {
        let name = above.rsplit(|byte| *byte == b'/').next().unwrap_or(above);
        patterns.iter().any(|pattern| {
            let against = if pattern.contains('/') { above } else { name };
            crate::glob::wildcard(pattern.as_bytes(), against)
        })
    })
}

/// What the host has.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    entries: BTreeMap<Vec<u8>, (Stat, Entry)>,
    /// What is ignored: the directories that hold it cannot go.
    needed: Vec<Vec<u8>>,
}

#[derive(Debug)]
pub(super) enum Entry {
    Directory,
    File { digest: String },
    Link { target: Vec<u8> },
    Special,
}

impl Manifest {
    /// From what `probe_tree` says about one tree, or why that cannot be read.
    pub(super) fn read(encoded: &str, nonce: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(encoded).map_err(|_| "the host's answer was mangled".to_owned())?;
        let part = |mark: &str| pieces(&bytes, format!("{nonce}{mark}").as_bytes());
        let digests = part("=").pop().ok_or("its files could not be read")?;
        if digests.ends_with(format!("{nonce}!").as_bytes()) || !part("!").is_empty() {
            return Err("not everything in it could be read".into());
        }
        let end = bytes.len() - digests.len() - nonce.len() - 1;
        let mut manifest = Self::default();
        let mut digests = Digests(&digests);
        for piece in pieces(bytes.get(..end).unwrap_or_default(), format!("{nonce}|").as_bytes()) {
            let path = manifest.entry(&piece, nonce, &mut digests);
            path.ok_or("the host's answer makes no sense, or files changed while it was made")?;
        }
        Ok(manifest)
    }

    /// `mode|user|uid|group|gid|path NONCE>path -> target`, or `ignored|||||path NONCE>`.
    fn entry(&mut self, piece: &[u8], nonce: &str, digests: &mut Digests<'_>) -> Option<()> {
        let fields: Vec<&[u8]> = piece.splitn(6, |byte| *byte == b'|').collect();
        let [mode, user, uid, group, gid, rest] = fields[..] else { return None };
        let mark = format!("{nonce}>");
        let at = rest.windows(mark.len()).position(|window| window == mark.as_bytes())?;
        let (raw, named) = (rest.get(..at)?, rest.get(at + mark.len()..)?);
        let path = raw.strip_prefix(b"./").unwrap_or_default().to_vec();
        if mode == b"ignored" {
            self.needed.push(path);
            return Some(());
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let stat = Stat {
            mode: u32::from_str_radix(&text(mode), 16).ok()?,
            user: text(user),
            uid: text(uid),
            group: text(group),
            gid: text(gid),
            size: 0,
        };
        let entry = match stat.file_type() {
            "file" => Entry::File { digest: digests.next(raw)? },
            "directory" => Entry::Directory,
            "link" => Entry::Link { target: target(named, raw)?.to_vec() },
            _ => Entry::Special,
        };
        self.entries.insert(path, (stat, entry));
        Some(())
    }

    /// A line for each entry that counts. An owner is named only where it is not the wanted one.
    pub(super) fn lines(&self, owners: &Owners, wanted: &Wanted, counts: impl Fn(&[u8]) -> bool) -> String {
        let holds = |path: &[u8]| {
            let below = [path, b"/"].concat();
            self.needed.iter().any(|needed| needed.starts_with(&below))
        };
        let mut lines = Vec::new();
        for (path, (stat, entry)) in &self.entries {
            let must_stay = || matches!(entry, Entry::Directory) && wanted.get(path).is_none() && holds(path);
            if !path.is_empty() && (!counts(path) || must_stay()) {
                continue;
            }
            let owner = stat.owner_like(owners.owner.as_deref().unwrap_or_default());
            let group = stat.group_like(owners.group.as_deref().unwrap_or_default());
            let as_wanted = owners.owner.as_ref().is_none_or(|wanted| *wanted == owner)
                && owners.group.as_ref().is_none_or(|wanted| *wanted == group);
            let note = if as_wanted { String::new() } else { format!(" ({owner}:{group})") };
            lines.push(match entry {
                Entry::Directory => line(&stat.permissions(), "directory", path, &note),
                Entry::File { digest } => line(&stat.permissions(), digest, path, &note),
                Entry::Link { target } => link_line(path, target, &note),
                Entry::Special => line(&stat.permissions(), "special", path, &note),
            });
        }
        lines.join("\n")
    }
}

/// The output of `sha256sum` for files whose names and order are known. GNU's begins a line with `\` and escapes the
/// name where it must; busybox's never does.
struct Digests<'a>(&'a [u8]);

impl Digests<'_> {
    fn next(&mut self, name: &[u8]) -> Option<String> {
        let escaped = self.0.strip_prefix(b"\\");
        let (digest, rest) = escaped.unwrap_or(self.0).split_at_checked(64)?;
        let rest = rest.strip_prefix(b"  ")?;
        let name = if escaped.is_some() { escape(name) } else { name.to_vec() };
        self.0 = rest.strip_prefix(&name[..])?.strip_prefix(b"\n")?;
        digest.iter().all(u8::is_ascii_hexdigit).then(|| String::from_utf8_lossy(digest).into_owned())
    }
}

fn escape(name: &[u8]) -> Vec<u8> {
    name.iter().fold(Vec::new(), |mut escaped, byte| {
        match byte {
            b'\\' => escaped.extend(b"\\\\"),
            b'\n' => escaped.extend(b"\\n"),
            b'\r' => escaped.extend(b"\\r"),
            _ => escaped.push(*byte),
        }
        escaped
    })
}

fn line(mode: &str, what: &str, path: &[u8], note: &str) -> String {
    let path = if path.is_empty() { ".".to_owned() } else { visible(path) };
    format!("{mode} {what} {path}{note}")
}

fn link_line(path: &[u8], target: &[u8], note: &str) -> String {
    format!("link {} -> {}{note}", visible(path), visible(target))
}

/// One line, whatever the bytes; different bytes give different text.
fn visible(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                _ if character.is_control() => {
                    let mut buffer = [0; 4];
                    character
                        .encode_utf8(&mut buffer)
                        .bytes()
                        .for_each(|byte| text.push_str(&format!("\\{byte:03o}")));
                }
                _ => text.push(character),
            }
        }
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\{byte:03o}")));
    }
    text
}
