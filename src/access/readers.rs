//! Reader keys in the audit: what `host reader` installs for the declared keys is declared, if it stands there byte by byte.

use super::{Finding, Seen, What};
use crate::catalog::HostCatalog;
use crate::observed::Installed;
use crate::script::reader::{ACCOUNT, KEYS, SUDOERS, installed};
use crate::texts;

/// Which of what belongs to reader keys is as it should be.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// There are reader keys in the inventory.
    declared: bool,
    /// The right leads to this version's program and to nothing else.
    right: bool,
    /// Exactly the declared keys, each for that program only.
    keys: bool,
}

pub(super) fn readers(catalog: &HostCatalog, found: Option<&Installed>) -> Readers {
    let Some(Installed { program, sudoers, keys, readable: _ }) = found else { return Readers::default() };
    let wanted = installed(catalog);
    let declared = !catalog.readers.is_empty();
    Readers {
        declared,
        right: declared && *program == wanted.program && *sudoers == wanted.sudoers,
        keys: declared && *keys == wanted.keys,
    }
}

impl Readers {
    /// What the host says, without what is as it should be.
    pub(super) fn leave_out(&self, seen: &Seen) -> Seen {
        let mut seen = seen.clone();
        if self.right {
            seen.rights.retain(|right| right.file != SUDOERS);
        }
        if self.right && self.keys {
            seen.keys.remove(KEYS);
        }
        seen
    }

    /// What to do about the rest: these files are nobody's to edit.
    pub(super) fn remedy(&self, finding: &mut Finding) {
        let is_key = finding.what == What::Key && finding.file == KEYS;
        let is_right = finding.what == What::Sudo && finding.file == SUDOERS;
        let remedy = if (is_key || is_right) && self.declared {
            texts::access_reader_apply()
        } else if is_key || is_right {
            texts::access_reader_declare()
        } else if finding.account == ACCOUNT && finding.what == What::Account {
            texts::access_reader_install()
        } else {
            return;
        };
        finding.remedy = remedy;
    }
}
