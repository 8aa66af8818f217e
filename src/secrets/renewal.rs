//! A new value with all that follows from it: its encrypted file, the public half of a key pair, and the forms that were
//! made of the value before. Takes a value, gives the files of one transaction. Never writes one itself.

use super::forms::form;
use super::journal::Write;
use super::pairs::public_half;
use super::readers::{Declared, Reader};
use super::{Identities, Store};
use crate::diag::{Diagnostic, Result};
use crate::inventory::new_id;
use crate::secret::{Secret, SecretName};
use crate::secret_declaration::{Generate, SecretDeclaration};

/// What a renewal looks things up in.
pub struct Renewal<'a> {
    pub store: &'a Store,
    pub declared: &'a [Declared],
    pub identities: &'a Identities,
}

impl Renewal<'_> {
    /// The files of a new value for these readers, with those of its public half and its forms. `before`: the value that
    /// some host still has, to be kept.
    pub fn new_value(
        &self,
        name: &SecretName,
        value: &Secret,
        before: Option<&Secret>,
        readers: &[Reader],
    ) -> Result<Vec<Write>> {
        let id = fresh_id()?;
        let how = self.how(name);
        let every = self.declaration(name).is_some_and(|it| it.rotate_command.is_some());
        let kept = self.store.keeping(name, before, every, readers, self.identities);
        let (kept, earlier) = kept.map_err(|why| cannot(name, &why))?;
        let mut writes = match how.and_then(|how| self.parent(name, how)) {
            // given by hand: whoever gives it says by this that it is of the parent's present value
            Some((parent, of)) => self.encrypted_form(name, value, (&parent.name, &of), kept, readers)?,
            None => {
                let parent = self.store.header(name).and_then(|header| header.parent.clone());
                let header = super::Header::new(id.clone(), parent, readers).keeping(kept);
                self.store.encrypted_as(name, value, header, self.identities).map_err(|why| cannot(name, &why))?
            }
        };
        writes.extend(earlier);
        if let Some(how) = how {
            let public = public_half(how, name, value).map_err(|why| {
                Box::new(
                    Diagnostic::error(format!("{name}: {why}")).remedy("give the private half; nothing was written"),
                )
            })?;
            writes.extend(public.map(|line| self.store.public(name, line)));
        }
        for child in self.forms_of(name) {
            writes.extend(self.form(child, value, &id)?);
        }
        Ok(writes)
    }

    /// The secrets that are forms of this one.
    pub fn forms_of<'b>(&'b self, name: &'b SecretName) -> impl Iterator<Item = &'b Declared> {
        self.declared.iter().filter(move |it| {
            let from = it.declaration.generate.as_ref().and_then(Generate::parent);
            it.name.service == name.service && from == Some(name.name.as_str())
        })
    }

    /// The files of a form of its parent's value, which has this id.
    pub fn form(&self, child: &Declared, value: &Secret, id: &str) -> Result<Vec<Write>> {
        let Some(Generate::Derived { from, form: which, user }) = &child.declaration.generate else {
            return Ok(Vec::new());
        };
        let made = form(*which, user.as_deref(), value).map_err(|why| {
            let fact = format!("{} cannot be made of `{}`: {why}", child.name, from.value);
            Box::new(
                Diagnostic::error(fact).remedy("give that one a value that has such a form; nothing was written"),
            )
        })?;
        let kept = self.store.kept_ids(&child.name);
        self.encrypted_form(&child.name, &made, (&from.value, id), kept, &child.readers)
    }

    /// The secret that this is a form of, if that one is set, with the id of its value.
    pub fn parent(&self, name: &SecretName, how: &Generate) -> Option<(SecretName, String)> {
        let parent = SecretName::new(&name.service, how.parent()?)?;
        let id = self.store.header(&parent)?.id.clone();
        Some((parent, id))
    }

    fn encrypted_form(
        &self,
        name: &SecretName,
        value: &Secret,
        (parent, of): (&str, &str),
        kept: Vec<String>,
        readers: &[Reader],
    ) -> Result<Vec<Write>> {
        let parent = Some((parent.to_owned(), of.to_owned()));
        let header = super::Header::new(fresh_id()?, parent, readers).keeping(kept);
        self.store.encrypted_as(name, value, header, self.identities).map_err(|why| cannot(name, &why))
    }

    fn how(&self, name: &SecretName) -> Option<&Generate> {
        self.declaration(name)?.generate.as_ref()
    }

    fn declaration(&self, name: &SecretName) -> Option<&SecretDeclaration> {
        self.declared.iter().find(|it| it.name == *name).map(|it| &it.declaration)
    }
}

/// A secret, and those that are forms of it.
pub fn with_forms(declared: &[Declared], name: &SecretName) -> std::collections::BTreeSet<SecretName> {
    let forms = declared.iter().filter(|it| {
        let from = it.declaration.generate.as_ref().and_then(Generate::parent);
        it.name.service == name.service && from == Some(name.name.as_str())
    });
    forms.map(|it| it.name.clone()).chain([name.clone()]).collect()
}

/// True if a form was made of another value than the parent's present one, as far as their headers say.
pub fn is_of_older(store: &Store, name: &SecretName, how: &Generate) -> bool {
    let Some((header, from)) = store.header(name).zip(how.parent()) else { return false };
    let parent = SecretName::new(&name.service, from).and_then(|parent| store.header(&parent));
    let made_of = header.parent.as_ref().map(|(parent, id)| (parent.as_str(), id.as_str()));
    parent.is_some_and(|parent| made_of != Some((from, parent.id.as_str())))
}

fn fresh_id() -> Result<String> {
    new_id().map_err(|error| {
        let fact = format!("the system gave no random bytes: {error}");
        Box::new(Diagnostic::error(fact).remedy("look at /dev/urandom of this machine"))
    })
}

fn cannot(name: &SecretName, why: &str) -> Box<Diagnostic> {
    let fact = format!("{name} cannot be encrypted: {why}");
    let remedy = format!("`steward secrets who {name}` says who shall read it, and with which keys");
    Box::new(Diagnostic::error(fact).remedy(remedy))
}
