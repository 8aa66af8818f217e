//! The kinds of resources. One file a kind, whole: its YAML fields, its part of the probe, the reading of its
//! answers, its apply shell, its tests; and one line in [`ALL`].
//!
//! A [`Kind`] is constant: a name, a schema, two constant pieces of shell. An [`Item`] is one declared resource of
//! it. Shell is never made here from values: items give *fields* (for the request) and *arguments* (for calls), and
//! `script` alone encodes and quotes them. Kinds never name each other.

use std::any::Any;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::carried::Carried;
use crate::diag::{Diagnostic, Diagnostics, Place, Result};
use crate::lifelines::Lifeline;
use crate::observed::Ledger;
use crate::resource::{Observation, State, Want};
use crate::secret::Sealed;
use crate::yaml::Node;

pub mod accounts;
#[cfg(any(test, fuzzing))]
pub mod bench;
pub mod block;
pub mod command;
pub mod container;
pub mod databases;
pub mod directory;
pub mod file;
pub mod group;
#[cfg(test)]
pub mod laws;
#[cfg(test)]
mod laws_here;
pub mod leaving;
pub mod line;
pub mod link;
pub mod mariadb;
pub mod package;
pub mod passwords;
pub mod paths;
pub mod postgres;
pub mod reference;
pub mod service;
mod site;
pub mod sysctl;
pub mod timer;
pub mod tree;
mod unit_text;
pub mod units;
pub mod unpacked;
pub mod user;

pub use leaving::{Fate, Leaving};
pub use site::Site;

/// Every kind there is, in the order of the reference.
pub static ALL: &[&dyn Kind] = &[
    &file::FileKind,
    &directory::DirectoryKind,
    &link::LinkKind,
    &tree::TreeKind,
    &unpacked::archive::ArchiveKind,
    &unpacked::git::GitKind,
    &line::LineKind,
    &block::BlockKind,
    &package::PackageKind,
    &service::ServiceKind,
    &group::GroupKind,
    &user::UserKind,
    &command::CommandKind,
    &sysctl::SysctlKind,
    &timer::TimerKind,
    &container::ContainerKind,
    &unpacked::wheelhouse::WheelhouseKind,
    &postgres::role::PostgresRoleKind,
    &postgres::database::PostgresDatabaseKind,
    &mariadb::user::MariadbUserKind,
    &mariadb::database::MariadbDatabaseKind,
];

/// The kind with this YAML tag.
pub fn named(name: &str) -> Option<&'static dyn Kind> {
    ALL.iter().copied().find(|kind| kind.name() == name)
}

/// A type of resource.
pub trait Kind: Sync {
    /// The YAML tag, and the first part of every identity.
    fn name(&self) -> &'static str;

    /// One sentence for the reference.
    fn summary(&self) -> &'static str;

    /// JSON Schema of what stands after the tag; from the same struct that reads it.
    fn schema(&self) -> schemars::Schema;

    /// The field that a plain string stands for (`- package: nginx` is `{ name: nginx }`).
    fn short_field(&self) -> Option<&'static str> {
        None
    }

    /// Reads one declaration, with all expressions already replaced by their values. Mistakes go to
    /// `build.mistakes`, all of them; `None` if nothing usable is left.
    fn item(&self, node: &Node, build: &mut Build<'_>) -> Option<Box<dyn Item>>;

    /// Constant shell, run on the host in a look: defines `probe_NAME`, which reads the request lines of this kind
    /// on standard input and prints answers. It writes nothing, anywhere, and starts a bounded number of processes
    /// whatever the number of lines. See `script/probe.sh` for what it may use.
    fn probe(&self) -> &'static str;

    /// Whether a look by a reader key may ask for this kind: constant shell that redefines functions of [`Kind::probe`] so
    /// that they tell no more than that key may know, empty if they do as they are. `None`: it is not answered.
    fn reader(&self) -> Option<&'static str> {
        None
    }

    /// Reads the answers: one observation for each item, in their order. The host may lie, cut short or send binary.
    fn read(&self, items: &[&dyn Item], site: &Site, answer: &Answer) -> Vec<Observation>;

    /// Constant shell, run on the host in a change: defines the functions that [`Item::call`] names. See
    /// `script/apply.sh` for what it may use. Every call is check-then-act and ends with `unchanged` if there was
    /// nothing to do.
    fn apply(&self) -> &'static str;

    /// Calls for neighbouring resources of this kind that are to change; one call may serve several of them.
    fn calls(&self, items: &[&dyn Item], site: &Site) -> Vec<Call> {
        items.iter().map(|item| Call { covers: 1, ..item.call(site) }).collect()
    }

    /// True if a change of this kind can bring what later resources are made of (a package brings files, users and
    /// units): what follows it is decided during apply.
    fn provides(&self) -> bool {
        false
    }

    /// Attributes whose text on a host anybody may have written, a password included: such a text is shown only to whoever
    /// may see what hosts have.
    fn free_text(&self) -> &'static [&'static str] {
        &[]
    }

    /// True if it makes sense inside a directory (`root:`) that is not a running host.
    fn works_in_directory(&self) -> bool {
        false
    }

    /// What takes away a resource that Steward made and nothing declares any more: an item that wants it absent, whose
    /// call does nothing (`unchanged`) to what is no longer of this kind, or in use. `None`: it stays, and is forgotten;
    /// also for a name that could not be declared.
    fn retired(&self, _leaving: &Leaving<'_>) -> Option<Box<dyn Item>> {
        None
    }

    /// True if it is retired before anything else of a change, in the reverse of the order in which it was made: what runs
    /// stops before others need its place, and what only a running server can undo goes before that server.
    fn retires_first(&self) -> bool {
        false
    }

    /// True if it is made by what brings it: absent before a change, and there after its step, it was made by that change.
    /// The functions of other kinds say `creates`.
    fn comes_with_others(&self) -> bool {
        false
    }

    /// True if identical declarations from several services are one resource that all of them own.
    fn merges(&self) -> bool {
        false
    }

    /// The fields whose texts may hold secrets; anywhere else one is a mistake, since it would be seen on the way.
    fn secret_fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// Short valid declarations, as YAML, for the reference and for the laws that every kind is tested against.
    fn examples(&self) -> &'static [&'static str];
}

/// One declared resource.
pub trait Item: Any + Debug + Send + Sync {
    /// The second part of the identity.
    fn name(&self) -> &str;

    fn want(&self) -> Want;

    /// The fields of this resource's line in the request. Any bytes; `script` encodes them.
    fn ask(&self, site: &Site) -> Vec<Vec<u8>>;

    /// What it holds of secrets: the request then gets two more fields, see `script::request`.
    fn sealed(&self) -> Option<&Arc<Sealed>> {
        None
    }

    /// What the host may tell a reader key beside attributes: digests of contents without secrets, lines of keys.
    fn known(&self) -> Vec<String> {
        match (self.sealed(), self.want()) {
            (None, Want::Present(state)) => state.digests().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// What to run on the host to make it so.
    fn call(&self, site: &Site) -> Call;

    /// The path it writes, for reactions. A directory or tree stands for all below it.
    fn path(&self) -> Option<&str> {
        None
    }

    /// True if nothing else may manage this path; see [`fight`].
    fn claims(&self, path: &str) -> bool {
        self.path() == Some(path)
    }

    /// One line that [`Kind::retired`] must know besides the name. The host keeps it; nothing in it is secret.
    fn keepsake(&self) -> String {
        String::new()
    }

    /// What it does when others change.
    fn reactions(&self) -> Vec<Reaction> {
        Vec::new()
    }

    /// True if a change from this state starts something afresh, which need not be told to reload what it reads then.
    fn starts_from(&self, _observed: Option<&State>) -> bool {
        false
    }

    /// True if software on the host writes the keys that log in as this account, each for one command only.
    fn hands_out_command_keys(&self) -> bool {
        false
    }

    /// What people get in by and a change of this may close. It is then made under commit-confirm.
    fn lifelines(&self) -> Vec<Lifeline> {
        self.path().map(crate::lifelines::of_path).unwrap_or_default()
    }

    /// What a person should look at twice before this changes.
    fn risks(&self) -> Vec<Risk> {
        if self.lifelines().is_empty() { Vec::new() } else { vec![Risk::Lockout] }
    }

    /// The same where nothing is there yet.
    fn risks_when_new(&self) -> Vec<Risk> {
        self.risks()
    }

    /// True if its content must not be shown.
    fn sensitive(&self) -> bool {
        self.sealed().is_some()
    }

    /// What `plan` calls a change of it: most are created and updated, a command is run.
    fn runs(&self) -> bool {
        false
    }

    /// True if the two declarations ask for the same, so that they may merge.
    fn same_as(&self, other: &dyn Item) -> bool {
        self.name() == other.name() && self.want() == other.want()
    }
}

/// True if the two would undo each other's work, as a file and a line in it would. Several lines of one file do not.
pub fn fight(one: &dyn Item, other: &dyn Item) -> bool {
    let claims = |a: &dyn Item, b: &dyn Item| b.path().is_some_and(|path| a.claims(path));
    claims(one, other) || claims(other, one)
}

/// The concrete item behind the trait; `None` only if a kind is handed another kind's item.
pub fn concrete<T: Item>(item: &dyn Item) -> Option<&T> {
    (item as &dyn Any).downcast_ref::<T>()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    Lockout,
    Restart,
    Data,
}

/// A call of one of a kind's own shell functions.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub function: &'static str,
    pub arguments: Vec<Argument>,
    /// How many resources it serves, in their order.
    pub covers: usize,
}

impl Call {
    pub fn new(function: &'static str) -> Self {
        Self { function, arguments: Vec::new(), covers: 1 }
    }

    #[must_use]
    pub fn arg(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.arguments.push(Argument::Text(argument.into()));
        self
    }

    /// An argument that may be missing: the function gets an empty string.
    #[must_use]
    pub fn optional(self, argument: Option<&str>) -> Self {
        self.arg(argument.unwrap_or_default())
    }

    /// The function gets the path of a private file, in memory, with what these placeholders stand for.
    #[must_use]
    pub fn secret(mut self, sealed: &Arc<Sealed>) -> Self {
        self.arguments.push(Argument::Secret(Arc::clone(sealed)));
        self
    }

    /// The function gets the path of a private file with what the operator's side brings, loaded once it is needed.
    #[must_use]
    pub fn carried(mut self, carried: &Arc<Carried>) -> Self {
        self.arguments.push(Argument::Carried(Arc::clone(carried)));
        self
    }

    /// The function gets the path of a private file with these bytes.
    #[must_use]
    pub fn payload(mut self, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.arguments.push(Argument::Payload(bytes.into()));
        self
    }
}

#[derive(Debug, Clone)]
pub enum Argument {
    Text(Vec<u8>),
    Payload(Arc<[u8]>),
    Secret(Arc<Sealed>),
    Carried(Arc<Carried>),
}

/// Equal in what may be seen.
impl PartialEq for Argument {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Payload(one), Self::Payload(other)) => one == other,
            (Self::Secret(one), Self::Secret(other)) => one.stamp == other.stamp,
            (Self::Carried(one), Self::Carried(other)) => one.stamp() == other.stamp(),
            _ => false,
        }
    }
}

/// What has to happen when something under a path changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Reaction {
    pub action: ReactionKind,
    /// Absolute path globs: `*` within a component, `**` across.
    pub on: Vec<String>,
    pub call: Call,
    /// A command that must succeed first; else the files changed under `on` are restored.
    pub validate: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReactionKind {
    Reload,
    Restart,
    Run,
}

impl ReactionKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::Restart => "restart",
            Self::Run => "run",
        }
    }
}

/// What an item may use while it is read: templates and files of the module and the chapter.
pub struct Build<'a> {
    pub mistakes: &'a mut Diagnostics,
    pub files: &'a mut dyn Files,
    pub site: &'a Site,
}

/// Where content comes from during compilation; the compile stage implements it.
pub trait Files {
    /// Renders the template of this name (`nginx/site.conf.j2`) with the service's parameters.
    fn template(&mut self, name: &str, place: &Place) -> Result<Rendered>;

    /// A file of the chapter's repository. Symbolic links may not lead out of it.
    fn source(&mut self, path: &str, place: &Place) -> Result<Arc<[u8]>>;

    /// Everything below a directory of the chapter's repository, sorted by path.
    fn tree(&mut self, path: &str, place: &Place) -> Result<Vec<TreeEntry>>;
}

#[derive(Debug, Clone)]
pub struct Rendered {
    /// With placeholders for secrets.
    pub text: String,
    /// Where each came from, for messages.
    pub name: String,
    /// If it holds secrets.
    pub sealed: Option<Arc<Sealed>>,
}

/// One entry below a source directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Relative, in bytes: names need not be UTF-8.
    pub path: PathBuf,
    pub what: TreeNode,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeNode {
    Directory,
    File { bytes: Arc<[u8]>, executable: bool },
    Link { target: PathBuf },
}

/// The answers of one kind: raw lines between the frames. Lossless: bytes, not text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub bytes: Vec<u8>,
    /// The nonce of the exchange: a host's own data, older than the exchange, cannot contain it.
    pub nonce: String,
    /// What the host remembers of resources that hold secrets.
    pub ledger: Arc<Ledger>,
}

impl Answer {
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
    }

    /// The lines that are UTF-8; a kind that encodes everything needs no others.
    pub fn text_lines(&self) -> impl Iterator<Item = &str> {
        self.lines().filter_map(|line| std::str::from_utf8(line).ok())
    }
}

/// Whether the thing shall exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    #[default]
    Present,
    Absent,
}

/// Refuses a path that is not absolute and plain, pointing at the field it stands in.
pub fn absolute(path: &str, node: &Node, field: &str, mistakes: &mut Diagnostics) -> Option<()> {
    if is_plain_absolute(path) {
        return Some(());
    }
    let fact = format!("`{path}` is not a plain absolute path");
    let remedy = "begin it with `/`, without `..`, `.`, doubled or final slashes";
    mistakes.push(Diagnostic::error(fact).at(field_place(node, field)).remedy(remedy));
    None
}

/// Refuses permissions that are not three or four octal digits.
pub fn mode(mode: Option<&str>, node: &Node, mistakes: &mut Diagnostics) -> Option<()> {
    let Some(mode) = mode else { return Some(()) };
    if (3..=4).contains(&mode.len()) && mode.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        return Some(());
    }
    let fact = format!("`{mode}` is not a file mode");
    mistakes.push(
        Diagnostic::error(fact)
            .at(field_place(node, "mode"))
            .remedy("write three or four octal digits, such as \"0640\""),
    );
    None
}

/// Permissions with four digits, as they are observed.
pub fn four_digits(mode: &str) -> String {
    format!("{mode:0>4}")
}

/// Where a field stands, or the whole declaration if it does not.
pub fn field_place<'a>(node: &'a Node, field: &str) -> &'a Place {
    node.get(field).map_or(&node.place, |value| &value.place)
}

/// True if `path` is absolute, normal and not the root: no `..`, `.`, doubled or final slash, no NUL.
pub fn is_plain_absolute(path: &str) -> bool {
    path.starts_with('/')
        && path.len() > 1
        && !path.contains('\0')
        && path[1..].split('/').all(|part| !matches!(part, "" | "." | ".."))
        && Path::new(path).is_absolute()
}
