//! From the inventory to a connection: who logs in where, with which keys, and whom the host must be. Decides nothing
//! about what is done there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secrecy::SecretString;

use crate::inventory::{Host, Inventory, Person};
use crate::script::reader::ACCOUNT;
use crate::transport::{Jump, Login, Remote, Sudo, Target, Timeouts};

/// What the command line says about connections.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// `--user`: log in as this user everywhere.
    pub user: Option<String>,
    /// `--reader`: log in for reader keys, which can only look.
    pub reader: bool,
    /// `--identity`: key files to offer.
    pub identities: Vec<PathBuf>,
    /// Asked once, for all hosts; `None`: sudo must not ask.
    pub sudo_password: Option<SecretString>,
    pub timeouts: Timeouts,
}

/// How to reach a host. Steward logs in as the operator's own account, and falls back to the bootstrap login while
/// that account does not exist yet.
pub fn target(inventory: &Inventory, host: &Host, operator: Option<&Person>, access: &Access) -> Target {
    if host.is_local() {
        return Target::Local(here(host, access));
    }
    let bootstrap = login(host.user.as_str(), access);
    let reader = access.reader.then(|| Login { user: Some(ACCOUNT.to_owned()), sudo: Sudo::Reader });
    let wanted = access.user.as_deref().or_else(|| operator.map(Person::login)).map(|user| login(user, access));
    let (wanted, fallback) = match reader.or(wanted) {
        Some(wanted) if access.reader => (wanted, None),
        Some(wanted) if access.user.is_some() || wanted.user == bootstrap.user => (wanted, None),
        Some(wanted) => (wanted, Some(bootstrap)),
        None => (bootstrap, None),
    };
    let mut remote = Remote::new(host.address.as_str(), wanted);
    // the usual one may be the default of who left it out: then `~/.ssh/config` may name another
    remote.port = Some(host.port.get()).filter(|port| *port != 22);
    remote.fallback = fallback;
    remote.host_keys = host.host_key.iter().map(|key| key.value.to_string()).collect();
    remote.jumps = jumps(inventory, host, access);
    remote.identities = access.identities.iter().filter(|path| is_ssh_key(path)).cloned().collect();
    remote.timeouts = access.timeouts;
    Target::Ssh(Box::new(remote))
}

/// On this machine: root is needed only for a whole host. The catalog's site says which paths are meant.
fn here(host: &Host, access: &Access) -> Login {
    if host.root.is_some() || rustix::process::getuid().is_root() {
        return Login { user: None, sudo: Sudo::None };
    }
    Login { user: None, ..login("", access) }
}

fn login(user: &str, access: &Access) -> Login {
    let sudo = match &access.sudo_password {
        _ if user == "root" => Sudo::None,
        Some(password) => Sudo::Password(password.clone()),
        None => Sudo::Passwordless,
    };
    Login { user: Some(user.to_owned()), sudo }
}

/// The hosts on the way, the nearest first. Loading has refused cycles.
fn jumps(inventory: &Inventory, host: &Host, access: &Access) -> Vec<Jump> {
    let mut way = Vec::new();
    let mut next = host.jump.as_ref();
    while let Some(jump) = next.and_then(|name| inventory.hosts.get(&name.value)) {
        let user = access.user.as_deref().unwrap_or(jump.user.as_str());
        let to = format!("{user}@{}:{}", bracketed(jump.address.as_str()), jump.port);
        way.insert(0, Jump { to, host_keys: jump.host_key.iter().map(|key| key.value.to_string()).collect() });
        next = jump.jump.as_ref().filter(|_| way.len() <= inventory.hosts.len());
    }
    way
}

fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

/// An age identity may be given by the same option; it is nothing to log in with.
fn is_ssh_key(path: &Path) -> bool {
    std::fs::read_to_string(path)
        .map_or(true, |text| !text.contains("AGE-SECRET-KEY") && !text.contains("AGE-PLUGIN"))
}

/// The person whose key this machine holds: by the `.pub` files beside the identities and in `~/.ssh`, and by the agent.
pub fn operator<'a>(inventory: &'a Inventory, access: &Access) -> Option<&'a Person> {
    if access.user.is_some() || inventory.people.is_empty() {
        return None;
    }
    let mut lines: Vec<String> = Vec::new();
    for identity in &access.identities {
        let mut public = identity.as_os_str().to_owned();
        public.push(".pub");
        lines.extend(std::fs::read_to_string(public));
    }
    if lines.is_empty() {
        lines = usual_keys();
    }
    let held: Vec<&str> =
        lines.iter().flat_map(|text| text.lines()).filter_map(|line| line.split(' ').nth(1)).collect();
    inventory
        .people
        .values()
        .map(|person| &person.value)
        .find(|person| person.ssh.iter().any(|own| held.contains(&own.value.blob.as_str())))
}

fn usual_keys() -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(home) = std::env::home_dir() {
        let files = std::fs::read_dir(home.join(".ssh")).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|it| it == "pub")).collect();
        files.sort();
        lines.extend(files.iter().filter_map(|path| std::fs::read_to_string(path).ok()));
    }
    if std::env::var_os("SSH_AUTH_SOCK").is_some() {
        let agent = Command::new("ssh-add").arg("-L").stdin(Stdio::null()).stderr(Stdio::null()).output();
        lines.extend(
            agent.ok().filter(|it| it.status.success()).map(|it| String::from_utf8_lossy(&it.stdout).into_owned()),
        );
    }
    lines
}
