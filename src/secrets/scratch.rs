//! A private directory in memory for a value that an editor works on. It is gone when this value is dropped, and also when
//! Steward is killed: a small process waits for the end of a pipe that only Steward holds, and removes it then.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use tempfile::{Builder, TempDir};
use zeroize::Zeroizing;

use super::crypt::LARGEST;
use crate::diag::{Diagnostic, Result, shown};
use crate::secret::Secret;

/// A directory that only its owner can enter, on a file system that keeps nothing.
pub struct Scratch {
    dir: Option<TempDir>,
    path: PathBuf,
    /// Waits for the end of the pipe.
    cleaner: Child,
    pipe: Option<ChildStdin>,
}

const TMPFS: u64 = 0x0102_1994;
const RAMFS: u64 = 0x8584_58f6;

impl Scratch {
    pub fn new() -> Result<Self> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
        let places: Vec<PathBuf> = runtime.into_iter().chain(["/dev/shm", "/run"].map(PathBuf::from)).collect();
        Self::within(&places)
    }

    /// In the first of these that is in memory and can be written.
    fn within(places: &[PathBuf]) -> Result<Self> {
        let private = |place: &PathBuf| {
            let mut builder = Builder::new();
            builder.prefix("steward-edit-").permissions(fs::Permissions::from_mode(0o700)).tempdir_in(place).ok()
        };
        let Some(dir) = places.iter().filter(|place| is_in_memory(place)).find_map(private) else {
            let places: Vec<String> = places.iter().map(|place| shown(place)).collect();
            let fact = format!("no file system in memory (tmpfs) can be written: {}", places.join(", "));
            let remedy = "log in so that XDG_RUNTIME_DIR is set, or give the value to `steward secrets set`";
            return Err(Box::new(Diagnostic::error(fact).remedy(remedy)));
        };
        let path = dir.path().to_path_buf();
        let mut cleaner = cleaner(&path).map_err(|error| unusable(&path, &error))?;
        let pipe = cleaner.stdin.take();
        Ok(Self { dir: Some(dir), path, cleaner, pipe })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the value into a new file that only its owner can read.
    #[allow(clippy::disallowed_methods, reason = "into memory, for the editor of whoever may read it")]
    pub fn put(&self, name: &str, value: &Secret) -> Result<PathBuf> {
        let path = self.path.join(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let written = file.and_then(|mut file| file.write_all(value.reveal()));
        written.map(|()| path.clone()).map_err(|error| unusable(&path, &error))
    }

    pub fn read(path: &Path) -> Result<Secret> {
        let read = || -> io::Result<Secret> {
            let file = fs::File::open(path)?;
            // room for all of it at once: growing would leave copies behind that nobody wipes
            let size = file.metadata()?.len();
            if size > LARGEST {
                return Err(io::Error::other(format!("{size} bytes are too many for a secret")));
            }
            let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1));
            file.take(size).read_to_end(&mut bytes)?;
            Ok(Secret::new(std::mem::take(&mut *bytes)))
        };
        read().map_err(|error| unusable(path, &error))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.dir.take());
        drop(self.pipe.take());
        let _ = self.cleaner.wait();
    }
}

fn unusable(path: &Path, error: &io::Error) -> Box<Diagnostic> {
    let fact = format!("{} cannot be used: {error}", shown(path));
    Box::new(Diagnostic::error(fact).remedy("nothing was changed; look at space and permissions there"))
}

/// In a process group of its own, so that a Ctrl-C at the terminal does not reach it.
fn cleaner(dir: &Path) -> io::Result<Child> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"trap '' HUP INT QUIT TERM; cd /; read -r _; rm -rf -- "$1""#, "sh"]).arg(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn()
}

fn is_in_memory(dir: &Path) -> bool {
    let kind = rustix::fs::statfs(dir).ok().and_then(|stat| u64::try_from(stat.f_type).ok());
    kind.is_some_and(|kind| kind == TMPFS || kind == RAMFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_private_in_memory_and_gone_afterwards() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.put("db", &Secret::new("value")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(scratch.path())), (0o600, 0o700));
        assert!(is_in_memory(scratch.path()));
        assert_eq!(Scratch::read(&path).unwrap().len(), 5);
        drop(scratch);
        assert!(!path.parent().unwrap().exists());
    }

    #[test]
    fn a_disk_is_refused() {
        let wrong = Scratch::within(&[PathBuf::from("/proc"), PathBuf::from("/nowhere")]).err().unwrap();
        assert!(wrong.fact.contains("no file system in memory") && wrong.remedy.is_some(), "{wrong}");
    }
}
