//! A place to try kinds on, for tests: what `script` says is run by a real shell, against a directory that stands for
//! a host or against a host that the caller reaches by a closure. Used by each kind's own tests and by the laws.
//!
//! Written against the crate's public face, so that the integration tests can include this file as it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too; fuzzing builds have them as well"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary that includes this file uses a part of it, in its own way"
)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use steward::diag::{Diagnostics, Place, Result, Source};
use steward::kinds::{Answer, Argument, Build, Call, Files, Item, Rendered, Site, TreeEntry, TreeNode, named};
use steward::quoting::quote;
use steward::resource::{Observation, Want};
use steward::script::frames::Answers;
use steward::script::{apply_functions, probe_functions, probe_program, request};
use steward::yaml::parse;
use tempfile::TempDir;

pub const NONCE: &str = "5e0c91aa7d2b4f6e8a3d1c0b9f8e7d6c";

/// The shells that a host may have. In the last one, every tool is busybox too.
pub const SHELLS: &[&[&str]] = &[&["dash"], &["bash"], &["busybox", "sh"], &["env", "PATH=BUSYBOX", "busybox", "sh"]];

/// Runs a script with these bytes on its standard input, and gives its standard output.
pub type Run<'a> = dyn Fn(&[u8], &[u8]) -> Vec<u8> + 'a;

pub struct Bench<'a> {
    pub site: Site,
    pub files: Sources,
    run: Box<Run<'a>>,
    /// What a look may not write to, on the host.
    pub watched: Vec<String>,
    /// Before which command of an apply to kill it.
    fatal: Cell<Option<usize>>,
}

/// How an apply ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Applied {
    Changed,
    Unchanged,
    /// What was printed.
    Failed(String),
    /// The script ended without a word.
    Silent,
}

/// A directory of this machine, with the tools of the shells that are tried.
pub struct Directory {
    holder: TempDir,
}

impl Default for Directory {
    fn default() -> Self {
        Self::new()
    }
}

impl Directory {
    pub fn new() -> Self {
        let holder = TempDir::with_prefix("steward bench ").unwrap();
        let this = Self { holder };
        for place in ["root", "root/etc", "tools"] {
            fs::create_dir(this.holder.path().join(place)).unwrap();
        }
        this
    }

    /// The root of what stands for the host.
    pub fn root(&self) -> PathBuf {
        self.holder.path().join("root")
    }

    /// A directory where every command is busybox.
    fn applets(&self) -> PathBuf {
        let directory = self.holder.path().join("busybox");
        if fs::create_dir(&directory).is_ok() {
            let applets = Command::new("busybox").arg("--list").output().unwrap().stdout;
            for applet in utf8(&applets).lines().chain(["busybox"]) {
                symlink("/usr/bin/busybox", directory.join(applet)).unwrap();
            }
        }
        directory
    }

    /// A path of the host, on this machine.
    pub fn at(&self, path: &str) -> PathBuf {
        self.holder.path().join("root").join(path.trim_start_matches('/'))
    }

    /// Back to an empty host: one with `/etc`.
    pub fn reset(&self) {
        fs::remove_dir_all(self.root()).unwrap();
        fs::create_dir_all(self.at("/etc")).unwrap();
    }

    /// Makes a command of this name, found before the real one: `dpkg-query`, `systemctl`.
    pub fn tool(&self, name: &str, script: &str) {
        let path = self.holder.path().join("tools").join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What lies beside the commands made by [`Directory::tool`]: a place for them to keep notes.
    pub fn read_tool(&self, name: &str) -> String {
        fs::read_to_string(self.holder.path().join("tools").join(name)).unwrap_or_default()
    }

    /// A bench on this directory, in one of [`SHELLS`].
    pub fn bench(&self, shell: &'static [&'static str]) -> Bench<'_> {
        let root = self.root().to_str().unwrap().to_owned();
        let watched = vec![root.clone()];
        Bench { watched, ..Bench::on(Site { root, os: None }, move |script, stdin| self.run(shell, script, stdin)) }
    }

    /// A bench on which paths are those of this machine; for kinds whose tools are all faked by [`Directory::tool`].
    pub fn host(&self, shell: &'static [&'static str]) -> Bench<'_> {
        Bench { site: Site::default(), ..self.bench(shell) }
    }

    fn run(&self, shell: &[&str], script: &[u8], stdin: &[u8]) -> Vec<u8> {
        use std::os::unix::process::CommandExt as _;
        let tools = self.holder.path().join("tools").display().to_string();
        let applets = if shell.contains(&"PATH=BUSYBOX") { self.applets() } else { PathBuf::new() };
        let path = format!("PATH={tools}:{}", applets.display());
        let words: Vec<&str> =
            shell.iter().map(|word| if *word == "PATH=BUSYBOX" { path.as_str() } else { word }).collect();
        let program = self.holder.path().join("script");
        fs::write(&program, script).unwrap();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .arg(&program)
            .env("PATH", format!("{tools}:/usr/sbin:/usr/bin:/sbin:/bin"))
            .env("LC_ALL", "C")
            .env("TMPDIR", self.holder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let stdin = stdin.to_vec();
        let writer = std::thread::spawn(move || {
            // a script that was killed reads no more
            let _ = input.write_all(&stdin);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output.stdout
    }
}

impl<'a> Bench<'a> {
    pub fn on(site: Site, run: impl Fn(&[u8], &[u8]) -> Vec<u8> + 'a) -> Self {
        Self {
            site,
            files: Sources::default(),
            run: Box::new(run),
            watched: vec!["/etc".into(), "/var/lib".into(), "/home".into()],
            fatal: Cell::new(None),
        }
    }

    /// Reads one declaration (what stands after the tag); fails the test if there is a mistake in it.
    pub fn item(&self, kind: &str, yaml: &str) -> Box<dyn Item> {
        self.try_item(kind, yaml).unwrap_or_else(|mistakes| panic!("{kind}: {yaml}\n{mistakes}"))
    }

    /// The item, or its mistakes, one a line.
    pub fn try_item(&self, kind: &str, yaml: &str) -> std::result::Result<Box<dyn Item>, String> {
        let node = parse(&Source::new("example.yaml", yaml)).map_err(|mistakes| lines(&mistakes))?;
        let mut mistakes = Diagnostics::default();
        let mut files = self.files.clone();
        let mut build = Build { mistakes: &mut mistakes, files: &mut files, site: &self.site };
        let item = named(kind).expect("a kind").item(&node, &mut build);
        if mistakes.0.is_empty() { item.ok_or_else(String::new) } else { Err(lines(&mistakes)) }
    }

    /// One look, at these items of one kind.
    pub fn probe(&self, kind: &str, items: &[&dyn Item]) -> Vec<Observation> {
        let kind = named(kind).expect("a kind");
        let request = request::request(
            &BTreeMap::from([(kind.name(), items.to_vec())]),
            &self.site,
            "/nonexistent/records",
            request::Asked::default(),
            NONCE,
        );
        let answer = self.sections(&probe_program(), &request).remove(kind.name()).unwrap_or_default();
        kind.read(items, &self.site, &answer)
    }

    /// What a program of a look answers to a request, by section.
    pub fn sections(&self, program: &str, request: &[u8]) -> BTreeMap<String, Answer> {
        let mut answers = Answers::new(NONCE);
        answers.feed(&(self.run)(program.as_bytes(), request));
        assert!(answers.done, "the look did not end");
        answers.sections
    }

    pub fn probe_one(&self, kind: &str, item: &dyn Item) -> Observation {
        self.probe(kind, &[item]).remove(0)
    }

    /// Makes it so, as a step of a change does.
    pub fn apply(&self, kind: &str, item: &dyn Item) -> Applied {
        let kind = named(kind).expect("a kind");
        let mut last = Applied::Unchanged;
        for call in kind.calls(&[item], &self.site) {
            last = self.call(&call);
        }
        last
    }

    /// The same, killed before it runs its `command`th command.
    pub fn interrupt(&self, kind: &str, item: &dyn Item, command: usize) -> Applied {
        self.fatal.set(Some(command));
        let applied = self.apply(kind, item);
        self.fatal.set(None);
        applied
    }

    pub fn call(&self, call: &Call) -> Applied {
        self.steps(std::slice::from_ref(call)).remove(0)
    }

    /// One run with a step for each call.
    pub fn steps(&self, calls: &[Call]) -> Vec<Applied> {
        let mut script = b"umask 022\nexec 4>&1\n".to_vec();
        script.extend(
            format!("NONCE={NONCE} ID=0 HOME=/nonexistent\n{}{}", probe_functions(), apply_functions()).into_bytes(),
        );
        script.extend(PREPARE.as_bytes());
        if let Some(command) = self.fatal.get() {
            script.extend(format!("FATAL={command}\n{FATAL}").into_bytes());
        }
        let mut archive = tar::Builder::new(Vec::new());
        for (number, call) in calls.iter().enumerate() {
            script.extend(format!("step {} 0 '' '' ", number + 1).into_bytes());
            script.extend(words(call, number, &mut archive));
            script.push(b'\n');
        }
        script.extend(b"rm -rf \"$HOLDER\"\n");
        let output = (self.run)(&script, &archive.into_inner().unwrap());
        (1..=calls.len()).map(|number| verdict(number, &output)).collect()
    }

    /// Everything about all that is watched, in a form that differs if anything was written.
    pub fn listing(&self) -> String {
        self.watch("find \"$@\" -xdev -printf '%p %i %y %m %U %G %s %T@ %C@ %l\\n' | sort")
    }

    /// The same without what two runs may have differently: inodes and times.
    pub fn contents(&self) -> String {
        self.watch("find \"$@\" -xdev -printf '%p %y %m %U %G %l\\n' | sort; find \"$@\" -xdev -type f -exec sha256sum {} + | sort")
    }

    fn watch(&self, look: &str) -> String {
        let places: Vec<String> = self.watched.iter().map(|place| utf8(&quote(place.as_bytes()))).collect();
        let script = format!("PATH=/usr/bin:/bin LC_ALL=C\nset -- {}\n{look}\n", places.join(" "));
        String::from_utf8_lossy(&(self.run)(script.as_bytes(), b"")).into_owned()
    }
}

/// The private places of a run, outside everything that is watched.
const PREPARE: &str = r#"
HOLDER=$(mktemp -d "${TMPDIR:-/tmp}/steward-bench.XXXXXX")
RUN=$HOLDER/run STATE=$HOLDER/state STAGE=$HOLDER/stage BASE=$HOLDER
mkdir -p "$RUN/payload" "$STATE" "$STAGE"
tar -xf - -C "$RUN/payload" || exit 1
"#;

/// Every tool gets a wrapper that counts, and kills the whole script before the command with the fatal number.
const FATAL: &str = r#"
WRAPPED=${TMPDIR:-/tmp}/steward-wrapped
if [ ! -d "$WRAPPED" ]; then
  mkdir "$WRAPPED"
  for tool in awk base64 cat chgrp chmod chown cmp cp cut dd find grep head ln ls mkdir mktemp mv rm rmdir sed \
    sha256sum sort stat sync tail tar tee touch tr wc xargs useradd usermod userdel groupadd groupdel gpasswd \
    systemctl sysctl; do
    real=$(command -v "$tool") || continue
    printf '#!/bin/sh\nread -r count <"$COUNT"\ncount=$((count + 1))\necho "$count" >"$COUNT"\n' >"$WRAPPED/$tool"
    printf '[ "$count" -lt "$FATAL" ] || kill -9 0\nPATH=$REAL_PATH\nexec "%s" "$@"\n' "$real" >>"$WRAPPED/$tool"
  done
  chmod 755 "$WRAPPED"/*
fi
COUNT=$HOLDER/count REAL_PATH=$PATH
echo 0 >"$COUNT"
PATH=$WRAPPED:$PATH
export COUNT FATAL REAL_PATH
"#;

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn lines(mistakes: &Diagnostics) -> String {
    mistakes.0.iter().map(|mistake| format!("{mistake}\n")).collect()
}

/// The words of a call; its payloads go to the archive.
fn words(call: &Call, step: usize, archive: &mut tar::Builder<Vec<u8>>) -> Vec<u8> {
    let mut words = call.function.as_bytes().to_vec();
    for (number, argument) in call.arguments.iter().enumerate() {
        words.push(b' ');
        match argument {
            Argument::Text(text) => words.extend(quote(text)),
            Argument::Secret(_) | Argument::Payload(_) | Argument::Carried(_) => {
                #[allow(clippy::disallowed_methods, reason = "a test's own secret, for the shell that is tested")]
                let bytes = match argument {
                    Argument::Payload(bytes) => Arc::clone(bytes),
                    Argument::Secret(sealed) => Arc::from(sealed.real.as_ref().expect("readable").reveal()),
                    Argument::Carried(carried) => {
                        // nothing is reached from here; wheels come from the bench itself
                        if call.function == "wheelhouse_present" {
                            carried.load().unwrap();
                        }
                        carried.stand_in(steward::carried::unpack::pack(&unpacked_tree()).unwrap());
                        carried.bytes()
                    }
                    Argument::Text(_) => unreachable!("matched above"),
                };
                let mut header = tar::Header::new_gnu();
                header.set_size(bytes.len() as u64);
                header.set_mode(0o600);
                archive.append_data(&mut header, format!("{step}.{number}"), &bytes[..]).unwrap();
                words.extend(format!("\"$RUN/payload/{step}.{number}\"").into_bytes());
            }
        }
    }
    words
}

fn verdict(number: usize, output: &[u8]) -> Applied {
    let output = String::from_utf8_lossy(output);
    let record = output.lines().rev().find_map(|line| line.strip_prefix(&format!("@{NONCE} step {number} ")));
    match record.map(|record| record.split(' ').collect::<Vec<_>>()).as_deref() {
        Some(["changed"]) => Applied::Changed,
        Some(["unchanged"]) => Applied::Unchanged,
        Some(["failed", _, said]) => Applied::Failed(utf8(&STANDARD.decode(said).unwrap())),
        _ => Applied::Silent,
    }
}

/// Fails the test unless the observation is all that is wanted.
pub fn assert_converged(item: &dyn Item, observation: &Observation) {
    match (item.want(), observation) {
        (Want::Absent, Observation::Absent) => {}
        (Want::Present(wanted), Observation::Present(state)) => {
            for (name, value) in &wanted.0 {
                assert_eq!(state.0.get(name), Some(value), "{name} of {}", item.name());
            }
        }
        (want, observation) => panic!("{}: wanted {want:?}, saw {observation:?}", item.name()),
    }
}

/// What the chapter's repository holds, for items that are read on the bench.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub templates: BTreeMap<String, String>,
    pub sources: BTreeMap<String, Arc<[u8]>>,
    pub trees: BTreeMap<String, Vec<TreeEntry>>,
}

impl Files for Sources {
    fn template(&mut self, name: &str, _: &Place) -> Result<Rendered> {
        let text = self.templates.get(name).cloned().unwrap_or_else(|| format!("rendered {name}\n"));
        Ok(Rendered { text, name: name.to_owned(), sealed: None })
    }

    fn source(&mut self, path: &str, _: &Place) -> Result<Arc<[u8]>> {
        let usual = || match path.rsplit_once('.') {
            Some((_, "gz")) => tarball(),
            Some((_, "lock")) => format!("hello==1.0 --hash=sha256:{}\n", sha256(&wheel("1.0"))).into_bytes(),
            _ => b"\0\x01binary\xff".to_vec(),
        };
        Ok(self.sources.get(path).cloned().unwrap_or_else(|| usual().into()))
    }

    fn tree(&mut self, path: &str, _: &Place) -> Result<Vec<TreeEntry>> {
        if path.ends_with("wheels") {
            let file = TreeNode::File { bytes: wheel("1.0").into(), executable: false };
            return Ok(vec![entry(b"hello-1.0-py3-none-any.whl", file)]);
        }
        Ok(self.trees.get(path).cloned().unwrap_or_else(hostile_tree))
    }
}

/// Names that a careless script would run, split or lose.
pub const HOSTILE_NAMES: &[&[u8]] = &[
    b"$(reboot)",
    b"a 'b' \"c\"",
    b"-rf",
    b"new\nline",
    b"pipe|back\\slash",
    b"\xff\xfe",
    b"~",
    b"%s%n",
    b"{}",
    b"* ?[a]",
    b".hidden",
];

/// What an archive or a commit may hold: names that a careless script would run, split or lose.
pub fn unpacked_tree() -> steward::carried::unpack::Entries {
    use steward::carried::unpack::Node;
    let file = |bytes: &[u8], executable| Node::File { bytes: bytes.to_vec(), executable };
    let mut entries = BTreeMap::from([
        (PathBuf::from("bin/run"), file(b"#!/bin/sh\n", true)),
        (PathBuf::from("link"), Node::Link { target: PathBuf::from("bin/run") }),
        (PathBuf::from("hollow"), Node::Directory),
    ]);
    for name in [&b"a 'b' $(c)"[..], b"-rf", b"pipe|back", b"\xff\xfe", b"~", b"%s%n", b"{}", b"* ?[a]", b".hidden"] {
        entries.insert(PathBuf::from(OsString::from_vec(name.to_vec())), file(name, false));
    }
    steward::carried::unpack::checked(entries).unwrap()
}

/// The same as a `.tar.gz` in which all is below `app-1.0/`.
pub fn tarball() -> Vec<u8> {
    let below = unpacked_tree().into_iter().map(|(path, node)| (Path::new("app-1.0").join(path), node)).collect();
    let packed = steward::carried::unpack::pack(&below).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&packed).unwrap();
    gzip.finish().unwrap()
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A wheel of Python with one module and a program `hello`.
pub fn wheel(version: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let info = format!("hello-{version}.dist-info");
    let files = [
        ("hello.py".to_owned(), format!("def main():\n    print('hello {version}')\n")),
        (format!("{info}/METADATA"), format!("Metadata-Version: 2.1\nName: hello\nVersion: {version}\n")),
        (
            format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned(),
        ),
        (format!("{info}/entry_points.txt"), "[console_scripts]\nhello = hello:main\n".to_owned()),
    ];
    let record: String = files.iter().map(|(name, _)| format!("{name},,\n")).collect();
    for (name, text) in files.iter().chain([&(format!("{info}/RECORD"), record)]) {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A source directory with files, directories and links of such names.
pub fn hostile_tree() -> Vec<TreeEntry> {
    let mut tree = vec![
        entry(b"bin", TreeNode::Directory),
        entry(b"bin/run", TreeNode::File { bytes: b"#!/bin/sh\n".as_slice().into(), executable: true }),
        entry(b"empty", TreeNode::File { bytes: b"".as_slice().into(), executable: false }),
        entry(b"hollow", TreeNode::Directory),
        entry(b"home", TreeNode::Link { target: PathBuf::from("/nonexistent target") }),
    ];
    for name in HOSTILE_NAMES {
        tree.push(entry(name, TreeNode::Directory));
        for inner in HOSTILE_NAMES {
            let path = [name, &b"/"[..], inner].concat();
            tree.push(entry(&path, TreeNode::File { bytes: (*inner).into(), executable: false }));
        }
    }
    let target = PathBuf::from(OsString::from_vec(b"hollow/\xff\n'$(reboot)".to_vec()));
    tree.push(entry(b"link\n-> ", TreeNode::Link { target }));
    tree.sort_by(|a, b| a.path.cmp(&b.path));
    tree
}

pub fn entry(path: &[u8], what: TreeNode) -> TreeEntry {
    TreeEntry { path: PathBuf::from(OsString::from_vec(path.to_vec())), what }
}

/// A path below a directory, in bytes.
pub fn below(directory: &Path, name: &[u8]) -> PathBuf {
    directory.join(OsString::from_vec(name.to_vec()))
}
