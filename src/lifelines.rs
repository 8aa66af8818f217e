//! What people reach a host by: SSH, sudo, firewall, network, logins. The one table of it: what `plan` calls a risk of
//! lock-out is what `apply` makes under commit-confirm, and what the host saves before and restores without a
//! confirmation. Takes names and paths, gives rows of the table; knows no kind and touches no host.

use std::collections::BTreeSet;

/// One road to a host, or gate on it. What is saved and restored together.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Area {
    /// As `confirm.sh` knows it.
    name: &'static str,
    /// Files and directories, with all below them.
    paths: &'static [&'static str],
    /// Units of systemd: whether they start at boot and whether they run is saved, too.
    units: &'static [&'static str],
    /// Packages that bring it.
    packages: &'static [&'static str],
}

static AREAS: &[Area] = &[
    Area {
        name: "ssh",
        paths: &["/etc/ssh", "/etc/default/ssh"],
        units: &["ssh.service", "sshd.service", "ssh.socket"],
        packages: &["openssh-server"],
    },
    Area { name: "sudo", paths: &["/etc/sudoers", "/etc/sudoers.d"], units: &[], packages: &["sudo"] },
    Area {
        name: "firewall",
        paths: &[
            "/etc/nftables.conf",
            "/etc/nftables.d",
            "/etc/nftables",
            "/etc/ufw",
            "/etc/default/ufw",
            "/etc/firewalld",
            "/etc/iptables",
        ],
        units: &["nftables.service", "ufw.service", "firewalld.service", "netfilter-persistent.service"],
        packages: &["nftables", "ufw", "firewalld", "iptables-persistent", "netfilter-persistent"],
    },
    Area {
        name: "network",
        paths: &["/etc/network", "/etc/systemd/network", "/etc/netplan", "/etc/NetworkManager"],
        units: &["networking.service", "systemd-networkd.service", "NetworkManager.service"],
        packages: &["ifupdown", "netplan.io", "network-manager"],
    },
    Area {
        name: "login",
        paths: &[
            "/etc/pam.d",
            "/etc/pam.conf",
            "/etc/security",
            "/etc/nsswitch.conf",
            "/etc/login.defs",
            "/etc/nologin",
            "/etc/hosts.allow",
            "/etc/hosts.deny",
        ],
        units: &[],
        packages: &["libpam-modules", "libpam-runtime"],
    },
    ACCOUNTS,
];

const ACCOUNTS: Area = Area {
    name: "accounts",
    paths: &["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"],
    units: &[],
    packages: &["passwd"],
};

/// What a change may close; saved before it is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lifeline {
    Area(&'static Area),
    /// A `.ssh` directory.
    Keys(String),
    /// Owner and mode of a home: sshd takes no keys from one that others may write to.
    Mode(String),
    /// The keys and home of a local account, wherever they are.
    Account(String),
}

/// What a change of this file, directory or tree may close.
pub fn of_path(path: &str) -> Vec<Lifeline> {
    let mut found: Vec<Lifeline> = AREAS.iter().filter(|area| area.has(path)).map(Lifeline::Area).collect();
    if let Some(at) = path.find("/.ssh/").or_else(|| path.ends_with("/.ssh").then(|| path.len() - 5)) {
        found.push(Lifeline::Keys(path[..at + 5].to_owned()));
    }
    if path == "/root" || path == "/home" || path.strip_prefix("/home/").is_some_and(|name| !name.contains('/')) {
        found.push(Lifeline::Mode(path.to_owned()));
    }
    found
}

/// What a change of this unit (`ssh`, `ssh.socket`) may close.
pub fn of_unit(unit: &str) -> Vec<Lifeline> {
    let has = |area: &&Area| area.units.iter().any(|own| *own == unit || own.strip_suffix(".service") == Some(unit));
    AREAS.iter().filter(has).map(Lifeline::Area).collect()
}

/// What installing or removing this package may close.
pub fn of_package(name: &str) -> Vec<Lifeline> {
    AREAS.iter().filter(|area| area.packages.contains(&name)).map(Lifeline::Area).collect()
}

/// What a change of this account may close.
pub fn of_account(name: &str) -> Vec<Lifeline> {
    let mut found = of_accounts();
    found.push(Lifeline::Account(name.to_owned()));
    found
}

/// What a change of groups may close.
pub fn of_accounts() -> Vec<Lifeline> {
    AREAS.iter().filter(|area| **area == ACCOUNTS).map(Lifeline::Area).collect()
}

/// What must be valid before a unit reads it again, if whoever declared the unit did not say.
pub fn validation(unit: &str) -> Option<&'static str> {
    match unit.strip_suffix(".service").unwrap_or(unit) {
        // where systemd starts it for each connection, nothing has made its directory
        "ssh" | "sshd" => Some("mkdir -p /run/sshd && sshd -t"),
        "nftables" => Some("nft -c -f /etc/nftables.conf"),
        _ => None,
    }
}

/// The same as words for `confirm.sh`: areas first, then what they and the others consist of.
pub fn words(lifelines: &[Lifeline]) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for lifeline in lifelines {
        match lifeline {
            Lifeline::Area(area) => {
                words.insert(format!("area:{}", area.name));
                words.extend(area.paths.iter().map(|path| format!("path:{path}")));
                words.extend(area.units.iter().map(|unit| format!("unit:{unit}")));
                words.extend(area.units.iter().flat_map(|unit| definitions(unit)).map(|path| format!("path:{path}")));
            }
            Lifeline::Keys(path) => drop(words.insert(format!("keys:{path}"))),
            Lifeline::Mode(path) => drop(words.insert(format!("mode:{path}"))),
            Lifeline::Account(name) => drop(words.insert(format!("account:{name}"))),
        }
    }
    words
}

/// Where an administrator's own definition of a unit lies.
fn definitions(unit: &str) -> [String; 2] {
    [format!("/etc/systemd/system/{unit}"), format!("/etc/systemd/system/{unit}.d")]
}

impl Area {
    fn has(&self, path: &str) -> bool {
        let within = |path: &str, above: &str| {
            path.strip_prefix(above).is_some_and(|below| below.is_empty() || below.starts_with('/'))
        };
        let own = |root: &str| within(path, root) || within(root, path);
        self.paths.iter().any(|root| own(root))
            || self.units.iter().flat_map(|unit| definitions(unit)).any(|root| within(path, &root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn areas(found: &[Lifeline]) -> Vec<&str> {
        let name = |lifeline: &Lifeline| match lifeline {
            Lifeline::Area(area) => area.name,
            Lifeline::Keys(_) => "keys",
            Lifeline::Mode(_) => "mode",
            Lifeline::Account(_) => "account",
        };
        found.iter().map(name).collect()
    }

    #[test]
    fn what_people_get_in_by_is_known_by_its_path() {
        for (path, expected) in [
            ("/etc/ssh/sshd_config.d/10-x.conf", vec!["ssh"]),
            ("/etc/sudoers", vec!["sudo"]),
            ("/etc/sudoers.d/x", vec!["sudo"]),
            ("/etc/nftables.conf", vec!["firewall"]),
            ("/etc/systemd/network/10-lan.network", vec!["network"]),
            ("/etc/pam.d/sshd", vec!["login"]),
            ("/etc/systemd/system/ssh.service.d/override.conf", vec!["ssh"]),
            ("/etc/shadow", vec!["accounts"]),
            ("/etc/security", vec!["login"]),
            ("/home/ana", vec!["mode"]),
            ("/home/ana/.ssh", vec!["keys"]),
            ("/root/.ssh/authorized_keys", vec!["keys"]),
            ("/etc/sshx", vec![]),
            ("/etc/systemd/system/nginx.service", vec![]),
            ("/home/ana/site", vec![]),
            ("/srv/a.ssh/x", vec![]),
        ] {
            assert_eq!(areas(&of_path(path)), expected, "{path}");
        }
        // whatever lies below it may change with it
        assert_eq!(areas(&of_path("/etc/systemd")), ["network"]);
        assert_eq!(of_path("/root/.ssh/authorized_keys"), [Lifeline::Keys("/root/.ssh".into())]);
    }

    #[test]
    fn units_are_known_with_and_without_their_suffix() {
        assert_eq!(areas(&of_unit("ssh")), ["ssh"]);
        assert_eq!(areas(&of_unit("ssh.socket")), ["ssh"]);
        assert_eq!(areas(&of_unit("nginx")), Vec::<&str>::new());
        assert_eq!((validation("ssh"), validation("nginx")), (Some("mkdir -p /run/sshd && sshd -t"), None));
    }

    #[test]
    fn the_words_of_an_area_name_everything_in_it() {
        let words = words(&of_unit("ssh"));
        for word in ["area:ssh", "path:/etc/ssh", "unit:ssh.socket", "path:/etc/systemd/system/ssh.service.d"] {
            assert!(words.contains(word), "{words:?}");
        }
    }
}
