//! What git remembers: which secrets a person could ever read, by the `.recipients` files of all commits. Runs `git`, reads
//! only; a repository that is missing or cut short is said, never taken for an empty history.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::diag::{Diagnostic, Result};
use crate::secret::SecretName;
use crate::secrets::Header;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Ids of the values that the person could read, by secret.
    pub values: BTreeMap<SecretName, BTreeSet<String>>,
    /// Why there may have been more: no repository, a shallow clone.
    pub gap: Option<String>,
}

/// Looks through every commit of every branch. `root` is the directory that holds `secrets/`; `keys` are the person's
/// recipients, without comments.
pub fn could_read(root: &Path, person: &str, keys: &BTreeSet<String>) -> Result<History> {
    let mut history = History::default();
    match run(root, &["rev-parse", "--is-shallow-repository"], b"") {
        Some(answer) if answer.starts_with(b"true") => {
            history.gap =
                Some("this clone is shallow: older commits were not seen (`git fetch --unshallow`)".to_owned());
        }
        Some(_) => {}
        None => {
            history.gap = Some("there is no git repository here, so nothing is known of earlier readers".to_owned());
            return Ok(history);
        }
    }
    let log = [
        "log",
        "--all",
        "--relative",
        "-m",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        "-z",
        "--format=",
        "--",
        "secrets",
    ];
    let log = run(root, &log, b"").ok_or_else(failure)?;
    let blobs = blobs(&log);
    let wanted: BTreeSet<&str> = blobs.iter().map(|(_, blob)| blob.as_str()).collect();
    let request: String = wanted.iter().map(|blob| format!("{blob}\n")).collect();
    let answer = run(root, &["cat-file", "--batch"], request.as_bytes()).ok_or_else(failure)?;
    let headers = headers(&answer);
    let mut unread = 0;
    for (name, blob) in &blobs {
        let Some(header) = headers.get(blob) else {
            unread += 1;
            continue;
        };
        let by_key = |recipient: &crate::secrets::Recipient| keys.contains(recipient.as_str());
        if header.people.contains_key(person) || header.recipients().iter().any(by_key) {
            history.values.entry(name.clone()).or_default().insert(header.id.clone());
        }
    }
    if unread > 0 {
        let gap = format!("{unread} earlier `.recipients` files could not be read");
        history.gap = Some(history.gap.map_or(gap.clone(), |first| format!("{first}; {gap}")));
    }
    Ok(history)
}

fn failure() -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error("git could not say who could read what before")
            .remedy("see what `git log` and `git fsck` say; nothing was changed"),
    )
}

/// Secret and blob of each `.recipients` file in `git log --raw -z`: `:100644 100644 OLD NEW M\0path\0`.
fn blobs(log: &[u8]) -> BTreeSet<(SecretName, String)> {
    let text = String::from_utf8_lossy(log);
    let mut found = BTreeSet::new();
    let mut fields = text.split('\0');
    while let Some(field) = fields.next() {
        let Some(change) = field.trim_start().strip_prefix(':') else { continue };
        let Some(path) = fields.next() else { break };
        let blob = change.split(' ').nth(3).unwrap_or_default();
        let name = path.strip_prefix("secrets/").and_then(|path| path.strip_suffix(".recipients"));
        let name = name.map(crate::secrets::stem_of).and_then(SecretName::parse);
        if let Some(name) = name.filter(|_| blob.bytes().any(|byte| byte != b'0')) {
            found.insert((name, blob.to_owned()));
        }
    }
    found
}

/// The answers of `git cat-file --batch`: `BLOB blob SIZE\n`, the bytes, a line break.
fn headers(mut answer: &[u8]) -> BTreeMap<String, Header> {
    let mut found = BTreeMap::new();
    while let Some(end) = answer.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = answer.split_at(end);
        let line = String::from_utf8_lossy(line).into_owned();
        answer = rest.get(1..).unwrap_or_default();
        let words: Vec<&str> = line.split(' ').collect();
        let [blob, _, size] = words.as_slice() else { continue };
        let Some((content, rest)) = size.parse().ok().and_then(|size| answer.split_at_checked(size)) else { break };
        answer = rest.get(1..).unwrap_or_default();
        if let Ok(header) = Header::parse(&String::from_utf8_lossy(content)) {
            found.insert((*blob).to_owned(), header);
        }
    }
    found
}

/// `None` if git is missing or fails.
fn run(dir: &Path, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new("git")
        // a repository from elsewhere must not run a command of its own here
        .args(["-c", "core.fsmonitor=false", "-C"])
        .arg(dir)
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut pipe = child.stdin.take()?;
    let input = input.to_vec();
    let writer = std::thread::spawn(move || pipe.write_all(&input));
    let output = child.wait_with_output().ok()?;
    let written = writer.join().is_ok_and(|result| result.is_ok());
    (output.status.success() && written).then_some(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: &str = "age1lu4j28qznyswlsgpjpaup7dpd5tu8jk6dsc6agym8us7fgq703aq9f5e60";
    const BEA: &str = "age1jnhz3cuhchvpvyptskwy7vk96amdra95z8d9t3wny6uu4m50vshs5g3e2u";

    fn git(dir: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@test.example", "-C"];
        let status = Command::new("git").args(identity).arg(dir).args(arguments).status().unwrap();
        assert!(status.success(), "{arguments:?}");
    }

    /// Commits a `.recipients` file, as [`Header::text`] writes it.
    fn commit(dir: &Path, name: &str, id: char, people: &[(&str, &str)]) {
        let file = dir.join("secrets").join(format!("{name}.recipients"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let people: String = people.iter().map(|(person, key)| format!("person {person} {key}\n")).collect();
        let text = format!("id {}\ndigest {}\n{people}", id.to_string().repeat(32), "0".repeat(64));
        Header::parse(&text).unwrap();
        std::fs::write(file, text).unwrap();
        git(dir, &["add", "."]);
        git(dir, &["commit", "--quiet", "--message", "x"]);
    }

    fn ids(letters: &str) -> BTreeSet<String> {
        letters.chars().map(|letter| letter.to_string().repeat(32)).collect()
    }

    #[test]
    fn every_value_that_was_ever_encrypted_to_the_person_is_found() {
        let dir = tempfile::tempdir().unwrap();
        // the store need not lie at the top of the repository
        let root = dir.path().join("chapter");
        git(dir.path(), &["init", "--quiet", "--initial-branch", "main"]);
        commit(&root, "wiki/admin", 'a', &[("ana", ANA), ("bea", BEA)]);
        commit(&root, "wiki/admin", 'b', &[("bea", BEA)]);
        commit(&root, "wiki/other", 'c', &[("bea", BEA)]);
        commit(&root, "old/gone", 'd', &[("anna", ANA)]);
        commit(&root, "old/gone.previous", 'e', &[("ana", BEA)]);
        git(dir.path(), &["rm", "--quiet", "-r", "chapter/secrets/old"]);
        git(dir.path(), &["checkout", "--quiet", "-b", "side"]);
        commit(&root, "side/only", 'f', &[("ana", ANA)]);
        git(dir.path(), &["checkout", "--quiet", "main"]);
        let keys = BTreeSet::from([ANA.to_owned()]);
        let history = could_read(&root, "ana", &keys).unwrap();
        let name = |text: &str| SecretName::parse(text).unwrap();
        let wanted = [(name("old/gone"), ids("de")), (name("side/only"), ids("f")), (name("wiki/admin"), ids("a"))];
        assert_eq!(history, History { values: BTreeMap::from(wanted), gap: None });
    }

    #[test]
    fn where_git_cannot_say_it_the_gap_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let history = could_read(dir.path(), "ana", &BTreeSet::new()).unwrap();
        assert!(history.gap.unwrap().contains("no git repository"));
        git(dir.path(), &["init", "--quiet"]);
        assert_eq!(could_read(dir.path(), "ana", &BTreeSet::new()).unwrap(), History::default(), "no commit yet");
        for letter in ['a', 'b'] {
            commit(dir.path(), "wiki/admin", letter, &[("ana", ANA)]);
        }
        let clone = tempfile::tempdir().unwrap();
        let from = format!("file://{}", dir.path().display());
        git(clone.path(), &["clone", "--quiet", "--depth", "1", &from, "copy"]);
        let history = could_read(&clone.path().join("copy"), "ana", &BTreeSet::new()).unwrap();
        assert!(history.gap.unwrap().contains("shallow"));
        assert_eq!(history.values.len(), 1);
    }
}
