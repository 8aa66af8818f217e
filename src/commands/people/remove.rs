//! `steward people remove PERSON`

use std::fmt::Write as _;

use clap::Args;

use super::super::{Context, Outcome};
use super::{keep, loaded, person};
use crate::catalog::Catalog;
use crate::compile;
use crate::connect::operator;
use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::edit::Rewrite;
use crate::exit::Exit;
use crate::inventory::{Inventory, Person};
use crate::modules::{Library, root_of};
use crate::people::leaving::{Leaving, checklist, leaving, recipients};
use crate::people::{checklist, history};

/// Remove somebody: from the inventory, from every secret, and write the checklist of what is left to do. All or nothing.
#[derive(Debug, Args)]
pub struct Remove {
    /// By the key in the inventory.
    person: String,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

impl Remove {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { person: id, yes } = self;
        let (inventory, library) = loaded(context)?;
        let person = person(&inventory, &id)?;
        not_yourself(context, &inventory, person)?;
        let keep = keep(context, &inventory)?;
        let day = jiff::Zoned::now().date().to_string();
        let history = history::could_read(&root_of(&inventory.dir), &id, &recipients(person))?;
        let leaving = leaving(&inventory, &library, &keep, person, &history, &day)?;
        let writes = keep.leave(&leaving, &library)?;
        let catalog = catalog(&leaving.after, &library);
        let locale = context.global.locale.unwrap_or(inventory.chapter.locale);
        let list = checklist(&leaving, person, catalog.as_ref(), &history, (&day, locale));
        let path = checklist::path(&inventory.dir, &id)?;
        context.ui.message(summary(&leaving, person).trim_end());
        if !yes {
            agreed(context)?;
        }
        let mut files = leaving.rewrites.clone();
        files.push(Rewrite { path: path.clone(), content: list.text(locale).into_bytes() });
        keep.commit(writes, files)?;
        context.ui.message(&format!(
            "{id} is removed. What is left to do stands in {}.\nNext: look at `git diff`, commit, push, `steward apply`, \
             then `steward people offboard {id} --status`.",
            shown(&path)
        ));
        Ok(Exit::Success)
    }
}

/// Who removes themselves can neither apply it nor see it through.
fn not_yourself(context: &Context, inventory: &Inventory, person: &Person) -> Result<(), Diagnostics> {
    let access = context.access()?;
    match operator(inventory, &access) {
        Some(operator) if operator.id == person.id => {
            Err(Diagnostic::error(format!("you are `{}`: you would lose access yourself", person.id))
                .remedy("let another maintainer remove you")
                .into())
        }
        _ => Ok(()),
    }
}

/// What hosts would be without the person; `None` if that cannot be said, as when a module was not recorded yet.
fn catalog(after: &Inventory, library: &Library) -> Option<Catalog> {
    let selection = after.select(None).ok()?;
    compile::compile(after, library, &selection).0
}

fn summary(leaving: &Leaving, person: &Person) -> String {
    let mut text = format!("{} ({}) leaves.\n", person.id, person.name.value);
    for rewrite in &leaving.rewrites {
        let _ = writeln!(text, "  {} is edited", shown(&rewrite.path));
    }
    let _ = writeln!(text, "  {} secrets are encrypted anew, without {}", leaving.affected.len(), person.id);
    let _ = writeln!(text, "  {} get a new value: {}", leaving.rotated.len(), some(&leaving.rotated));
    text
}

/// The first few, by name.
fn some(names: &[crate::secret::SecretName]) -> String {
    let mut shown: Vec<String> = names.iter().take(8).map(ToString::to_string).collect();
    if names.len() > shown.len() {
        shown.push("…".to_owned());
    }
    if shown.is_empty() { "none has `rotate: auto` or `command`".to_owned() } else { shown.join(", ") }
}

fn agreed(context: &Context) -> Result<(), Diagnostics> {
    match context.ui.confirm("Remove them?") {
        Some(true) => Ok(()),
        Some(false) => Err(Diagnostic::error("nothing was changed, as you wished").into()),
        None => Err(Diagnostic::error("there is no terminal to ask whether to go on")
            .remedy("give `--yes`; nothing was changed")
            .into()),
    }
}
