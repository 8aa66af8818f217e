//! `steward secrets set NAME`

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use clap::Args;
use zeroize::Zeroizing;

use super::super::{Context, Outcome};
use super::Desk;
use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::exit::Exit;
use crate::secret::{Secret, SecretName};
use crate::transport::Asker as _;
use crate::ui::Ui;

/// Give a secret a value: asked twice at a terminal, else read from standard input or a file. Never an argument, which
/// others on this machine could see.
#[derive(Debug, Args)]
pub struct Set {
    /// Such as `wiki/admin_password`.
    name: String,
    /// The file that holds the value, exactly; `-` is standard input.
    #[arg(long, value_name = "FILE|-")]
    file: Option<PathBuf>,
}

impl Set {
    pub(super) fn run(self, context: &Context, desk: &Desk) -> Outcome {
        let Self { name, file } = self;
        let name = desk.known(&name)?;
        let value = given(context.ui, file.as_deref())?;
        replace(context, desk, &name, &value)
    }
}

/// Gives a secret a value, and keeps the one before if some host may still need it.
pub(super) fn replace(context: &Context, desk: &Desk, name: &SecretName, value: &Secret) -> Outcome {
    if value.is_empty() {
        return Err(Diagnostic::error("the value is empty; nothing was written").remedy("give it one").into());
    }
    // kept only if whoever sets it can read the one that is replaced
    let before = desk.store.header(name).and_then(|_| desk.store.decrypt(name, &desk.identities).ok());
    desk.store.commit(&desk.new_value(name, value, before.as_ref())?)?;
    context.ui.message(&format!("{name} is set, readable by {}.", readers(desk, name)));
    Ok(Exit::Success)
}

/// Names for a sentence.
fn readers(desk: &Desk, name: &SecretName) -> String {
    let readers = desk.readers(name);
    let able = readers.iter().filter(|reader| !reader.recipients.is_empty()).map(|reader| reader.person.as_str());
    able.collect::<Vec<_>>().join(", ")
}

fn given(ui: Ui, file: Option<&Path>) -> Result<Secret, Diagnostics> {
    let failed = |what: &str, error: &std::io::Error| -> Diagnostics {
        Diagnostic::error(format!("cannot read {what}: {error}")).remedy("name a file that you can read").into()
    };
    match file {
        Some(path) if path != Path::new("-") => {
            std::fs::read(path).map(Secret::new).map_err(|error| failed(&shown(path), &error))
        }
        None if std::io::stdin().is_terminal() => asked(ui),
        _ => {
            let mut bytes = Zeroizing::new(Vec::new());
            std::io::stdin().read_to_end(&mut bytes).map_err(|error| failed("standard input", &error))?;
            // the newline of `echo` and of editors is no part of a password
            if file.is_none() && bytes.iter().position(|byte| *byte == b'\n') == Some(bytes.len().saturating_sub(1)) {
                bytes.pop();
            }
            Ok(Secret::new(std::mem::take(&mut *bytes)))
        }
    }
}

fn asked(ui: Ui) -> Result<Secret, Diagnostics> {
    let nobody = || Diagnostic::error("nobody is there to ask").remedy("give the value on standard input");
    let first = ui.secret("New value (not shown):").ok_or_else(nobody)?;
    let second = ui.secret("The same again:").ok_or_else(nobody)?;
    if first.expose_secret() != second.expose_secret() {
        return Err(Diagnostic::error("the two are not the same; nothing was written").remedy("try again").into());
    }
    Ok(Secret::new(first.expose_secret().as_bytes()))
}
