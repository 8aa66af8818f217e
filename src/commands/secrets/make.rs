//! `steward secrets generate` and `steward secrets rotate NAME`

use clap::Args;

use super::super::{Context, Outcome};
use super::Desk;
use super::verified::forget;
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::secret::{Secret, SecretName};
use crate::secret_declaration::{self, Generate};
use crate::secrets::journal::Write;
use crate::secrets::{self, Declared, make};

pub(super) fn generate(context: &Context, desk: &Desk) -> Outcome {
    let (mut writes, mut made, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for name in desk.names().into_iter().filter(|name| desk.store.header(name).is_none()) {
        match desk.declaration(&name).and_then(|it| it.generate.as_ref()) {
            Some(how) if make::can_make(how) => {
                writes.extend(fresh(desk, &name, how, None)?);
                // its forms are among these
                made.extend(desk.renewal().forms_of(&name).map(|form| form.name.clone()));
                made.push(name);
            }
            Some(_) => {}
            None => {
                let escrow = desk.declaration(&name).is_some_and(|it| it.escrow.is_some());
                let by = if escrow { "fetch" } else { "set" };
                let remedy = format!("give it a value by `steward secrets {by} {name}`");
                left.push(Diagnostic::warning(format!("{name} is missing")).remedy(remedy));
            }
        }
    }
    for declared in &desk.declared {
        let Some(how) = declared.declaration.generate.as_ref().filter(|how| how.parent().is_some()) else { continue };
        let name = &declared.name;
        let wanted = desk.store.header(name).is_none() || secrets::is_of_older(&desk.store, name, how);
        if !wanted || made.contains(name) {
            continue;
        }
        match form(desk, declared, how)? {
            Ok(files) => {
                writes.extend(files);
                made.push(name.clone());
            }
            Err(missing) => left.push(missing),
        }
    }
    desk.store.commit(&writes)?;
    made.sort();
    for name in &made {
        context.ui.data(&format!("made {name}\n"));
    }
    let some = !left.is_empty();
    context.ui.report(&Diagnostics(left));
    if made.is_empty() && !some {
        context.ui.data("Every declared secret is set.\n");
    }
    Ok(Exit::Success)
}

/// The files of a form of what is in the store; the warning, if its parent is not there.
fn form(desk: &Desk, declared: &Declared, how: &Generate) -> Result<Result<Vec<Write>, Diagnostic>, Diagnostics> {
    let Some((parent, id)) = desk.renewal().parent(&declared.name, how) else {
        let from = how.parent().unwrap_or_default();
        let remedy = format!("`steward secrets set {}/{from}` makes both", declared.name.service);
        let fact = format!("{} is missing, since `{from}` is", declared.name);
        return Ok(Err(Diagnostic::warning(fact).remedy(remedy)));
    };
    let value = desk.decrypt(&parent)?;
    Ok(Ok(desk.renewal().form(declared, &value, &id)?))
}

fn fresh(desk: &Desk, name: &SecretName, how: &Generate, before: Option<&Secret>) -> Result<Vec<Write>, Diagnostics> {
    let value = make::generated(how).ok_or_else(|| {
        Diagnostic::error("the system gave no random bytes").remedy("look at /dev/urandom of this machine")
    })?;
    desk.new_value(name, &value, before)
}

/// Give a secret a new value, where its module says how one is made. The previous one is kept until every host was seen
/// to have the new one.
#[derive(Debug, Args)]
pub struct Rotate {
    /// Such as `wiki/admin_password`; with `--verified`, all of them unless one is named.
    #[arg(required_unless_present = "verified")]
    name: Option<String>,
    /// Look at all hosts, and forget the previous value where every host has the new one.
    #[arg(long)]
    verified: bool,
    /// Do it although not every host was seen to have the value before, because this one is known to somebody, say.
    #[arg(long, conflicts_with = "verified")]
    again: bool,
}

impl Rotate {
    pub(super) fn run(self, context: &Context, desk: &Desk) -> Outcome {
        let Self { name, verified, again } = self;
        let name = name.map(|name| desk.known(&name)).transpose()?;
        if verified {
            return forget(context, desk, name);
        }
        let Some(name) = name else { return Ok(Exit::Success) };
        let declared = desk.declaration(&name);
        let policy = declared.map_or(secret_declaration::Rotate::Manual, |it| it.rotate);
        if policy == secret_declaration::Rotate::Never {
            let fact = format!("{name} can never change, its module says");
            return Err(Diagnostic::error(fact).remedy("`steward module show` of its module may say why").into());
        }
        if desk.store.has_previous(&name) && !again {
            return Err(Diagnostic::error(format!(
                "{name} was rotated before, and nobody looked whether that arrived"
            ))
            .remedy(format!("`steward apply`, then `steward secrets rotate {name} --verified`; or `--again`"))
            .into());
        }
        if let Some(parent) = declared.and_then(|it| it.generate.as_ref()).and_then(Generate::parent) {
            let remedy = format!("`steward secrets rotate {}/{parent}`: this one follows", name.service);
            return Err(Diagnostic::error(format!("{name} is a form of `{parent}`")).remedy(remedy).into());
        }
        let how = declared.and_then(|it| it.generate.as_ref()).filter(|how| make::can_make(how));
        let Some(how) = how else {
            let fact = format!("{name} is changed by hand: nothing says how a new value is made");
            let remedy = format!("change it where it is used, then `steward secrets set {name}`");
            return Err(Diagnostic::error(fact).remedy(remedy).into());
        };
        let before = desk.decrypt(&name)?;
        desk.store.commit(&fresh(desk, &name, how, Some(&before))?)?;
        context.ui.message(&format!(
            "{name} has a new value. Next: `steward apply`, `steward secrets rotate {name} --verified`."
        ));
        Ok(Exit::Success)
    }
}
