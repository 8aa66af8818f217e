//! What commit-confirm saves, the rollback brings back, whatever happened meanwhile and wherever it was itself killed. In a
//! directory of this machine, in several shells; with systemd it is tried on real hosts.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;
use crate::quoting::quote;

const SHELLS: &[&[&str]] = &[&["dash"], &["bash", "--posix"], &["busybox", "sh"]];
const HOSTILE: &[&str] = &["plain", "-rf", "a b", "new\nline", "$(reboot)", "'\"", ".hidden", "..twice", "*"];

struct Place(tempfile::TempDir);

impl Place {
    /// A tree with everything that a directory of settings may have in it.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for directory in ["etc", "etc/below", "etc/below/empty", "base", "run"] {
            fs::create_dir(place.at(directory)).unwrap();
        }
        for name in HOSTILE {
            fs::write(place.at("etc/below").join(name), format!("was {name}")).unwrap();
        }
        fs::set_permissions(place.at("etc/below/plain"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("plain", place.at("etc/below/link")).unwrap();
        fs::write(place.at("etc/alone"), "was alone").unwrap();
        place
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// What may befall it: removed, replaced by another type, written to, opened to everybody, added to.
    fn ruin(&self) {
        let below = self.at("etc/below");
        fs::remove_dir_all(below.join("empty")).unwrap();
        fs::write(below.join("empty"), "now a file").unwrap();
        fs::remove_file(below.join("-rf")).unwrap();
        fs::create_dir_all(below.join("-rf/deep")).unwrap();
        fs::write(below.join("new\nline"), "now other").unwrap();
        fs::set_permissions(below.join("plain"), fs::Permissions::from_mode(0o777)).unwrap();
        fs::remove_file(below.join("link")).unwrap();
        symlink("/nowhere", below.join("link")).unwrap();
        fs::remove_file(below.join("*")).unwrap();
        fs::write(below.join("added"), "new").unwrap();
        fs::write(below.join(".added"), "new").unwrap();
        fs::remove_file(self.at("etc/alone")).unwrap();
        fs::write(self.at("etc/appeared"), "new").unwrap();
    }

    /// Path, type and mode, content or target of everything below `etc`.
    fn seen(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut seen = BTreeMap::new();
        let mut open = vec![self.at("etc")];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
                let metadata = fs::symlink_metadata(entry.path()).unwrap();
                let content = if metadata.is_symlink() {
                    fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes()
                } else if metadata.is_dir() {
                    open.push(entry.path());
                    Vec::new()
                } else {
                    fs::read(entry.path()).unwrap()
                };
                seen.insert(entry.path(), (metadata.mode(), content));
            }
        }
        seen
    }

    /// Saves what the words name, as a change would, but for the unit and the guard: this machine is no host.
    fn save(&self, shell: &[&str], words: &[String]) {
        fs::write(self.at("base/holder"), "ana since noon\n/run/x\n").unwrap();
        fs::write(self.at("program"), rollback_program()).unwrap();
        let mut script = format!("{}{}", probe_functions(), apply_functions()).into_bytes();
        script.extend_from_slice(b"at_boot() { :; }\nstand_guard() { :; }\nset -eu\n");
        for (name, path) in [("BASE", "base"), ("STATE", "base"), ("RUN", "run"), ("ROLLBACK", "program")] {
            script.extend_from_slice(format!("{name}=").as_bytes());
            script.extend(quote(self.at(path).as_os_str().as_encoded_bytes()));
            script.push(b'\n');
        }
        script.extend_from_slice(b"ID=r1 CONFIRM_WITHIN=10\narm\n");
        for word in words {
            script.extend_from_slice(b"lifeline ");
            script.extend(quote(word.as_bytes()));
            script.push(b'\n');
        }
        let path = self.at("script");
        fs::write(&path, script).unwrap();
        let output = Command::new(shell[0]).args(&shell[1..]).arg(path).output().unwrap();
        assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn words(&self) -> Vec<String> {
        ["below", "alone", "appeared"].map(|name| format!("path:{}", self.at("etc").join(name).display())).to_vec()
    }

    fn rollback(&self, shell: &[&str]) -> Command {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(self.at("base/rollback.sh")).arg("now").arg(self.at("base"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

fn exists(place: &Place, path: &str) -> bool {
    Path::exists(&place.at(path))
}

#[test]
fn what_was_saved_comes_back_as_it_was() {
    for shell in SHELLS {
        let place = Place::new();
        let before = place.seen();
        place.save(shell, &place.words());
        place.ruin();
        assert_ne!(place.seen(), before);
        assert!(place.rollback(shell).status().unwrap().success(), "{shell:?}");
        assert_eq!(place.seen(), before, "{shell:?}");
        assert!(!exists(&place, "base/pending") && !exists(&place, "base/rolling"), "{shell:?}");
        assert!(!exists(&place, "base/rolled-back/saved"), "no copies of keys and hashes stay: {shell:?}");
        assert_eq!(fs::read_to_string(place.at("base/rolled-back/id")).unwrap(), "r1\n");
    }
}

#[test]
fn a_rollback_that_is_killed_anywhere_goes_on_where_it_was() {
    for after in 0..12 {
        let place = Place::new();
        let before = place.seen();
        place.save(SHELLS[0], &place.words());
        place.ruin();
        // with all that it started, as systemd and a power cut do
        let mut child = place.rollback(SHELLS[0]).process_group(0).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(after * 7));
        let group = rustix::process::Pid::from_child(&child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        child.wait().unwrap();
        if !exists(&place, "base/rolled-back") {
            place.rollback(SHELLS[0]).status().unwrap();
        }
        assert_eq!(place.seen(), before, "killed after {} ms", after * 7);
        assert!(exists(&place, "base/rolled-back") && !exists(&place, "base/rolling"));
    }
}

#[test]
fn keys_and_homes_come_back_without_following_the_links_of_their_owner() {
    let me = String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout).unwrap();
    if me.trim() != "0" {
        return; // only root may act as others
    }
    for shell in SHELLS {
        let place = Place::new();
        fs::set_permissions(place.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(place.at("etc/home/.ssh")).unwrap();
        fs::set_permissions(place.at("etc/home/.ssh"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(place.at("etc/home/.ssh/authorized_keys"), "ssh-ed25519 AAAA me\n").unwrap();
        let status = Command::new("chown").args(["-R", "nobody"]).arg(place.at("etc/home")).status().unwrap();
        assert!(status.success());
        fs::set_permissions(place.at("etc/home"), fs::Permissions::from_mode(0o750)).unwrap();
        let home = place.at("etc/home").display().to_string();
        place.save(shell, &[format!("mode:{home}"), format!("keys:{home}/.ssh")]);
        let before = place.seen();
        fs::set_permissions(place.at("etc/home"), fs::Permissions::from_mode(0o777)).unwrap();
        fs::remove_dir_all(place.at("etc/home/.ssh")).unwrap();
        fs::create_dir(place.at("etc/roots")).unwrap();
        fs::write(place.at("etc/roots/authorized_keys"), "root's own\n").unwrap();
        symlink("../roots", place.at("etc/home/.ssh")).unwrap();
        // it may not write there, so this stays undone until the link is gone, and nothing is lost meanwhile
        let _ = place.rollback(shell).status().unwrap();
        assert_eq!(fs::read_to_string(place.at("etc/roots/authorized_keys")).unwrap(), "root's own\n", "{shell:?}");
        fs::remove_dir_all(place.at("etc/roots")).unwrap();
        let _ = place.rollback(shell).status().unwrap();
        assert_eq!(place.seen(), before, "{shell:?}");
    }
}

#[test]
fn a_confirmation_and_a_rollback_never_both_have_it() {
    for shell in SHELLS {
        let place = Place::new();
        place.save(shell, &place.words());
        place.ruin();
        let ruined = place.seen();
        let base = place.at("base").display().to_string();
        let confirm = |run: &str| {
            let settle = Settle { base: &base, run, why: None };
            let script = settle_program(&settle, "ab12");
            let output = Command::new(shell[0]).args(&shell[1..]).args(["-c", &script]).output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            said.lines().find_map(|line| line.strip_prefix("@ab12 outcome ")).unwrap_or_default().to_owned()
        };
        // another run's word does not count
        assert_eq!(confirm("r0"), "waiting", "{shell:?}");
        fs::write(place.at("base/pending/over"), "").unwrap();
        fs::write(place.at("base/pending/applied"), "abc\n").unwrap();
        assert_eq!(confirm("r1"), "confirmed", "{shell:?}");
        assert_eq!(fs::read_to_string(place.at("base/applied")).unwrap(), "abc\n");
        assert_eq!(confirm("r1"), "nothing", "{shell:?}");
        place.rollback(shell).status().unwrap();
        assert_eq!(place.seen(), ruined, "{shell:?}");
        // and the other way round
        place.save(shell, &place.words());
        place.rollback(shell).status().unwrap();
        assert!(confirm("r1").starts_with("rolled-back "), "{shell:?}");
    }
}
