//! Reading what `stat_paths`, `digest_paths` and `show_paths` (script/probe.sh) say about paths, for the kinds that
//! live in the file system. A path that nothing was said about is unknown, never absent.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Answer;
use crate::observed::Kept;
use crate::quoting::encode;
use crate::resource::Content;
use crate::secret::Sealed;

/// What lies at a path; a symbolic link is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// `st_mode`: type and permissions, see inode(7).
    pub mode: u32,
    pub user: String,
    pub uid: String,
    pub group: String,
    pub gid: String,
    /// In bytes.
    pub size: u64,
}

impl Stat {
    pub fn is_regular(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    pub fn is_directory(&self) -> bool {
        self.mode & 0o170_000 == 0o040_000
    }

    pub fn is_link(&self) -> bool {
        self.mode & 0o170_000 == 0o120_000
    }

    /// `file`, `directory`, `link` or `special`.
    pub fn file_type(&self) -> &'static str {
        if self.is_regular() {
            "file"
        } else if self.is_directory() {
            "directory"
        } else if self.is_link() {
            "link"
        } else {
            "special"
        }
    }

    /// Permissions as people write them: four octal digits.
    pub fn permissions(&self) -> String {
        format!("{:04o}", self.mode & 0o7777)
    }

    /// The owner in the form that the wish has: a number if it asks for a number.
    pub fn owner_like(&self, wanted: &str) -> String {
        if is_number(wanted) { self.uid.clone() } else { self.user.clone() }
    }

    pub fn group_like(&self, wanted: &str) -> String {
        if is_number(wanted) { self.gid.clone() } else { self.group.clone() }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    There(Stat),
    Absent,
    /// Why it could not be read.
    Unknown(String),
}

/// How a file that holds secrets compares; the host says no more about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    Same,
    Differs,
    /// There was nothing to compare with.
    Not,
}

/// All that was said about paths, by path.
#[derive(Debug, Default)]
pub struct Paths {
    /// Against what is wanted, and against what was last applied.
    sealed: BTreeMap<String, (Compared, Compared)>,
    /// Files that are, where they differ, as Steward last wrote them.
    written: BTreeSet<String>,
    found: BTreeMap<String, Found>,
    digests: BTreeMap<String, String>,
    contents: BTreeMap<String, Content>,
    /// What `link_targets` said, cut at the nonce.
    targets: Vec<Vec<u8>>,
}

impl Paths {
    pub fn read(answer: &Answer) -> Self {
        let mut paths = Self::default();
        for line in answer.text_lines() {
            paths.line(line, &answer.nonce);
        }
        paths
    }

    fn line(&mut self, line: &str, nonce: &str) -> Option<()> {
        let (tag, rest) = line.split_once('|')?;
        match tag {
            "S" => {
                let fields: Vec<&str> = rest.splitn(7, '|').collect();
                let [mode, user, uid, group, gid, size, path] = fields[..] else { return None };
                let stat = Stat {
                    mode: u32::from_str_radix(mode, 16).ok()?,
                    user: user.to_owned(),
                    uid: uid.to_owned(),
                    group: group.to_owned(),
                    gid: gid.to_owned(),
                    size: size.parse().ok()?,
                };
                self.found.insert(path.to_owned(), Found::There(stat));
            }
            "A" => {
                self.found.insert(rest.to_owned(), Found::Absent);
            }
            "U" => {
                let (path, why) = rest.split_once('|')?;
                self.found.insert(path.to_owned(), Found::Unknown(why.to_owned()));
            }
            "H" => {
                let (digest, path) = rest.split_once('|')?;
                let valid = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
                self.digests.insert(path.to_owned(), valid.then(|| digest.to_owned())?);
            }
            "C" => {
                let (path, encoded) = rest.split_once('|')?;
                self.contents.insert(path.to_owned(), Content::of(STANDARD.decode(encoded).ok()?));
            }
            "V" => {
                let (path, rest) = rest.split_once('|')?;
                let (wanted, kept) = rest.split_once('|')?;
                self.sealed.insert(path.to_owned(), (compared(wanted), compared(kept)));
            }
            "W" => {
                self.written.insert(rest.to_owned());
            }
            "T" => self.targets = pieces(&STANDARD.decode(rest).ok()?, format!("{nonce}|").as_bytes()),
            _ => {}
        }
        Some(())
    }

    pub fn at(&self, path: &str) -> Found {
        let silent = || Found::Unknown("the host did not say".to_owned());
        self.found.get(&encode(path.as_bytes())).cloned().unwrap_or_else(silent)
    }

    /// Where the link at this path leads.
    pub fn target(&self, path: &str) -> Option<&[u8]> {
        self.targets.iter().find_map(|piece| target(piece, path.as_bytes()))
    }

    /// How the file at this path compares with what is wanted, and with what was last applied, by its digest under keys
    /// that only the host has.
    pub fn compared(&self, path: &str) -> (Compared, Compared) {
        let nothing = (Compared::Not, Compared::Not);
        self.sealed.get(&encode(path.as_bytes())).copied().unwrap_or(nothing)
    }

    /// True if the file at this path is as Steward last wrote it.
    pub fn is_as_written(&self, path: &str) -> bool {
        self.written.contains(&encode(path.as_bytes()))
    }

    /// The copy that the host keeps of a file with secrets: placeholders stand in their place.
    pub fn redacted(&self, path: &str) -> Option<&Content> {
        self.contents.get(&encode(path.as_bytes()))
    }

    /// The content of a regular file: known by digest, with bytes if they were brought back and are what was digested.
    pub fn content(&self, path: &str, size: u64) -> Option<Content> {
        let path = encode(path.as_bytes());
        let digest = self.digests.get(&path)?;
        let brought = self.contents.get(&path).filter(|content| content.digest == *digest).cloned();
        let unread = || Content { digest: digest.clone(), size, bytes: None, ours: false };
        Some(Content { ours: self.written.contains(&path), ..brought.unwrap_or_else(unread) })
    }
}

/// Whether something that holds secrets is as it should be: by the content where that can be read here, else by what the host
/// remembers of the last apply.
pub fn as_wanted(sealed: &Sealed, compared: (Compared, Compared), kept: Option<&Kept>) -> Result<bool, String> {
    match (compared, kept) {
        ((Compared::Same, _), _) => Ok(true),
        ((Compared::Differs, _) | (_, Compared::Differs), _) => Ok(false),
        ((_, Compared::Same), Some(kept)) => Ok(kept.stamp == sealed.stamp),
        _ => match &sealed.real {
            Err(why) => Err(format!("not compared: {why}")),
            Ok(_) => Err("it could not be compared".to_owned()),
        },
    }
}

/// A word of the host about one comparison.
pub fn compared(word: &str) -> Compared {
    match word {
        "same" => Compared::Same,
        "differs" => Compared::Differs,
        _ => Compared::Not,
    }
}

/// What stands between the marks; what stands before the first is noise.
pub fn pieces(bytes: &[u8], mark: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(mark).filter(|_| !mark.is_empty()) {
            pieces.push(Vec::new());
            rest = after;
        } else {
            if let Some(piece) = pieces.last_mut() {
                piece.extend_from_slice(&rest[..1]);
            }
            rest = &rest[1..];
        }
    }
    pieces
}

/// The target in `path -> target`, or in `'path' -> 'target'` as busybox writes it.
pub fn target<'a>(piece: &'a [u8], path: &[u8]) -> Option<&'a [u8]> {
    let plain = piece.strip_prefix(path).and_then(|rest| rest.strip_prefix(b" -> ")?.strip_suffix(b"\n"));
    let quoted = || {
        let rest = piece.strip_prefix(b"'")?.strip_prefix(path)?;
        rest.strip_prefix(b"' -> '")?.strip_suffix(b"'\n")
    };
    plain.or_else(quoted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(text: &str) -> Answer {
        Answer { bytes: text.as_bytes().to_vec(), ..Answer::default() }
    }

    #[test]
    fn a_path_that_nothing_was_said_about_is_unknown() {
        let paths = Paths::read(&answer("A|/a\nU|/b|Permission denied\n"));
        assert_eq!(paths.at("/a"), Found::Absent);
        assert_eq!(paths.at("/b"), Found::Unknown("Permission denied".into()));
        assert!(matches!(paths.at("/c"), Found::Unknown(_)));
    }

    #[test]
    fn a_mangled_line_says_nothing() {
        let paths = Paths::read(&answer("S|zz|root|0|root|0|1|/a\nS|81a4|root|0\nH|short|/a\n"));
        assert!(matches!(paths.at("/a"), Found::Unknown(_)));
        assert_eq!(paths.content("/a", 1), None);
    }

    #[test]
    fn content_that_is_not_what_was_digested_is_not_shown() {
        let digest = crate::resource::digest(b"other");
        let paths = Paths::read(&answer(&format!("H|{digest}|/a\nC|/a|aGk=\n")));
        assert_eq!(paths.content("/a", 2).and_then(|content| content.bytes), None);
    }

    #[test]
    fn targets_are_read_in_both_spellings() {
        assert_eq!(target(b"/a -> b\n\n", b"/a"), Some(&b"b\n"[..]));
        assert_eq!(target(b"'/a' -> 'b'\n", b"/a"), Some(&b"b"[..]));
        assert_eq!(target(b"/ab -> c\n", b"/a"), None);
    }

    proptest! {
        /// What a broken or hostile host may say: pieces of real answers, shuffled, cut and filled with noise.
        #[test]
        fn no_answer_makes_it_panic(
            words in prop::collection::vec(
                prop_oneof![
                    Just(b"S|81a4|root|0|root|0|1|/a".to_vec()),
                    Just(b"H|".to_vec()), Just(b"T|".to_vec()), Just(b"C|/a|".to_vec()), Just(b"U|/a".to_vec()),
                    Just(b"\n".to_vec()), Just(b"|".to_vec()), Just(b"ab12|/a -> ".to_vec()),
                    prop::collection::vec(any::<u8>(), 0..80),
                ],
                0..30,
            ),
        ) {
            let bytes = words.concat();
            let encoded = format!("T|{}\n", STANDARD.encode(&bytes));
            for bytes in [bytes, encoded.into_bytes()] {
                let paths = Paths::read(&Answer { bytes, nonce: "ab12".into(), ..Answer::default() });
                let _ = (paths.at("/a"), paths.content("/a", 1), paths.target("/a"));
            }
        }
    }
}
