use std::sync::Arc;

use super::*;
use crate::catalog::{Resource, ServiceEntry};
use crate::diag::{Diagnostics, Source};
use crate::kinds::bench::Sources;
use crate::kinds::{Answer, Build, Site, named};
use crate::resource::Id;
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
            data: false,
            place: node.place,
        }
    };
    HostCatalog {
        host: "h1".into(),
        chapter: "Test".into(),
        partial: false,
        retire: Arc::default(),
        resources: resources.iter().map(resource).collect(),
        site,
        os: None,
        architecture: None,
        bootstrap: Some(bootstrap.into()),
        readers: Vec::new(),
        wave: 0,
        ports: BTreeSet::new(),
        keepers: BTreeSet::new(),
        backed: Vec::new(),
        support: std::collections::BTreeMap::new(),
        checks: Vec::new(),
        services: vec![ServiceEntry {
            name: "s".into(),
            module: "m".into(),
            needs: Vec::new(),
            state: crate::catalog::ServiceState::default(),
        }],
    }
}

fn answer(text: &str) -> Answer {
    Answer { bytes: text.as_bytes().to_vec(), ..Answer::default() }
}

fn found(catalog: &HostCatalog, seen: Seen) -> Vec<Finding> {
    findings(catalog, &Observed { access: Some(seen), ..Observed::default() })
}

/// The findings as people read them.
fn said(bootstrap: &str, resources: &[(&str, &str)], text: &str) -> Vec<String> {
    found(&catalog(bootstrap, resources), Seen::read(Some(&answer(text))))
        .iter()
        .map(|it| it.line().program().to_owned())
        .collect()
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
fn keys_that_software_writes_for_one_command_are_no_access_where_that_is_declared() {
    let git = "P|git|998|998|/var/lib/gitolite|/bin/bash|none|no\n";
    let (kind, blob) = EVE.split_once(' ').unwrap();
    let key = |options: &str| {
        let file = "/var/lib/gitolite/.ssh/authorized_keys";
        format!("{ROOT}{git}F|git|{file}\nK|{file}|{kind}|{blob}|{options}|eve\nZ\n")
    };
    let declared: &[(&str, &str)] = &[("user", "{ name: git, home: /var/lib/gitolite, command_keys: true }")];
    let restricted = "command,no-port-forwarding,no-X11-forwarding,no-agent-forwarding,no-pty";
    for options in [restricted, "restrict,command"] {
        assert_eq!(said("admin", declared, &key(options)), Vec::<String>::new(), "{options}");
    }
    for options in [
        "",
        "command",
        "restrict",
        "no-pty,no-port-forwarding,no-agent-forwarding",
        "restrict,command,pty",
        "restrict,command,port-forwarding",
    ] {
        assert_eq!(said("admin", declared, &key(options)).len(), 1, "{options}");
    }
    assert_eq!(said("admin", &[("user", "{ name: git, home: /var/lib/gitolite }")], &key(restricted)).len(), 1);
    assert!(!said("admin", &[], &key(restricted)).is_empty());
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
    assert!(remedy(&[]).program().contains("state: absent"));
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

proptest::proptest! {
    #[test]
    fn no_answer_makes_it_panic(
        words in proptest::collection::vec("(P|K|M|F|R|A|W|U|Z|\\||\n|\\\\|0|33|[^\n]{0,5}){0,12}", 0..20),
        noise in proptest::collection::vec(proptest::num::u8::ANY, 0..40),
    ) {
        let bytes = [words.concat().as_bytes(), &noise, b"\nZ"].concat();
        let seen = Seen::read(Some(&Answer { bytes, ..Answer::default() }));
        for finding in found(&catalog("root", &[]), seen) {
            assert!(!finding.line().program().chars().any(char::is_control));
        }
    }
}

/// What the program says of a host.
mod host;
