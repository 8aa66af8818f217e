//! Whether updates of security arrive, by themselves and in time.

use super::said::{Said, failing, none_of};
use super::{Audited, Verdict, by_module};
use crate::catalog::HostCatalog;

const DAY: i64 = 86_400;

pub(super) fn audit(catalog: &HostCatalog, said: &Said) -> Vec<Audited> {
    let remedy = by_module("apt", catalog);
    let automatic = automatic(said);
    let is_automatic = automatic.as_ref().is_ok_and(Vec::is_empty);
    let verdict = |verdict: Result<Verdict, Verdict>| verdict.unwrap_or_else(|skip| skip);
    vec![
        Audited {
            id: "updates.security",
            title: "packages come from the security suite too",
            verdict: verdict(said.all("suite").map(|suites| {
                let is_security = |suite: &String| suite.ends_with("-security") || suite.ends_with("/updates");
                let known = if suites.is_empty() { "no suite".to_owned() } else { suites.join(", ") };
                let found = if suites.iter().any(is_security) { Vec::new() } else { vec![format!("{known} only")] };
                failing(found, &remedy)
            })),
        },
        Audited {
            id: "updates.automatic",
            title: "updates are installed by themselves",
            verdict: verdict(automatic.map(|found| failing(found, &remedy))),
        },
        Audited {
            id: "updates.lists",
            title: "the lists of packages are at most a week old",
            verdict: verdict(said.all("suite").map(|_| {
                match said.some("age").iter().filter_map(|line| lists(line)).min() {
                    None => failing(
                        vec!["there are none yet".into()],
                        "`apt-get update` on the host, and see why nothing did",
                    ),
                    Some(age) if age > 7 * DAY => failing(
                        vec![format!("{} days old", age / DAY)],
                        "`systemctl status apt-daily.service` on the host says why nothing renewed them",
                    ),
                    Some(_) => Verdict::Pass,
                }
            })),
        },
        Audited {
            id: "updates.pending",
            title: "no update of security waits",
            verdict: verdict(pending(said, is_automatic)),
        },
        none_of(
            said,
            ("updates.reboot", "no restart is owed to an update"),
            "reboot",
            |_| Some("a restart is required".to_owned()),
            "restart it when nobody needs it; /run/reboot-required.pkgs says for which packages",
        ),
    ]
}

fn lists(line: &str) -> Option<i64> {
    line.strip_prefix("lists ")?.parse().ok()
}

/// What keeps updates from being installed.
fn automatic(said: &Said) -> Result<Vec<String>, Verdict> {
    said.all("automatic")?;
    let mut found = Vec::new();
    if said.of("automatic", "program").is_none() {
        found.push("unattended-upgrades is not installed".to_owned());
    }
    for key in ["Update-Package-Lists", "Unattended-Upgrade"] {
        if said.of("automatic", key).is_none_or(|value| matches!(value, "0" | "")) {
            found.push(format!("APT::Periodic::{key} is off"));
        }
    }
    for timer in ["apt-daily", "apt-daily-upgrade"] {
        match said.of("automatic", timer) {
            Some("active enabled") => {}
            Some(state) => found.push(format!("{timer}.timer is {state}")),
            None => return Err(Verdict::Skip("not known: systemd does not run here".into())),
        }
    }
    Ok(found)
}

/// What came since last night is installed next night; what waits longer is a fault.
fn pending(said: &Said, is_automatic: bool) -> Result<Verdict, Verdict> {
    let waiting = said.all("pending")?;
    if !said.all("suite")?.iter().any(|suite| suite.ends_with("-security") || suite.ends_with("/updates")) {
        return Err(Verdict::Skip("not known: there is no security suite to ask".into()));
    }
    let since = said.number("age", "upgrade").or_else(|| said.number("age", "unattended"));
    if waiting.is_empty() || (is_automatic && since.is_some_and(|age| age < 3 * DAY)) {
        return Ok(Verdict::Pass);
    }
    Ok(failing(waiting.to_vec(), "`unattended-upgrade` on the host installs them and says what hinders it"))
}
