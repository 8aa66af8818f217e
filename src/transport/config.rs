//! How to reach a machine: what the target says, completed by what `ssh -G` reports of `~/.ssh/config`. Takes a
//! [`Remote`], gives [`Settings`]; runs `ssh -G` only if a configuration file says something that matters here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Broken, Jump, Remote};
use crate::diag::Diagnostic;

/// Everything that was said about a connection, in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// What the operator calls the machine; for messages, and for the system's `ssh`.
    pub(super) name: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) identities: Vec<PathBuf>,
    pub(super) identities_only: bool,
    pub(super) certificates: Vec<PathBuf>,
    pub(super) agent: Option<PathBuf>,
    pub(super) jumps: Vec<Jump>,
    pub(super) known_hosts: Vec<PathBuf>,
    /// The name under which `known_hosts` knows the machine, if not its own.
    pub(super) alias: Option<String>,
    pub(super) gssapi: bool,
    /// Why only the system's `ssh` can serve, if so.
    pub(super) system: Option<String>,
}

/// The settings for logging in as `user` (`None`: what the configuration says).
pub(super) fn resolve(remote: &Remote, user: Option<&str>) -> Result<Settings, Broken> {
    let words = [("address", Some(remote.address.as_str())), ("user", user)];
    let jumps = remote.jumps.iter().map(|jump| ("jump host", Some(jump.to.as_str())));
    for (what, word) in words.into_iter().chain(jumps) {
        if let Some(word) = word.filter(|word| !harmless(word)) {
            let diagnostic = Diagnostic::error(format!("the {what} {word:?} cannot be one"));
            return Err(Broken::Unreachable(Box::new(
                diagnostic.remedy("use letters, digits, `.`, `-`, `_`, `:` and `@`, not beginning with `-`"),
            )));
        }
    }
    let home = std::env::home_dir().unwrap_or_default();
    let mut settings = usual(&remote.address, &home);
    if remote.config && worth_asking(&home) {
        let text = ask_ssh(&remote.address, remote.port, user)?;
        apply(&mut settings, &text, &home);
    }
    if let Some(port) = remote.port {
        settings.port = port;
    }
    if let Some(user) = user {
        user.clone_into(&mut settings.user);
    }
    if !remote.jumps.is_empty() {
        settings.jumps.clone_from(&remote.jumps);
        settings.system = None;
    }
    if !remote.identities.is_empty() {
        settings.identities = remote.identities.iter().map(|path| expand(&path.to_string_lossy(), &home)).collect();
        settings.identities_only = true;
    }
    Ok(settings)
}

/// Whether a name may stand on a command line and in a URL-like `user@host:port`, quoted or not.
fn harmless(word: &str) -> bool {
    let plain = |character: char| character.is_alphanumeric() || ".-_:@%[]+".contains(character);
    !word.is_empty() && !word.starts_with('-') && !word.contains("@-") && word.chars().all(plain)
}

/// As OpenSSH has it without any configuration.
fn usual(address: &str, home: &Path) -> Settings {
    let ssh = home.join(".ssh");
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    Settings {
        name: address.to_owned(),
        host: address.to_owned(),
        port: 22,
        user: user.unwrap_or_else(|| "root".to_owned()),
        identities: DEFAULT_KEYS.iter().map(|name| ssh.join(name)).filter(|path| path.exists()).collect(),
        identities_only: false,
        certificates: Vec::new(),
        agent: std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from),
        jumps: Vec::new(),
        known_hosts: ["known_hosts", "known_hosts2"]
            .iter()
            .flat_map(|name| [ssh.join(name), Path::new("/etc/ssh").join(format!("ssh_{name}"))])
            .collect(),
        alias: None,
        gssapi: false,
        system: None,
    }
}

const DEFAULT_KEYS: [&str; 5] = ["id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk"];

/// Whether any configuration file has a line that could change a connection. Debian's own file has none.
fn worth_asking(home: &Path) -> bool {
    let snippets = std::fs::read_dir("/etc/ssh/ssh_config.d").into_iter().flatten().flatten().map(|it| it.path());
    let files = [home.join(".ssh/config"), "/etc/ssh/ssh_config".into()];
    files.into_iter().chain(snippets).any(|file| std::fs::read_to_string(file).is_ok_and(|text| matters(&text)))
}

fn matters(config: &str) -> bool {
    const WITHOUT_EFFECT: [&str; 6] =
        ["host", "sendenv", "hashknownhosts", "gssapiauthentication", "include", "forwardagent"];
    config.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).any(|line| {
        let keyword = line.split(|c: char| c.is_whitespace() || c == '=').next().unwrap_or_default();
        let keyword = keyword.to_ascii_lowercase();
        let debian = "include /etc/ssh/ssh_config.d/*.conf";
        !WITHOUT_EFFECT.contains(&keyword.as_str()) || (keyword == "include" && line.to_ascii_lowercase() != debian)
    })
}

fn ask_ssh(address: &str, port: Option<u16>, user: Option<&str>) -> Result<String, Broken> {
    let mut ssh = Command::new("ssh");
    ssh.arg("-G");
    if let Some(port) = port {
        ssh.arg("-p").arg(port.to_string());
    }
    if let Some(user) = user {
        ssh.arg("-l").arg(user);
    }
    let output = match ssh.arg("--").arg(address).stdin(Stdio::null()).output() {
        Ok(output) => output,
        // Nobody can have meant a configuration for a program that is not there.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(unreadable(address, &error.to_string())),
    };
    if !output.status.success() {
        return Err(unreadable(address, String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn unreadable(address: &str, why: &str) -> Broken {
    let diagnostic = Diagnostic::error(format!("{address}: `ssh -G` cannot read ~/.ssh/config: {why}"));
    Broken::Unreachable(Box::new(diagnostic.remedy(format!("mend it until `ssh -G {address}` works"))))
}

/// Takes over what `ssh -G` printed: lines of a keyword in lower case and its value.
fn apply(settings: &mut Settings, text: &str, home: &Path) {
    let values = |wanted: &str| -> Vec<&str> {
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.filter(|(keyword, value)| *keyword == wanted && !value.is_empty()).map(|(_, value)| value).collect()
    };
    let value = |wanted: &str| values(wanted).first().copied().filter(|value| *value != "none");
    if let Some(host) = value("hostname") {
        host.clone_into(&mut settings.host);
    }
    settings.port = value("port").and_then(|port| port.parse().ok()).unwrap_or(settings.port);
    if let Some(user) = value("user") {
        user.clone_into(&mut settings.user);
    }
    let tokens = Tokens { host: &settings.host.clone(), name: &settings.name.clone(), user: &settings.user.clone() };
    let path = |text: &str| expand(&tokens.fill(text, settings.port, home), home);
    let identities: Vec<PathBuf> = values("identityfile").into_iter().map(path).filter(|it| it.exists()).collect();
    let certificates = values("certificatefile").into_iter().filter(|it| *it != "none").map(path).collect();
    let known_hosts: Vec<PathBuf> = ["userknownhostsfile", "globalknownhostsfile"]
        .into_iter()
        .filter_map(value)
        .flat_map(|files| files.split(' ').map(path).collect::<Vec<_>>())
        .collect();
    let agent = match values("identityagent").first().copied() {
        None | Some("SSH_AUTH_SOCK") => settings.agent.clone(),
        Some("none") => None,
        Some(variable) if variable.starts_with('$') => {
            std::env::var_os(variable.trim_matches(['$', '{', '}'])).map(PathBuf::from)
        }
        Some(socket) => Some(path(socket)),
    };
    settings.identities = identities;
    settings.certificates = certificates;
    settings.agent = agent;
    if !known_hosts.is_empty() {
        settings.known_hosts = known_hosts;
    }
    settings.identities_only = value("identitiesonly") == Some("yes");
    settings.alias = value("hostkeyalias").map(str::to_owned);
    settings.gssapi = value("gssapiauthentication") == Some("yes");
    settings.jumps = value("proxyjump")
        .map(|jumps| jumps.split(',').map(|to| Jump { to: to.to_owned(), host_keys: Vec::new() }).collect())
        .unwrap_or_default();
    for keyword in ["ProxyCommand", "KnownHostsCommand", "RevokedHostKeys", "PKCS11Provider"] {
        if value(&keyword.to_ascii_lowercase()).is_some() {
            settings.system = Some(format!("{keyword} is set in ~/.ssh/config"));
        }
    }
}

struct Tokens<'a> {
    host: &'a str,
    name: &'a str,
    user: &'a str,
}

impl Tokens<'_> {
    /// The percent tokens of `ssh_config(5)` that make sense in a path.
    fn fill(&self, text: &str, port: u16, home: &Path) -> String {
        let mut filled = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match (character, if character == '%' { characters.next() } else { None }) {
                ('%', Some('%')) => filled.push('%'),
                ('%', Some('d')) => filled.push_str(&home.to_string_lossy()),
                ('%', Some('h')) => filled.push_str(self.host),
                ('%', Some('n' | 'k')) => filled.push_str(self.name),
                ('%', Some('p')) => filled.push_str(&port.to_string()),
                ('%', Some('r')) => filled.push_str(self.user),
                ('%', Some('u')) => filled.push_str(&std::env::var("USER").unwrap_or_default()),
                ('%', Some(other)) => filled.extend(['%', other]),
                (other, _) => filled.push(other),
            }
        }
        filled
    }
}

fn expand(path: &str, home: &Path) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => PathBuf::from(path),
    }
}

/// `[user@]host[:port]`, with brackets around an IPv6 address.
pub(super) fn parse_jump(jump: &str) -> (Option<&str>, &str, Option<u16>) {
    let jump = jump.strip_prefix("ssh://").unwrap_or(jump);
    let (user, rest) = match jump.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, jump),
    };
    if let Some((host, port)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (user, host, port.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match rest.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.parse::<u16>().is_ok() => (user, host, port.parse().ok()),
        _ => (user, rest, None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Login, Sudo};
    use super::*;

    fn settings(config: &str) -> Settings {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".ssh")).unwrap();
        std::fs::write(dir.path().join(".ssh/mine"), "").unwrap();
        let file = dir.path().join("config");
        std::fs::write(&file, config.replace("HOME", &dir.path().display().to_string())).unwrap();
        let output = Command::new("ssh").args(["-G", "-F"]).arg(&file).arg("web1").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let mut settings = usual("web1", dir.path());
        apply(&mut settings, &String::from_utf8(output.stdout).unwrap(), dir.path());
        let home = dir.path().to_owned();
        settings.identities.iter_mut().for_each(|path| *path = path.strip_prefix(&home).unwrap().to_owned());
        settings
    }

    #[test]
    fn what_the_configuration_says_of_a_host_is_used() {
        let settings = settings(
            "Host web1\n HostName 192.0.2.7\n Port 2222\n User admin\n IdentityFile HOME/.ssh/mine\n IdentitiesOnly yes\n \
             ProxyJump bob@jump:23,second\n UserKnownHostsFile /a/known /b/%h\n HostKeyAlias web-one\n IdentityAgent /run/agent\n",
        );
        assert_eq!((settings.host.as_str(), settings.port, settings.user.as_str()), ("192.0.2.7", 2222, "admin"));
        assert_eq!((settings.identities, settings.identities_only), (vec![PathBuf::from(".ssh/mine")], true));
        let jumps: Vec<&str> = settings.jumps.iter().map(|jump| jump.to.as_str()).collect();
        assert_eq!(jumps, ["bob@jump:23", "second"]);
        assert_eq!(settings.known_hosts[..2], [PathBuf::from("/a/known"), PathBuf::from("/b/192.0.2.7")]);
        assert_eq!((settings.alias.as_deref(), settings.system), (Some("web-one"), None));
        assert_eq!(settings.agent, Some(PathBuf::from("/run/agent")));
    }

    #[test]
    fn a_proxy_command_is_a_reason_for_the_system_ssh() {
        let settings = settings("Match host web1\n ProxyCommand nc %h %p\n");
        assert_eq!(settings.system.as_deref(), Some("ProxyCommand is set in ~/.ssh/config"));
    }

    #[test]
    fn names_that_could_be_options_or_shell_are_refused() {
        for address in ["-oProxyCommand=reboot", "", "a b", "$(reboot)", "a;b", "a\nb", "bob@-x"] {
            let remote = Remote::new(address, Login { user: None, sudo: Sudo::None });
            assert!(matches!(resolve(&remote, None), Err(Broken::Unreachable(_))), "{address}");
        }
        let remote = Remote::new("web1.example.org", Login { user: None, sudo: Sudo::None });
        assert!(matches!(resolve(&remote, Some("-lroot")), Err(Broken::Unreachable(_))));
        assert!(["192.0.2.1", "2001:db8::1%eth0", "bücher.example"].into_iter().all(harmless));
    }

    #[test]
    fn a_configuration_that_changes_no_connection_costs_nothing() {
        let debian = "Include /etc/ssh/ssh_config.d/*.conf\nHost *\n#  Port 22\n    SendEnv LANG LC_*\n    HashKnownHosts yes\n";
        assert!(!matters(debian));
        assert!(matters("Host web1\n\tHostName=192.0.2.1\n"));
        assert!(matters("include ~/other"));
    }

    #[test]
    fn jump_hosts_are_written_as_proxyjump_has_them() {
        assert_eq!(parse_jump("bob@jump:23"), (Some("bob"), "jump", Some(23)));
        assert_eq!(parse_jump("jump"), (None, "jump", None));
        assert_eq!(parse_jump("ssh://[2001:db8::1]:23"), (None, "2001:db8::1", Some(23)));
        assert_eq!(parse_jump("2001:db8::1"), (None, "2001:db8::1", None));
    }
}
