//! Which directory is the inventory: the one that was named, else the one where people stand, else the only one below
//! `inventories/`. Looks at names and beginnings of lines, never parses.

use std::path::{Path, PathBuf};

use super::inside::{read_inside, root_of};
use super::load::files;
use crate::diag::{Diagnostic, Result, shown};

/// Keys that tell an inventory from other YAML; `services` and `vars` also begin the files of other programs.
const MARKS: [&str; 5] = ["id:", "chapter:", "people:", "hosts:", "groups:"];

/// `named` is `-i DIR`; `here` the working directory.
pub fn find(named: Option<&Path>, here: &Path) -> Result<PathBuf> {
    if let Some(dir) = named {
        return Ok(dir.to_path_buf());
    }
    if holds_inventory(here) {
        return Ok(here.to_path_buf());
    }
    let below = below(&here.join("inventories"));
    match below.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Box::new(
            Diagnostic::error(format!("there is no inventory in {}, nor below its inventories/", here.display()))
                .remedy("go to its directory, name it by `-i DIR`, or make one by `steward init DIR`"),
        )),
        [first, ..] => {
            let listed: Vec<String> = below.iter().map(|dir| shown(dir)).collect();
            Err(Box::new(
                Diagnostic::error(format!("there is more than one inventory here: {}", listed.join(", ")))
                    .remedy(format!("choose one, such as `-i {}`", shown(first))),
            ))
        }
    }
}

/// The inventories directly below a directory, sorted.
fn below(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| holds_inventory(path)).collect();
    found.sort();
    found
}

fn holds_inventory(dir: &Path) -> bool {
    let begins = |line: &str| MARKS.iter().any(|mark| line.starts_with(mark));
    files(dir).unwrap_or_default().iter().any(|path| {
        read_inside(&root_of(dir), path)
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').lines().any(begins))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn inventory(dir: &Path) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("chapter.yaml"), "# ours\nchapter: {}\n").unwrap();
    }

    #[test]
    fn a_named_directory_goes_before_all() {
        let here = tempfile::tempdir().unwrap();
        inventory(here.path());
        assert_eq!(find(Some(Path::new("x")), here.path()).unwrap(), Path::new("x"));
    }

    #[test]
    fn the_working_directory_goes_before_those_below() {
        let here = tempfile::tempdir().unwrap();
        inventory(here.path());
        inventory(&here.path().join("inventories/a"));
        assert_eq!(find(None, here.path()).unwrap(), here.path());
    }

    #[test]
    fn the_only_inventory_below_is_taken_and_several_are_listed() {
        let here = tempfile::tempdir().unwrap();
        fs::write(here.path().join("compose.yaml"), "services: {}\n").unwrap();
        assert!(find(None, here.path()).unwrap_err().remedy.unwrap().contains("steward init"));
        inventory(&here.path().join("inventories/a"));
        fs::create_dir(here.path().join("inventories/empty")).unwrap();
        assert_eq!(find(None, here.path()).unwrap(), here.path().join("inventories/a"));
        inventory(&here.path().join("inventories/b"));
        let mistake = find(None, here.path()).unwrap_err();
        assert!(mistake.fact.contains("inventories/a, ") && mistake.fact.ends_with("inventories/b"), "{mistake}");
    }
}
