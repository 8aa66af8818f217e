//! `retire`: what becomes of what is no longer declared. A service may be gone by then, so its name can be any; an identity
//! must name a kind.

use super::Inventory;
use crate::diag::{Diagnostic, Diagnostics};
use crate::kinds;

pub(super) fn check(inventory: &Inventory, mistakes: &mut Diagnostics) {
    for (what, fate) in &inventory.retire {
        let Some((kind, name)) = what.split_once(':') else { continue };
        if kinds::named(kind).is_none() {
            let fact =
                format!("`{}` is no resource: there is no kind `{}`", what.escape_debug(), kind.escape_debug());
            let known = kinds::ALL.iter().map(|kind| kind.name());
            mistakes.push(Diagnostic::error(fact).at(&fate.place).suggest(kind, known));
        } else if name.is_empty() {
            let remedy = "write it as plans do, such as `directory:/srv/wiki`";
            let fact = format!("`{}` names no resource", what.escape_debug());
            mistakes.push(Diagnostic::error(fact).at(&fate.place).remedy(remedy));
        }
    }
}
