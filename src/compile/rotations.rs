//! Secrets that software has to be told of when they change (`rotate: command`): while the value before is kept, each host
//! of the service gets the command that changes it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::Resource;
use crate::diag::Place;
use crate::kinds::command::{CHANGES, CommandKind, rotation};
use crate::modules::Module;
use crate::resource::Id;
use crate::secret::{Sealed, Secret, SecretName, SecretSource};

/// One change of a secret.
pub(super) struct Rotation<'m> {
    secret: SecretName,
    words: &'m [String],
    sealed: Arc<Sealed>,
    place: Place,
}

/// Those of a service that are going on.
pub(super) fn changing<'m>(module: &'m Module, service: &str, source: &dyn SecretSource) -> Vec<Rotation<'m>> {
    let one = |(name, declared): (&String, &'m crate::secret_declaration::SecretDeclaration)| {
        let words = declared.rotate_command.as_deref()?;
        let secret = SecretName::new(service, name)?;
        let kept = source.kept(&secret)?;
        let present = source.value_id(&secret).unwrap_or_default();
        let real = kept.clone().and_then(|kept| all(&kept, &present, &*source.value(&secret)?));
        let real = real.map_err(|why| format!("secret {secret}: {why}"));
        let uses = BTreeSet::from([secret.clone()]);
        let mut sealed = Sealed::new(&format!("change {secret}"), uses, source, real);
        sealed.values.extend(kept.unwrap_or_default().into_iter().map(|(_, value)| value));
        Some(Rotation { secret, words, sealed: Arc::new(sealed), place: declared.place.clone() })
    };
    module.secrets.iter().filter_map(one).collect()
}

/// A line for each value that a host may have, oldest first, with the id of the value before it; the last one is the present
/// value. The host knows by the ids which two of them the command reads.
#[allow(clippy::disallowed_methods, reason = "the lines that the command reads on the host, as a secret")]
fn all(kept: &[(String, Arc<Secret>)], id: &str, present: &Secret) -> Result<Secret, String> {
    let values: Vec<(&str, &Secret)> =
        kept.iter().map(|(id, value)| (id.as_str(), &**value)).chain([(id, present)]).collect();
    if values.iter().any(|(_, value)| value.reveal().contains(&b'\n')) {
        return Err(
            "it has several lines, so no command can read the old and the new value as a line each".to_owned()
        );
    }
    // made large enough at once: what a growing list leaves behind would not be wiped
    let size = values.iter().map(|(id, value)| id.len() + value.len() + 2).sum();
    let mut lines = zeroize::Zeroizing::new(Vec::with_capacity(size));
    for (id, value) in values {
        for part in [id.as_bytes(), b" ", value.reveal(), b"\n"] {
            lines.extend_from_slice(part);
        }
    }
    Ok(Secret::new(std::mem::take(&mut *lines)))
}

impl Rotation<'_> {
    pub(super) fn id(&self) -> Id {
        Id::new("command", format!("{CHANGES}{}", self.secret))
    }

    pub(super) fn resource(&self, owner: usize, is_used: bool) -> Resource {
        let item = Arc::from(rotation(&self.secret, self.words, Arc::clone(&self.sealed), is_used));
        Resource {
            id: self.id(),
            kind: &CommandKind,
            item,
            owners: vec![owner],
            place: self.place.clone(),
            data: false,
        }
    }

    /// True if the resource is made of the secret.
    pub(super) fn is_of(&self, resource: &Resource) -> bool {
        resource.item.sealed().is_some_and(|sealed| sealed.uses.contains(&self.secret))
    }
}
