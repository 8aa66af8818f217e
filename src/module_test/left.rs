//! What a service leaves on a host: the difference of two looks, one before it came and one after it went. Takes lines, gives
//! what is new, whole folders as one.

use std::collections::BTreeSet;

/// The look: a line for each thing, `WHAT NAME`.
pub const LOOK: &str = include_str!("left.sh");

/// Something that was not there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// `package`, `file`, `folder`, `changed` (a package's file), `user`, `group`, `unit` (enabled), `port` (open).
    pub what: String,
    pub name: String,
    /// Of a folder, what is below it.
    pub below: usize,
}

/// In the order of the words above, then by name.
pub fn left(before: &str, after: &str) -> Vec<Left> {
    let known: BTreeSet<&str> = before.lines().collect();
    let new: BTreeSet<(&str, &str)> =
        after.lines().filter(|line| !known.contains(line)).filter_map(|line| line.split_once(' ')).collect();
    let mut found: Vec<Left> = Vec::new();
    for (what, name) in new {
        let inside = |it: &Left| it.what == "file" && what == "file" && name.starts_with(&format!("{}/", it.name));
        match found.iter_mut().find(|it| inside(it)) {
            Some(folder) => folder.below += 1,
            None => found.push(Left { what: what.to_owned(), name: name.to_owned(), below: 0 }),
        }
    }
    for folder in found.iter_mut().filter(|it| it.below > 0) {
        "folder".clone_into(&mut folder.what);
    }
    let order = ["package", "folder", "file", "changed", "user", "group", "unit", "port"];
    found.sort_by_key(|it| order.iter().position(|word| *word == it.what));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_left_and_a_new_folder_counts_once() {
        let before = "package bash\nuser root\nfile /var/lib/a\nfile /var/lib/a/old\n";
        let after = "package bash\npackage wiki\nuser root\nuser wiki\nfile /srv/w\nfile /srv/w/one\nfile /srv/w/two/three\n\
            file /srv/w\u{e9}\nfile /var/lib/a\nfile /var/lib/a/new\nport 80/tcp\n";
        let found: Vec<(String, String, usize)> =
            left(before, after).into_iter().map(|it| (it.what, it.name, it.below)).collect();
        let expected = [
            ("package", "wiki", 0),
            ("folder", "/srv/w", 2),
            ("file", "/srv/w\u{e9}", 0),
            ("file", "/var/lib/a/new", 0),
            ("user", "wiki", 0),
            ("port", "80/tcp", 0),
        ];
        assert_eq!(found, expected.map(|(what, name, below)| (what.to_owned(), name.to_owned(), below)));
        assert_eq!(left(after, after), []);
    }
}
