//! Reader keys on a host: installed, kept as they should be, taken away. Each is one exchange by somebody who may change the
//! host. What is installed is made in `script::reader`.

use std::time::Duration;

use crate::catalog::HostCatalog;
use crate::diag::Diagnostic;
use crate::exchange::{ask, nonce};
use crate::observed::Installed;
use crate::script::reader;
use crate::transport::{Broken, Session};

/// True if what is installed is not what it should be on a host that is as the catalog wants it. False where nothing is
/// installed, or nothing can be said: a directory, a part of the services.
pub fn is_outdated(catalog: &HostCatalog, found: Option<&Installed>) -> bool {
    catalog.bootstrap.is_some() && found.is_some_and(|found| *found != reader::installed(catalog))
}

/// Installs the declared keys, or what changed about them. `complete`: the host is as the catalog wants it.
pub fn install(
    session: &mut dyn Session,
    catalog: &HostCatalog,
    records: &str,
    complete: bool,
    silence: Duration,
) -> Result<(), Broken> {
    let nonce = nonce()?;
    done(session, &reader::install(catalog, records, complete, &nonce), &nonce, &catalog.host, silence)
}

/// Takes keys, account, program and right away.
pub fn remove(session: &mut dyn Session, host: &str, silence: Duration) -> Result<(), Broken> {
    let nonce = nonce()?;
    done(session, &reader::remove(&nonce), &nonce, host, silence)
}

fn done(session: &mut dyn Session, script: &[u8], nonce: &str, host: &str, silence: Duration) -> Result<(), Broken> {
    let sections = ask(session, script, &[], nonce, silence)?.sections;
    if sections.contains_key("good") {
        return Ok(());
    }
    let said = sections.get("failed").map(|answer| String::from_utf8_lossy(&answer.bytes).trim().to_owned());
    let said = said.filter(|said| !said.is_empty()).unwrap_or_else(|| "it did not say why".to_owned());
    let fact = format!("reader keys could not be set up on host {host}: {}", said.escape_debug());
    Err(Broken::Ended(Box::new(
        Diagnostic::error(fact).remedy("mend what it says there, and run `steward host reader` again"),
    )))
}
