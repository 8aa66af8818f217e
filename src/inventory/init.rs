//! A new inventory: a file that teaches, its immutable id, the schema beside it so that editors work offline.
//!
//! Writes only new files, in an order that leaves nothing half: a directory that holds any of them is refused.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::names::host_name_mistake;
use super::{Locale, Login, SshKey, new_id, schema};
use crate::diag::{Diagnostic, Result, shown};

/// What `init` asks for.
#[derive(Debug, Clone)]
pub struct NewInventory {
    /// The chapter's name, as people write it.
    pub name: String,
    /// The chapter's own domain.
    pub domain: String,
    pub locale: Locale,
    /// The first maintainer, when known: account name, name and SSH public keys.
    pub maintainer: Option<Maintainer>,
}

#[derive(Debug, Clone)]
pub struct Maintainer {
    pub login: Login,
    pub name: String,
    pub ssh: Vec<SshKey>,
}

/// Where editors find the schema, relative to the inventory.
const SCHEMA: &str = ".steward/schema.json";

/// Writes a new inventory into `dir`, which need not exist. Gives the files, in the order they were written.
pub fn init(dir: &Path, new: &NewInventory) -> Result<Vec<PathBuf>> {
    if let Some(why) = host_name_mistake(&new.domain) {
        return Err(Box::new(
            Diagnostic::error(format!("`{}` is not a domain: {why}", new.domain.escape_debug()))
                .remedy("give a name such as chapter.example"),
        ));
    }
    if new.name.trim().is_empty() {
        return Err(Box::new(Diagnostic::error("the chapter has no name").remedy("give one by `--name`")));
    }
    let id = new_id().map_err(|error| {
        Diagnostic::error(format!("cannot make a random id: {error}")).remedy("run where /dev/urandom can be read")
    })?;
    let files = [(SCHEMA, schema_text()), (".gitignore", GITIGNORE.to_owned()), ("chapter.yaml", chapter(&id, new))];
    if let Some(existing) = first_existing(dir, files.iter().map(|(name, _)| *name)) {
        return Err(Box::new(
            Diagnostic::error(format!("{} exists already", shown(&existing)))
                .remedy("choose a new directory; `init` never overwrites"),
        ));
    }
    let write = |(name, text): &(&str, String)| {
        let path = dir.join(name);
        create(&path, text).map(|()| path.clone()).map_err(|error| {
            let fact = format!("cannot write {}: {error}", shown(&path));
            Box::new(Diagnostic::error(fact).remedy("check the directory's permissions and space"))
        })
    };
    files.iter().map(write).collect()
}

/// The schema as it stands beside an inventory.
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

/// An inventory that is there already, or a file that would be overwritten.
fn first_existing<'a>(dir: &Path, names: impl Iterator<Item = &'a str>) -> Option<PathBuf> {
    let yaml = super::load::files(dir).unwrap_or_default().into_iter();
    names.map(|name| dir.join(name)).filter(|path| path.symlink_metadata().is_ok()).chain(yaml).next()
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

const GITIGNORE: &str = "\
# Saved plans hold what a host has; private keys belong to one person.
*.plan
*.agekey
identity*.txt
id_*
!id_*.pub
# What an interrupted change of secrets left; the next command finishes it.
/secrets/.journal*
";

fn chapter(id: &str, new: &NewInventory) -> String {
    let people = match &new.maintainer {
        None => "people: {}\n".to_owned(),
        Some(person) => format!(
            "people:\n  {}:\n    name: {}\n    role: maintainer\n    ssh: [{}]\n",
            person.login,
            quoted(&person.name),
            person.ssh.iter().map(|key| quoted(&key.to_string())).collect::<Vec<_>>().join(", ")
        ),
    };
    TEMPLATE
        .replace("@schema@", SCHEMA)
        .replace("@id@", id)
        .replace("@locale@", new.locale.code())
        .replace("@people@\n", &people)
        .replace("@domain@", &quoted(&new.domain))
        .replace("@name@", &quoted(&new.name))
}

/// JSON strings are YAML strings, whatever they hold.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const TEMPLATE: &str = r#"# yaml-language-server: $schema=@schema@
#
# What runs on the chapter's servers, and who may touch it. After a change:
#   steward validate      finds mistakes, without touching a server
#   steward plan          shows what would change on the servers
#   steward apply         changes it, after asking
# You may split this file: all *.yaml files of this directory are read together.

# Hosts file what they remember under this id. Never change it, never copy it to another inventory.
id: @id@

chapter:
  name: @name@
  domain: @domain@
  locale: @locale@ # the language of generated pages: en or es

# Values that several services share. A parameter takes one only by naming it: timezone: "{{ vars.timezone }}"
vars: {}

# The volunteers, with the public halves of their keys. Roles: maintainer, operator, reader. At least two maintainers
# should be able to log in, so that nobody is locked out when one leaves:
#   ana:
#     name: Ana
#     role: maintainer
#     ssh: [ssh-ed25519 AAAA… ana@laptop]   # the line of ~/.ssh/id_ed25519.pub
#     age: [age1…]                          # printed by age-keygen; secrets are encrypted to it
@people@

# The servers. `user` is the login that the hosting gave; `host_key` is what `ssh-keyscan ADDRESS` prints after the
# address, compared with what the hosting shows:
#   web1:
#     address: 203.0.113.10
#     user: admin
#     host_key: ssh-ed25519 AAAA…
#     os: debian-12
#     groups: [web]
hosts: {}

# Hosts that have something in common:
#   web:
#     vars: { timezone: America/Los_Angeles }
groups: {}

# What runs where. `steward module list` shows the modules, `steward module show NAME` what each asks for:
services:
  apt: { module: apt, on: all } # updates, every night
  firewall: { module: firewall, on: all } # lets in only what services declare
  baseline: { module: baseline, on: all } # people's accounts, SSH without passwords
#   nginx: { module: nginx, on: web1 }
#   website:
#     module: static-site
#     on: web1
#     params: { domain: www.chapter.example, source: site/ }
"#;

#[cfg(test)]
mod tests {
    use super::super::load;
    use super::*;

    fn new() -> NewInventory {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL3eOZ1h0yFf0oA1Vn0w6wT5y0mJm3b7xM2S0c9bq7aV it's: {me} # x";
        NewInventory {
            name: "Verein \"Öl & Korn\": @id@ #1 \\ {{ x }}".into(),
            domain: "verein.example".into(),
            locale: Locale::Es,
            maintainer: Some(Maintainer {
                login: Login::try_from("ana".to_owned()).unwrap(),
                name: "no".into(),
                ssh: vec![SshKey::try_from(key.to_owned()).unwrap()],
            }),
        }
    }

    #[test]
    fn a_new_inventory_passes_validation_and_says_what_was_given() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("ours/deep");
        let files = init(&dir, &new()).unwrap();
        let (inventory, mistakes) = load(&dir);
        assert!(mistakes.0.is_empty(), "{mistakes:?}");
        let inventory = inventory.unwrap();
        assert_eq!(inventory.chapter.name.value, new().name);
        assert_eq!(inventory.chapter.locale, Locale::Es);
        assert_eq!(inventory.people["ana"].name.value, "no");
        assert!(inventory.people["ana"].ssh[0].comment.ends_with("{me} # x"));
        assert!(files.iter().all(|file| file.is_file()));
        let text = fs::read_to_string(dir.join("chapter.yaml")).unwrap();
        assert!(text.starts_with("# yaml-language-server: $schema=.steward/schema.json\n"));
        assert!(
            serde_json::from_slice::<serde_json::Value>(&fs::read(dir.join(SCHEMA)).unwrap()).unwrap().is_object()
        );
    }

    #[test]
    fn the_examples_in_the_comments_are_valid_when_uncommented() {
        let text = chapter("0123456789abcdef0123456789abcdef", &NewInventory { maintainer: None, ..new() });
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIL3eOZ1h0yFf0oA1Vn0w6wT5y0mJm3b7xM2S0c9bq7aV";
        let text: String = text
            .lines()
            .filter(|line| !["people: {}", "hosts: {}", "groups: {}"].contains(line))
            .map(|line| match line.strip_prefix("#   ") {
                Some(example) if !example.starts_with("steward ") => format!("  {example}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        // The sections' names stand below their comments; here they must stand above the examples.
        let text = text
            .replace("# The volunteers", "people:\n# The volunteers")
            .replace("# The servers.", "hosts:\n# The servers.")
            .replace("# Hosts that have", "groups:\n# Hosts that have")
            .replace("AAAA…", key)
            .replace("age1…", "age1lfj49efwqcurqzxd84chv976ntj7jmp20un3sxvsf4s47ylmp97qwa3w0h");
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), &text).unwrap();
        let (inventory, mistakes) = load(dir.path());
        assert!(mistakes.0.is_empty(), "{mistakes:?}\n{text}");
        let inventory = inventory.unwrap();
        assert_eq!((inventory.people.len(), inventory.hosts.len(), inventory.services.len()), (1, 1, 5));
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("other.yaml"), "hosts: {}\n").unwrap();
        let refusal = init(dir.path(), &new()).unwrap_err();
        assert!(refusal.fact.ends_with("other.yaml exists already"), "{refusal}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn two_inventories_never_share_an_id() {
        let dir = tempfile::tempdir().unwrap();
        let id = |name: &str| {
            let dir = dir.path().join(name);
            init(&dir, &new()).unwrap();
            load(&dir).0.unwrap().id.value
        };
        assert_ne!(id("a"), id("b"));
    }

    #[test]
    fn a_domain_that_is_none_is_refused() {
        let refusal = init(Path::new("/nonexistent"), &NewInventory { domain: "a b".into(), ..new() }).unwrap_err();
        assert!(refusal.fact.contains("is not a domain"), "{refusal}");
    }
}
