//! `steward secrets fetch [NAME]`: what software made on a host (`escrow`), into the store.

use clap::Args;

use super::super::{Context, Outcome};
use super::Desk;
use super::set::replace;
use crate::connect::{Access, operator, target};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::fetch::fetch;
use crate::inventory::Host;
use crate::kinds::Site;
use crate::plan::fleet::HostError;
use crate::secret::{Secret, SecretName};
use crate::transport::connect;

/// Bring secrets that software made on a host into the store: the file that a module names by `escrow`. Nothing is shown.
#[derive(Debug, Args)]
pub struct Fetch {
    /// Such as `chat/signing_key`, also if it was fetched before; without it, all that are missing.
    name: Option<String>,
}

impl Fetch {
    pub(super) fn run(self, context: &Context, desk: &Desk) -> Outcome {
        let Self { name } = self;
        let name = name.map(|name| desk.known(&name)).transpose()?;
        let mut left = Diagnostics::default();
        let mut some = false;
        // asked once, whatever the number of hosts
        let access = context.access()?;
        for declared in &desk.declared {
            let wanted = name.as_ref().map_or_else(
                || desk.store.header(&declared.name).is_none() && declared.declaration.escrow.is_some(),
                |name| *name == declared.name,
            );
            if !wanted {
                continue;
            }
            some = true;
            let Some(path) = &declared.declaration.escrow else {
                let fact = format!("{} is not made on a host: its module names no file by `escrow`", declared.name);
                return Err(Diagnostic::error(fact).at(&declared.place).remedy("see `steward secrets list`").into());
            };
            match made(context, desk, &access, &declared.hosts, path)? {
                Some(value) => keep(context, desk, &declared.name, &value)?,
                None => left.push(
                    Diagnostic::error(format!("{} is not there yet: no host has {}", declared.name, path.value))
                        .remedy("`steward apply` lets the software make it; then fetch it"),
                ),
            }
        }
        if !some {
            context.ui.message("Every secret that is made on a host was fetched.");
        }
        if left.has_errors() { Err(left) } else { Ok(Exit::Success) }
    }
}

/// The value on the hosts that were selected. Two hosts that have different ones leave the choice to a person.
fn made(
    context: &Context,
    desk: &Desk,
    access: &Access,
    hosts: &[String],
    path: &str,
) -> Result<Option<Secret>, Diagnostics> {
    let selected = context.select(&desk.inventory)?;
    let mut found: Option<(&str, Secret)> = None;
    for host in hosts.iter().filter(|host| selected.hosts.contains(*host)) {
        let Some(host) = desk.inventory.hosts.get(host) else { continue };
        let Some(value) = from(context, desk, access, host, path)? else { continue };
        match &found {
            Some((other, known)) if !same(known, &value) => {
                let fact = format!("{other} and {} have different ones at {path}", host.name);
                return Err(Diagnostic::error(fact).remedy("choose a host by `--limit`; nothing was written").into());
            }
            Some(_) => {}
            None => found = Some((&host.name, value)),
        }
    }
    Ok(found.map(|(_, value)| value))
}

fn from(
    context: &Context,
    desk: &Desk,
    access: &Access,
    host: &Host,
    path: &str,
) -> Result<Option<Secret>, Diagnostics> {
    let target = target(&desk.inventory, host, operator(&desk.inventory, access), access);
    let site = Site::of(&desk.inventory.dir, host.root.as_ref().map(|root| root.value.as_str()));
    let fetched = connect(&target, &context.ui)
        .and_then(|mut session| fetch(&mut *session, &site, path, access.timeouts.silence));
    fetched.map_err(|broken| HostError::from(broken).diagnostic.into())
}

#[allow(clippy::disallowed_methods, reason = "compared with each other, here")]
fn same(one: &Secret, other: &Secret) -> bool {
    one.reveal() == other.reveal()
}

fn keep(context: &Context, desk: &Desk, name: &SecretName, value: &Secret) -> Result<(), Diagnostics> {
    if desk.store.header(name).is_some() && desk.decrypt(name).is_ok_and(|known| same(&known, value)) {
        context.ui.message(&format!("{name} is what it was."));
        return Ok(());
    }
    replace(context, desk, name, value).map(|_| ())
}
