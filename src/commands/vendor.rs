//! `steward module vendor URL@REV`

use clap::Args;
use serde_json::json;

use super::{Context, Outcome};
use crate::diag::{Diagnostic, Diagnostics, shown};
use crate::exit::Exit;
use crate::modules::{Library, root_of};
use crate::plan::diff::visible;
use crate::secrets::Store;
use crate::ui::Format;
use crate::vendor::fetch::{Origin, fetch};
use crate::vendor::{Vendoring, vendoring};

/// Take a module from another chapter's repository into this one, with a record of where it came from and what it may do.
#[derive(Debug, Args)]
pub struct Vendor {
    /// `https://…`, `git@host:path` or a path, and behind `@` a tag, branch or commit.
    #[arg(value_name = "URL@REV")]
    origin: String,
    /// Which module, if the repository holds several.
    name: Option<String>,
    /// Agree to what it may do without being asked.
    #[arg(long)]
    yes: bool,
}

impl Vendor {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { origin, name, yes } = self;
        let dir = context.inventory_dir()?;
        let mut mistakes = Diagnostics::default();
        let library = Library::load(&dir, &mut mistakes);
        if library.root() != root_of(&dir) || mistakes.has_errors() {
            return Err(mistakes);
        }
        let origin = Origin::parse(&origin)?;
        let vendoring = vendoring(&library, &origin, fetch(&origin, name.as_deref())?)?;
        if vendoring.old.as_ref() == Some(&vendoring.record) {
            context.ui.message(&format!("{} is that already.", vendoring.name));
            tell(context, &vendoring, &[]);
            return Ok(Exit::Success);
        }
        context.ui.message(&shown_to(&vendoring));
        if !yes {
            match context.ui.confirm("Take it over, and let it do that?") {
                Some(true) => {}
                Some(false) => return Err(Diagnostic::error("nothing was written").into()),
                None => {
                    let fact = "nobody is here to agree to what the module may do; nothing was written";
                    return Err(Diagnostic::error(fact).remedy("read the list, then give `--yes`").into());
                }
            }
        }
        Store::open(&dir)?.commit(&vendoring.writes)?;
        let files: Vec<String> = vendoring.writes.iter().map(|(path, _)| shown(path)).collect();
        context.ui.message("Next: read `git diff`, `steward module update` if a service uses it, commit.");
        tell(context, &vendoring, &files);
        Ok(Exit::Success)
    }
}

fn tell(context: &Context, vendoring: &Vendoring, files: &[String]) {
    if context.ui.format == Format::Json {
        let record = &vendoring.record;
        context.ui.json(&json!({
            "format": 1,
            "module": vendoring.name,
            "origin": record.origin,
            "revision": record.revision,
            "hash": record.hash,
            "abilities": record.abilities,
            "new": vendoring.more(),
            "gone": vendoring.gone(),
            "written": files,
        }));
    }
}

/// What somebody agrees to. The module is a stranger's text, so that no terminal may obey it.
fn shown_to(vendoring: &Vendoring) -> String {
    let Vendoring { name, version, record, old, replaces, .. } = vendoring;
    let commit: String = record.revision.chars().take(12).collect();
    let mut text = format!("{name}, version {version}, from {} at {} ({commit})\n", record.origin, record.asked);
    if *replaces {
        text.push_str(&format!("It takes the place of Steward's own module `{name}`.\n"));
    }
    let (new, gone) = (vendoring.more(), vendoring.gone());
    match (old.is_some(), new.is_empty() && gone.is_empty()) {
        (true, true) => text.push_str("Its text changed; it may do what it did before.\n"),
        (true, false) => text.push_str("What changes in what it may do:\n"),
        (false, _) => text.push_str("What it may do, `{{ … }}` standing for values:\n"),
    }
    let line = |mark: &str, it: &&str| format!("  {mark} {}\n", visible(it).replace('\n', " "));
    text.extend(gone.iter().map(|it| line("-", it)));
    text.extend(new.iter().map(|it| line("+", it)));
    text
}
