//! `steward people add NAME`

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{Context, Outcome};
use super::{keep, loaded};
use crate::diag::{Diagnostic, Diagnostics, Result, shown};
use crate::exit::Exit;
use crate::inventory::{AgeRecipient, Inventory, Role};
use crate::people::coming::coming;
use crate::people::entry::NewPerson;
use crate::people::keys::Keys;
use crate::ui::Ui;

/// Add somebody: writes the inventory, and encrypts to their key what they may read. At a terminal, asks for what is missing.
#[derive(Debug, Args)]
pub struct Add {
    /// The key in the inventory, and the account on the hosts unless `--login` names another.
    person: String,
    /// The name as others know it.
    #[arg(long)]
    name: Option<String>,
    /// What the person may do.
    #[arg(long, value_enum)]
    role: Option<Role>,
    /// The account on the hosts.
    #[arg(long)]
    login: Option<String>,
    /// Public SSH keys, one a line; `-` is standard input. May be repeated.
    #[arg(long, value_name = "FILE|-")]
    ssh_key: Vec<PathBuf>,
    /// A public age key, or a file with one a line; `-` is standard input. May be repeated.
    #[arg(long, value_name = "KEY|FILE|-")]
    age: Vec<String>,
}

impl Add {
    pub fn run(self, context: &Context) -> Outcome {
        let (inventory, library) = loaded(context)?;
        let new = self.person(context.ui, &inventory)?;
        let keep = keep(context, &inventory)?;
        let coming = coming(&inventory, &library, &keep, &new)?;
        let (now, later) = keep.readable(&coming.secrets);
        let files = coming.rewrites.iter().map(|rewrite| shown(&rewrite.path)).collect::<Vec<_>>().join(", ");
        let count = now.len();
        keep.welcome(now, coming.rewrites)?;
        context.ui.message(&format!("{} is in {files}; {count} secrets are encrypted to their key, too.", new.id));
        if !later.is_empty() {
            context.ui.message(&format!(
                "You cannot read {} of the secrets that {} may read: let a maintainer run `steward secrets rekey`.",
                later.len(),
                new.id
            ));
        }
        context.ui.message("Next: look at `git diff`, commit, push, `steward apply`.");
        Ok(Exit::Success)
    }

    /// What was given, completed by what is known and by asking.
    fn person(self, ui: Ui, inventory: &Inventory) -> std::result::Result<NewPerson, Diagnostics> {
        let Self { person: id, name, role, login, ssh_key, age } = self;
        if let Some(there) = inventory.people.get(&id) {
            return Err(Diagnostic::error(format!("`{id}` is a person already"))
                .at(&there.place)
                .remedy("choose another name, or change the entry there")
                .into());
        }
        let left = inventory.former.get(&id);
        let login = login.or_else(|| left.and_then(|left| left.login.as_ref().map(ToString::to_string)));
        let mut keys = given_keys(&ssh_key, &age)?;
        let mut missing = Vec::new();
        let name = name.or_else(|| left.map(|left| left.name.value.clone()));
        let name = name.or_else(|| asked(ui, &format!("Name of {id}, as others know it:"), "--name", &mut missing));
        let role = match role {
            Some(role) => Some(role),
            None => match asked(ui, "Role (maintainer, operator, reader):", "--role", &mut missing) {
                Some(word) => Some(role_named(&word)?),
                None => None,
            },
        };
        if keys.is_empty() {
            let question = "Public SSH key, the line of ~/.ssh/id_ed25519.pub:";
            if let Some(line) = asked(ui, question, "--ssh-key", &mut missing) {
                keys.add_lines(&line, "your answer")?;
                let age = ui.ask("Public age key, age1… (empty: secrets are encrypted to the SSH key):");
                if let Some(line) = age.filter(|line| !line.is_empty()) {
                    keys.add_lines(&line, "your answer")?;
                }
            }
        }
        match (name, role) {
            (Some(name), Some(role)) if missing.is_empty() => Ok(NewPerson { id, name, role, login, keys }),
            _ => Err(Diagnostic::error(format!("it is not said who `{id}` is"))
                .remedy(format!("give {}, or run it at a terminal, where you are asked", missing.join(" and ")))
                .into()),
        }
    }
}

/// An answer at the terminal; without one, the flag is missing.
fn asked(ui: Ui, question: &str, flag: &'static str, missing: &mut Vec<&'static str>) -> Option<String> {
    let answer = ui.ask(question).filter(|answer| !answer.is_empty());
    if answer.is_none() {
        missing.push(flag);
    }
    answer
}

fn role_named(word: &str) -> Result<Role> {
    let unknown = || Diagnostic::error(format!("there is no role `{}`", word.escape_debug()));
    Role::named(word).ok_or_else(|| Box::new(unknown().suggest(word, Role::ALL.map(Role::name))))
}

/// All keys that were given. Standard input may hold those of both kinds.
fn given_keys(ssh: &[PathBuf], age: &[String]) -> Result<Keys> {
    let mut keys = Keys::default();
    let stdin = Path::new("-");
    if ssh.iter().any(|path| path == stdin) || age.iter().any(|word| word == "-") {
        keys.add_lines(&standard_input()?, "standard input")?;
    }
    for path in ssh.iter().filter(|path| *path != stdin) {
        keys.add_lines(&read(path)?, &shown(path))?;
    }
    for word in age.iter().filter(|word| *word != "-") {
        if AgeRecipient::try_from(word.clone()).is_ok() || word.starts_with("age1") || word.contains("SECRET-KEY") {
            keys.add_lines(word, "the value of --age")?;
        } else {
            keys.add_lines(&read(Path::new(word))?, word)?;
        }
    }
    Ok(keys)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Box::new(
            Diagnostic::error(format!("cannot read {}: {error}", shown(path))).remedy("name a file of public keys"),
        )
    })
}

fn standard_input() -> Result<String> {
    let mut text = String::new();
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Box::new(
            Diagnostic::error("standard input is the terminal").remedy("pipe the public keys in, or leave out `-`"),
        ));
    }
    stdin.lock().read_to_string(&mut text).map_err(|error| {
        Box::new(Diagnostic::error(format!("cannot read standard input: {error}")).remedy("pipe public keys in"))
    })?;
    Ok(text)
}
