//! What the operator's side brings to hosts, which may have no way out themselves: archives, commits, wheels. A plan knows
//! each by a digest that the inventory names; the bytes are loaded only once a change needs them, on this machine,
//! and are refused unless they are what was named.
//!
//! Nothing here is done by `validate`, `plan` or `review`: they load nothing from anywhere.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::diag::Diagnostic;

pub mod checkout;
pub mod download;
pub mod unpack;
pub mod wheels;

/// Gives the bytes, or why not.
pub type Load = dyn Fn() -> Result<Vec<u8>, String> + Send + Sync;

/// Something to be brought, loaded at most once.
pub struct Carried {
    /// What it is, for messages.
    what: String,
    /// Changes with what is brought.
    stamp: String,
    load: Box<Load>,
    loaded: OnceLock<Result<Arc<[u8]>, String>>,
}

impl Carried {
    pub fn new(
        what: impl Into<String>,
        stamp: impl Into<String>,
        load: impl Fn() -> Result<Vec<u8>, String> + Send + Sync + 'static,
    ) -> Self {
        Self { what: what.into(), stamp: stamp.into(), load: Box::new(load), loaded: OnceLock::new() }
    }

    pub fn stamp(&self) -> &str {
        &self.stamp
    }

    /// Loads it, unless it is here.
    pub fn load(&self) -> Result<(), Diagnostic> {
        match self.loaded.get_or_init(|| (self.load)().map(Arc::from)) {
            Ok(_) => Ok(()),
            Err(why) => Err(Diagnostic::error(format!("{} cannot be brought: {why}", self.what))
                .remedy("nothing was changed; mend that on this machine, and apply again")),
        }
    }

    /// What was loaded; nothing before.
    pub fn bytes(&self) -> Arc<[u8]> {
        self.loaded.get().and_then(|loaded| loaded.as_ref().ok().cloned()).unwrap_or_default()
    }

    /// For tests that reach nothing: these bytes, in place of what would be loaded.
    pub fn stand_in(&self, bytes: impl Into<Arc<[u8]>>) {
        let _ = self.loaded.set(Ok(bytes.into()));
    }
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.stamp)
    }
}

/// Where this machine keeps what it has downloaded, by digest: `$XDG_CACHE_HOME/steward/carried`.
pub(crate) fn kept() -> Result<PathBuf, String> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = cache.or_else(home).ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    let place = cache.join("steward/carried");
    std::fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn it_is_loaded_once_and_only_when_it_is_wanted() {
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let carried = Carried::new("a thing", "1", move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Ok(b"bytes".to_vec())
        });
        assert_eq!((carried.bytes().len(), count.load(Ordering::SeqCst)), (0, 0));
        assert!(carried.load().is_ok() && carried.load().is_ok());
        assert_eq!((&*carried.bytes(), count.load(Ordering::SeqCst)), (&b"bytes"[..], 1));
    }

    #[test]
    fn what_cannot_be_loaded_is_said_with_its_reason() {
        let carried = Carried::new("https://chapter.example/a.zip", "1", || Err("no such host".into()));
        let said = carried.load().unwrap_err().to_string();
        assert!(said.contains("https://chapter.example/a.zip cannot be brought: no such host"), "{said}");
        assert!(carried.bytes().is_empty());
    }
}
