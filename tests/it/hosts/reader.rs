//! A reader key on a real host: it shows what an operator's plan shows, and whoever steals it gets nothing else.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use steward::script::reader;

use crate::support::{Chapter, Host, Ran, keygen, ssh};

const CANARY: &str = "canary-Hq4w7";
const BEA: &str = "restrict,command=\"echo | cat\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILNTdeNFrEMkor/kXX8y5UROTQGPH+kHDKCcQVYeyDVE bea";
const EVE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl eve";
const NONCE: &str = "5e0c91aa7d2b4f6e8a3d1c0b9f8e7d6c";
const INVENTORY: &str = "00112233445566778899aabbccddeeff";

fn module() -> String {
    format!(
        "version: 1
summary: {{ en: For a test. }}
secrets: {{ password: {{ rotate: manual }} }}
resources:
  - directory: {{ path: /etc/demo.d }}
  - file: {{ path: /etc/demo.d/plain, content: \"one\\ntwo\\n\" }}
  - file: {{ path: /etc/demo.d/sealed, content: \"password = {{{{ secrets.password }}}}\\n\" }}
  - link: {{ path: /etc/demo.d/link, target: plain }}
  - tree: {{ path: /srv/site, source: site/ }}
  - line: {{ path: /etc/hosts, line: 10.0.0.1 wiki, match: wiki$ }}
  - block: {{ path: /etc/demo.d/blocks, name: ours, content: \"a = 1\\n\", create: true }}
  - package: sudo
  - service: {{ name: cron }}
  - group: helpers
  - user: {{ name: bea, shell: /bin/bash, groups: [helpers], authorized_keys: ['{BEA}'] }}
  - timer: {{ name: tidy, command: \"true\", on_calendar: daily }}
  - command: {{ name: guarded, run: \"true\", unless: \"touch /root/guard-ran\", read_only: true }}
"
    )
}

/// A host to which this was applied, with a key that may look at it.
struct Read {
    host: Host,
    chapter: Chapter,
    key: PathBuf,
}

impl Read {
    fn new() -> Read {
        let host = Host::new();
        let chapter = Chapter::new().host("web1", &host).file("modules/bench.yaml", module());
        let chapter = chapter.file("site/index.html", "<p>hello</p>\n");
        let identity = chapter.home().join("ana.agekey");
        assert!(Command::new("age-keygen").arg("-o").arg(&identity).output().unwrap().status.success());
        let public = Command::new("age-keygen").arg("-y").arg(&identity).output().unwrap().stdout;
        let top = format!(
            "id: {INVENTORY}\n# ours\nchapter: {{ name: Test, domain: test.example, min_readers: 1 }}\n\
             people: {{ ana: {{ name: Ana, role: maintainer, age: [{}] }} }}\nservices:\n  bench: {{ module: bench, on: all }}\n",
            String::from_utf8(public).unwrap().trim()
        );
        let chapter = chapter.file("chapter.yaml", top);
        let key = chapter.home().join("reader");
        keygen(&key);
        let secret = ["secrets", "set", "bench/password", "--identity", identity.to_str().unwrap()];
        let _ = chapter.run_with(&secret, CANARY).success();
        let read = Read { host, chapter, key };
        let identity = identity.to_str().unwrap().to_owned();
        let apply = ["apply", "--yes", "--format", "json", "--identity", &identity, "--identity"];
        let login = read.chapter.home().join(".ssh/id_ed25519");
        let _ = read.chapter.run(&[&apply[..], &[login.to_str().unwrap()]].concat()).converged("web1", 3);
        read
    }

    fn installed(self) -> Read {
        let public = self.key.with_extension("pub");
        let ran = self.chapter.run(&["host", "reader", "web1", "--key", public.to_str().unwrap()]);
        let _ = ran
            .success()
            .stdout("web1: installed\n")
            .stderr("chapter.yaml: `readers` of the chapter has one more key\n");
        self
    }

    #[track_caller]
    fn look(&self, command: &str) -> Ran {
        self.chapter.run(&[command, "--reader", "--identity", self.key.to_str().unwrap(), "--format", "json"])
    }

    /// OpenSSH's client with the reader key, these options, this command and this on standard input.
    fn ssh(&self, options: &[&str], command: &[&str], stdin: &[u8]) -> Output {
        let mut ssh = ssh(&self.key, &self.host.host_key(), &self.host.address, 22, reader::ACCOUNT);
        // options stand before the address, which is the last word so far
        let words: Vec<_> = ssh.get_args().map(ToOwned::to_owned).collect();
        let (address, before) = words.split_last().unwrap();
        ssh = Command::new("ssh");
        ssh.args(before).args(options).arg(address).args(command);
        ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = ssh.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let bytes = stdin.to_vec();
        let writer = std::thread::spawn(move || drop(input.write_all(&bytes))); // it may end without reading
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    }

    /// What the program answers to these lines, under a right header.
    fn asked(&self, lines: &str) -> String {
        let header = format!("steward-read 1 {NONCE} {} {} {INVENTORY}\n", reader::program_digest(), "0".repeat(64));
        text(&self.ssh(&[], &[], format!("{header}{lines}").as_bytes()))
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Identity, action, reason of each change of the one host.
fn changes(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    let line = |change: &Value| format!("{} {} {}", change["id"], change["action"], change["reason"]);
    json["hosts"][0]["changes"].as_array().unwrap_or_else(|| panic!("{ran}")).iter().map(line).collect()
}

const BY_HAND: &str =
    "echo pw=hunter2 >>/etc/demo.d/plain; sed -i s/password/x/ /etc/demo.d/sealed; ln -sfn none /etc/demo.d/link
    echo hunter2 >/srv/site/extra; sed -i 's/10.0.0.1 wiki/10.9.9.9 hunter2 wiki/' /etc/hosts
    sed -i 's/a = 1/a = hunter2/' /etc/demo.d/blocks; systemctl stop cron; gpasswd -d bea helpers >/dev/null
    echo '# hunter2' >>/etc/systemd/system/tidy.timer";

#[test]
fn a_reader_sees_the_plan_that_an_operator_sees_and_what_it_is_not_told_is_unknown() {
    let read = Read::new().installed();
    let unknown = "\"command:guarded\" \"`unless` is not run with a reader key\"";
    let unknowns = |ran: &Ran| -> Vec<String> {
        let json = ran.json();
        let line = |it: &Value| format!("{} {}", it["id"], it["why"]);
        json["hosts"][0]["unknown"].as_array().unwrap().iter().map(line).collect()
    };
    read.host.sh("rm -f /root/guard-ran");
    let ran = read.look("plan").success();
    assert_eq!((changes(&ran), unknowns(&ran)), (vec![], vec![unknown.to_owned()]), "{ran}");
    assert_eq!(ran.json()["hosts"][0]["unchanged"], 12);
    assert!(ran.text().contains("a reader key is not told who can get in"), "{ran}");
    let _ = read.look("drift").success();

    read.host.sh(&format!("{BY_HAND}; echo 'environment=\"T=hunter2\" {EVE}' >>~bea/.ssh/authorized_keys"));
    let ran = read.look("plan").success().never_says("hunter2").never_says(CANARY);
    let seen = changes(&ran);
    let _ = read.look("drift").status(2).never_says("hunter2");
    read.host.sh("test ! -e /root/guard-ran");
    let operator = changes(&read.chapter.run(&["plan", "--format", "json"]).success());
    assert_eq!(seen, operator);
    assert_eq!(seen.len(), 9, "{seen:#?}");
    read.host.sh("rm /root/guard-ran"); // the operator's look ran it: the canary can sing

    // what was not applied yet is unknown: a file that is not there, and one that others have
    let more = module() + "  - file: { path: /etc/shadow, content: x }\n  - file: { path: /etc/new, content: x }\n";
    let more = more.replace("one\\\\ntwo", "other");
    std::fs::write(read.chapter.path("modules/bench.yaml"), more).unwrap();
    let _ = read.chapter.run(&["module", "update"]).success();
    let ran = read.look("plan").success().never_says("hunter2");
    let unknowns = unknowns(&ran).join("\n");
    for id in ["file:/etc/shadow", "file:/etc/new"] {
        assert!(unknowns.contains(&format!("\"{id}\" \"a reader key is told nothing of it")), "{unknowns}");
    }
    assert!(unknowns.contains("\"tree:/srv/site\" \"it was changed on the host, and in the inventory"), "{unknowns}");
    let refused = read.chapter.run(&["plan", "--reader", "--out", "x.plan"]).status(1);
    let _ = refused.stderr_has("cannot be used with");
}

#[test]
fn an_apply_keeps_program_list_and_keys_as_they_are_declared_and_the_audit_names_the_rest() {
    let read = Read::new().installed();
    let plan = read.chapter.plan().success();
    assert!(!plan.text().contains("steward-reader"), "what is declared is no finding: {plan}");
    let json = read.chapter.run(&["host", "reader", "--format", "json"]).success();
    assert_eq!(crate::schemas::fits(&read.chapter, "host-reader", json.text()), Ok(()));
    let again = read.chapter.run(&["host", "reader"]).success();
    let _ = again.stdout("web1: unchanged\n");

    // another version's program answers nothing, and says what to do
    read.host.sh("sed -i 's/^READER_PROGRAM=..../READER_PROGRAM=ffff/' /usr/local/lib/steward/reader");
    let ran = read.look("plan").status(3);
    let said = ran.json()["hosts"][0]["error"].to_string();
    assert!(said.contains("is of another Steward") && said.contains("steward apply"), "{said}");
    let _ = read.chapter.plan().success().stdout_has("steward-reader may use");
    let _ = read.chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 2);
    let _ = read.look("plan").success();

    // a key that nobody declared
    read.host.sh(&format!("echo 'restrict,command=\"sudo -n {}\" {EVE}' >>{}", reader::PROGRAM, reader::KEYS));
    let plan = read.chapter.plan().success();
    let plan = plan.stdout_has(
        "undeclared access: key SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU (eve) of steward-reader",
    );
    let _ = plan.stdout_has("to keep it, declare it in `readers` of `chapter`");
    let _ = read.chapter.run(&["apply", "--yes", "--format", "json"]).converged("web1", 2);
    read.host.sh(&format!("! grep -q {} {}", EVE.split(' ').nth(1).unwrap(), reader::KEYS));

    let _ = read.chapter.run(&["host", "reader", "--remove"]).success().stdout("web1: removed\n");
    let left = "! grep -q steward-reader /etc/passwd; ! ls -d /etc/sudoers.d/steward-reader /usr/local/lib/steward \
                /var/lib/steward-reader /var/lib/steward/*/readable 2>/dev/null";
    read.host.sh(&format!("set -e; {left}"));
    let _ = read.look("plan").status(4);
}

#[test]
fn a_stolen_reader_key_runs_nothing_and_opens_nothing() {
    let read = Read::new().installed();
    read.host.sh("rm -f /root/guard-ran; useradd -m steward-other");
    let before = read.host.sh(FILES);
    for command in
        ["id", "sh", "sudo -n id", "cat /etc/shadow", "scp -f /etc/passwd", "sudo -n /usr/local/lib/steward/reader x"]
    {
        for options in [&[][..], &["-tt"]] {
            let output = read.ssh(options, &[command], b"id\ncat /etc/shadow\n");
            let said = text(&output) + &String::from_utf8_lossy(&output.stderr);
            assert!(
                !output.status.success() && !said.contains("uid=") && !said.contains("root:"),
                "{command}: {said}"
            );
        }
    }
    let sftp = read.ssh(&["-s"], &["sftp"], b"\0\0\0\x05\x01\0\0\0\x03");
    assert!(sftp.stdout.is_empty() && !sftp.status.success(), "{sftp:?}");
    // what `scp -O` says to put a file there
    let copied = read.ssh(&[], &["scp -t /tmp/put"], b"C0644 3 put\nhi\n\0");
    assert!(copied.stdout.is_empty() && !copied.status.success(), "{copied:?}");
    // forwarding: to a port, from a port, from a socket
    for options in [
        &["-W", "127.0.0.1:22"][..],
        &["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22"],
        &["-N", "-o", "ExitOnForwardFailure=yes", "-R", "/tmp/socket:127.0.0.1:22"],
    ] {
        let output = read.ssh(options, &[], b"");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && !text(&output).contains("SSH-"), "{options:?}: {said}");
    }
    // the environment that sshd's usual configuration lets through
    let sent = read.ssh(&["-o", "SetEnv=LC_ALL=$(id) LC_X=x BASH_ENV=/tmp/x"], &["id"], b"");
    assert!(text(&sent).is_empty(), "{sent:?}");
    // the account by itself: no password, no group, nothing of its own, and nobody else has its right
    read.host.sh(
        "set -e; test \"$(grep ^steward-reader: /etc/shadow | cut -d: -f2)\" = '*'; test \"$(id -Gn steward-reader)\" = steward-reader
         test -z \"$(find / -xdev -user steward-reader -not -path '/proc/*' 2>/dev/null)\"
         for path in /usr/local/lib/steward/reader /var/lib/steward-reader/.ssh/authorized_keys /etc/sudoers.d/steward-reader; do
           ! setpriv --reuid=steward-reader --clear-groups --regid=steward-reader sh -c \"echo x >>$path\" 2>/dev/null
         done
         as() { setpriv --reuid=\"$1\" --clear-groups --regid=\"$1\" sudo -n \"$2\" $3 2>&1 || :; }
         as steward-reader /usr/local/lib/steward/reader x | grep -q 'password is required'
         as steward-reader /bin/sh | grep -q 'password is required'
         as steward-other /usr/local/lib/steward/reader | grep -q 'password is required'",
    );
    assert_eq!(read.host.sh(FILES), before);
}

/// Everything that a look might write to.
const FILES: &str = "find /etc /root /srv /usr/local /var/lib/steward /var/lib/steward-reader /home /tmp /run/steward* -xdev \
                     -not -type d -exec stat -c '%n %Y %s %a %U' {} + 2>/dev/null | sort | sha256sum";

#[test]
fn a_forged_request_is_answered_for_nothing_but_what_was_applied() {
    let read = Read::new().installed();
    read.host.sh("rm -f /root/guard-ran");
    let before = read.host.sh(FILES);
    let zeros = "0".repeat(64);
    let answered = read.asked(&format!("file|{zeros}|/etc/demo.d/plain\n"));
    assert!(answered.contains("/etc/demo.d/plain\nH|"), "the harness asks in the right way: {answered}");
    let guess = steward::resource::digest(format!("{NONCE}password = {CANARY}\n").as_bytes());
    let forged = [
        "file||/etc/shadow",
        "file|#|/etc/shadow",
        "file||/etc/demo.d/../shadow",
        "file||/etc/demo.d/plai?",
        "file||/etc/demo.d/plain|x",
        "file||/etc/demo.d/plain\\0012/etc/shadow",
        "file||\\0057etc\\0057shadow",
        "file||-f /etc/shadow",
        "file||/etc/demo.d/sealed",
        "tree|/etc",
        "tree|/srv/site|x",
        "directory|/root",
        "link|/etc/demo.d/sealed",
        "line|/etc/shadow|x|.",
        "line|/etc/hosts|10.0.0.1 wiki|.",
        "line|/etc/demo.d/sealed|password = canary-Hq4w7|",
        "block|/etc/demo.d/sealed|password = canary-Hq4w7|",
        "user|root|keys",
        "group|shadow",
        "package|*",
        "service|ssh.service",
        "sysctl|kernel/hostname",
        "command|unless|x|touch /root/guard-ran||/|0",
        "command|unless|guarded|touch /root/guard-ran; id||/|0",
        "command|creates|/etc/shadow",
        "access|",
        "facts|",
        "+file||/etc/shadow",
        "file||$(touch /root/guard-ran)",
        "file||`id`|;id",
        "?file|#|/etc/shadow",
        "=x",
        "|",
    ];
    let answered = read.asked(&format!("{}\n", forged.join("\n")));
    let refused: String = (0..forged.len()).map(|number| format!("refused|{number}\n")).collect();
    assert!(answered.contains(&format!("\nreadable|other\n{refused}\n")), "{answered}");
    let sections: Vec<&str> = answered.lines().filter(|it| it.contains(" begin ")).collect();
    assert_eq!(sections.len(), 4, "reader, facts, debts, ledger: {answered}");
    for secret in ["root:", CANARY, "$y$", "uid=0(root)"] {
        assert!(!answered.contains(secret), "{answered}");
    }
    // secrets: no size, no digest, no comparing with a guess, right or wrong
    let sealed = |digest: &str, guess: &str| {
        read.asked(&format!("file|{digest}|/etc/demo.d/sealed|sealed|{guess}|file:/etc/demo.d/sealed\n"))
    };
    assert!(sealed("", &guess).contains("\nrefused|0\n"));
    let content = steward::resource::digest(format!("password = {CANARY}\n").as_bytes());
    let honest = sealed("", "");
    assert!(
        honest.contains("\nV|/etc/demo.d/sealed|none|same\n") && honest.contains("|0|/etc/demo.d/sealed\n"),
        "{honest}"
    );
    assert_eq!(sealed(&content, ""), honest);
    assert_eq!(sealed(&zeros, ""), honest);
    for told in [CANARY, &content, "H|"] {
        assert!(!honest.contains(told), "{honest}");
    }
    // one line many times, to guess many times
    let many = read.asked(&"file||/etc/demo.d/plain\n".repeat(3));
    assert!(many.contains("\nrefused|1\nrefused|2\n"), "{many}");
    // guards, asked for rightly
    let guard = read.asked("command|unless|guarded|touch /root/guard-ran||/|0\n");
    assert!(guard.contains("\nR|guarded|not run\n"), "{guard}");
    mangled(&read);
    assert_eq!(read.host.sh(FILES), before);
    let _ = read.look("plan").success();
}

/// Requests that are none.
fn mangled(read: &Read) {
    let digest = reader::program_digest();
    let zeros = "0".repeat(64);
    for header in [
        format!("steward-read 1 $(id) {digest} {zeros} {INVENTORY}"),
        format!("steward-read 1 {NONCE} {digest} {zeros} ../../../../etc"),
        format!("steward-read 1 {NONCE} {digest} {zeros} {INVENTORY}/../{INVENTORY}"),
        format!("steward-read 1 {NONCE} {digest} {zeros} {INVENTORY} more"),
        format!("steward-read 1 {} {digest} {zeros} {INVENTORY}", "a".repeat(100_000)),
        "steward-request 2 5e0c91aa7d2b4f6e8a3d1c0b9f8e7d6c /etc".to_owned(),
        "* * * * * *".to_owned(),
        String::new(),
    ] {
        let output = read.ssh(&[], &[], format!("{header}\nfile||/etc/demo.d/plain\n").as_bytes());
        assert!(output.stdout.is_empty() && !output.status.success(), "{header}: {output:?}");
    }
    let unknown = format!("steward-read 1 {NONCE} {digest} {zeros} ffffffffffffffffffffffffffffffff\n");
    let output = read.ssh(&[], &[], unknown.as_bytes());
    assert!(
        text(&output).contains("\nclosed|nothing was applied") && !text(&output).contains(" begin facts"),
        "{output:?}"
    );
    let header = format!("steward-read 1 {NONCE} {digest} {zeros} {INVENTORY}\n").into_bytes();
    let closed = |body: &[u8], why: &str| {
        let said = text(&read.ssh(&[], &[], &[&header[..], body].concat()));
        assert!(said.contains(&format!("\nclosed|{why}\n")), "{why}: {}", said.len());
        assert!(!said.contains(" begin facts"));
    };
    closed(b"file||/etc/demo.d/plain\0\xff\n", "the request holds bytes that no request has");
    closed(b"file||/etc/demo.d/plain\r\n", "the request holds bytes that no request has");
    closed(&vec![b'x'; 5 << 20], "the request is too large");
    closed(&b"x\n".repeat(3 << 20), "the request is too large");
    closed(&b"\n".repeat(5 << 20), "the request is too large");
    closed(&b"x\n".repeat(100_001), "the request is too large");
    let output = read.ssh(&[], &[], &vec![0; 9 << 20]);
    assert!(output.stdout.is_empty(), "zeros only: {output:?}");
}

#[test]
fn facts_are_written_into_the_inventory_and_nothing_else_of_it_changes() {
    let host = Host::new();
    let entry =
        |rest: &str| format!("{{ address: {}, user: admin, host_key: {}{rest} }}", host.address, host.host_key());
    let chapter = Chapter::new().host("web1", &host).resources("  - directory: { path: /etc/demo.d }\n");
    let text = |rest: &str, after: &str| format!("hosts:\n  # ours\n  web1: {} # first\n{after}", entry(rest));
    let gone = "  gone: { address: 192.0.2.1, user: admin, os: debian-11 }\n";
    let chapter = chapter.file("hosts.yaml", text(", os: debian-11", gone));
    let ran = chapter.run(&["host", "facts", "web1"]).success().stderr("wrote hosts.yaml\n");
    let _ = ran.stdout("web1: os debian-11 → debian-12, arch x86_64\n");
    let written = std::fs::read_to_string(chapter.path("hosts.yaml")).unwrap();
    assert_eq!(written, text(", os: debian-12, arch: x86_64", gone));
    let _ = chapter.run(&["host", "facts", "web1"]).success().stdout("web1: as declared\n").stderr("");
    let ran = chapter.run(&["host", "facts", "--format", "json", "--connect-timeout", "1"]).status(4);
    assert_eq!(crate::schemas::fits(&chapter, "host-facts", ran.text()), Ok(()));
    let json = ran.json();
    assert_eq!(json["hosts"][0]["changes"].as_array().map(Vec::len), Some(0), "{ran}");
    assert!(json["hosts"][1]["error"].is_string(), "{ran}");
    assert_eq!(std::fs::read_to_string(chapter.path("hosts.yaml")).unwrap(), written);
    let _ = chapter.run(&["host", "facts", "--limit", "service:bench"]).status(1).stderr_has("about whole hosts");
}
