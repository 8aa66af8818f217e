//! What a host may be unable to do, as containers and small virtual machines are: a few words that modules can ask for in
//! `supported`, and a look answers for all of them at once. What is not supported is never changed, and never counts as done.

/// Word, and what it is, for messages. The host says which it has (`probe_facts` in `script/probe.sh`).
pub const ABILITIES: &[(&str, &str)] = &[
    ("clock", "setting the clock (CAP_SYS_TIME)"),
    ("audit", "the kernel's audit log (CAP_AUDIT_CONTROL)"),
    ("kernel_sysctl", "writing sysctls of kernel and fs (/proc/sys/kernel)"),
    ("net_sysctl", "writing sysctls of net (/proc/sys/net)"),
    ("wireguard", "WireGuard in the kernel"),
    ("loop", "loop devices (/dev/loop-control)"),
    ("fuse", "file systems of users (/dev/fuse)"),
    ("systemd", "systemd as init"),
];

/// How an observation begins of what the host cannot do.
pub const UNSUPPORTED: &str = "unsupported here: ";

/// What a resource asks of its host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Support {
    /// The inventory's facts say that it is not supported.
    pub never: bool,
    /// Words of [`ABILITIES`].
    pub abilities: Vec<&'static str>,
    /// Why, in the chapter's language; may be empty.
    pub because: String,
}

/// The word with its meaning, if there is such a word.
pub fn ability(word: &str) -> Option<(&'static str, &'static str)> {
    ABILITIES.iter().find(|(known, _)| *known == word).copied()
}

impl Support {
    /// Why the resource cannot be here, as an observation; `None`: it can. `has`: what the host said; `None`: it did not.
    pub fn missing(&self, has: Option<&[String]>) -> Option<String> {
        let because = if self.because.is_empty() { String::new() } else { format!("; {}", self.because) };
        if self.never {
            return Some(format!("{UNSUPPORTED}its `supported` says so{because}"));
        }
        let Some(has) = has else {
            let some = !self.abilities.is_empty();
            return some.then(|| "the host did not say what it is able to do".to_owned());
        };
        let lacks: Vec<&str> =
            self.abilities.iter().filter(|word| !has.iter().any(|it| it == *word)).copied().collect();
        let named: Vec<&str> = lacks.iter().filter_map(|word| ability(word)).map(|(_, what)| what).collect();
        (!lacks.is_empty()).then(|| format!("{UNSUPPORTED}the host lacks {}{because}", named.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_an_ability_supports_nothing_that_asks_for_it_and_silence_is_not_ability() {
        let asks = Support { abilities: vec!["clock", "systemd"], ..Support::default() };
        let has = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(asks.missing(Some(&has(&["systemd", "clock"]))), None);
        let said = asks.missing(Some(&has(&["systemd"]))).unwrap();
        assert_eq!(said, "unsupported here: the host lacks setting the clock (CAP_SYS_TIME)");
        assert!(asks.missing(None).is_some_and(|why| !why.starts_with(UNSUPPORTED)));
        assert_eq!(Support::default().missing(None), None);
        let never =
            Support { never: true, because: "Debian packages it for amd64 alone".into(), ..Support::default() };
        assert!(never.missing(None).unwrap().ends_with("for amd64 alone"));
    }
}
