//! The command by which software takes a new value of a secret (`rotate: command`). It reads the value that the host has and the
//! new one, a line each, and runs once on every host that has another one; until it succeeded, every plan shows that it is to
//! run. Which value the host has, of those that are kept, the host's ledger tells: it holds the ids of values.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{Command, Fields, Guard, Run, ten_minutes};
use crate::kinds::Item;
use crate::observed::Ledger;
use crate::secret::{Sealed, SecretName};

/// How the names of such commands begin; the name of the secret follows.
pub const CHANGES: &str = "change the secret ";

/// `sealed` is what it reads. `is_used`: other resources of the host are made of the secret, so that a host where none was
/// made of an earlier value has nothing to change.
pub fn rotation(secret: &SecretName, words: &[String], sealed: Arc<Sealed>, is_used: bool) -> Box<dyn Item> {
    let fields = Fields {
        name: format!("{CHANGES}{secret}"),
        run: Run::Words(words.to_vec()),
        creates: None,
        unless: None,
        read_only: false,
        on_change: Vec::new(),
        timeout: ten_minutes(),
        user: None,
        cwd: None,
        env: IndexMap::new(),
        stdin: Some(String::new()),
    };
    let guard = Guard::Rotation { secret: secret.to_string(), is_used };
    Box::new(Command { fields, guard, sealed: Some(sealed) })
}

impl Command {
    /// True if something on the host was made of another value than the present one.
    pub(super) fn is_due(&self, secret: &str, ledger: &Ledger) -> bool {
        let ids = self.sealed.as_ref().map(|sealed| &sealed.ids);
        let now = ids.and_then(|ids| ids.iter().find(|(name, _)| name.to_string() == secret)).map(|(_, id)| id);
        let made = |kept: &crate::observed::Kept| kept.ids.get(secret).is_some_and(|id| Some(id) != now);
        ledger.0.iter().any(|(id, kept)| !id.starts_with("command:change the secret ") && made(kept))
    }
}
