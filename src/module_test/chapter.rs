//! A chapter of its own for one test: a directory with the modules, an inventory of one or two throw-away hosts, and an empty
//! home. Every command of Steward is run there as somebody would type it. Takes services and hosts, gives what was said.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::hosts::Hosts;
use super::services::{HOST, OTHER, Services};
use crate::adding::{NewService, add};
use crate::compile::compile;
use crate::diag::{Diagnostic, Diagnostics};
use crate::inventory::{self, Selection};
use crate::modules::Library;

pub(super) struct Chapter {
    dir: PathBuf,
    key: PathBuf,
    before: String,
    with: String,
    /// The services that are tried and have data to save.
    pub(super) backed: Vec<String>,
    /// Whether anything on the hosts has a check.
    pub(super) has_checks: bool,
}

/// What a command said, and its exit code; −1 if it was killed.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

const INVENTORY: &str = "inventories/test";
const PERSON: &str = "ana";

impl Chapter {
    /// Writes the inventory without the tried services, and finds out whether it holds with them.
    pub(super) fn new(
        dir: &Path,
        library: &Library,
        services: &Services,
        hosts: &Hosts,
    ) -> Result<Self, Diagnostics> {
        for from in ["modules", "templates"] {
            if library.root().as_os_str().is_empty() {
                break; // the program's own alone
            }
            copy(&library.root().join(from), &dir.join(from)).map_err(|why| {
                Diagnostic::error(format!("{from} cannot be copied for the test: {why}"))
                    .remedy("check its files and the space on the disk")
            })?;
        }
        let person = person(dir)?;
        let place = dir.join(INVENTORY);
        std::fs::create_dir_all(&place)
            .and_then(|()| std::fs::create_dir_all(dir.join("home")))
            .map_err(|error| unwritten(&error))?;
        let top = top(services, hosts, &person)?;
        std::fs::write(place.join("inventory.yaml"), &top).map_err(|error| unwritten(&error))?;
        let (found, mut mistakes) = inventory::load(&place);
        let Some(found) = found.filter(|_| !mistakes.has_errors()) else { return Err(mistakes) };
        let library = Library::load(&place, &mut mistakes);
        let text = |services: &[NewService]| -> Result<(String, _), Diagnostics> {
            if services.is_empty() {
                return Ok((top.clone(), None));
            }
            let added = add(&found, &library, services)?;
            let text = added.rewrites.iter().map(|it| String::from_utf8_lossy(&it.content).into_owned()).next();
            Ok((text.unwrap_or_default(), Some(added.after)))
        };
        let ((before, _), (with, after)) = (text(&services.before)?, text(&services.all())?);
        let (mut backed, mut has_checks) = (Vec::new(), false);
        if let Some(after) = &after {
            let selection = Selection { hosts: after.hosts.keys().cloned().collect(), services: None };
            for host in compile(after, &library, &selection).0.iter().flat_map(|catalog| &catalog.hosts) {
                backed.extend(
                    host.backed.iter().filter(|it| services.is_tried(&it.service)).map(|it| it.service.clone()),
                );
                has_checks |= !host.checks.is_empty();
            }
        }
        let chapter = Self { dir: dir.to_path_buf(), key: hosts.key(), before, with, backed, has_checks };
        Ok(chapter)
    }

    /// The inventory without the tried services.
    pub(super) fn without(&self) -> Result<(), Diagnostics> {
        self.become_(&self.before)
    }

    /// The inventory with them.
    pub(super) fn with(&self) -> Result<(), Diagnostics> {
        self.become_(&self.with)
    }

    pub(super) fn has_services_before(&self) -> bool {
        self.before.contains("\nservices:")
    }

    pub(super) fn inventory(&self) -> PathBuf {
        self.dir.join(INVENTORY)
    }

    fn become_(&self, text: &str) -> Result<(), Diagnostics> {
        std::fs::write(self.inventory().join("inventory.yaml"), text).map_err(|error| unwritten(&error))?;
        for words in [&["module", "update"][..], &["secrets", "generate"]] {
            let said = self.steward(words)?;
            if said.code != 0 {
                let fact = format!("`steward {}` of the test: {}", words.join(" "), said.tail());
                return Err(Diagnostic::error(fact).remedy("mend the module").into());
            }
        }
        Ok(())
    }

    /// One command, with this program, as the one maintainer of the chapter.
    pub(super) fn steward(&self, words: &[&str]) -> Result<Said, Diagnostics> {
        let failed = |why: std::io::Error| {
            Diagnostics::from(
                Diagnostic::error(format!("steward cannot start itself: {why}")).remedy("run it by its whole path"),
            )
        };
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
        // this very program, also if an upgrade has put another one in its place since
        let own = PathBuf::from("/proc/self/exe");
        let mut command = Command::new(if own.exists() { own } else { std::env::current_exe().map_err(failed)? });
        command.args(["--color", "never", "--locale", "en", "--inventory"]).arg(self.inventory());
        command
            .args(["--user", "admin", "--identity"])
            .arg(&self.key)
            .arg("--identity")
            .arg(self.dir.join(PERSON))
            .args(words);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STEWARD_")) {
            command.env_remove(name);
        }
        // none of the operator's own keys: the test shall not depend on whose machine it is
        command.env("HOME", self.dir.join("home")).env_remove("XDG_CONFIG_HOME").env_remove("SSH_AUTH_SOCK");
        command.env("TERM", "dumb").current_dir(&self.dir);
        if let Some(cache) = cache {
            command.env("XDG_CACHE_HOME", cache);
        }
        let output = command.stdin(Stdio::null()).output().map_err(failed)?;
        Ok(Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

impl Said {
    /// The lines of JSON that it printed.
    pub(super) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The end of what it said to people, which names what went wrong.
    pub(super) fn tail(&self) -> String {
        let lines: Vec<&str> = self.stderr.trim().lines().collect();
        let from = lines.len().saturating_sub(40);
        lines.get(from..).unwrap_or_default().join("\n")
    }
}

fn unwritten(error: &std::io::Error) -> Diagnostics {
    Diagnostic::error(format!("the inventory of the test cannot be written: {error}"))
        .remedy("make room in the temporary directory")
        .into()
}

/// A key pair of the one maintainer: she reads the secrets by it, and has her account if the module makes accounts. It is not
/// the key that opens the hosts, since who leaves cannot close their own door.
fn person(dir: &Path) -> Result<String, Diagnostics> {
    let failed = |why: &str| {
        Diagnostics::from(Diagnostic::error(format!("no key can be made: {why}")).remedy("install openssh-client"))
    };
    let file = dir.join(PERSON);
    let output = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "ana", "-f"])
        .arg(&file)
        .stdin(Stdio::null())
        .output();
    let output = output.map_err(|error| failed(&error.to_string()))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    let key = std::fs::read_to_string(file.with_extension("pub")).map_err(|error| failed(&error.to_string()))?;
    Ok(key.trim().to_owned())
}

fn top(services: &Services, hosts: &Hosts, key: &str) -> Result<String, Diagnostics> {
    let mut text = format!(
        "id: 5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978\nchapter: {{ name: Test, domain: test.example, min_readers: 1 }}\n\
         people:\n  ana: {{ name: Ana, role: maintainer, ssh: [{key}] }}\nhosts:\n"
    );
    for name in [HOST, OTHER].into_iter().filter(|name| *name == HOST || services.use_both_hosts()) {
        let (address, key) = (hosts.address(name)?, hosts.host_key(name)?);
        text.push_str(&format!(
            "  {name}: {{ address: {address}, user: admin, host_key: {key}, os: debian-12, arch: {} }}\n",
            std::env::consts::ARCH
        ));
    }
    Ok(text)
}

/// A folder with all below it; a missing one is none. Links are left out, as the library leaves them out.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
