//! The baseline of security: whether a host is as every server of a chapter should be. One exchange that changes nothing;
//! what the host says is compared here, with what the inventory declares where that matters. What cannot be found out is
//! skipped and says why: it never passes.

use crate::access::{Finding, Seen, undeclared};
use crate::catalog::HostCatalog;
use crate::diag::Diagnostic;
use crate::exchange::{ask, nonce};
use crate::plan::fleet::HostError;
use crate::probe::reader_key;
use crate::script::audit_program;
use crate::script::frames::Answers;
use crate::transport::{Broken, Session};

mod access;
mod network;
pub mod report;
mod said;
mod ssh;
mod system;
mod updates;

use said::Said;

/// One point of the baseline on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// `area.name`, for programs; they stay the same.
    pub id: &'static str,
    /// What should be so.
    pub title: &'static str,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Fail {
        /// How it is instead.
        found: String,
        remedy: String,
    },
    /// It does not apply here, or could not be found out; why.
    Skip(String),
}

/// What the inventory says that the catalog does not.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Where sshd listens.
    pub ssh: Vec<u16>,
    /// Accounts of people who may change everything.
    pub maintainers: usize,
    /// Seconds since 1970 where Steward runs.
    pub now: i64,
}

/// All points, area by area.
fn judge(catalog: &HostCatalog, expected: &Expected, said: &Said, found: &[Finding]) -> Vec<Audited> {
    let mut all = ssh::audit(catalog, said);
    all.extend(access::audit(expected, said, found));
    all.extend(network::audit(catalog, expected, said));
    all.extend(updates::audit(catalog, said));
    all.extend(system::audit(expected, said));
    all
}

/// What sets a point right that this module is responsible for.
fn by_module(module: &str, catalog: &HostCatalog) -> String {
    if catalog.services.iter().any(|service| service.module == module) {
        format!("`steward apply` sets it as the module `{module}` says; `steward plan` shows what differs")
    } else {
        format!("the module `{module}` sets it: `steward add {module} --on {}`", catalog.host)
    }
}

/// Asks the host, in one exchange.
pub fn audit(
    session: &mut dyn Session,
    catalog: &HostCatalog,
    expected: &Expected,
    silence: std::time::Duration,
) -> Result<Vec<Audited>, HostError> {
    let answers = asked(session, silence)?;
    let is_root = answers.sections.get("facts").is_some_and(|it| it.text_lines().any(|line| line == "uid|0"));
    if !is_root {
        let fact = format!("host {}: the login is not root there and did not become it", catalog.host);
        let diagnostic = Diagnostic::error(fact).remedy("log in as root or as a user who may use sudo (`--user`)");
        return Err(HostError { unreachable: false, diagnostic });
    }
    let said = Said::read(answers.sections.get("audit"));
    let seen = Seen::read(answers.sections.get("access"));
    let reader = reader_key(answers.sections.get("ledger"));
    Ok(judge(catalog, expected, &said, &undeclared(catalog, &seen, reader.as_ref())))
}

fn asked(session: &mut dyn Session, silence: std::time::Duration) -> Result<Answers, Broken> {
    let nonce = nonce()?;
    let request = format!("steward-request 2 {nonce} \nfacts 0\nledger 0\naccess 0\naudit 0\nend 0\n");
    ask(session, audit_program().as_bytes(), request.as_bytes(), &nonce, silence)
}

#[cfg(test)]
mod tests;
