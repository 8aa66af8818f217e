use std::io::Write as _;
use std::process::{Command, Stdio};

use super::report::{HostReport, json, suites, table};
use super::*;
use crate::inventory::{Selection, from_sources};
use crate::kinds::Answer;
use crate::modules::Library;

fn catalog() -> HostCatalog {
    let text = "id: 5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978\nchapter: { name: Test, domain: test.example }\n\
        hosts: { web1: { address: 192.0.2.1, user: admin, os: debian-12 } }\n\
        services: { nginx: { module: nginx, on: web1 } }\n";
    let dir = std::path::Path::new("/nonexistent");
    let (inventory, mistakes) = from_sources(dir, vec![crate::diag::Source::new("c.yaml", text)]);
    assert_eq!(mistakes.0, []);
    let library = Library::embedded(&mut crate::diag::Diagnostics::default());
    let all = Selection { hosts: vec!["web1".into()], services: None };
    let (catalog, mistakes) = crate::compile::compile(&inventory.unwrap(), &library, &all);
    (*catalog.unwrap_or_else(|| panic!("{:?}", mistakes.0)).hosts[0]).clone()
}

/// What a host in order says, and somebody who looks at its clock at the right moment.
const GOOD: &str = "V|ssh|passwordauthentication no\nV|ssh|kbdinteractiveauthentication no\nV|ssh|permitemptypasswords no\n\
V|ssh|permitrootlogin prohibit-password\nV|ssh|maxauthtries 4\nV|ssh|x11forwarding no\nV|ssh|macs hmac-sha2-512\nV|ssh|ciphers aes256-ctr\nE|ssh\n\
V|host_key|600 0 /etc/ssh/ssh_host_ed25519_key\nE|host_key\nE|empty_password\nV|tcp|22\nV|tcp|80\nE|tcp\nV|udp|68\nV|udp|40000\nE|udp\nV|ephemeral|32768\n\
V|input|inet drop\nE|input\nV|sysctl|tcp_syncookies 1\nV|sysctl|conf/all/accept_source_route 0\nV|sysctl|conf/eth0/rp_filter 2\nE|sysctl\n\
V|suite|bookworm\nV|suite|bookworm-security\nE|suite\nV|automatic|Unattended-Upgrade 1\nV|automatic|Update-Package-Lists 1\nV|automatic|program yes\n\
V|automatic|apt-daily active enabled\nV|automatic|apt-daily-upgrade active enabled\nE|automatic\nV|age|lists 100\nV|age|upgrade 100\nE|pending\nE|reboot\nE|failed\n\
V|clock|1000\nV|synchronised|yes\nV|disk|50 /\nE|disk\nV|inodes|5 /\nE|inodes\nV|journal|100\nE|journal\nE|writable\nE|private\nE|dump\nV|certificate|good /a\nE|certificate\nZ\n";

fn judged(answer: &str) -> Vec<Audited> {
    let expected = Expected { ssh: vec![22], maintainers: 1, now: 1010 };
    let said = Said::read(Some(&Answer { bytes: answer.as_bytes().to_vec(), ..Answer::default() }));
    judge(&catalog(), &expected, &said, &undeclared(&catalog(), &Seen::default(), None))
}

fn with(answer: &str, id: &str) -> Verdict {
    judged(answer).into_iter().find(|point| point.id == id).unwrap().verdict
}

#[test]
fn a_host_in_order_passes_everything_and_one_that_says_nothing_passes_nothing() {
    let all = judged(GOOD);
    let others: Vec<&Audited> = all.iter().filter(|point| point.verdict != Verdict::Pass).collect();
    assert!(others.is_empty() && all.len() > 25, "{others:?}");
    let expected = Expected { ssh: vec![22], maintainers: 1, now: 1010 };
    let nothing = judge(&catalog(), &expected, &Said::default(), &undeclared(&catalog(), &Seen::read(None), None));
    assert!(nothing.iter().all(|point| matches!(point.verdict, Verdict::Skip(_))), "{nothing:?}");
    let mut ids: Vec<&str> = all.iter().map(|point| point.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len());
}

#[test]
fn each_thing_that_is_wrong_fails_its_own_point() {
    for (id, from, to) in [
        ("ssh.passwords", "kbdinteractiveauthentication no", "kbdinteractiveauthentication yes"),
        ("ssh.passwords", "E|ssh", "V|match|passwordauthentication yes\nE|ssh"),
        ("ssh.empty-passwords", "permitemptypasswords no", "permitemptypasswords yes"),
        ("ssh.root", "permitrootlogin prohibit-password", "permitrootlogin yes"),
        ("ssh.tries", "maxauthtries 4", "maxauthtries 6"),
        ("ssh.x11", "x11forwarding no", "x11forwarding yes"),
        ("ssh.macs", "macs hmac-sha2-512", "macs hmac-sha2-512,hmac-sha1-etm@openssh.com"),
        ("ssh.ciphers", "ciphers aes256-ctr", "ciphers aes256-cbc"),
        ("ssh.host-keys", "600 0 /etc", "644 0 /etc"),
        ("ssh.host-keys", "600 0 /etc", "600 1000 /etc"),
        ("accounts.empty-passwords", "E|empty_password", "V|empty_password|bob\nE|empty_password"),
        ("network.tcp", "V|tcp|80\n", "V|tcp|80\nV|tcp|8080\n"),
        ("network.udp", "V|udp|68\n", "V|udp|68\nV|udp|161\n"),
        ("network.firewall", "inet drop", "inet accept"),
        ("network.firewall", "inet drop", "ip drop"),
        ("network.kernel", "tcp_syncookies 1", "tcp_syncookies 0"),
        ("network.kernel", "accept_source_route 0", "accept_source_route 1"),
        ("network.kernel", "rp_filter 2", "rp_filter 0"),
        ("updates.security", "bookworm-security", "bookworm-updates"),
        ("updates.automatic", "Unattended-Upgrade 1", "Unattended-Upgrade 0"),
        ("updates.automatic", "V|automatic|program yes\n", ""),
        ("updates.automatic", "apt-daily active", "apt-daily inactive"),
        ("updates.lists", "lists 100", "lists 700000"),
        ("updates.lists", "V|age|lists 100\n", ""),
        ("updates.reboot", "E|reboot", "V|reboot|yes\nE|reboot"),
        ("system.units", "E|failed", "V|failed|nginx.service\nE|failed"),
        ("system.clock", "clock|1000", "clock|5000"),
        ("system.clock", "synchronised|yes", "synchronised|no"),
        ("system.space", "disk|50", "disk|95"),
        ("system.inodes", "inodes|5 ", "inodes|91 "),
        ("system.journal", "journal|100", "journal|9000000"),
        ("files.writable", "E|writable", "V|writable|/etc/x\nE|writable"),
        ("files.keys", "E|private", "V|private|/etc/x.key\nE|private"),
        ("files.dumps", "E|dump", "V|dump|/var/www/x.sql\nE|dump"),
        ("tls.certificates", "good /a", "ends /a"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let verdicts = judged(&GOOD.replace(from, to));
        let failed: Vec<&str> =
            verdicts.iter().filter(|it| matches!(it.verdict, Verdict::Fail { .. })).map(|it| it.id).collect();
        assert_eq!(failed, [id], "{to}");
    }
}

#[test]
fn what_is_not_whole_or_not_known_is_skipped_with_its_reason() {
    for (id, from, to, why) in [
        ("network.tcp", "E|tcp", "", "not known: the host did not say"),
        (
            "network.firewall",
            "V|input|inet drop\nE|input",
            "U|input|nft: Operation not permitted",
            "Operation not permitted",
        ),
        ("tls.certificates", "V|certificate|good /a\nE|certificate", "N|certificate|none here", "none here"),
        ("ssh.tries", "V|ssh|maxauthtries 4\n", "", "sshd does not say maxauthtries"),
        ("updates.pending", "bookworm-security", "bookworm", "there is no security suite to ask"),
        ("system.clock", "V|synchronised|yes\n", "", "whether something keeps it so is not known"),
        ("network.tcp", "V|tcp|80\n", "V|tcp|eighty\n", "no number"),
    ] {
        match with(&GOOD.replace(from, to), id) {
            Verdict::Skip(said) => assert!(said.contains(why), "{id}: {said}"),
            other => panic!("{id}: {other:?}"),
        }
    }
}

#[test]
fn an_update_of_tonight_may_wait_and_one_of_last_week_may_not() {
    let waiting = GOOD.replace("E|pending", "V|pending|openssl\nE|pending");
    assert_eq!(with(&waiting, "updates.pending"), Verdict::Pass);
    for (from, to) in [("upgrade 100", "upgrade 400000"), ("V|age|upgrade 100\n", ""), ("program yes", "x y")] {
        let verdict = with(&waiting.replace(from, to), "updates.pending");
        assert!(matches!(&verdict, Verdict::Fail { found, .. } if found == "openssl"), "{verdict:?}");
    }
}

#[test]
fn failures_come_first_with_their_remedies_and_nothing_breaks_out() {
    let hostile = GOOD
        .replace("E|dump", "V|dump|/x\u{1b}[2J.sql\nE|dump")
        .replace("V|certificate|good /a\nE|certificate", "N|certificate|none");
    let hosts = [HostReport { host: "web1".into(), result: Ok(judged(&hostile)) }];
    let text = table(&hosts);
    assert!(text.starts_with("fail  web1  files.dumps"), "{text}");
    assert!(text.contains("        → `chmod o-rwx` these files\nskip  web1  tls.certificates"), "{text}");
    assert!(!text.contains('\u{1b}') && text.contains(" 1 fail, 1 skipped.\n"), "{text}");
    assert_eq!(json("Test", &hosts)["summary"]["fail"], 1);
    let xml = crate::report::junit::junit("audit", &suites(&hosts));
    assert!(xml.contains("<skipped message=\"none\">") && xml.contains("failures=\"1\""), "{xml}");
}

/// The program itself, here: it ends, it says something of everything, and every shell says the same.
#[test]
fn the_program_comes_to_its_end_in_every_shell() {
    let sections = |shell: &[&str]| {
        let mut child = Command::new(shell[0])
            .args(&shell[1..])
            // this machine may have a lot to look through: not to come to an end of that is an answer too
            .args([
                "-c",
                &audit_program()
                    .replace("audit_within 8 ", "audit_within 1 ")
                    .replace("audit_within 20 ", "audit_within 2 "),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let request = b"steward-request 2 ab12 \naudit 0\nend 0\n";
        child.stdin.take().unwrap().write_all(request).unwrap();
        let mut answers = Answers::new("ab12");
        answers.feed(&child.wait_with_output().unwrap().stdout);
        assert!(answers.done, "{shell:?}");
        answers.sections.remove("audit").unwrap()
    };
    for shell in [&["dash"][..], &["busybox", "sh"]] {
        let answer = sections(shell);
        let lines: Vec<&str> = answer.text_lines().collect();
        assert_eq!(lines.last(), Some(&"Z"), "{shell:?}: {lines:?}");
        for what in [
            "ssh",
            "host_key",
            "empty_password",
            "tcp",
            "udp",
            "input",
            "sysctl",
            "suite",
            "automatic",
            "pending",
            "reboot",
            "failed",
            "disk",
            "inodes",
            "journal",
            "writable",
            "private",
            "dump",
            "certificate",
        ] {
            let says = |line: &&str| {
                ["E", "U", "N"].iter().any(|word| {
                    line.strip_prefix(word)
                        .is_some_and(|rest| rest.trim_start_matches('|').split('|').next() == Some(what))
                })
            };
            assert!(lines.iter().any(says), "{shell:?} says nothing of {what}: {lines:?}");
        }
    }
}
