//! Reading the files of a repository that may be a stranger's: nothing outside of it, nothing that git keeps for itself,
//! nothing too large, whatever links say.

use std::path::{Path, PathBuf};

use crate::diag::{Diagnostic, Result, shown};

/// Bytes of a YAML file or a template. What people write by hand has a hundredth of it.
pub const LARGEST: u64 = 4 << 20;

/// The chapter's repository, for an inventory in this directory.
pub fn root_of(inventory: &Path) -> PathBuf {
    let absolute = std::path::absolute(inventory).unwrap_or_else(|_| inventory.to_path_buf());
    match absolute.parent() {
        Some(parent) if parent.file_name().is_some_and(|name| name == "inventories") => {
            parent.parent().unwrap_or(parent).to_path_buf()
        }
        _ => absolute,
    }
}

/// True if `path`, links resolved, is below `root` and is not git's own.
pub fn is_inside(root: &Path, path: &Path) -> bool {
    let (Ok(root), Ok(path)) = (root.canonicalize(), path.canonicalize()) else { return false };
    path.strip_prefix(&root)
        .is_ok_and(|below| !below.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git")))
}

/// The bytes of a plain file inside the repository `root`, or of what a link inside leads to.
pub fn read_inside(root: &Path, path: &Path) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| {
        Diagnostic::error(format!("cannot read {}: {error}", shown(path))).remedy("check the file's permissions")
    };
    let about = path.metadata().map_err(failed)?;
    if !is_inside(root, path) {
        let fact = format!("{} leads out of the repository", shown(path));
        return Err(Box::new(Diagnostic::error(fact).remedy("replace the symbolic link by what it points to")));
    }
    if !about.is_file() {
        return Err(Box::new(Diagnostic::error(format!("{} is not a plain file", shown(path))).remedy("remove it")));
    }
    if about.len() > LARGEST {
        let fact = format!("{} has {} MiB, and {} are the limit", shown(path), about.len() >> 20, LARGEST >> 20);
        return Err(Box::new(Diagnostic::error(fact).remedy("split it; contents of files belong into `source:`")));
    }
    Ok(std::fs::read(path).map_err(failed)?)
}
