//! The only place that makes shell. A look is one constant program and a data request; a change is a constant
//! library and calls of its functions with quoted arguments. Takes data, gives bytes; runs nothing.
//!
//! `probe.sh`, `access.sh`, `ledger.sh` and `apply.sh` are what the kinds' own pieces of shell may use.

use crate::kinds;
use crate::quoting::quote;

pub mod archive;
pub mod change;
pub mod frames;
pub mod managed;
mod owning;
pub mod reader;
pub mod request;

const PROBE: &str = include_str!("probe.sh");
const ACCESS: &str = include_str!("access.sh");
const CHECKS: &str = include_str!("checks.sh");
const AUDIT: &str = include_str!("audit.sh");
const APPLY: &str = include_str!("apply.sh");
const LEDGER: &str = include_str!("ledger.sh");
const ACCOUNT: &str = include_str!("account.sh");
const PENDING: &str = include_str!("pending.sh");
const CONFIRM: &str = include_str!("confirm.sh");
const ROLLBACK: &str = include_str!("rollback.sh");
const LOG: &str = include_str!("log.sh");
const LOCK: &str = include_str!("lock.sh");
const RECORDS: &str = include_str!("records.sh");

/// The program of a look, the same for every host and every inventory of one version of Steward.
pub fn probe_program() -> String {
    format!("{}\nprobe_main\n", probe_functions())
}

/// The program of the checks that a host does itself.
pub fn verify_program() -> String {
    format!("{}{}\nprobe() {{ probe_checks; }}\nprobe_main\n", probe_functions(), without_comments(CHECKS))
}

/// The program of an audit.
pub fn audit_program() -> String {
    let sections = "facts) probe_facts ;;\nledger) probe_ledger ;;\naccess) probe_access ;;\naudit) probe_audit ;;\n*) cat >/dev/null ;;\n";
    let functions = [PROBE, ACCOUNT, ACCESS, CHECKS, AUDIT].map(without_comments).concat();
    format!("{functions}probe() {{\ncase $1 in\n{sections}esac\n}}\nprobe_main\n")
}

/// Everything that a look needs, as functions: the common part, each kind's, and the table of sections.
pub fn probe_functions() -> String {
    let mut program = without_comments(PROBE);
    program.push_str(&without_comments(ACCOUNT));
    program.push_str(&without_comments(ACCESS));
    program.push_str(&without_comments(looking(LEDGER)));
    for kind in kinds::ALL {
        program.push_str(&without_comments(kind.probe()));
    }
    program
        .push_str("probe() {\ncase $1 in\nfacts) probe_facts ;;\ndebts) probe_debts ;;\nledger) probe_ledger ;;\nowned) probe_owned ;;\naccess) probe_access ;;\n");
    for kind in kinds::ALL {
        program.push_str(&format!("{0}) probe_{0} ;;\n", kind.name()));
    }
    program.push_str("*) cat >/dev/null ;;\nesac\n}\n");
    program
}

/// Everything that a change needs, as functions: the common part and each kind's.
pub fn apply_functions() -> String {
    let mut program = [APPLY, LOG, LOCK, changing(LEDGER), PENDING, CONFIRM].map(without_comments).concat();
    for kind in kinds::ALL {
        program.push_str(&without_comments(kind.apply()));
    }
    program
}

/// The part for a look, of a file that has two.
fn looking(shell: &str) -> &str {
    shell.split("# ---- for a change").next().unwrap_or_default()
}

fn changing(shell: &str) -> &str {
    shell.split("# ---- for a change").nth(1).unwrap_or_default()
}

/// What undoes a change that nobody confirmed: a program that stays on the host.
pub fn rollback_program() -> String {
    let functions: String = [ACCOUNT, PENDING, ROLLBACK].into_iter().map(without_comments).collect();
    format!("{functions}rollback_main \"$@\"\n")
}

/// A call before a look, or without one: confirms what a run changed, or has it undone.
pub fn settle_program(settle: &Settle<'_>, nonce: &str) -> String {
    let Settle { base, run, why } = settle;
    let word = |text: &str| String::from_utf8_lossy(&quote(text.as_bytes())).into_owned();
    let call = match why {
        None => format!("confirm {} {}", word(base), word(run)),
        Some(why) => {
            format!("roll_back {} {} {}\nprintf '\\n@%s done\\n' \"$NONCE\"", word(base), word(run), word(why))
        }
    };
    format!("NONCE={nonce}\n{}{call}\n", without_comments(PENDING))
}

/// The program that waits, so many seconds, for the others who change this host; see `await_others` in `pending.sh`.
/// `patient`: an unconfirmed change may take its own time.
pub fn waiting_program(base: &str, seconds: u64, patient: bool, nonce: &str) -> String {
    let functions: String = [PROBE, PENDING].into_iter().map(without_comments).collect();
    let base = String::from_utf8_lossy(&quote(base.as_bytes())).into_owned();
    format!(
        "NONCE={nonce}\n{functions}await_others {base} {seconds} {}\nprintf '\\n@%s done\\n' \"$NONCE\"\n",
        if patient { "patient" } else { "" }
    )
}

/// What is to become of a run's pending change.
#[derive(Debug, Clone, Copy)]
pub struct Settle<'a> {
    /// The directory of all records of Steward on the host.
    pub base: &'a str,
    /// The run's id.
    pub run: &'a str,
    /// Why it is to be undone; `None`: it is confirmed.
    pub why: Option<&'a str>,
}

/// The program that reads what a host remembers, and ends a run that hangs.
pub fn records_program() -> String {
    format!("{}records_main\n", [PROBE, LOCK, RECORDS].map(without_comments).concat())
}

/// Whole-line comments and indentation are for readers of the source; the host need not receive them.
fn without_comments(shell: &str) -> String {
    let mut heredoc = false;
    let mut lean = String::with_capacity(shell.len());
    for line in shell.lines() {
        // No indented here-documents are used; one that starts at the margin is copied as it is.
        let kept = if heredoc { line } else { line.trim_start() };
        heredoc = if heredoc { line != "EOF" } else { line.contains("<<'EOF'") || line.contains("<<EOF") };
        if !kept.is_empty() && !kept.starts_with('#') {
            lean.push_str(kept);
            lean.push('\n');
        }
    }
    lean
}

#[cfg(test)]
mod confirm_tests;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::quoting::encode;

    const HOSTILE: &[&[u8]] = &[
        b"$(reboot)",
        b"a'b\"c",
        b"-rf",
        b"new\nline",
        b"pipe|back\\slash",
        b"\xff\xfe",
        b"",
        b" ",
        b"~",
        b"\\0101",
        b"%s%n",
    ];

    #[test]
    fn a_quoted_word_is_one_word_in_every_shell() {
        for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
            for bytes in HOSTILE {
                let mut script = b"printf %s ".to_vec();
                script.extend(quote(bytes));
                let script = os_string(&script);
                let output = Command::new(shell[0]).args(&shell[1..]).arg("-c").arg(script).output().unwrap();
                assert_eq!(output.stdout, *bytes, "{shell:?}");
            }
        }
    }

    #[test]
    fn an_encoded_field_is_decoded_to_the_same_bytes() {
        for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
            for bytes in HOSTILE {
                let script = format!("{}\ndecode \"$1\"; printf %s \"$D\"", without_comments(PROBE));
                let output = Command::new(shell[0])
                    .args(&shell[1..])
                    .args(["-c", &script, "sh", &encode(bytes)])
                    .output()
                    .unwrap();
                assert_eq!(output.stdout, *bytes, "{shell:?}");
            }
        }
    }

    fn os_string(bytes: &[u8]) -> std::ffi::OsString {
        use std::os::unix::ffi::OsStringExt as _;
        std::ffi::OsString::from_vec(bytes.to_vec())
    }

    #[test]
    fn the_programs_parse_in_every_shell() {
        let change = format!("{}{}", probe_functions(), apply_functions());
        for program in
            [probe_program(), verify_program(), audit_program(), records_program(), change, rollback_program()]
        {
            for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
                let output = Command::new(shell[0]).args(&shell[1..]).args(["-n", "-c", &program]).output().unwrap();
                assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }

    /// `lock.sh` where there is no `flock`: takes the lock in `$1`, and says what came of it.
    fn locking(shell: &[&str], base: &std::path::Path, then: &str) -> std::process::Child {
        let hidden = "command() { [ \"$2\" != flock ]; }";
        let take = "if take_lock; then echo taken; else echo refused; fi";
        let script = format!("{}\n{hidden}\nBASE=$1\n{take}\n{then}", without_comments(LOCK));
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", &script, "sh"]).arg(base).stdout(std::process::Stdio::piped());
        command.spawn().unwrap()
    }

    fn said(child: &mut std::process::Child) -> String {
        use std::io::BufRead as _;
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    #[test]
    fn without_flock_a_lock_is_kept_by_the_living_and_taken_from_the_dead() {
        for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
            let base = tempfile::tempdir().unwrap();
            let mut first = locking(shell, base.path(), "exec sleep 60");
            assert_eq!(said(&mut first), "taken", "{shell:?}");
            assert_eq!(said(&mut locking(shell, base.path(), "")), "refused", "{shell:?}");
            first.kill().unwrap();
            first.wait().unwrap();
            // many at once want what the dead one left
            let mut others: Vec<_> = (0..8).map(|_| locking(shell, base.path(), "exec sleep 60")).collect();
            let results: Vec<String> = others.iter_mut().map(said).collect();
            assert!(results.iter().filter(|result| *result == "taken").count() <= 1, "{shell:?} {results:?}");
            for other in &mut others {
                other.kill().unwrap();
                other.wait().unwrap();
            }
            let _ = std::fs::remove_file(base.path().join("lock.taking"));
            let _ = std::fs::remove_file(base.path().join("lock.d"));
            // a process of that number which is another one is no holder
            let other = format!("{} 1 {}", std::process::id(), "another-boot");
            std::os::unix::fs::symlink(other, base.path().join("lock.d")).unwrap();
            let mut last = locking(shell, base.path(), "");
            assert_eq!(said(&mut last), "taken", "{shell:?}");
            last.wait().unwrap();
        }
    }

    const SHELL: [&str; 13] =
        [PROBE, ACCOUNT, ACCESS, LEDGER, CHECKS, AUDIT, APPLY, LOG, LOCK, PENDING, CONFIRM, ROLLBACK, RECORDS];

    /// Where the checker is installed; elsewhere the shells' own parsers must do.
    #[test]
    fn a_checker_of_shell_finds_nothing_to_say() {
        let parts = |part: fn(&dyn kinds::Kind) -> &'static str| kinds::ALL.iter().map(move |kind| part(*kind));
        let kinds = || parts(|it| it.probe()).chain(parts(|it| it.apply()));
        let all: Vec<&str> = SHELL.into_iter().chain(kinds()).collect();
        let by_key = parts(|it| it.reader().unwrap_or_default());
        let reader = ["READER_PROGRAM=x READER_VERSION=x READER_KINDS=x\n", PROBE].into_iter().chain(by_key);
        let reader: Vec<&str> = reader.chain([reader::READER, reader::INSTALL]).collect();
        for program in [all.concat(), reader.concat()] {
            checked(&program);
        }
    }

    fn checked(program: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), program).unwrap();
        // 1091: os-release is not here. 2030, 2031: its ID stays in a subshell. 2016: programs for other shells are quoted on purpose. 2153: STAGE and stage are
        // two. 2164: kinds' functions run under `set -e`. 2317, 2218: the reader defines some functions anew.
        let excluded = "--exclude=SC1091,SC2030,SC2031,SC2016,SC2153,SC2164,SC2317,SC2218";
        let Ok(output) =
            Command::new("shellcheck").args(["-s", "sh", "-f", "gcc", excluded]).arg(file.path()).output()
        else {
            return;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
