use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use super::*;
use crate::catalog::{Resource, ServiceEntry};
use crate::diag::{Diagnostics, Source};
use crate::kinds::bench::{Directory, NONCE, SHELLS, Sources};
use crate::kinds::{Answer, Build, Site, named};
use crate::resource::Id;
use crate::script::{probe_program, request};
use crate::yaml::parse;

const ANA: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE";
const EVE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
/// As `ssh-keygen -l` says it of EVE.
const EVE_PRINT: &str = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";
const HASH: &str = "$y$j9T$canarycanary$canarycanarycanarycanarycanarycanarycan";

fn catalog(bootstrap: &str, resources: &[(&str, &str)]) -> HostCatalog {
    let site = Site::default();
    let resource = |(kind, yaml): &(&str, &str)| {
        let node = parse(&Source::new("test.yaml", *yaml)).unwrap();
        let (mut mistakes, mut files) = (Diagnostics::default(), Sources::default());
        let kind = named(kind).unwrap();
        let item = kind.item(&node, &mut Build { mistakes: &mut mistakes, files: &mut files, site: &site });
        let item = item.unwrap_or_else(|| panic!("{yaml}: {mistakes:?}"));
        Resource {
            id: Id::new(kind.name(), item.name()),
            kind,
            item: Arc::from(item),
            owners: vec![0],
            place: node.place,
        }
    };
    HostCatalog {
        host: "h1".into(),
        resources: resources.iter().map(resource).collect(),
        site,
        os: None,
        architecture: None,
        bootstrap: Some(bootstrap.into()),
        wave: 0,
        services: vec![ServiceEntry { name: "s".into(), module: "m".into(), needs: Vec::new() }],
    }
}

fn answer(text: &str) -> Answer {
    Answer { bytes: text.as_bytes().to_vec(), nonce: String::new() }
}

fn found(catalog: &HostCatalog, seen: Seen) -> Vec<Finding> {
    findings(catalog, &Observed { access: Some(seen), ..Observed::default() })
}

/// The findings as people read them.
fn said(bootstrap: &str, resources: &[(&str, &str)], text: &str) -> Vec<String> {
    found(&catalog(bootstrap, resources), Seen::read(Some(&answer(text)))).iter().map(Finding::line).collect()
}

const ROOT: &str = "P|root|0|0|/root|/bin/bash|none|no\n";

fn with_key(account: &str, home: &str, line: &str) -> String {
    let (kind, blob) = line.split_once(' ').unwrap();
    format!("F|{account}|{home}/.ssh/authorized_keys\nK|{home}/.ssh/authorized_keys|{kind}|{blob}||eve@home\n")
}

#[test]
fn a_host_where_only_declared_people_get_in_has_no_findings() {
    let ana = format!("{{ name: ana, groups: [sudo], authorized_keys: [\"{ANA} ana\"] }}");
    let sudoers = "{ path: /etc/sudoers.d/steward, content: \"ana ALL=(ALL:ALL) NOPASSWD: ALL\\n\" }";
    let text = format!(
        "{ROOT}P|daemon|1|1|/usr/sbin|/usr/sbin/nologin|none|no\nP|sync|4|65534|/bin|/bin/sync|none|no\n\
         P|postgres|101|101|/var/lib/postgresql|/bin/bash|none|no\nP|ana|1000|1000|/home/ana|/bin/bash|set|no\n\
         P|mail1|5000|5000|/nonexistent|/usr/sbin/nologin|set|no\nM|sudo|ana\nR|/etc/sudoers|root|ALL=(ALL:ALL) ALL\n\
         R|/etc/sudoers|%sudo|ALL=(ALL:ALL) ALL\nR|/etc/sudoers.d/steward|ana|ALL=(ALL:ALL) NOPASSWD: ALL\n{}Z\n",
        with_key("ana", "/home/ana", ANA)
    );
    assert_eq!(said("admin", &[("user", &ana), ("file", sudoers)], &text), Vec::<String>::new());
    // each declaration is what silences something
    assert_eq!(said("admin", &[("user", &ana)], &text).len(), 1);
    assert_eq!(said("admin", &[("file", sudoers)], &text).len(), 3);
}

#[test]
fn keys_are_undeclared_wherever_they_stand_and_whosever_they_are() {
    let ana = format!("{{ name: ana, authorized_keys: [\"{ANA} ana\"] }}");
    let text = format!(
        "{ROOT}P|ana|1000|1000|/home/ana|/bin/bash|none|no\nP|www|33|33|/var/www|/usr/sbin/nologin|none|no\n{}{}{}{}Z\n",
        with_key("root", "/root", ANA),
        with_key("ana", "/home/ana", ANA),
        with_key("ana", "/home/ana", EVE),
        with_key("www", "/var/www", EVE)
    );
    let lines = said("admin", &[("user", &ana)], &text);
    let expected = [
        "undeclared access: key SHA256:".to_owned(),
        format!("undeclared access: key {EVE_PRINT} (eve@home) of ana (/home/ana/.ssh/authorized_keys)"),
        "undeclared access: account www (uid 33) can log in by keys (/etc/passwd)".to_owned(),
        format!("undeclared access: key {EVE_PRINT} (eve@home) of www (/var/www/.ssh/authorized_keys)"),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    // a file of the catalog may declare keys, too
    let file = format!("{{ path: /root/.ssh/authorized_keys, content: \"{ANA}\\n\" }}");
    let lines = said("admin", &[("user", &ana), ("file", &file)], &text);
    assert!(!lines.iter().any(|line| line.contains("root")), "{lines:#?}");
}

#[test]
fn accounts_rights_and_twins_of_root_are_named() {
    let cases = [
        (
            "P|eve|1001|1001|/home/eve|/bin/bash|set|no\n",
            "account eve (uid 1001) can log in by a password (/etc/passwd)",
        ),
        ("P|eve|1001|1001|/home/eve||set|no\n", "account eve (uid 1001) can log in by a password (/etc/passwd)"),
        ("P|toor|0|0|/|/usr/sbin/nologin|none|yes\n", "account toor has the number of root, 0 (/etc/passwd)"),
        ("P|root|00|0|/|/bin/sh|none|no\n", "account root has the number of root, 0 (/etc/passwd)"),
        ("M|wheel|eve\n", "eve is in the group wheel (/etc/group)"),
        (
            "R|/etc/sudoers.d/x|eve|ALL=(ALL) NOPASSWD: ALL\n",
            "eve may use ALL=(ALL) NOPASSWD: ALL (/etc/sudoers.d/x)",
        ),
        ("R|/etc/sudoers|%sudo|ALL=(ALL) NOPASSWD: ALL\n", "%sudo may use ALL=(ALL) NOPASSWD: ALL (/etc/sudoers)"),
        (
            "R|/etc/sudoers|OPS|ALL=ALL\nA|/etc/sudoers|DEV = bo : OPS = eve, ana\n",
            "OPS (that is eve, ana) may use ALL=ALL (/etc/sudoers)",
        ),
        ("R|/etc/doas.conf|eve|doas nopass\n", "eve may use doas nopass (/etc/doas.conf)"),
        (
            "W|/etc/ssh/sshd_config|authorizedkeyscommand|/opt/keys\n",
            "sshd has authorizedkeyscommand /opt/keys (/etc/ssh/sshd_config)",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(
            said("admin", &[], &format!("{ROOT}{line}Z\n")),
            [format!("undeclared access: {expected}")],
            "{line}"
        );
        assert_eq!(said("admin", &[], &format!("{ROOT}Z\n")), Vec::<String>::new());
    }
    let own = "P|admin|1001|1001|/home/admin|/bin/bash|none|no\nM|admin|admin\n";
    assert_eq!(said("debian", &[], &format!("{ROOT}{own}Z\n")), Vec::<String>::new());
    let named = format!("{ROOT}{own}R|/etc/sudoers|%admin|ALL=(ALL) ALL\nZ\n");
    assert_eq!(said("debian", &[], &named), ["undeclared access: admin is in the group admin (/etc/group)"]);
    let closed = "P|eve|1001|1001|/home/eve|/bin/bash|set|yes\n";
    assert_eq!(said("admin", &[], &format!("{ROOT}{closed}Z\n")), Vec::<String>::new());
}

#[test]
fn the_login_of_the_hosting_is_one_finding_until_it_is_closed_or_taken_over() {
    let text = format!(
        "{ROOT}P|admin|1000|1000|/home/admin|/bin/bash|set|no\n{}M|sudo|admin\n\
         R|/etc/sudoers.d/90-cloud-init-users|admin|ALL=(ALL) NOPASSWD:ALL\nZ\n",
        with_key("admin", "/home/admin", EVE)
    );
    let open = format!("bootstrap login still open: admin, by key {EVE_PRINT} (eve@home), a password");
    assert_eq!(said("admin", &[], &text), std::slice::from_ref(&open));
    assert_eq!(said("admin", &[("user", "{ name: admin, state: absent }")], &text), [open]);
    assert_eq!(said("admin", &[], &text.replace("set|no", "none|yes")), Vec::<String>::new());
    // to another host it is an account as any other
    assert_eq!(said("root", &[], &text).len(), 4);
    let remedy = |resources: &[(&str, &str)]| {
        found(&catalog("admin", resources), Seen::read(Some(&answer(&text)))).remove(0).remedy
    };
    assert_eq!(remedy(&[("user", "{ name: admin, state: absent }")]), "`steward apply` closes it");
    assert!(remedy(&[]).contains("state: absent"));
}

#[test]
fn what_could_not_be_read_is_unknown_and_never_absent() {
    let unknown = "access not known: access: the host did not say who can log in";
    for text in ["", "Z|\n", ROOT, "Z\nP|root|0|0|/root|/bin/bash|none|no\n", "\u{0}"] {
        assert_eq!(said("admin", &[], text), [unknown], "{text:?}");
    }
    assert_eq!(
        said("admin", &[], "U|/etc/shadow|it cannot be read\nZ\n"),
        ["access not known: /etc/shadow: it cannot be read"]
    );
    for text in
        ["P|eve|x|0|/|/bin/sh|none|no\nZ\n", "P|eve\nZ\n", "K|\nZ\n", "nonsense\nZ\n", "P|e|1|1|/|/|hash|no\nZ\n"]
    {
        let lines = said("admin", &[], text);
        assert!(lines.len() == 1 && lines[0].starts_with("access not known: "), "{text}: {lines:?}");
    }
    let text = format!("{ROOT}P|eve\\0033[2J\\0012x|1001|1|/|/bin/sh|set|no\nZ\n");
    let lines = said("admin", &[], &text);
    assert_eq!(
        lines,
        ["undeclared access: account eve\u{fffd}[2J\u{fffd}x (uid 1001) can log in by a password (/etc/passwd)"]
    );
    // not asked, nothing said
    let mut part = catalog("admin", &[]);
    part.bootstrap = None;
    assert_eq!(found(&part, Seen::read(None)), Vec::new());
}

/// Runs the real program on a directory that stands for `/etc`, in every shell.
fn looked(directory: &Directory, check: impl Fn(&str, Seen)) {
    let links = tempfile::tempdir().unwrap();
    symlink(directory.at("/etc"), links.path().join("etc")).unwrap();
    let etc = format!("{}/etc/", links.path().display());
    // what a file says it includes is compared with the real name
    let program =
        probe_program().replace("/etc/", &etc).replace(&format!("\"{etc}sudoers.d\""), "\"/etc/sudoers.d\"");
    let request = request::request(&BTreeMap::new(), &Site::default(), "/nonexistent", true, NONCE);
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
        let mut unknown: Vec<&str> = seen.unknown.iter().map(|(_, why)| why.as_str()).collect();
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

proptest::proptest! {
    #[test]
    fn no_answer_makes_it_panic(
        words in proptest::collection::vec("(P|K|M|F|R|A|W|U|Z|\\||\n|\\\\|0|33|[^\n]{0,5}){0,12}", 0..20),
        noise in proptest::collection::vec(proptest::num::u8::ANY, 0..40),
    ) {
        let bytes = [words.concat().as_bytes(), &noise, b"\nZ"].concat();
        let seen = Seen::read(Some(&Answer { bytes, nonce: String::new() }));
        for finding in found(&catalog("root", &[]), seen) {
            assert!(!finding.line().chars().any(char::is_control));
        }
    }
}
