//! The wheels that a lock file names, for the Python of a host: from a directory of the chapter's repository, or by this
//! machine's `pip download`, which takes nothing that the lock has no digest of. Gives a tar of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::unpack::{Entries, Node, pack};
use crate::resource::digest;

/// glibc's versions that wheels are built against, up to Debian 12's.
const GLIBC: [u8; 11] = [5, 12, 17, 24, 26, 27, 28, 31, 34, 35, 36];

/// Wheels of a directory of the repository, by file name: those that the lock names by digest.
pub fn chosen(lock: &str, files: &BTreeMap<String, Arc<[u8]>>) -> Result<Vec<u8>, String> {
    let named = |bytes: &[u8]| lock.contains(&format!("sha256:{}", digest(bytes)));
    let entries: Entries = files
        .iter()
        .filter(|(name, bytes)| Path::new(name).extension().is_some_and(|it| it == "whl") && named(bytes))
        .map(|(name, bytes)| (PathBuf::from(name), Node::File { bytes: bytes.to_vec(), executable: false }))
        .collect();
    if entries.is_empty() {
        return Err("none of its wheels has a digest that the lock names".into());
    }
    pack(&entries)
}

/// The same from the index that `pip` uses here, kept on this machine under `stamp`.
pub fn download(lock: &str, python: &str, architecture: &str, stamp: &str) -> Result<Vec<u8>, String> {
    let kept = super::kept()?.join(format!("wheels-{stamp}"));
    if !kept.is_dir() {
        let parent = kept.parent().unwrap_or(&kept);
        let fresh = tempfile::TempDir::with_prefix_in("partial-", parent).map_err(|error| error.to_string())?;
        pip(lock, python, architecture, fresh.path())?;
        let fresh = fresh.keep();
        if std::fs::rename(&fresh, &kept).is_err() {
            // another run was first
            let _ = std::fs::remove_dir_all(&fresh);
        }
    }
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(&kept).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        let bytes = std::fs::read(entry.path()).map_err(|error| error.to_string())?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), Arc::from(bytes));
    }
    chosen(lock, &files)
}

fn pip(lock: &str, python: &str, architecture: &str, into: &Path) -> Result<(), String> {
    let mut list = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::io::Write::write_all(&mut list, lock.as_bytes()).map_err(|error| error.to_string())?;
    let mut command = Command::new("python3");
    command
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"])
        .args(["--require-hashes", "--only-binary=:all:", "--implementation=cp"])
        .arg(format!("--python-version={python}"))
        .arg(format!("--abi=cp{}", python.replace('.', "")))
        .args(["--abi=abi3", "--abi=none"]);
    for glibc in GLIBC {
        command.arg(format!("--platform=manylinux_2_{glibc}_{architecture}"));
    }
    command.arg(format!("--platform=manylinux2014_{architecture}")).arg(format!("--platform=linux_{architecture}"));
    command.arg("--dest").arg(into).arg("--requirement").arg(list.path()).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("python3: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let end = said.lines().rev().take(6).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
    Err(if end.is_empty() { format!("pip ended with {}", output.status) } else { format!("pip says:\n{end}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wheels_that_the_lock_names_are_brought() {
        let files = BTreeMap::from([
            ("a-1-py3-none-any.whl".to_owned(), Arc::from(&b"a"[..])),
            ("b-1-py3-none-any.whl".to_owned(), Arc::from(&b"b"[..])),
        ]);
        let lock = format!("a==1 --hash=sha256:{}\n", digest(b"a"));
        let packed = chosen(&lock, &files).unwrap();
        let names: Vec<String> = tar::Archive::new(&packed[..])
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["a-1-py3-none-any.whl"]);
        assert!(chosen("a==1 --hash=sha256:0\n", &files).is_err());
    }
}
