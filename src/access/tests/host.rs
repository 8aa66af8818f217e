//! The program itself, run in every shell on a directory that stands for a host.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::kinds::bench::{Directory, NONCE, SHELLS};
use crate::script::{probe_program, request};

/// Runs the real program on a directory that stands for `/etc`, in every shell.
fn looked(directory: &Directory, check: impl Fn(&str, Seen)) {
    let links = tempfile::tempdir().unwrap();
    symlink(directory.at("/etc"), links.path().join("etc")).unwrap();
    let etc = format!("{}/etc/", links.path().display());
    // what a file says it includes is compared with the real name
    let program =
        probe_program().replace("/etc/", &etc).replace(&format!("\"{etc}sudoers.d\""), "\"/etc/sudoers.d\"");
    let request = request::request(
        &BTreeMap::new(),
        &Site::default(),
        "/nonexistent",
        request::Asked { access: true, ..request::Asked::default() },
        NONCE,
    );
    for shell in SHELLS {
        let mut sections = directory.bench(shell).sections(&program, &request);
        let answer = sections.remove("access").unwrap();
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        check(&format!("{shell:?}: {text}"), Seen::read(Some(&answer)));
    }
}

fn write(directory: &Directory, path: &str, text: impl AsRef<[u8]>) {
    let path = directory.at(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Two accounts and root; homes below the directory.
fn people(directory: &Directory) {
    let home = |name: &str| directory.at(&format!("/home/{name}")).display().to_string();
    let passwd = format!(
        "root:x:0:0:root:{}:/bin/bash\n# eve:x:0:0::/:/bin/sh\n\nana:x:1000:1000:Ana:{}:/bin/bash\n\
         toor:{HASH}:0:0::/:/bin/sh\nold:x:1002:27::{}:/bin/bash\n",
        directory.at("/root").display(),
        home("ana"),
        home("old")
    );
    write(directory, "/etc/passwd", passwd);
    write(
        directory,
        "/etc/shadow",
        format!("root:*:19000::::::\nana:!{HASH}:1:0:99999:7:::\nold:{HASH}:1::::::2:\n"),
    );
    write(directory, "/etc/group", "root:x:0:\nsudo:x:27:ana,eve\nana:x:1000:\nusers:x:100:old\n");
}

#[test]
fn accounts_and_members_are_read_and_no_hash_leaves_the_host() {
    let directory = Directory::new();
    people(&directory);
    looked(&directory, |text, seen| {
        let account = |account: &Account| {
            (account.name.clone(), account.uid, account.has_shell(), account.password, account.expired)
        };
        let accounts: Vec<_> = seen.accounts.iter().map(account).collect();
        let expected = [
            ("root".to_owned(), 0, true, false, false),
            ("ana".to_owned(), 1000, true, false, false),
            ("toor".to_owned(), 0, true, true, false),
            ("old".to_owned(), 1002, true, true, false),
        ];
        assert_eq!(accounts, expected, "{text}");
        let member = |name: &str| ("sudo".to_owned(), name.to_owned());
        assert_eq!(seen.members, [member("ana"), member("eve"), member("old")], "{text}");
        assert_eq!(seen.unknown, [], "{text}");
        assert!(!text.contains("canary"), "{text}");
    });
    // the check can fail: where a hash is given out, it is seen
    write(&directory, "/etc/passwd", format!("root:x:0:0::/:{HASH}\n"));
    looked(&directory, |text, _| assert!(text.contains("canary"), "{text}"));
    fs::remove_file(directory.at("/etc/shadow")).unwrap();
    looked(&directory, |text, seen| assert_eq!(seen.unknown.len(), 1, "{text}"));
}

#[test]
fn keys_are_read_as_sshd_reads_them_and_nothing_else_of_their_files() {
    let directory = Directory::new();
    people(&directory);
    let blob = EVE.split(' ').nth(1).unwrap();
    let lines = format!(
        "# {ANA} commented\n  {ANA} ana |\\ \u{1b}[2J\n\trestrict,command=\"say \\\"x\\\" token=canary\" {EVE}\nnot a key canary\n\
         command=\"\\\\\" {ANA}\" {EVE} hidden behind quotes\nED25519 {blob} short\n\
         -----BEGIN OPENSSH PRIVATE KEY-----\nAAAAcanary\n"
    );
    write(&directory, "/home/ana/.ssh/authorized_keys", lines.as_bytes());
    write(&directory, "/home/old/.ssh/keys2", format!("{EVE}\n"));
    fs::create_dir_all(directory.at("/root/.ssh/authorized_keys")).unwrap();
    symlink(directory.at("/home/old/.ssh/keys2"), directory.at("/home/old/.ssh/authorized_keys2")).unwrap();
    looked(&directory, |text, seen| {
        let keys: Vec<_> = seen
            .keys
            .values()
            .flatten()
            .map(|it| (it.kind.as_str(), it.options.as_str(), it.comment.as_str()))
            .collect();
        let expected = [
            ("ssh-ed25519", "", "ana |\\ \u{1b}[2J"),
            ("ssh-ed25519", "restrict,command=", ""),
            ("ssh-ed25519", "command=", "hidden behind quotes"),
            ("ED25519", "", "short"),
            ("ssh-ed25519", "", ""),
        ];
        assert_eq!(keys, expected, "{text}");
        assert_eq!(seen.keys.values().flatten().filter(|key| key.blob == blob).count(), 4, "{text}");
        assert!(!text.contains("canary"), "{text}");
        let owners: Vec<&str> = seen.files.keys().map(String::as_str).collect();
        assert_eq!(owners, ["ana", "old", "root"], "{text}");
        assert!(seen.unknown.len() == 1 && seen.unknown[0].1 == "it is not a file", "{text}");
    });
}

#[test]
fn sshd_and_sudo_are_read_with_what_they_include() {
    let directory = Directory::new();
    people(&directory);
    let keys = tempfile::tempdir().unwrap();
    fs::write(keys.path().join("ana"), EVE).unwrap();
    let config = format!(
        "Include /elsewhere/*\nauthorizedkeysfile=\"{}/%u\"\nTrustedUserCAKeys none\n#HostbasedAuthentication yes\n\
         Match User x\n  AuthorizedKeysCommand /opt/keys --token canary\n",
        keys.path().display()
    );
    write(&directory, "/etc/ssh/sshd_config", config);
    write(
        &directory,
        "/etc/sudoers",
        "Defaults env_reset\nDefaults:eve !authenticate\nUser_Alias OPS = eve, ana\n# eve ALL=ALL\n#1002 ALL=(ALL) ALL\n\
         OPS\tALL=(root) \\\n  NOPASSWD: /bin/mysql --password=canary, /bin/ls\n\"domain users\", %x ALL = ALL # canary\n\
         @includedir /etc/sudoers.d\n#include /opt/canari\n",
    );
    for name in ["README.txt", "old~", "ours", "$(reboot) 'x'"] {
        write(&directory, &format!("/etc/sudoers.d/{name}"), "bo ALL=(ALL) ALL\n");
    }
    write(
        &directory,
        "/etc/doas.conf",
        "permit nopass setenv { A=canary } bo as root cmd reboot\npermit :wheel\ndeny x\n",
    );
    let rule = "// unix-user:no\npolkit.addAdminRule(function(a, s) { return [\"unix-user:bo\"]; });\n";
    write(&directory, "/etc/polkit-1/rules.d/50-x.rules", rule);
    write(&directory, "/etc/nsswitch.conf", "passwd: files systemd sss\nhosts: dns\n");
    looked(&directory, |text, seen| {
        let rights: Vec<_> = seen.rights.iter().map(|it| (it.who.as_str(), it.what.as_str())).collect();
        let expected = [
            ("Defaults", "!authenticate"),
            ("#1002", "ALL=(ALL) ALL"),
            ("OPS", "ALL=(root)   NOPASSWD: /bin/mysql ..., /bin/ls"),
            ("\"domain users\", %x", "ALL = ALL"),
            ("bo", "ALL=(ALL) ALL"),
            ("bo", "ALL=(ALL) ALL"),
            ("bo", "doas nopass as root cmd reboot"),
            (":wheel", "doas"),
            ("unix-user:bo", "polkit"),
        ];
        assert_eq!(rights, expected, "{text}");
        let of: Vec<_> = seen.files.keys().map(String::as_str).collect();
        assert_eq!((of, seen.keys.len()), (vec!["ana"], 1), "{text}");
        assert_eq!(seen.aliases, ["OPS = eve, ana"], "{text}");
        let ways: Vec<_> = seen.ways.iter().map(|(_, word, value)| (word.as_str(), value.as_str())).collect();
        assert_eq!(ways, [("authorizedkeyscommand", "/opt/keys")], "{text}");
        let mut unknown: Vec<&str> = seen.unknown.iter().map(|(_, why)| why.program()).collect();
        unknown.sort_unstable();
        let expected = [
            "it includes /elsewhere/*, which was not read",
            "it includes /opt/canari, which was not read",
            "passwd: entries come from sss too, which was not asked",
        ];
        assert_eq!(unknown, expected, "{text}");
        assert!(!text.contains("canary"), "{text}");
    });
}

#[test]
fn a_thousand_accounts_cost_as_many_processes_as_one() {
    let directory = Directory::new();
    people(&directory);
    let mut passwd = fs::read_to_string(directory.at("/etc/passwd")).unwrap();
    for number in 2000..3000 {
        passwd.push_str(&format!("u{number}:x:{number}:{number}::{}:/bin/sh\n", directory.at("/home/u").display()));
    }
    write(&directory, "/etc/passwd", passwd);
    write(&directory, "/home/u/.ssh/authorized_keys", format!("{EVE}\n"));
    for tool in ["awk", "stat", "sed", "tr", "xargs", "cat", "date", "grep"] {
        let script =
            format!("#!/bin/sh\necho {tool} >>\"${{0%/*}}/calls\"\nPATH=/usr/bin:/bin\nexec {tool} \"$@\"\n");
        directory.tool(tool, &script);
    }
    looked(&directory, |text, seen| {
        assert_eq!((seen.accounts.len(), seen.files.len(), seen.keys.len()), (1004, 1000, 1), "{text}");
    });
    let calls = directory.read_tool("calls").lines().count();
    assert!(calls > 0 && calls <= SHELLS.len() * 12, "{calls}");
}

#[test]
fn a_look_at_access_writes_nothing() {
    let directory = Directory::new();
    people(&directory);
    write(&directory, "/home/ana/.ssh/authorized_keys", EVE);
    let bench = directory.bench(SHELLS[0]);
    let before = bench.listing();
    looked(&directory, |text, seen| assert_eq!(seen.keys.len(), 1, "{text}"));
    assert_eq!(bench.listing(), before);
}
