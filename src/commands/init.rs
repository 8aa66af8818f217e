//! `steward init DIR`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Context, Outcome};
use crate::ci::{self, System};
use crate::diag::{Diagnostic, Diagnostics, Result, shown};
use crate::exit::Exit;
use crate::inventory::{self, Locale, Login, Maintainer, NewInventory, SshKey};
use crate::modules::root_of;
use crate::revision;
use crate::secrets::hook::install as install_hook;
use crate::ui::Format;

/// Make a new inventory: a file that explains itself, its id, and the schema for editors.
#[derive(Debug, Args)]
pub struct Init {
    /// Where; it need not exist.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The chapter's name, as people write it.
    #[arg(long)]
    name: String,
    /// The chapter's own domain, such as `chapter.example`.
    #[arg(long)]
    domain: String,
    /// The language of generated pages.
    #[arg(long, value_enum, default_value_t)]
    language: Locale,
    /// Your account name on the servers: you become the first maintainer.
    #[arg(long, value_name = "LOGIN")]
    maintainer: Option<String>,
    /// Your SSH public key. May be repeated.
    #[arg(long, value_name = "FILE", requires = "maintainer")]
    ssh_key: Vec<PathBuf>,
    /// Also write a workflow for this CI; `steward ci write` does it later.
    #[arg(long, value_enum, value_name = "SYSTEM", requires = "install")]
    ci: Option<System>,
    /// The shell command by which a runner gets Steward.
    #[arg(long, value_name = "COMMAND", requires = "ci")]
    install: Option<String>,
    /// Also let git look for plaintext secrets before each commit; `steward secrets hook` does it later.
    #[arg(long)]
    git_hook: bool,
}

impl Init {
    pub fn run(self, context: &Context) -> Outcome {
        let Self { dir, name, domain, language, maintainer, ssh_key, ci, install, git_hook } = self;
        let maintainer = match maintainer {
            Some(login) => Some(first_maintainer(login, &ssh_key)?),
            None => None,
        };
        let hooked = wants_hook(context, &dir, git_hook)?;
        let mut files = inventory::init(&dir, &NewInventory { name, domain, locale: language, maintainer })?;
        if let (Some(system), Some(install)) = (ci, install) {
            files.push(ci::write(system, &dir, &install)?);
        }
        if context.ui.format == Format::Json {
            let written: Vec<String> = files.iter().map(|file| shown(file)).collect();
            context.ui.json(&serde_json::json!({ "format": 1, "written": written }));
        }
        for file in &files {
            context.ui.message(&format!("wrote {}", shown(file)));
        }
        if hooked {
            for line in install_hook(&root_of(&dir))? {
                context.ui.message(&line);
            }
        }
        context.ui.message(&format!("Next: declare a host in {}, then run `steward validate`.", shown(&dir)));
        Ok(Exit::Success)
    }
}

/// Asked before anything is written; without a repository there is nothing to ask.
fn wants_hook(context: &Context, dir: &Path, given: bool) -> Result<bool> {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf());
    let top = revision::top(absolute.ancestors().find(|it| it.is_dir()).unwrap_or(&absolute));
    if given {
        return top.map(|_| true);
    }
    let question = "Shall git look for plaintext secrets and private keys before each commit?";
    Ok(top.is_ok() && context.ui.confirm(question).unwrap_or(false))
}

fn first_maintainer(login: String, files: &[PathBuf]) -> std::result::Result<Maintainer, Diagnostics> {
    let mut mistakes = Diagnostics::default();
    let named = mistakes.keep(Login::try_from(login.clone()).map_err(|why| Box::new(mistake(&why))));
    let ssh = files.iter().filter_map(|file| mistakes.keep(public_key(file))).collect();
    match named {
        Some(account) if !mistakes.has_errors() => Ok(Maintainer { login: account, name: login, ssh }),
        _ => Err(mistakes),
    }
}

fn public_key(file: &Path) -> Result<SshKey> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Diagnostic::error(format!("cannot read {}: {error}", shown(file))).remedy("name your `.pub` file")
    })?;
    SshKey::try_from(text.trim().to_owned()).map_err(|why| Box::new(mistake(&format!("{}: {why}", shown(file)))))
}

/// A type's own refusal: the fact, and on a second line the remedy.
fn mistake(why: &str) -> Diagnostic {
    let (fact, remedy) = why.split_once('\n').unwrap_or((why, "see `steward init --help`"));
    Diagnostic::error(fact).remedy(remedy)
}
