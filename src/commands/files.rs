//! Result files for other programs: replaced as a whole, or left as they were.

use std::io::Write as _;
use std::path::Path;

use crate::diag::{Diagnostic, Result, shown};

/// Writes the file beside its place, then puts it there.
pub(super) fn write(file: &Path, text: &str) -> Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(parent)
        .and_then(|mut temporary| temporary.write_all(text.as_bytes()).map(|()| temporary))
        .and_then(|temporary| temporary.persist(file).map_err(|error| error.error));
    match written {
        Ok(_) => Ok(()),
        Err(error) => Err(Box::new(
            Diagnostic::error(format!("cannot write {}: {error}", shown(file)))
                .remedy("check that its directory exists, its permissions and its space"),
        )),
    }
}
