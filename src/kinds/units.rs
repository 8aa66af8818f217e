//! Reading what `show_units` (script/probe.sh) says about systemd's units, for the kinds that are made of them. A unit
//! that nothing was said about is unknown, never absent.

use super::Answer;

/// The properties of one unit that matter here; see systemctl(1) and org.freedesktop.systemd1(5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its own name and its aliases.
    names: Vec<String>,
    pub load: String,
    pub active: String,
    pub sub: String,
    /// Whether it is enabled, in systemd's words; empty without a unit file.
    pub file: String,
    /// Its file is not what systemd has loaded.
    pub outdated: bool,
}

impl Unit {
    pub fn exists(&self) -> bool {
        self.load != "not-found"
    }

    pub fn is_masked(&self) -> bool {
        self.load == "masked" || self.file.starts_with("masked")
    }

    /// `yes`, `no`, or what it is between them.
    pub fn running(&self) -> &str {
        match (self.active.as_str(), self.sub.as_str()) {
            ("active" | "reloading" | "refreshing", _) => "yes",
            ("inactive", _) => "no",
            ("activating", "auto-restart" | "auto-restart-queued") => "failing again and again",
            ("activating", _) => "starting",
            ("deactivating", _) => "stopping",
            (other, _) => other,
        }
    }

    /// `yes` or `no`; `either` for a unit that cannot be enabled, since others start it; else systemd's word.
    pub fn enabled(&self) -> &str {
        match self.file.as_str() {
            "enabled" | "alias" => "yes",
            "disabled" | "linked" | "" | "masked" | "masked-runtime" => "no",
            "static" | "indirect" | "generated" | "transient" => "either",
            other => other,
        }
    }
}

/// All that was said about units.
#[derive(Debug, Default)]
pub struct Units {
    units: Vec<Unit>,
    trouble: Option<String>,
}

impl Units {
    pub fn read(answer: &Answer) -> Self {
        let mut units = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for line in answer.text_lines() {
            if let Some(why) = line.strip_prefix("E|") {
                units.trouble = Some(why.to_owned());
                continue;
            }
            let Some((property, value)) = line.split_once('=') else { continue };
            // every unit has every property once
            if seen.contains(&property) || units.units.is_empty() {
                units.units.push(Unit::default());
                seen.clear();
            }
            seen.push(property);
            if let Some(unit) = units.units.last_mut() {
                unit.set(property, value);
            }
        }
        units
    }

    /// The unit of this full name; why not, if it is unknown.
    pub fn named(&self, name: &str) -> Result<&Unit, String> {
        let silent = || self.trouble.clone().unwrap_or_else(|| "systemd did not say".to_owned());
        let unit = self.units.iter().find(|unit| unit.names.iter().any(|other| other == name));
        unit.filter(|unit| !unit.load.is_empty() && !unit.active.is_empty()).ok_or_else(silent)
    }
}

impl Unit {
    fn set(&mut self, property: &str, value: &str) {
        match property {
            "Id" => self.names.push(value.to_owned()),
            "Names" => self.names.extend(value.split(' ').map(unquoted)),
            "LoadState" => value.clone_into(&mut self.load),
            "ActiveState" => value.clone_into(&mut self.active),
            "SubState" => value.clone_into(&mut self.sub),
            "UnitFileState" => value.clone_into(&mut self.file),
            "NeedDaemonReload" => self.outdated = value == "yes",
            _ => {}
        }
    }
}

/// `"a\\x20b.service"` as systemctl quotes names with a backslash.
fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    inner.map_or_else(|| name.to_owned(), |inner| inner.replace("\\\\", "\\"))
}

/// The full name of a unit: without a suffix that systemd knows it is a service.
pub fn full_name(name: &str) -> String {
    const SUFFIXES: &[&str] =
        &["service", "socket", "timer", "path", "target", "mount", "automount", "swap", "slice", "scope", "device"];
    match name.rsplit_once('.') {
        Some((_, suffix)) if SUFFIXES.contains(&suffix) => name.to_owned(),
        _ => format!("{name}.service"),
    }
}

/// See systemd.unit(5): letters, digits and `:-_.\`, and one `@` before an instance.
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    !name.is_empty() && name.len() < 240 && !name.starts_with(['-', '.', '@']) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Units {
        Units::read(&Answer { bytes: text.as_bytes().to_vec(), ..Answer::default() })
    }

    const SSH: &str = "Id=ssh.service\nNames=ssh.service sshd.service\nLoadState=loaded\nActiveState=active\n\
                       SubState=running\nUnitFileState=enabled\nNeedDaemonReload=no\n";

    #[test]
    fn a_unit_is_found_by_its_alias() {
        let units = units(SSH);
        assert_eq!(units.named("sshd.service").unwrap().enabled(), "yes");
        assert_eq!(units.named("nginx.service"), Err("systemd did not say".into()));
    }

    #[test]
    fn units_follow_one_another_with_and_without_an_empty_line() {
        let second = SSH.replace("ssh", "nginx").replace("=active", "=failed");
        for between in ["", "\n"] {
            let units = units(&format!("{SSH}{between}{second}"));
            assert_eq!(units.named("ssh.service").unwrap().running(), "yes");
            assert_eq!(units.named("nginx.service").unwrap().running(), "failed");
        }
    }

    #[test]
    fn an_answer_cut_short_says_nothing() {
        for cut in 0..SSH.find("ActiveState=a").unwrap() {
            assert!(units(&SSH[..cut]).named("ssh.service").is_err(), "{cut}");
        }
        assert!(units("=\n==\nId=ssh.service\nId=ssh.service\n\u{0}=\u{1}").named("ssh.service").is_err());
    }

    #[test]
    fn a_host_whose_systemd_fails_is_unknown_with_its_reason() {
        let units = units("E|Failed to connect to bus: No such file or directory\n");
        let why = "Failed to connect to bus: No such file or directory";
        assert_eq!(units.named("ssh.service"), Err(why.into()));
    }

    #[test]
    fn a_name_with_a_backslash_is_found() {
        let text =
            "Id=srv-my\\x2ddata.mount\nNames=\"srv-my\\\\x2ddata.mount\"\nLoadState=loaded\nActiveState=active\n";
        assert!(units(text).named("srv-my\\x2ddata.mount").is_ok());
    }

    #[test]
    fn a_name_without_a_known_suffix_is_a_service() {
        assert_eq!(full_name("nginx"), "nginx.service");
        assert_eq!(full_name("php8.2-fpm"), "php8.2-fpm.service");
        assert_eq!(full_name("apt-daily.timer"), "apt-daily.timer");
    }
}
