//! Where a mistake is, as a program outside must be told: a path relative to the repository's top, not to where somebody
//! stood. Touches no file.

use std::path::{Component, Path, PathBuf};

use crate::diag::Place;

/// A place in a file of the repository. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// With `/` between its parts.
    pub path: String,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    /// Of the first character after it.
    pub end_column: usize,
}

/// `None` if it lies outside the repository, as what comes with Steward does.
pub fn region(place: &Place, here: &Path, top: &Path) -> Option<Region> {
    let whole = plain(&here.join(&place.source.name));
    let below = whole.strip_prefix(top).ok()?;
    if place.source.name.starts_with("embedded:") {
        return None;
    }
    let parts: Vec<String> = below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    let (line, column) = place.line_column();
    let end = Place::new(&place.source, place.span.end.max(place.span.start)..place.span.end);
    let (end_line, end_column) = end.line_column();
    Some(Region { path: parts.join("/"), line, column, end_line, end_column })
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            _ => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;

    #[test]
    fn a_place_is_told_from_the_top_of_the_repository() {
        let at = |name: &str, here: &str| {
            let source = Source::new(name, "eins: 1\nzwölf: 12\n");
            let start = 8 + "zwölf: ".len();
            region(&Place::new(&source, start..start + 2), Path::new(here), Path::new("/repo"))
        };
        let found = at("chapter.yaml", "/repo/inventories/ours").unwrap();
        assert_eq!((found.path.as_str(), found.line, found.column), ("inventories/ours/chapter.yaml", 2, 8));
        assert_eq!((found.end_line, found.end_column), (2, 10));
        assert_eq!(at("../../modules/a.yaml", "/repo/inventories/ours").unwrap().path, "modules/a.yaml");
        assert_eq!(at("/repo/a.yaml", "/elsewhere").unwrap().path, "a.yaml");
        assert_eq!(at("../a.yaml", "/repo"), None);
        assert_eq!(at("embedded:modules/nginx.yaml", "/repo"), None);
    }
}
