//! What `history`, `undo` and `unlock` do alike: reach one host of the inventory, and ask what it remembers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Context;
use crate::catalog::HostCatalog;
use crate::connect::{Access, operator, target};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::history::{Lock, lock};
use crate::inventory::{self, Inventory};
use crate::kinds::{Answer, Site};
use crate::observed::Observed;
use crate::probe::look;
use crate::records::{Question, ask};
use crate::script::change::RECORDS;
use crate::transport::{Broken, Session, Target, connect};

/// A host that was reached.
pub(super) struct OneHost {
    pub name: String,
    pub session: Box<dyn Session>,
    /// Whose key this machine holds.
    pub operator: Option<String>,
    /// How it was reached.
    pub target: Target,
    pub access: Access,
    site: Site,
    inventory: String,
    silence: Duration,
}

/// What it answered.
pub(super) struct Said {
    pub lock: Lock,
    pub sections: BTreeMap<String, Answer>,
}

impl Said {
    pub(super) fn section(&self, name: &str) -> &[u8] {
        self.sections.get(name).map_or(&[], |answer| &answer.bytes)
    }

    /// The run that is at work now.
    pub(super) fn running(&self) -> Option<&str> {
        let holder = self.lock.holder.as_ref()?;
        (self.lock.state == crate::history::State::Held).then_some(holder.run.as_str())
    }
}

/// Why there was no answer, and the exit code for it.
pub(super) enum Unanswered {
    Mistakes(Diagnostics),
    Broken(Box<Diagnostic>, Exit),
}

impl From<Diagnostics> for Unanswered {
    fn from(mistakes: Diagnostics) -> Self {
        Self::Mistakes(mistakes)
    }
}

impl From<Diagnostic> for Unanswered {
    fn from(mistake: Diagnostic) -> Self {
        Self::Mistakes(mistake.into())
    }
}

impl From<Broken> for Unanswered {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Unreachable(why) => Self::Broken(why, Exit::Unreachable),
            Broken::Lost(why) | Broken::Ended(why) => Self::Broken(why, Exit::Failed),
        }
    }
}

impl Unanswered {
    /// Reports it, and gives the exit code.
    pub(super) fn outcome(self, context: &Context) -> super::Outcome {
        match self {
            Self::Mistakes(mistakes) => Err(mistakes),
            Self::Broken(why, exit) => {
                context.ui.report(&(*why).into());
                Ok(exit)
            }
        }
    }
}

/// Connects to a host of the inventory. Mistakes elsewhere in it do not matter: a host must be reached on a bad day, too.
pub(super) fn reached(context: &Context, name: &str) -> Result<OneHost, Unanswered> {
    let (inventory, mistakes) = inventory::load(&context.inventory_dir()?);
    let Some(inventory) = inventory else { return Err(mistakes.into()) };
    of(context, &inventory, name)
}

/// The same, in an inventory that is loaded already.
pub(super) fn of(context: &Context, inventory: &Inventory, name: &str) -> Result<OneHost, Unanswered> {
    let Some(host) = inventory.hosts.get(name) else {
        let unknown = Diagnostic::error(format!("there is no host `{}`", name.escape_debug()));
        let unknown = unknown.suggest(name, inventory.hosts.keys().map(String::as_str));
        return Err(Diagnostics::from(unknown).into());
    };
    let access = context.access()?;
    let person = operator(inventory, &access);
    let target = target(inventory, host, person, &access);
    let session = connect(&target, &context.ui)?;
    Ok(OneHost {
        name: name.to_owned(),
        session,
        operator: person.map(|person| person.id.clone()),
        site: Site::of(&inventory.dir, host.root.as_ref().map(|root| root.value.as_str())),
        inventory: inventory.id.value.clone(),
        silence: access.timeouts.silence,
        target,
        access,
    })
}

impl OneHost {
    pub(super) fn ask(&mut self, question: Question<'_>) -> Result<Said, Unanswered> {
        let sections = ask(&mut *self.session, &self.site.root, &self.inventory, question, self.silence)?;
        let lock = sections.get("lock").map(|answer| lock(&answer.bytes)).unwrap_or_default();
        Ok(Said { lock, sections })
    }

    /// Looks at the host, as a plan does.
    pub(super) fn look(&mut self, catalog: &HostCatalog) -> Result<Observed, Unanswered> {
        let records = catalog.site.path(&format!("{RECORDS}/{}", self.inventory));
        Ok(look(&mut *self.session, catalog, &records, self.silence)?)
    }
}

/// A run by its id; anything else could name another file on the host.
pub(super) fn run_id(text: &str) -> Result<String, String> {
    let known = Some(text.to_owned()).filter(|text| crate::history::is_id(text));
    known.ok_or_else(|| "`steward history HOST` lists the ids of runs".to_owned())
}
