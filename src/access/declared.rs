//! What the catalog of a host says about who may get in: its `user` resources, and what it writes into files of keys
//! and rights. Reads wanted states only; decides nothing.

use std::collections::BTreeMap;

use crate::catalog::HostCatalog;
use crate::resource::{Attribute, State, Want};

#[derive(Debug, Default)]
pub(super) struct Declared {
    /// By account; `None`: it shall be closed.
    users: BTreeMap<String, Option<User>>,
    /// By path, what is written there.
    files: BTreeMap<String, Vec<Written>>,
    /// Directories whose whole content is declared.
    trees: Vec<String>,
}

#[derive(Debug)]
struct User {
    /// Lines of `authorized_keys`; `None`: left as they are.
    keys: Option<String>,
    groups: Vec<String>,
    /// Keys for one command are written by software there.
    command_keys: bool,
}

#[derive(Debug)]
struct Written {
    /// True if nothing else may stand in the file.
    whole: bool,
    /// `None` if it is not known here.
    text: Option<String>,
}

impl Declared {
    pub(super) fn of(catalog: &HostCatalog) -> Self {
        let mut declared = Self::default();
        for resource in &catalog.resources {
            let want = resource.item.want();
            if resource.id.kind == "user" {
                let user = match &want {
                    Want::Present(state) => Some(User {
                        keys: text(state, "authorized_keys"),
                        groups: lines(text(state, "groups")),
                        command_keys: resource.item.hands_out_command_keys(),
                    }),
                    Want::Absent => None,
                };
                declared.users.insert(resource.id.name.clone(), user);
            }
            let (Some(path), Want::Present(state)) = (resource.item.path(), &want) else { continue };
            if resource.id.kind == "tree" {
                declared.trees.push(format!("{path}/"));
            }
            let whole = matches!(resource.id.kind, "file" | "link");
            declared.files.entry(path.to_owned()).or_default().push(Written { whole, text: written(state) });
        }
        declared
    }

    pub(super) fn has(&self, account: &str) -> bool {
        self.users.get(account).is_some_and(Option::is_some)
    }

    /// True if it is declared that the account shall be closed.
    pub(super) fn closes(&self, account: &str) -> bool {
        self.users.get(account).is_some_and(Option::is_none)
    }

    /// True if an apply takes other keys out of the account's own files.
    pub(super) fn manages_keys(&self, account: &str) -> bool {
        match self.users.get(account) {
            Some(Some(user)) => user.keys.is_some(),
            Some(None) => true,
            None => false,
        }
    }

    pub(super) fn has_key(&self, account: &str, file: &str, blob: &str) -> bool {
        let holds = |text: &str| text.split_whitespace().any(|word| word == blob);
        let user = self.users.get(account).and_then(Option::as_ref);
        user.and_then(|user| user.keys.as_deref()).is_some_and(holds)
            || self.at(file).any(|written| written.text.as_deref().map_or(written.whole, holds))
            || self.is_in_tree(file)
    }

    /// True if keys with these options may be there: they run one command, and open nothing else.
    pub(super) fn lets_run(&self, account: &str, options: &str) -> bool {
        let user = self.users.get(account).and_then(Option::as_ref);
        let names: Vec<&str> =
            options.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|name| !name.is_empty()).collect();
        let has = |name: &str| names.iter().any(|it| it.eq_ignore_ascii_case(name));
        let widens = ["pty", "port-forwarding", "agent-forwarding", "x11-forwarding", "user-rc"].into_iter().any(has);
        let closed = has("restrict") || (has("no-pty") && has("no-port-forwarding") && has("no-agent-forwarding"));
        user.is_some_and(|user| user.command_keys) && has("command") && closed && !widens
    }

    pub(super) fn has_member(&self, group: &str, account: &str) -> bool {
        let user = self.users.get(account).and_then(Option::as_ref);
        user.is_some_and(|user| user.groups.iter().any(|of| of == group))
    }

    /// True if the catalog writes the whole file, so that a plan shows what others put there.
    pub(super) fn writes(&self, file: &str) -> bool {
        self.at(file).any(|written| written.whole) || self.is_in_tree(file)
    }

    /// True if a declared line of the file begins with this.
    pub(super) fn grants(&self, file: &str, who: &str) -> bool {
        let begins = |line: &str| line.strip_prefix(who).is_some_and(|rest| rest.starts_with([' ', '\t', ',']));
        self.writes(file)
            || self.at(file).any(|written| written.text.as_deref().is_some_and(|text| text.lines().any(begins)))
    }

    fn at(&self, file: &str) -> impl Iterator<Item = &Written> {
        self.files.get(file).into_iter().flatten()
    }

    fn is_in_tree(&self, file: &str) -> bool {
        self.trees.iter().any(|tree| file.starts_with(tree.as_str()))
    }
}

fn text(state: &State, attribute: &str) -> Option<String> {
    match state.0.get(attribute) {
        Some(Attribute::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

fn lines(text: Option<String>) -> Vec<String> {
    text.iter().flat_map(|text| text.lines()).map(str::to_owned).collect()
}

/// All that a file, line or block says, as text; `None` if there is content that is not here.
fn written(state: &State) -> Option<String> {
    let mut all = String::new();
    for value in state.0.values() {
        all.push_str(match value {
            Attribute::Text(text) => text,
            Attribute::Content(content) => content.text()?,
        });
        all.push('\n');
    }
    Some(all)
}
