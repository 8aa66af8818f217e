//! `steward secrets rotate --verified`: the values before are forgotten once hosts were seen to have the present ones. An
//! apply never does that by itself: it must not change the repository behind anybody's back.

use super::super::looking::looked;
use super::super::{Context, Outcome};
use super::Desk;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::plan::uses::{hosts_of, unseen};
use crate::secret::SecretName;
use crate::secrets::with_forms;

/// Of this secret, else of all whose previous value is kept.
pub(super) fn forget(context: &Context, desk: &Desk, named: Option<SecretName>) -> Outcome {
    if context.global.limit.is_some() {
        let fact = "a value is in use everywhere or it is not: `--limit` leaves hosts out";
        return Err(Diagnostic::error(fact).remedy("leave it away").into());
    }
    if let Some(name) = named.as_ref().filter(|name| !desk.store.has_previous(name)) {
        let fact = format!("no previous value of {name} is kept");
        return Err(Diagnostic::error(fact).remedy("there is nothing to do").into());
    }
    let all = desk.store.names().into_iter().filter(|name| desk.store.has_previous(name));
    let names: Vec<SecretName> = named.clone().map_or_else(|| all.collect(), |name| vec![name]);
    if names.is_empty() {
        context.ui.message("No previous value of any secret is kept.");
        return Ok(Exit::Success);
    }
    let looked = looked(context)?;
    let (mut seen, mut open) = (Vec::new(), Diagnostics::default());
    for name in names {
        let with_forms = with_forms(&desk.declared, &name);
        let hosts = hosts_of(&looked.catalog, &with_forms, &[]);
        let missing = unseen(&looked.plan, &hosts, &with_forms);
        if hosts.is_empty() && named.is_none() {
            let remedy = format!("if you saw that the new value works, `steward secrets rotate {name} --verified`");
            let fact = format!("{name}: nothing on a host is made of it, so no look can tell");
            open.push(Diagnostic::error(fact).remedy(remedy));
        } else if missing.is_empty() {
            seen.push(name);
        } else {
            let fact = format!("{name}: the new value was not seen on {}", missing.join("; "));
            open.push(Diagnostic::error(fact).remedy("`steward apply`, then look again; its previous value is kept"));
        }
    }
    desk.store.commit(&seen.iter().flat_map(|name| desk.store.without_previous(name)).collect::<Vec<_>>())?;
    for name in &seen {
        context.ui.message(&format!(
            "The previous value of {name} is gone from the store; git remembers its file, encrypted."
        ));
    }
    if open.has_errors() { Err(open) } else { Ok(Exit::Success) }
}
