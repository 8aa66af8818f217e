//! Values before the present one, kept until every host was seen to have that: `NAME.previous.age` is the oldest. Software
//! that must be told the value it has (`rotate: command`) may have any of those since, so these are kept as well, each as
//! `NAME.previous.ID.age`. Their ids stand in `NAME.recipients`, oldest first. Gives files; only `journal` writes them.

use super::journal::Write;
use super::readers::Reader;
use super::store::PREVIOUS;
use super::{Header, Identities, Store, crypt};
use crate::secret::{Secret, SecretName};

/// Of a value that was kept before ids were noted.
const UNKNOWN: &str = "00000000000000000000000000000000";

impl Store {
    /// True while a value before the present one is kept.
    pub fn has_previous(&self, name: &SecretName) -> bool {
        self.path(name, ".previous.age").is_file()
    }

    /// The ids of what is kept, oldest first.
    pub fn kept_ids(&self, name: &SecretName) -> Vec<String> {
        let ids = self.header(name).map(|header| header.kept.clone()).unwrap_or_default();
        match self.has_previous(name) {
            false => Vec::new(),
            true if ids.is_empty() => vec![UNKNOWN.to_owned()],
            true => ids,
        }
    }

    /// What is kept, oldest first, each with its id. `Err` says which cannot be had, and why.
    pub fn kept(&self, name: &SecretName, identities: &Identities) -> Result<Vec<(String, Secret)>, String> {
        let one = |(number, id): (usize, String)| {
            let value = Self::decrypt_file(&self.kept_path(name, number, &id), identities);
            value.map(|value| (id, value)).map_err(|why| format!("a previous value of it: {why}"))
        };
        self.kept_ids(name).into_iter().enumerate().map(one).collect()
    }

    /// The files of what is kept, for these readers.
    pub fn kept_anew(
        &self,
        name: &SecretName,
        readers: &[Reader],
        identities: &Identities,
    ) -> Result<Vec<Write>, String> {
        let one = |(number, (id, value)): (usize, &(String, Secret))| {
            self.kept_file(name, (number, id), value, readers, identities)
        };
        self.kept(name, identities)?.iter().enumerate().map(one).collect()
    }

    /// The ids once the present value, `before`, is replaced, and its file if it is kept. The oldest one always is; `every`: the
    /// others, too.
    pub(super) fn keeping(
        &self,
        name: &SecretName,
        before: Option<&Secret>,
        every: bool,
        readers: &[Reader],
        identities: &Identities,
    ) -> Result<(Vec<String>, Option<Write>), String> {
        let mut ids = self.kept_ids(name);
        let Some((value, header)) = before.zip(self.header(name)).filter(|_| every || ids.is_empty()) else {
            return Ok((ids, None));
        };
        let file = self.kept_file(name, (ids.len(), &header.id), value, readers, identities)?;
        ids.push(header.id.clone());
        Ok((ids, Some(file)))
    }

    /// Forgets all of them.
    pub fn without_previous(&self, name: &SecretName) -> Vec<Write> {
        let ids = self.kept_ids(name).into_iter().enumerate();
        let mut writes: Vec<Write> = ids.map(|(number, id)| (self.kept_path(name, number, &id), None)).collect();
        if let Some(header) = self.header(name).filter(|header| !header.kept.is_empty()) {
            let header: Header = header.clone().keeping(Vec::new());
            writes.push((self.path(name, ".recipients"), Some(header.text(name).into_bytes())));
        }
        writes
    }

    fn kept_file(
        &self,
        name: &SecretName,
        (number, id): (usize, &str),
        value: &Secret,
        readers: &[Reader],
        identities: &Identities,
    ) -> Result<Write, String> {
        let mut to: Vec<_> = readers.iter().flat_map(|reader| reader.recipients.clone()).collect();
        to.sort();
        to.dedup();
        Ok((self.kept_path(name, number, id), Some(crypt::encrypt(value, &to, identities.ask())?)))
    }

    fn kept_path(&self, name: &SecretName, number: usize, id: &str) -> std::path::PathBuf {
        let suffix = if number == 0 { format!("{PREVIOUS}.age") } else { format!("{PREVIOUS}.{id}.age") };
        self.path(name, &suffix)
    }
}

/// `db` of `db`, `db.previous` and `db.previous.ID`: the secret that a file without its ending belongs to.
pub fn stem_of(stem: &str) -> &str {
    let is_id = |text: &str| text.len() == UNKNOWN.len() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let before = stem.rsplit_once('.').filter(|(_, id)| is_id(id)).map(|(before, _)| before);
    let without = |stem: &'_ str| stem.ends_with(PREVIOUS).then(|| stem.len() - PREVIOUS.len());
    let end = before.and_then(without).or_else(|| without(stem)).unwrap_or(stem.len());
    stem.get(..end).unwrap_or(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_a_secret_belongs_to_it() {
        let id = "0123456789abcdef0123456789abcdef";
        for stem in ["wiki/db".to_owned(), "wiki/db.previous".to_owned(), format!("wiki/db.previous.{id}")] {
            assert_eq!(stem_of(&stem), "wiki/db");
        }
        for other in ["wiki/db.old".to_owned(), format!("wiki/db.{id}"), "wiki/db.previous.x".to_owned()] {
            assert_eq!(stem_of(&other), other);
        }
    }
}
