//! `command`: something to run, and how to tell that it is done. The text is data: it reaches the host in a variable and
//! is evaluated there, as the account that is named, with nothing on standard input.
//!
//! Runs nothing during a look, unless the guard is declared to be read-only.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;

use super::accounts::account_name;
use super::paths::{Found, Paths};
use super::{
    Answer, Build, Call, Item, Kind, Reaction, ReactionKind, Site, absolute, concrete, field_place, is_plain_absolute,
};
use crate::diag::Diagnostic;
use crate::observed::{Ledger, NOT_RUN};
use crate::quoting::encode;
use crate::resource::{Observation, State, Want, digest};
use crate::secret::Sealed;
use crate::yaml::Node;

mod rotation;
pub use rotation::{CHANGES, rotation};

#[derive(Debug)]
pub struct CommandKind;

/// A command with a guard: `creates` or `unless` say when it is done, `on_change` when it is to be repeated.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// What it is for, in a few words; names it in plans.
    name: String,
    /// A line or more of shell, or a list of words that no shell reads. Secrets belong into `stdin`: other accounts on
    /// the host can see words, and programs hand their environment on.
    run: Run,
    /// Done if this path exists.
    creates: Option<String>,
    /// Done if this shell text ends with status 0; to be run if with 1; anything else is a failure.
    unless: Option<String>,
    /// True: `unless` changes nothing, so that a plan may run it (with 10 s of time).
    #[serde(default)]
    read_only: bool,
    /// Absolute path globs; a change under one of them runs it, so it must be repeatable.
    #[serde(default)]
    on_change: Vec<String>,
    /// Seconds until it is ended: 600 unless given.
    #[serde(default = "ten_minutes")]
    timeout: u32,
    /// The account to run it as: root unless given.
    user: Option<String>,
    /// Where to run it: / unless given.
    cwd: Option<String>,
    /// Variables of its environment.
    #[serde(default)]
    env: IndexMap<String, String>,
    /// What it reads on its standard input: the one way to hand it a secret. Without a guard it is run once for this text,
    /// and again when the text or a value in it changes.
    stdin: Option<String>,
}

fn ten_minutes() -> u32 {
    600
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
enum Run {
    Shell(String),
    Words(Vec<String>),
}

#[derive(Debug, PartialEq)]
enum Guard {
    /// Only `on_change`: its state is always in order.
    None,
    Creates(String),
    Unless {
        text: String,
        read_only: bool,
    },
    /// Done if it ran with this standard input before.
    Input,
    /// The same, for what tells software a new value of this secret. `is_used`: done, too, where nothing was ever made of an
    /// earlier value.
    Rotation {
        secret: String,
        is_used: bool,
    },
}

#[derive(Debug)]
struct Command {
    fields: Fields,
    guard: Guard,
    /// If its standard input holds secrets.
    sealed: Option<Arc<Sealed>>,
}

impl Kind for CommandKind {
    fn name(&self) -> &'static str {
        "command"
    }

    fn summary(&self) -> &'static str {
        "A command, run unless a guard says that it is done, or when something changes."
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(Fields)
    }

    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>> {
        let fields: Fields = node.decode(build.mistakes)?;
        let before = build.mistakes.0.len();
        for (field, path) in [("creates", &fields.creates), ("cwd", &fields.cwd)] {
            if let Some(path) = path.as_deref().filter(|path| *path != "/") {
                absolute(path, node, field, build.mistakes);
            }
        }
        if let Some(user) = &fields.user {
            account_name(user, node, "user", build.mistakes);
        }
        for (field, fact, remedy) in mistakes(&fields) {
            build.mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
        }
        if build.mistakes.0.len() > before {
            return None;
        }
        let guard = match (&fields.creates, &fields.unless) {
            (Some(path), _) => Guard::Creates(path.clone()),
            (_, Some(text)) => Guard::Unless { text: text.clone(), read_only: fields.read_only },
            _ if fields.stdin.is_some() && fields.on_change.is_empty() => Guard::Input,
            _ => Guard::None,
        };
        let sealed = node.get("stdin").and_then(|node| node.sealed.clone());
        Some(Box::new(Command { fields, guard, sealed }))
    }

    fn probe(&self) -> &'static str {
        include_str!("probe.sh")
    }

    fn reader(&self) -> Option<&'static str> {
        Some(include_str!("reader.sh"))
    }

    fn read(&self, items: &[&dyn Item], _: &Site, answer: &Answer) -> Vec<Observation> {
        let paths = Paths::read(answer);
        let codes: BTreeMap<&str, &str> =
            answer.text_lines().filter_map(|line| line.strip_prefix("R|")?.split_once('|')).collect();
        items
            .iter()
            .map(|item| match concrete::<Command>(*item) {
                Some(command) => command.observe(&paths, &codes, &answer.ledger),
                None => Observation::Unknown("not a command".into()),
            })
            .collect()
    }

    fn apply(&self) -> &'static str {
        include_str!("apply.sh")
    }

    fn provides(&self) -> bool {
        true
    }

    fn secret_fields(&self) -> &'static [&'static str] {
        &["stdin"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "{ name: make the wiki's index, run: \"mkdir -p /srv/wiki && touch /srv/wiki/index\", creates: /srv/wiki/index }",
            "{ name: enable a site, run: [ln, -s, ../sites-available/a b, /tmp/site], unless: test -L /tmp/site, \
             read_only: true }",
            "{ name: rebuild the aliases, run: newaliases, on_change: [/etc/aliases] }",
            "{ name: hand it over, run: \"cat >/tmp/handed\", stdin: \"a line\\n\", creates: /tmp/handed }",
            "{ name: as somebody, run: \"id -un >$HERE/me\", creates: /tmp/me, user: daemon, cwd: /tmp, env: { HERE: /tmp }, timeout: 5 }",
        ]
    }
}

/// Field, fact, remedy.
fn mistakes(fields: &Fields) -> Vec<(&'static str, String, &'static str)> {
    let mut found = Vec::new();
    if fields.name.is_empty() || fields.name.contains(['\n', '\0']) {
        found.push(("name", "a command needs a name of one line".to_owned(), "say what it is for"));
    }
    let empty = match &fields.run {
        Run::Shell(text) => text.trim().is_empty(),
        Run::Words(words) => words.first().is_none_or(String::is_empty),
    };
    if empty {
        found.push(("run", "there is nothing to run".to_owned(), "write a line of shell, or a list of words"));
    }
    match (&fields.creates, &fields.unless, fields.on_change.is_empty()) {
        (None, None, true) if fields.stdin.is_none() => {
            let fact = format!("nothing says when `{}` is done", fields.name);
            found.push((
                "name",
                fact,
                "add `creates: PATH`, `unless: COMMAND`, `on_change: [GLOB]` or `stdin: TEXT`",
            ));
        }
        (Some(_), Some(_), _) => {
            let fact = "both `creates` and `unless` say when it is done".to_owned();
            found.push(("unless", fact, "keep one of them"));
        }
        _ => {}
    }
    if fields.read_only && fields.unless.is_none() {
        found.push(("read_only", "`read_only` is said of no `unless`".to_owned(), "drop it"));
    }
    for glob in fields.on_change.iter().filter(|glob| !is_plain_absolute(glob)) {
        let fact = format!("`{glob}` is not an absolute path or glob");
        found.push(("on_change", fact, "write it like `/etc/aliases.d/**`"));
    }
    for name in fields.env.keys().filter(|name| !is_variable(name)) {
        found.push(("env", format!("`{name}` is not the name of a variable"), "use capitals, digits and `_`"));
    }
    if fields.timeout == 0 {
        found.push(("timeout", "no command ends in 0 seconds".to_owned(), "give it at least 1"));
    }
    found
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl Command {
    fn observe(&self, paths: &Paths, codes: &BTreeMap<&str, &str>, ledger: &Ledger) -> Observation {
        let done = || Observation::Present(State::new().with("done", "yes"));
        match &self.guard {
            Guard::None => Observation::Present(State::new()),
            Guard::Creates(path) => match paths.at(path) {
                Found::There(_) => done(),
                Found::Absent => Observation::Absent,
                Found::Unknown(why) => Observation::Unknown(format!("{path}: {why}")),
            },
            Guard::Input | Guard::Rotation { .. } if self.ran_before(ledger) => done(),
            Guard::Rotation { secret, is_used: true } if !self.is_due(secret, ledger) => done(),
            Guard::Input | Guard::Rotation { .. } => Observation::Absent,
            Guard::Unless { read_only: false, .. } => Observation::Undecided("`unless` decides".into()),
            Guard::Unless { .. } => match codes.get(encode(self.fields.name.as_bytes()).as_str()).copied() {
                Some("0") => done(),
                Some("1") => Observation::Absent,
                Some("not run") => Observation::Unknown(NOT_RUN.to_owned()),
                Some("124" | "137" | "143") => Observation::Unknown("`unless` took longer than 10 s".into()),
                Some(code) => Observation::Unknown(format!("`unless` ended with status {}", code.escape_debug())),
                None => Observation::Unknown("the host did not say how `unless` ended".into()),
            },
        }
    }

    fn ran_before(&self, ledger: &Ledger) -> bool {
        let kept = ledger.0.get(&format!("command:{}", self.fields.name));
        kept.is_some_and(|kept| kept.stamp == self.stamp())
    }

    /// How to run: account, directory, variables.
    fn surroundings(&self) -> Vec<Vec<u8>> {
        let fields = &self.fields;
        let mut words = vec![
            fields.user.clone().unwrap_or_default().into_bytes(),
            fields.cwd.clone().unwrap_or_else(|| "/".to_owned()).into_bytes(),
            fields.env.len().to_string().into_bytes(),
        ];
        words.extend(fields.env.iter().map(|(name, value)| format!("{name}={value}").into_bytes()));
        words
    }

    /// Changes with the text on standard input, and with the values in it.
    fn stamp(&self) -> String {
        let text = || digest(self.fields.stdin.as_deref().unwrap_or_default().as_bytes());
        self.sealed.as_ref().map_or_else(text, |sealed| sealed.stamp.clone())
    }

    fn ledger_line(&self) -> String {
        let id = encode(format!("command:{}", self.fields.name).as_bytes());
        let ids = self.sealed.as_ref().map(|sealed| sealed.ids_line()).unwrap_or_default();
        format!("{id}|{}|{ids}", self.stamp())
    }

    /// The call; without the guard when something changed, since then it is to be repeated.
    fn run(&self, guard: &Guard) -> Call {
        let call = match (&self.sealed, &self.fields.stdin) {
            (Some(sealed), _) => match guard {
                Guard::Rotation { secret, .. } => Call::new("command_rotate").secret(sealed).arg(secret.as_str()),
                _ => Call::new("command_run").secret(sealed),
            },
            (None, Some(text)) => Call::new("command_run").payload(text.as_bytes()),
            (None, None) => Call::new("command_run").arg("/dev/null"),
        };
        let call = match guard {
            Guard::None => call.arg("").arg(""),
            Guard::Creates(path) => call.arg("creates").arg(path.as_str()),
            Guard::Unless { text, .. } => call.arg("unless").arg(text.as_str()),
            Guard::Input | Guard::Rotation { .. } => call.arg("input").arg(self.ledger_line()),
        };
        let call = call.arg(self.fields.timeout.to_string());
        let call = self.surroundings().into_iter().fold(call, Call::arg);
        match &self.fields.run {
            Run::Shell(text) => call.arg("shell").arg(text.as_str()),
            Run::Words(words) => words.iter().fold(call.arg("words"), |call, word| call.arg(word.as_str())),
        }
    }
}

impl Item for Command {
    fn name(&self) -> &str {
        &self.fields.name
    }

    fn want(&self) -> Want {
        Want::Present(State::new().with_some("done", (self.guard != Guard::None).then_some("yes")))
    }

    fn ask(&self, _: &Site) -> Vec<Vec<u8>> {
        let name = self.fields.name.clone().into_bytes();
        match &self.guard {
            Guard::Creates(path) => vec![b"creates".into(), path.clone().into()],
            Guard::Unless { text, read_only: true } => {
                let mut words = vec![b"unless".to_vec(), name, text.clone().into()];
                words.extend(self.surroundings());
                words
            }
            _ => vec![b"nothing".into()],
        }
    }

    fn call(&self, _: &Site) -> Call {
        match &self.guard {
            Guard::None => Call::new("command_waits"),
            guard => self.run(guard),
        }
    }

    fn reactions(&self) -> Vec<Reaction> {
        let on = self.fields.on_change.clone();
        let reaction = Reaction { action: ReactionKind::Run, on, call: self.run(&Guard::None), validate: None };
        if self.fields.on_change.is_empty() { Vec::new() } else { vec![reaction] }
    }

    fn runs(&self) -> bool {
        true
    }

    fn sealed(&self) -> Option<&Arc<Sealed>> {
        self.sealed.as_ref()
    }
}

#[cfg(test)]
mod tests;
