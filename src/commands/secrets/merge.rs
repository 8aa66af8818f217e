//! `steward secrets merge BASE OURS THEIRS PATH`: what git runs, in the top directory of the repository.

use std::path::PathBuf;

use clap::Args;

use super::super::{Context, Outcome};
use crate::diag::Diagnostic;
use crate::exit::Exit;
use crate::secrets::merge::{Merged, Versions, merge};
use crate::secrets::stem_of;

/// Merge a file of a secret; git runs this where `secrets hook` set it up.
#[derive(Debug, Args)]
pub struct Merge {
    /// What both sides began with.
    base: PathBuf,
    /// Our side; the result is written here.
    ours: PathBuf,
    /// The other side.
    theirs: PathBuf,
    /// The file in the repository, such as `secrets/wiki/db.age`.
    path: String,
}

impl Merge {
    pub(super) fn run(self, context: &Context) -> Outcome {
        let Self { base, ours, theirs, path } = self;
        let stem = path.strip_suffix(".recipients").or_else(|| path.strip_suffix(".age")).unwrap_or(&path);
        let stem = stem_of(stem);
        let name = stem.rsplit_once("secrets/").map_or(stem, |(_, name)| name);
        match merge(&Versions { base: &base, ours: &ours, theirs: &theirs, path: &path })? {
            Merged::Conflict => {
                let fact = format!("{path}: both sides gave {name} a new value; the one of this side is kept for now");
                let remedy = format!(
                    "compare: `steward secrets get {name}` with `git show ':3:{stem}.age' | age -d -i YOUR_KEY`; ask \
                     whoever set the other one which of them works; for a third value `steward secrets set {name}`, for \
                     theirs `git checkout --theirs '{stem}.*'`; then `git add '{stem}.*'`"
                );
                return Err(Diagnostic::error(fact).remedy(remedy).into());
            }
            // said once per secret
            Merged::SameValue | Merged::NewValue if !path.ends_with(".recipients") => {}
            Merged::SameValue => context.ui.message(&format!(
                "{name}: the value is the same on both sides, its readers are of this side; run `steward secrets rekey`"
            )),
            Merged::NewValue => context.ui.message(&format!(
                "{name}: the new value is taken, the other side only changed its readers; run `steward secrets rekey`"
            )),
        }
        Ok(Exit::Success)
    }
}
