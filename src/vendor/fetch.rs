//! A module and its templates out of another repository, by the system's `git`: no work tree, so that no hook, filter,
//! submodule or link of theirs has an effect. Takes an address, gives texts; writes only a temporary directory.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::diag::{Diagnostic, Result};

/// What a module may hold.
const FILES: usize = 200;
const FILE_BYTES: u64 = 256 << 10;
const BYTES: u64 = 2 << 20;
/// In units of 512 bytes: what git may write into one file, so that a huge repository cannot fill the disk.
const PACK_BLOCKS: &str = "524288";

/// Where to fetch from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub url: String,
    pub rev: String,
    /// True for a repository of this machine.
    is_local: bool,
}

#[derive(Debug)]
pub struct Fetched {
    pub name: String,
    /// The commit.
    pub revision: String,
    pub module: String,
    /// By path, `NAME/site.conf.j2`.
    pub templates: Vec<(String, String)>,
}

impl Origin {
    /// `URL@REV`: https, ssh (`git@host:path` too), or an absolute path or file:// on this machine.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |fact: String, remedy: &str| Err(Box::new(Diagnostic::error(fact).remedy(remedy)));
        let shape = "write `https://…/modules.git@REV`, with a tag, branch or commit";
        let Some((url, rev)) = text.rsplit_once('@').filter(|(url, rev)| !url.is_empty() && is_rev(rev)) else {
            return refused(format!("`{}` names no revision", text.escape_debug()), shape);
        };
        let is_local = url.starts_with('/') || url.starts_with("file:///");
        let scheme = url.split_once("://");
        let is_scp = scheme.is_none() && !is_local && url.split_once(':').is_some_and(|(host, _)| is_host(host));
        let is_remote =
            matches!(scheme, Some(("https" | "ssh", rest)) if is_host(rest.split('/').next().unwrap_or_default()));
        if url.chars().any(|c| c.is_control() || c == ' ') || !(is_local || is_scp || is_remote) {
            return refused(format!("`{}` is no address to fetch from", url.escape_debug()), shape);
        }
        if let Some(("https", rest)) = scheme
            && rest.split('/').next().is_some_and(|host| host.contains('@'))
        {
            let fact = "the address holds a name or password, which would be recorded for all to see".to_owned();
            return refused(fact, "leave it out; git's credential helper gives it");
        }
        Ok(Self { url: url.to_owned(), rev: rev.to_owned(), is_local })
    }
}

fn is_rev(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._/+-".contains(c))
        && !text.contains("..")
}

fn is_host(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "@.:[]_-".contains(c))
}

/// Names of modules, and of everything on the way to a template.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 100
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

struct Entry {
    mode: String,
    id: String,
    size: u64,
    path: String,
}

/// The module `wanted`, or the only one there is.
pub fn fetch(origin: &Origin, wanted: Option<&str>) -> Result<Fetched> {
    let failed = |why: String| {
        let fact = format!("{}@{} cannot be fetched: {why}", origin.url, origin.rev);
        Box::new(
            Diagnostic::error(fact).remedy("check address, revision and access: `git ls-remote` shows what there is"),
        )
    };
    let dir = TempDir::with_prefix("steward-vendor-").map_err(|error| failed(error.to_string()))?;
    let git = |arguments: &[&str]| git(dir.path(), origin.is_local, arguments);
    git(&["init", "--quiet", "--bare", "--template=", "."]).map_err(failed)?;
    let fetch = |what: &[&str]| {
        let start = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-commit-graph"];
        git(&[&start, what].concat())
    };
    let is_commit = origin.rev.len() >= 40 && origin.rev.chars().all(|c| c.is_ascii_hexdigit());
    let mut start = "FETCH_HEAD";
    if let Err(why) = fetch(&["--depth=1", "--", &origin.url, &origin.rev]) {
        // not every server gives a commit by its name
        if !is_commit || fetch(&["--", &origin.url, "+refs/heads/*:refs/h/*", "+refs/tags/*:refs/t/*"]).is_err() {
            return Err(failed(why));
        }
        start = &origin.rev;
    }
    let revision = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{start}^{{commit}}")])
        .map_err(|_| failed(format!("it has no commit {}", origin.rev)))?;
    let revision = String::from_utf8_lossy(&revision).trim().to_owned();
    let entries = entries(&git(&["ls-tree", "-r", "-l", "-z", &revision]).map_err(failed)?).map_err(failed)?;
    let name = chosen(&entries, wanted)?;
    let (file, below) = (format!("modules/{name}.yaml"), format!("templates/{name}/"));
    let own: Vec<&Entry> = entries.iter().filter(|it| it.path == file || it.path.starts_with(&below)).collect();
    acceptable(&own)?;
    let mut fetched = Fetched { name, revision, module: String::new(), templates: Vec::new() };
    for entry in own {
        let bytes = git(&["cat-file", "blob", &entry.id]).map_err(failed)?;
        let text = String::from_utf8(bytes).map_err(|_| strange(entry, "is not UTF-8 text"))?;
        match entry.path.strip_prefix("templates/") {
            Some(path) => fetched.templates.push((path.to_owned(), text)),
            None => fetched.module = text,
        }
    }
    Ok(fetched)
}

fn entries(list: &[u8]) -> std::result::Result<Vec<Entry>, String> {
    let text = String::from_utf8_lossy(list);
    let entry = |line: &str| {
        let (about, path) = line.split_once('\t')?;
        let [mode, _, id, size] = about.split_whitespace().collect::<Vec<_>>()[..] else { return None };
        let size = size.parse().unwrap_or_default();
        Some(Entry { mode: mode.to_owned(), id: id.to_owned(), size, path: path.to_owned() })
    };
    let entries = text.split_terminator('\0').map(entry).collect::<Option<Vec<_>>>();
    entries.ok_or_else(|| "git gave an unreadable list".to_owned())
}

fn chosen(entries: &[Entry], wanted: Option<&str>) -> Result<String> {
    let name = |entry: &Entry| {
        let name = entry.path.strip_prefix("modules/")?.strip_suffix(".yaml")?;
        is_name(name).then(|| name.to_owned())
    };
    let names: Vec<String> = entries.iter().filter_map(name).collect();
    match (wanted, &names[..]) {
        (Some(wanted), _) if names.iter().any(|name| name == wanted) => Ok(wanted.to_owned()),
        (None, [only]) => Ok(only.clone()),
        (Some(wanted), _) => {
            let fact = format!("there is no module `{}` in that repository", wanted.escape_debug());
            Err(Box::new(Diagnostic::error(fact).suggest(wanted, names.iter().map(String::as_str))))
        }
        (None, []) => Err(Box::new(
            Diagnostic::error("that repository holds no module").remedy("modules are files `modules/NAME.yaml`"),
        )),
        (None, _) => Err(Box::new(
            Diagnostic::error("that repository holds several modules")
                .remedy(format!("name one of them behind the address: {}", names.join(", "))),
        )),
    }
}

fn acceptable(entries: &[&Entry]) -> Result<()> {
    for entry in entries {
        match entry.mode.as_str() {
            "100644" | "100755" => {}
            "120000" => return Err(strange(entry, "is a symbolic link")),
            "160000" => return Err(strange(entry, "is a submodule")),
            _ => return Err(strange(entry, "is no plain file")),
        }
        if !entry.path.split('/').all(is_name) {
            return Err(strange(entry, "has a name that no template needs"));
        }
        if entry.size > FILE_BYTES {
            return Err(strange(entry, &format!("has more than {} KiB", FILE_BYTES >> 10)));
        }
    }
    if entries.len() > FILES || entries.iter().map(|entry| entry.size).sum::<u64>() > BYTES {
        let fact = format!("the module has more than {FILES} files or {} MiB", BYTES >> 20);
        return Err(Box::new(Diagnostic::error(fact).remedy("nothing was written; ask its authors")));
    }
    Ok(())
}

fn strange(entry: &Entry, what: &str) -> Box<Diagnostic> {
    let fact = format!("`{}` of that repository {what}", entry.path.escape_debug());
    Box::new(Diagnostic::error(fact).remedy("nothing was written; ask its authors for plain files"))
}

/// `git` without hooks, filters or other protocols, and with a bound to what it writes.
pub(crate) fn git_command(dir: &Path, is_local: bool) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f \"$1\" && shift && exec git \"$@\"", "sh", PACK_BLOCKS]);
    for setting in ["core.hooksPath=/dev/null", "core.fsmonitor=false", "fetch.fsckObjects=true", "gc.auto=0"] {
        command.args(["-c", setting]);
    }
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"] {
        command.env_remove(variable);
    }
    command.env("GIT_ALLOW_PROTOCOL", if is_local { "file" } else { "https:ssh" });
    command.env("LC_ALL", "C").env("GIT_LFS_SKIP_SMUDGE", "1").current_dir(dir);
    command
}

fn git(dir: &Path, is_local: bool, arguments: &[&str]) -> std::result::Result<Vec<u8>, String> {
    let output = git_command(dir, is_local).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("git: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(if said.is_empty() { format!("git ended with {}", output.status) } else { said })
}
