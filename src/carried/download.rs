//! A file from the web whose digest is known, by the system's `curl`; kept on this machine under its digest. Whatever else
//! the server sends is refused, and not kept.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::resource::digest;

/// What may be brought at most, in bytes.
const LARGEST: u64 = 512 << 20;

/// The file behind `https://…` whose SHA-256 is `sha256`.
pub fn download(url: &str, sha256: &str) -> Result<Vec<u8>, String> {
    let place = super::kept()?.join(sha256);
    if let Ok(bytes) = std::fs::read(&place)
        && digest(&bytes) == sha256
    {
        return Ok(bytes);
    }
    let bytes = fetch(url)?;
    let found = digest(&bytes);
    if found != sha256 {
        return Err(format!("it is another one: its sha256 is {found}, and not {sha256}"));
    }
    let kept = tempfile::NamedTempFile::new_in(place.parent().unwrap_or(&place))
        .and_then(|mut file| file.write_all(&bytes).map(|()| file))
        .and_then(|file| file.persist(&place).map_err(|error| error.error));
    // not to keep it costs only time
    let _ = kept;
    Ok(bytes)
}

fn fetch(url: &str) -> Result<Vec<u8>, String> {
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let largest = LARGEST.to_string();
    let output = Command::new("curl")
        .args(["--disable", "--silent", "--show-error", "--fail", "--location", "--globoff", "--retry", "2"])
        .args(["--proto", "=https,http", "--proto-redir", "=https", "--connect-timeout", "20"])
        .args(["--speed-time", "60", "--speed-limit", "100", "--max-filesize", &largest, "--output"])
        .arg(file.path())
        .args(["--url", url])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("curl: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(if said.is_empty() { format!("curl ended with {}", output.status) } else { said });
    }
    std::fs::read(file.path()).map_err(|error| error.to_string())
}
