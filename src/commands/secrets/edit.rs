//! `steward secrets edit NAME`: the value in an editor, in a file that is only ever in memory.

use std::path::Path;
use std::process::Command;

use clap::Args;

use super::super::{Context, Outcome};
use super::{Desk, set};
use crate::diag::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::secret::Secret;
use crate::secrets::scratch::Scratch;

/// Change a value in your editor ($VISUAL, else $EDITOR, else vi). The file is in memory and private, and gone afterwards.
#[derive(Debug, Args)]
pub struct Edit {
    /// Such as `wiki/admin_password`.
    name: String,
}

impl Edit {
    pub(super) fn run(self, context: &Context, desk: &Desk) -> Outcome {
        let Self { name } = self;
        let name = desk.known(&name)?;
        let before = desk.decrypt(&name)?;
        let scratch = Scratch::new()?;
        let path = scratch.put(&name.name, &before)?;
        edited(&path, scratch.path())?;
        let after = without_added_newline(Scratch::read(&path)?, &before);
        drop(scratch);
        if is_same(&before, &after) {
            context.ui.message(&format!("{name} is as it was; nothing was written."));
            return Ok(Exit::Success);
        }
        set::replace(context, desk, &name, &after)
    }
}

/// Runs the editor on the file; what it keeps beside it goes with the directory.
fn edited(file: &Path, dir: &Path) -> Result<(), Diagnostics> {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    // by a shell, as git does it: editors are named with options
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("{editor}{} \"$@\"", quiet_options(&editor))).arg("sh").arg(file);
    let status = command.env("TMPDIR", dir).status();
    let fact = match status {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("the editor `{editor}` ended with {status}"),
        Err(error) => format!("the editor `{editor}` cannot be run: {error}"),
    };
    let remedy = "nothing was written; name another one by EDITOR, or use `steward secrets set`";
    Err(Diagnostic::error(fact).remedy(remedy).into())
}

/// Vim keeps what was deleted or copied, and undo files, in the home directory unless told not to.
fn quiet_options(editor: &str) -> &'static str {
    let program = editor.split_whitespace().next().and_then(|word| word.rsplit('/').next());
    match program {
        Some("vim" | "nvim") => " -n -i NONE -c 'set noundofile nobackup nowritebackup'",
        _ => "",
    }
}

/// Editors end a file with a newline; a value that had none gets none.
#[allow(clippy::disallowed_methods, reason = "compared and shortened; it goes back into a secret")]
fn without_added_newline(value: Secret, before: &Secret) -> Secret {
    match value.reveal().strip_suffix(b"\n") {
        Some(rest) if !before.reveal().ends_with(b"\n") => Secret::new(rest),
        _ => value,
    }
}

#[allow(clippy::disallowed_methods, reason = "compared here, and nothing else")]
fn is_same(one: &Secret, other: &Secret) -> bool {
    one.reveal() == other.reveal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newline_of_the_editor_is_taken_away() {
        for (before, file, after) in
            [("a", "b\n", "b"), ("a", "b\n\n", "b\n"), ("a\n", "b\n", "b\n"), ("a", "b", "b")]
        {
            let value = without_added_newline(Secret::new(file), &Secret::new(before));
            assert!(is_same(&value, &Secret::new(after)), "{before:?} {file:?}");
        }
    }
}
