//! The only place that makes shell. A look is one constant program and a data request; a change is a constant
//! library and calls of its functions with quoted arguments. Takes data, gives bytes; runs nothing.
//!
//! `probe.sh`, `access.sh` and `apply.sh` are what the kinds' own pieces of shell may use.

use crate::kinds;

pub mod archive;
pub mod change;
pub mod frames;
pub mod request;

const PROBE: &str = include_str!("probe.sh");
const ACCESS: &str = include_str!("access.sh");
const CHECKS: &str = include_str!("checks.sh");
const AUDIT: &str = include_str!("audit.sh");
const APPLY: &str = include_str!("apply.sh");

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
    let sections = "facts) probe_facts ;;\naccess) probe_access ;;\naudit) probe_audit ;;\n*) cat >/dev/null ;;\n";
    let functions = [PROBE, ACCESS, CHECKS, AUDIT].map(without_comments).concat();
    format!("{functions}probe() {{\ncase $1 in\n{sections}esac\n}}\nprobe_main\n")
}

/// Everything that a look needs, as functions: the common part, each kind's, and the table of sections.
pub fn probe_functions() -> String {
    let mut program = without_comments(PROBE);
    program.push_str(&without_comments(ACCESS));
    for kind in kinds::ALL {
        program.push_str(&without_comments(kind.probe()));
    }
    program
        .push_str("probe() {\ncase $1 in\nfacts) probe_facts ;;\ndebts) probe_debts ;;\nledger) probe_ledger ;;\naccess) probe_access ;;\n");
    for kind in kinds::ALL {
        program.push_str(&format!("{0}) probe_{0} ;;\n", kind.name()));
    }
    program.push_str("*) cat >/dev/null ;;\nesac\n}\n");
    program
}

/// Everything that a change needs, as functions: the common part and each kind's.
pub fn apply_functions() -> String {
    let mut program = without_comments(APPLY);
    for kind in kinds::ALL {
        program.push_str(&without_comments(kind.apply()));
    }
    program
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
mod tests {
    use std::process::Command;

    use super::*;
    use crate::quoting::{encode, quote};

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
        for program in [
            probe_program(),
            verify_program(),
            audit_program(),
            format!("{}{}", probe_functions(), apply_functions()),
        ] {
            for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
                let output = Command::new(shell[0]).args(&shell[1..]).args(["-n", "-c", &program]).output().unwrap();
                assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }

    /// Where the checker is installed; elsewhere the shells' own parsers must do.
    #[test]
    fn a_checker_of_shell_finds_nothing_to_say() {
        let parts = |part: fn(&dyn kinds::Kind) -> &'static str| kinds::ALL.iter().map(move |kind| part(*kind));
        let all: Vec<&str> = [PROBE, ACCESS, CHECKS, AUDIT, APPLY]
            .into_iter()
            .chain(parts(|it| it.probe()))
            .chain(parts(|it| it.apply()))
            .collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), all.concat()).unwrap();
        // 1091: os-release is not here. 2030, 2031: its ID stays in a subshell. 2016: programs for other shells are quoted on purpose. 2153: STAGE and stage are
        // two. 2164: kinds' functions run under `set -e`.
        let excluded = "--exclude=SC1091,SC2030,SC2031,SC2016,SC2153,SC2164";
        let Ok(output) =
            Command::new("shellcheck").args(["-s", "sh", "-f", "gcc", excluded]).arg(file.path()).output()
        else {
            return;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
