//! The store of secrets as people come and go: what has to be decrypted first, and one transaction over secrets, inventory
//! and checklist. A secret that cannot be decrypted ends it before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use super::coming::readers;
use super::leaving::Leaving;
use crate::diag::{Diagnostic, Diagnostics};
use crate::edit::Rewrite;
use crate::modules::Library;
use crate::secret::{Secret, SecretName};
use crate::secret_declaration::Generate;
use crate::secrets::journal::Write;
use crate::secrets::{Header, Identities, Reader, Renewal, Store, declared, make};

/// The store, and the keys of whoever runs Steward.
pub struct Keep {
    store: Store,
    identities: Identities,
}

/// A secret that was decrypted, and who shall read it.
pub type Opened = (SecretName, Secret, Vec<Reader>);

/// Secrets and who shall read each.
pub type Wanted = Vec<(SecretName, Vec<Reader>)>;

impl Keep {
    pub fn new(store: Store, identities: Identities) -> Self {
        Self { store, identities }
    }

    pub fn names(&self) -> Vec<SecretName> {
        self.store.names()
    }

    pub fn header(&self, name: &SecretName) -> Option<&Header> {
        self.store.header(name)
    }

    /// Those that the operator can decrypt, with their values, and those that somebody else has to encrypt anew.
    pub fn readable(&self, wanted: &Wanted) -> (Vec<Opened>, Vec<SecretName>) {
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for (name, readers) in wanted {
            match self.store.decrypt(name, &self.identities) {
                Ok(value) => now.push((name.clone(), value, readers.clone())),
                Err(_) => later.push(name.clone()),
            }
        }
        (now, later)
    }

    /// Encrypts these to all their readers, and writes the files, in one step.
    pub fn welcome(&self, secrets: Vec<Opened>, files: Vec<Rewrite>) -> Result<(), Diagnostics> {
        let mut writes = of(files);
        for (name, value, readers) in secrets {
            writes.extend(self.anew(&name, &value, &readers)?);
        }
        Ok(self.store.commit(&writes)?)
    }

    /// The same value for these readers, the previous one too.
    fn anew(&self, name: &SecretName, value: &Secret, readers: &[Reader]) -> Result<Vec<Write>, Diagnostics> {
        let Some(id) = self.header(name).map(|header| header.id.clone()) else {
            return Err(wrong(name, "it is not in the store"));
        };
        let mut writes =
            self.store.encrypted(name, value, &id, readers, &self.identities).map_err(|why| wrong(name, &why))?;
        writes.extend(self.kept_anew(name, readers)?);
        Ok(writes)
    }

    fn kept_anew(&self, name: &SecretName, readers: &[Reader]) -> Result<Vec<Write>, Diagnostics> {
        self.store.kept_anew(name, readers, &self.identities).map_err(|why| unreadable(name, &why))
    }

    /// All that a removal writes to the store. Everything is decrypted and encrypted in memory here; nothing is written.
    pub fn leave(&self, leaving: &Leaving, library: &Library) -> Result<Vec<Write>, Diagnostics> {
        let wanted: BTreeMap<SecretName, Vec<Reader>> = readers(&leaving.after, library, self).into_iter().collect();
        let declared = declared(&leaving.after, library);
        let changed: BTreeSet<&SecretName> = leaving.affected.iter().chain(&leaving.rotated).collect();
        let renewal = Renewal { store: &self.store, declared: &declared, identities: &self.identities };
        let follow: BTreeSet<&SecretName> =
            leaving.rotated.iter().flat_map(|name| renewal.forms_of(name).map(|form| &form.name)).collect();
        // forms of a value that is renewed are made with it
        let changed: Vec<&SecretName> = changed.into_iter().filter(|name| !follow.contains(name)).collect();
        let one = |name: &SecretName| {
            let generate =
                declared.iter().find(|it| it.name == *name).and_then(|it| it.declaration.generate.as_ref());
            let generate = generate.filter(|_| leaving.rotated.contains(name));
            let readers = wanted.get(name).map(Vec::as_slice).unwrap_or_default();
            self.without(name, readers, generate, &renewal)
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = changed.len().div_ceil(threads).max(1);
        // each thread gives its results in order, and so do all together
        let results: Vec<Result<Vec<Write>, Diagnostics>> = std::thread::scope(|scope| {
            let work = |names: &[&SecretName]| names.iter().map(|name| one(name)).collect::<Vec<_>>();
            let running: Vec<_> = changed.chunks(share).map(|names| scope.spawn(move || work(names))).collect();
            running.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|_| vec![Err(ended())])).collect()
        });
        let mut writes = Vec::new();
        let mut mistakes = Diagnostics::default();
        for result in results {
            match result {
                Ok(files) => writes.extend(files),
                Err(wrong) => mistakes.0.extend(wrong.0),
            }
        }
        if mistakes.has_errors() { Err(mistakes) } else { Ok(writes) }
    }

    /// One secret for those who stay, with a new value if one is to be made.
    fn without(
        &self,
        name: &SecretName,
        readers: &[Reader],
        generate: Option<&Generate>,
        renewal: &Renewal<'_>,
    ) -> Result<Vec<Write>, Diagnostics> {
        let value = self.store.decrypt(name, &self.identities).map_err(|why| unreadable(name, &why))?;
        let writes = match generate.and_then(make::generated) {
            None => self.anew(name, &value, readers)?,
            Some(fresh) => {
                let mut writes = renewal.new_value(name, &fresh, Some(&value), readers)?;
                writes.extend(self.kept_anew(name, readers)?);
                writes
            }
        };
        self.still_mine(name, &writes)?;
        Ok(writes)
    }

    /// What was just encrypted must open with the operator's own key, or they would lose it by this.
    fn still_mine(&self, name: &SecretName, writes: &[Write]) -> Result<(), Diagnostics> {
        let opens = writes.iter().filter_map(|(path, file)| Some((path, file.as_ref()?)));
        let mut files = opens.filter(|(path, _)| path.extension().is_some_and(|it| it == "age"));
        if files.all(|(_, file)| Store::opens(file, &self.identities)) {
            return Ok(());
        }
        let fact = format!("you would lose access yourself: {name} would not open with your key any more");
        Err(Diagnostic::error(fact).remedy("let somebody who keeps access do it; nothing was changed").into())
    }

    /// Writes everything in one step.
    pub fn commit(&self, mut writes: Vec<Write>, files: Vec<Rewrite>) -> Result<(), Diagnostics> {
        writes.extend(of(files));
        Ok(self.store.commit(&writes)?)
    }
}

fn of(files: Vec<Rewrite>) -> Vec<Write> {
    files.into_iter().map(|rewrite| (rewrite.path, Some(rewrite.content))).collect()
}

fn ended() -> Diagnostics {
    Diagnostic::error("the work on a secret ended abnormally; nothing was changed")
        .remedy("please report this with the command you ran")
        .into()
}

fn unreadable(name: &SecretName, why: &str) -> Diagnostics {
    Diagnostic::error(format!("you cannot decrypt {name}, which has to be encrypted anew: {why}"))
        .remedy("name your key by `--identity FILE`, or let somebody do it who can read it; nothing was changed")
        .into()
}

fn wrong(name: &SecretName, why: &str) -> Diagnostics {
    Diagnostic::error(format!("{name} cannot be encrypted: {why}"))
        .remedy("see `steward people show` for the keys of its readers; nothing was changed")
        .into()
}
