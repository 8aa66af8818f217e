//! Modules: what a service is made of, as data. `modules/NAME.yaml` and the templates in `templates/NAME/`, embedded
//! in the program, replaced or joined by those of the chapter's own repository.
//!
//! Reading a module finds every mistake that can be found without an inventory. Nothing here evaluates anything;
//! `compile` does.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::diag::{Place, Source};
use crate::kinds::Kind;
pub use crate::secret_declaration::SecretDeclaration;
use crate::yaml::{Map, Node, Placed};

mod declared;
pub mod describe;
mod each;
mod library;
mod limits;
pub mod lock;
mod params;
mod read;
pub mod scaffold;
mod schema;
mod text;
mod types;

pub use crate::inventory::inside::root_of;
pub use each::{check_lists, secrets_of};
pub use library::Library;
pub use params::{Param, accept_fields};
pub use read::read;
pub use schema::schema;
pub use text::Text;
pub use types::Type;

/// Names that every expression can see, whatever the module.
pub const GIVEN: &[&str] = &["chapter", "former", "host", "inventory", "people", "public_keys", "service"];

/// Names that exist only in some expressions, and which no parameter may hide.
pub const RESERVED: &[&str] = &[
    "fetched",
    "item",
    "key",
    "need",
    "needed_by",
    "needs",
    "offers",
    "secrets",
    "vars",
    "loop",
    "range",
    "dict",
    "namespace",
];

/// A module as it was declared.
#[derive(Debug)]
pub struct Module {
    pub name: String,
    pub source: Arc<Source>,
    /// True if it comes with this program.
    pub embedded: bool,
    /// Counts up with every change that a person should know of.
    pub version: i64,
    pub summary: Text,
    /// What a reviewer should know of a version, by its number.
    pub notes: BTreeMap<i64, Text>,
    /// What stops working, or has to be done by hand, with a version: nobody comes to it without agreeing.
    pub breaking: BTreeMap<i64, Text>,
    /// The class of the data that its services keep.
    pub data: Option<DataClass>,
    /// What all its resources ask of a host.
    pub supported: Option<Supported>,
    /// In the order of the file, without those that could not be read.
    pub params: IndexMap<String, Param>,
    /// The names of all params, those too.
    pub param_names: Vec<String>,
    /// What each service of it keeps in the store, as `SERVICE/NAME`.
    pub secrets: IndexMap<String, SecretDeclaration>,
    pub needs: IndexMap<String, Need>,
    /// What a service of this module hands back to those that need it: expressions that also see `need`.
    pub facts: Map,
    /// What those that need it may say: the fields of a need. `None`: anything.
    pub takes: Option<IndexMap<String, Param>>,
    /// What it collects from the services of its host: the fields of each offer.
    pub gathers: IndexMap<String, IndexMap<String, Param>>,
    pub offers: IndexMap<String, Vec<Offer>>,
    pub resources: Vec<Declaration>,
    /// What shows that it works, see [`crate::checks`].
    pub checks: Vec<DeclaredCheck>,
    /// What the next volunteer must know.
    pub handoff: Text,
    /// How it is tried by `steward module test`.
    pub test: ModuleTest,
}

/// What a test of the module deploys, beside what it needs.
#[derive(Debug, Default)]
pub struct ModuleTest {
    /// What its service is given, before examples.
    pub params: Map,
    /// Further services, such as one that needs it, by name.
    pub services: IndexMap<String, TestService>,
}

#[derive(Debug)]
pub struct TestService {
    pub module: Placed<String>,
    /// True: on a second host.
    pub elsewhere: bool,
    pub params: Map,
}

/// A service of another module without which this one cannot work.
#[derive(Debug)]
pub struct Need {
    pub module: String,
    /// True: it may be missing.
    pub optional: bool,
    /// True: it must be on another host.
    pub elsewhere: bool,
    pub when: Option<Node>,
    /// What the other service gets to know, as `need` in its facts and in `needed_by`.
    pub values: Map,
    pub place: Place,
}

/// What other modules may gather.
#[derive(Debug)]
pub struct Offer {
    pub repeat: Repeat,
    /// The service that shall have it; else whoever gathers on this host.
    pub to: Option<Node>,
    pub values: Node,
}

/// One resource, or as many as `for_each` has items.
pub struct Declaration {
    pub kind: &'static dyn Kind,
    pub repeat: Repeat,
    /// What it holds is nobody's to make again: it is never taken away by omission.
    pub data: bool,
    pub class: Option<DataClass>,
    pub supported: Option<Supported>,
    pub fields: Node,
}

/// `data: { class: personal }`.
#[derive(Debug, Clone)]
pub struct DataClass {
    pub class: Class,
    /// False: it can be made again, so that it needs no backup.
    pub backup: bool,
}

/// Who may see it, from everybody to nearly nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Public,
    /// The chapter's own: minutes, drafts, settings.
    Internal,
    /// Of people who can be told from it.
    Personal,
    /// What harms people if it gets out: membership, health, chats.
    Sensitive,
}

impl DataClass {
    /// In one word.
    pub fn word(&self) -> &'static str {
        match self.class {
            Class::Public => "public",
            Class::Internal => "internal",
            Class::Personal => "personal",
            Class::Sensitive => "sensitive",
        }
    }

    /// True for all but what everybody may see.
    pub fn is_private(&self) -> bool {
        self.class > Class::Public
    }
}

/// `supported: { needs: [clock], when: …, because: … }`: where it can work at all.
#[derive(Debug)]
pub struct Supported {
    /// False on a host: it is not supported there.
    pub when: Option<Node>,
    /// Words of [`ABILITIES`](crate::abilities::ABILITIES).
    pub abilities: Vec<&'static str>,
    pub because: Text,
}

impl std::fmt::Debug for Declaration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.kind.name(), self.fields.place)
    }
}

/// One check, or as many as `for_each` has items.
#[derive(Debug)]
pub struct DeclaredCheck {
    pub repeat: Repeat,
    /// The kind with its fields, and what else stands beside it.
    pub fields: Node,
}

/// `when:` and `for_each:`.
#[derive(Debug, Clone, Default)]
pub struct Repeat {
    pub when: Option<Node>,
    pub for_each: Option<Node>,
}

#[cfg(test)]
mod tests;
