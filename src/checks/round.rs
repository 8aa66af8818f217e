//! All checks of one host, tried again until each passed or its time is over.

use std::time::{Duration, Instant};

use super::{Check, Verdict, What, curl, inside, network, smtp, spoken, tls};
use crate::transport::{Broken, Session};

/// A check and how it ended.
#[derive(Debug, Clone)]
pub struct Verified {
    pub check: Check,
    pub verdict: Verdict,
}

const PAUSE: Duration = Duration::from_secs(1);

/// Tries until all pass or their time is over. `within` replaces what the checks say; `connect` is called once, if the
/// host itself is to be asked.
pub fn verify(
    checks: &[Check],
    address: &str,
    within: Option<Duration>,
    silence: Duration,
    session: &mut Option<Box<dyn Session>>,
    connect: impl Fn() -> Result<Box<dyn Session>, Broken>,
) -> Vec<Verified> {
    let start = Instant::now();
    let mut verdicts: Vec<Option<Verdict>> = vec![None; checks.len()];
    loop {
        let is_open = |index: &usize| {
            let patience = checks.get(*index).map(|check| within.unwrap_or(check.within)).unwrap_or_default();
            match verdicts.get(*index) {
                Some(None) => true,
                Some(Some(verdict)) => *verdict != Verdict::Passed && start.elapsed() < patience,
                None => false,
            }
        };
        let open: Vec<usize> = (0..checks.len()).filter(is_open).collect();
        if open.is_empty() {
            break;
        }
        if verdicts.iter().all(Option::is_some) {
            std::thread::sleep(PAUSE);
        }
        for (index, verdict) in once(checks, &open, address, silence, session, &connect) {
            if let Some(slot) = verdicts.get_mut(index) {
                *slot = Some(verdict);
            }
        }
    }
    let unknown = || Verdict::Unknown("not tried".to_owned());
    checks
        .iter()
        .zip(verdicts)
        .map(|(check, verdict)| Verified { check: check.clone(), verdict: verdict.unwrap_or_else(unknown) })
        .collect()
}

fn once(
    checks: &[Check],
    open: &[usize],
    address: &str,
    silence: Duration,
    session: &mut Option<Box<dyn Session>>,
    connect: &impl Fn() -> Result<Box<dyn Session>, Broken>,
) -> Vec<(usize, Verdict)> {
    let mut verdicts = Vec::new();
    let mut within = Vec::new();
    for &index in open {
        let Some(check) = checks.get(index) else { continue };
        let verdict = match &check.what {
            What::Http(http) => curl::check(http, address),
            What::Tcp(tcp) => network::tcp(tcp, address),
            What::Tls(tls) => tls::check(tls, address),
            What::Dns(dns) => network::dns(dns, address),
            What::Smtp(smtp) => smtp::check(smtp, address),
            What::Matrix(it) => spoken::check(&it.asks(), it.ca.as_ref(), address),
            What::Xmlrpc(it) => spoken::check(&it.asks(), it.ca.as_ref(), address),
            What::Caldav(it) => spoken::check(&it.asks(), it.ca.as_ref(), address),
            What::Inside(inside) => {
                within.push((index, inside));
                continue;
            }
        };
        verdicts.push((index, verdict));
    }
    if within.is_empty() {
        return verdicts;
    }
    let asked: Vec<&inside::Inside> = within.iter().map(|(_, inside)| *inside).collect();
    let answered = match session.as_mut() {
        Some(session) => inside::check(&mut **session, &asked, silence),
        None => connect().and_then(|mut new| {
            let answered = inside::check(&mut *new, &asked, silence);
            *session = Some(new);
            answered
        }),
    };
    match answered {
        Ok(answered) => verdicts.extend(within.iter().map(|(index, _)| *index).zip(answered)),
        Err(broken) => {
            // the next round begins with a new connection
            *session = None;
            let (Broken::Unreachable(why) | Broken::Lost(why) | Broken::Ended(why)) = broken;
            verdicts.extend(within.iter().map(|(index, _)| (*index, Verdict::Unknown(why.fact.clone()))));
        }
    }
    verdicts
}
