//! After a change that may have locked everybody out: a new connection, as the same login, as root. If there is one, it
//! confirms the change and looks; if there is none, the host undoes the change, at once if the old connection can still
//! say so, else at its deadline, and is then asked again.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Apply;
use crate::catalog::HostCatalog;
use crate::diag::Diagnostic;
use crate::exchange::{self, nonce};
use crate::observed::Observed;
use crate::probe::confirming_look;
use crate::script::change::RECORDS;
use crate::script::{Settle, settle_program};
use crate::transport::{Broken, Session};

/// The longest pause between two attempts; many failed logins in a row would get this address banned.
const PAUSE: Duration = Duration::from_secs(5);

pub(super) enum Verdict {
    /// Confirmed, or nothing was to be confirmed; and what was seen.
    Stands(Box<Observed>),
    /// Why.
    RolledBack(String),
    /// No new connection, however long it was tried; the last attempt's reason.
    Silent(Box<Diagnostic>),
}

/// The connection to a host, which a new one replaces once that is proven.
pub(super) struct Way<'s> {
    pub(super) session: &'s mut Box<dyn Session>,
    /// Exchanges over connections that are no more.
    pub(super) spent: usize,
}

impl Way<'_> {
    pub(super) fn exchanges(&self) -> usize {
        self.spent + self.session.exchanges()
    }
}

/// `old_answers`: the connection that made the change may be of use.
pub(super) fn confirm(way: &mut Way<'_>, catalog: &HostCatalog, how: &Apply<'_>, old_answers: bool) -> Verdict {
    let within = Duration::from_secs(how.run.confirm_within);
    let began = Instant::now();
    let mut may_ask = old_answers;
    let mut pause = Duration::from_millis(500);
    let base = catalog.site.path(RECORDS);
    let settle = Settle { base: &base, run: &how.run.id, why: None };
    loop {
        let failure = match attempt(way, catalog, how, &settle) {
            Ok(Some(verdict)) => return verdict,
            Ok(None) => Diagnostic::error(format!("host {} is still undoing the change", catalog.host))
                .remedy("look at it again in a minute"),
            Err(Broken::Unreachable(failure) | Broken::Lost(failure) | Broken::Ended(failure)) => *failure,
        };
        if began.elapsed() >= within + how.grace {
            return Verdict::Silent(Box::new(failure));
        }
        if may_ask && began.elapsed() >= within / 4 {
            may_ask = false;
            let why = failure.fact.replace(['\n', '\0'], " ");
            // whatever it answers, the host must let in somebody new: the next attempt hears what became of it
            let _ = ask(&mut **way.session, how, &Settle { why: Some(&why), ..settle });
            continue;
        }
        std::thread::sleep(pause);
        pause = PAUSE.min(pause * 2);
    }
}

/// One new connection, with the verifying look over it. `None`: the host does not know yet.
fn attempt(
    way: &mut Way<'_>,
    catalog: &HostCatalog,
    how: &Apply<'_>,
    settle: &Settle<'_>,
) -> Result<Option<Verdict>, Broken> {
    let mut session = (how.reconnect)(way.session.login())?;
    let records = how.run.records(&catalog.site);
    let looked = confirming_look(&mut *session, catalog, &records, how.silence, settle);
    let said = match looked {
        Ok((said, observed)) => verdict(&said, observed),
        Err(broken) => {
            way.spent += session.exchanges();
            return Err(broken);
        }
    };
    if said.is_some() {
        way.spent += way.session.exchanges();
        *way.session = session;
    } else {
        way.spent += session.exchanges();
    }
    Ok(said)
}

fn verdict(said: &str, observed: Observed) -> Option<Verdict> {
    match said.split_once(' ').unwrap_or((said, "")) {
        ("confirmed" | "nothing", _) => Some(Verdict::Stands(Box::new(observed))),
        ("rolled-back", why) => {
            let why = String::from_utf8_lossy(&STANDARD.decode(why).unwrap_or_default()).trim_end().to_owned();
            Some(Verdict::RolledBack(why))
        }
        _ => None,
    }
}

/// Lets the host undo the change now, over the connection that made it.
fn ask(session: &mut dyn Session, how: &Apply<'_>, settle: &Settle<'_>) -> Result<(), Broken> {
    let nonce = nonce()?;
    exchange::ask(session, settle_program(settle, &nonce).as_bytes(), &[], &nonce, how.silence).map(drop)
}
