//! What the host itself finds out, for all such checks in one exchange: units, listening ports, commands.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::Verdict;
use super::declared::Engine;
use crate::exchange::{ask, nonce};
use crate::plan::diff::visible;
use crate::quoting::{decode, encode};
use crate::script::verify_program;
use crate::transport::{Broken, Session};

#[derive(Debug, Clone)]
pub enum Inside {
    Unit(Unit),
    PortSet(PortSet),
    Command(Command),
}

/// A unit of systemd.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    pub name: String,
    /// It runs now; false: it does not.
    #[serde(default = "super::declared::yes")]
    pub active: bool,
    /// It starts with the host; false: it does not.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// Every TCP port that listens to the network is one of these.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortSet {
    pub open: Vec<u16>,
}

/// A command that succeeds. It must change nothing.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Text for `sh`, run by root.
    pub run: String,
    /// Whose rights it has.
    #[serde(default)]
    pub user: Option<String>,
    /// Text that stands in what it prints.
    #[serde(default)]
    pub contains: Option<String>,
    /// All that it prints, without blanks around it.
    #[serde(default)]
    pub prints: Option<String>,
}

/// One query to a database on the host, by its administrator.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sql {
    pub(super) engine: Engine,
    database: String,
    query: String,
    /// All that it gives: values in a line parted by tabs.
    #[serde(default)]
    gives: Option<String>,
}

impl Sql {
    pub(super) fn command(self) -> Command {
        let quoted = |text: &str| String::from_utf8_lossy(&crate::quoting::quote(text.as_bytes())).into_owned();
        let (database, query) = (quoted(&self.database), quoted(&self.query));
        let (run, user) = match self.engine {
            // read-only, whatever the query says
            Engine::Postgres => (
                format!(
                    "PGOPTIONS='-c default_transaction_read_only=on' psql -XAtq -F '\t' -v ON_ERROR_STOP=1 -d {database} -c {query}"
                ),
                Some("postgres".to_owned()),
            ),
            Engine::Mariadb => (
                format!(
                    "mariadb --batch --skip-column-names --init-command='SET SESSION TRANSACTION READ ONLY' {database} -e {query}"
                ),
                None,
            ),
        };
        Command { run, user, contains: None, prints: self.gives }
    }
}

impl Inside {
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Unit(unit) => unit.name.clone(),
            Self::PortSet(_) => "TCP".to_owned(),
            Self::Command(command) => command.run.lines().next().unwrap_or_default().chars().take(60).collect(),
        }
    }

    /// The line of the request, see `checks.sh`.
    fn line(&self, number: usize) -> String {
        let fields: Vec<String> = match self {
            Self::Unit(unit) => vec!["unit".into(), encode(unit.name.as_bytes())],
            Self::PortSet(_) => vec!["ports".into()],
            Self::Command(command) => {
                let user = command.user.as_deref().unwrap_or_default();
                vec!["command".into(), encode(user.as_bytes()), encode(command.run.as_bytes())]
            }
        };
        format!("{number}|{}\n", fields.join("|"))
    }

    pub(super) fn judge(&self, said: &[&str]) -> Verdict {
        match self {
            Self::Unit(unit) => unit.judge(said),
            Self::PortSet(set) => set.judge(said),
            Self::Command(command) => command.judge(said),
        }
    }
}

impl Unit {
    fn judge(&self, said: &[&str]) -> Verdict {
        let [active, enabled] = said else { return odd() };
        if (*active == "active") != self.active {
            return Verdict::Failed(format!("it is {}", visible(active)));
        }
        let starts =
            enabled.starts_with("enabled") || matches!(*enabled, "static" | "generated" | "alias" | "indirect");
        match self.enabled {
            Some(wanted) if wanted != starts => Verdict::Failed(format!("it is {}", visible(enabled))),
            _ => Verdict::Passed,
        }
    }
}

impl PortSet {
    fn judge(&self, said: &[&str]) -> Verdict {
        let [ports] = said else { return odd() };
        let mut others = Vec::new();
        for port in ports.split(' ').filter(|port| !port.is_empty()) {
            match port.parse::<u16>() {
                Ok(port) if self.open.contains(&port) => {}
                Ok(port) => others.push(port.to_string()),
                Err(_) => return odd(),
            }
        }
        if others.is_empty() {
            return Verdict::Passed;
        }
        Verdict::Failed(format!("something listens to the network on {} too", others.join(", ")))
    }
}

impl Command {
    fn judge(&self, said: &[&str]) -> Verdict {
        let [code, output] = said else { return odd() };
        let output = String::from_utf8_lossy(&decode(output)).into_owned();
        let output = output.trim();
        let last = || visible(output.lines().next_back().unwrap_or_default());
        match *code {
            "0" => {}
            "124" | "137" => return Verdict::Failed("it did not end in 20 seconds".to_owned()),
            code => return Verdict::Failed(format!("it ended with {}: {}", visible(code), last())),
        }
        if let Some(wanted) = self.prints.as_ref().filter(|wanted| output != wanted.trim()) {
            return Verdict::Failed(format!("it gives `{}` instead of `{wanted}`", last()));
        }
        if let Some(wanted) = self.contains.as_ref().filter(|wanted| !output.contains(wanted.as_str())) {
            return Verdict::Failed(format!("`{wanted}` does not stand in what it prints"));
        }
        Verdict::Passed
    }
}

fn odd() -> Verdict {
    Verdict::Unknown("the host gave no answer that can be read".to_owned())
}

/// Asks the host once for all of these.
pub(super) fn check(
    session: &mut dyn Session,
    checks: &[&Inside],
    silence: Duration,
) -> Result<Vec<Verdict>, Broken> {
    let nonce = nonce()?;
    let lines: String = checks.iter().enumerate().map(|(number, check)| check.line(number)).collect();
    let request = format!("steward-request 2 {nonce} \nchecks {}\n{lines}end 0\n", lines.len());
    let answers = ask(session, verify_program().as_bytes(), request.as_bytes(), &nonce, silence)?;
    let answer = answers.sections.get("checks");
    let mut said: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for line in answer.iter().flat_map(|answer| answer.text_lines()) {
        let mut fields = line.split('|').map(str::to_owned);
        if let (Some("C"), Some(Ok(number))) = (fields.next().as_deref(), fields.next().map(|number| number.parse()))
        {
            said.insert(number, fields.collect());
        }
    }
    let verdict = |(number, check): (usize, &&Inside)| {
        said.get(&number)
            .map_or_else(odd, |fields| check.judge(&fields.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    Ok(checks.iter().enumerate().map(verdict).collect())
}
