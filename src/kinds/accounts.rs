//! Names of local accounts and groups, for the kinds that hand them to tools.

use super::field_place;
use crate::diag::{Diagnostic, Diagnostics};
use crate::yaml::Node;

/// Refuses what is not a name of a local account or group, pointing at the field it stands in.
pub fn account_name(name: &str, node: &Node, field: &str, mistakes: &mut Diagnostics) -> Option<()> {
    if is_account_name(name) {
        return Some(());
    }
    let fact = format!("`{name}` is not the name of a local account or group");
    let remedy = "write a letter or `_`, then at most 31 letters, digits, `_`, `-` or `.`";
    mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
    None
}

/// What every tool takes for a name and nothing else, see useradd(8); a dollar may end it.
pub fn is_account_name(name: &str) -> bool {
    let body = name.strip_suffix('$').unwrap_or(name);
    (1..=32).contains(&name.len())
        && body.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_tool_could_misread_are_refused() {
        for name in ["ana", "_apt", "www-data", "Debian-exim", "systemd-network", "host$", "a.b"] {
            assert!(is_account_name(name), "{name}");
        }
        for name in ["-r", "", "a b", "a:b", "1a", "ä", "a,b", "a/b", "$", "abcdefghijklmnopqrstuvwxyz0123456"] {
            assert!(!is_account_name(name), "{name}");
        }
    }
}
