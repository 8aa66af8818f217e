//! `steward secrets hook`: needs a repository and the inventory's directory, no valid inventory.

use super::super::{Context, Outcome};
use crate::exit::Exit;
use crate::modules::root_of;
use crate::secrets::hook::install;

pub(super) fn hook(context: &Context) -> Outcome {
    let done = install(&root_of(&context.inventory_dir()?))?;
    for line in &done {
        context.ui.message(line);
    }
    if done.is_empty() {
        context.ui.message("Hook and merge driver are there already.");
    }
    Ok(Exit::Success)
}
