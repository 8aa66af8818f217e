//! How a script reaches root's shell: the command line that starts it, and the bytes that precede it on standard
//! input. Takes a login's [`Sudo`] and a nonce, gives text; runs nothing.
//!
//! The command line is read by whatever login shell the user has, so it holds only what sh, csh and fish read
//! alike: plain words, and single quotes around text without `'`, `!`, `\` and newlines, shorter than csh's 1,024
//! bytes a word. Everything of substance travels on standard input.

use std::fmt::Write as _;

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::Sudo;

/// The exit status of the loader when the script that arrived is not the one that was sent.
pub const DAMAGED: i32 = 97;
/// The exit status of the loader when standard input ended before the script came.
pub const UNSENT: i32 = 96;

/// One line of POSIX sh that reads a script from standard input and evaluates it, leaving the rest of standard
/// input to the script. `nonce`: 16 or more random hexadecimal digits.
///
/// It discards lines up to the nonce (the sudo password, when sudo did not ask for it), reads `LENGTH SHA256`, then
/// exactly LENGTH bytes, and evaluates them only if their digest is right. Nothing is written anywhere.
pub fn loader(nonce: &str) -> String {
    debug_assert!(nonce.bytes().all(|byte| byte.is_ascii_hexdigit()), "a nonce is hexadecimal");
    // `read` and `dd` with one block read no byte too much from a pipe, under busybox too (its `head -c` does).
    format!(
        "LC_ALL=C; PATH={PATH}; export LC_ALL PATH; umask 022; l=; \
         until [ \"$l\" = {nonce} ]; do read -r l || exit {UNSENT}; done; \
         read -r n d || exit {UNSENT}; s=; \
         [ \"$n\" = 0 ] || s=$(dd bs=\"$n\" count=1 iflag=fullblock 2>/dev/null); \
         set -- $(printf %s \"$s\" | sha256sum); \
         [ \"$1\" = \"$d\" ] || {{ echo \"steward: the script arrived damaged; nothing was run\" >&2; exit {DAMAGED}; }}; \
         unset l n d; set --; eval \"$s\""
    )
}

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The command to execute over SSH, so that the [`preamble`] that follows on standard input is run as root.
pub fn command(sudo: &Sudo, nonce: &str) -> String {
    let loader = loader(nonce);
    // The locale is fixed so that sudo's complaints can be recognised; `env`, because csh knows no `A=b command`.
    match sudo {
        Sudo::None | Sudo::Reader => format!("sh -c '{loader}'"),
        Sudo::Passwordless => format!("env LC_ALL=C sudo -n sh -c '{loader}'"),
        Sudo::Password(_) => format!("env LC_ALL=C sudo -k -S -p '' sh -c '{loader}'"),
    }
}

/// What to send first on standard input of [`command`]: the password line if any, the nonce, length and digest of
/// the script, the script. What is sent after it is the script's standard input. The script must hold no NUL;
/// newlines at its end are dropped. May hold the password: treat it as a secret.
pub fn preamble(sudo: &Sudo, nonce: &str, script: &[u8]) -> Vec<u8> {
    with_input(sudo, nonce, script, &[])
}

/// The same, and what the script reads. In one piece from the beginning: a list that grows leaves copies behind.
pub fn with_input(sudo: &Sudo, nonce: &str, script: &[u8], input: &[u8]) -> Vec<u8> {
    let end = script.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
    let script = script.get(..end).unwrap_or_default();
    let digest = Sha256::digest(script).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let password = match sudo {
        Sudo::Password(password) => password.expose_secret().len(),
        _ => 0,
    };
    let mut bytes = Vec::with_capacity(password + script.len() + input.len() + 256);
    if let Sudo::Password(password) = sudo {
        bytes.extend_from_slice(password.expose_secret().as_bytes());
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(format!("{nonce}\n{} {digest}\n", script.len()).as_bytes());
    bytes.extend_from_slice(script);
    bytes.extend_from_slice(input);
    bytes
}

/// What a command's last words on standard error mean, if it was sudo or the loader that ended it: fact and remedy.
pub fn explain(errors: &str, status: Option<i32>) -> Option<(&'static str, &'static str)> {
    if status == Some(DAMAGED) {
        return Some((
            "the script arrived damaged and was not run",
            "try again; if it happens again, look at the link",
        ));
    }
    COMPLAINTS.iter().find(|complaint| errors.contains(complaint.says)).map(|it| (it.fact, it.remedy))
}

struct Complaint {
    says: &'static str,
    fact: &'static str,
    remedy: &'static str,
}

/// From sudo 1.9's sources (`logging.c`, `check.c`, `sudo_auth.c`), sudo-rs and the shells; the first that fits.
const COMPLAINTS: &[Complaint] = &[
    Complaint {
        says: "you must have a tty",
        fact: "sudo on the host insists on a terminal (requiretty)",
        remedy: "put `Defaults:USER !requiretty` into the host's sudoers",
    },
    Complaint {
        says: "is not in the sudoers file",
        fact: "the login is not allowed to use sudo",
        remedy: "add it to the host's sudoers (often: the group `sudo`), or log in as root",
    },
    Complaint {
        says: "may not run sudo",
        fact: "the login is not allowed to use sudo",
        remedy: "add it to the host's sudoers (often: the group `sudo`), or log in as root",
    },
    Complaint {
        says: "is not allowed to execute",
        fact: "sudoers does not let the login run `sh` as root",
        remedy: "let it run any command, or log in as root",
    },
    Complaint {
        says: "a password is required",
        fact: "sudo wants a password, and none was given",
        remedy: "give the sudo password (`-K` asks for it), or let the login use sudo without (NOPASSWD)",
    },
    Complaint {
        says: "no password was provided",
        fact: "sudo wants a password, and none was given",
        remedy: "give the sudo password (`-K` asks for it), or let the login use sudo without (NOPASSWD)",
    },
    Complaint {
        says: "incorrect password attempt",
        fact: "sudo refused the password",
        remedy: "give the login's own password on that host",
    },
    Complaint {
        says: "Sorry, try again",
        fact: "sudo refused the password",
        remedy: "give the login's own password on that host",
    },
    Complaint {
        says: "account validation failure",
        fact: "sudo refused the login: its account is locked or its password has expired",
        remedy: "look at `chage -l USER` on the host",
    },
    Complaint {
        says: "must be owned by uid 0 and have the setuid bit set",
        fact: "sudo on the host cannot become root",
        remedy: "reinstall sudo there, or look for a `nosuid` mount",
    },
    Complaint {
        says: "sudo': No such file",
        fact: "there is no sudo on the host",
        remedy: "install it there, or log in as root",
    },
    Complaint {
        says: "This account is currently not available",
        fact: "the login has no shell (nologin)",
        remedy: "give it a login shell, or use another login",
    },
];

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Output, Stdio};

    use super::*;

    const NONCE: &str = "0123456789abcdef0123456789abcdef";
    const LOGIN_SHELLS: [&str; 6] = ["dash", "bash", "busybox", "fish", "tcsh", "bsd-csh"];

    /// A home whose shells say something at every start, and a directory whose `sh` is the one to test.
    struct Host {
        dir: tempfile::TempDir,
        /// Where the loader finds `dd` and `sha256sum`; `None`: the usual directories.
        path: Option<PathBuf>,
    }

    impl Host {
        fn with_sh(sh: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            for rc in [".bashrc", ".profile", ".cshrc", ".tcshrc", ".login", ".config/fish/config.fish"] {
                let file = dir.path().join(rc);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, "echo Welcome! 100% $HOME\necho noise on both >/dev/stderr\n").unwrap();
            }
            let bin = dir.path().join("bin");
            std::fs::create_dir(&bin).unwrap();
            std::os::unix::fs::symlink(installed(sh), bin.join("sh")).unwrap();
            Self { dir, path: None }
        }

        fn run(&self, login_shell: &str, command: &str, input: &[u8]) -> Output {
            let command = match &self.path {
                Some(path) => command.replace(PATH, path.to_str().unwrap()),
                None => command.to_owned(),
            };
            let mut shell = Command::new(installed(login_shell));
            if login_shell == "busybox" {
                shell.arg("sh");
            }
            let path = format!("{}:{PATH}", self.dir.path().join("bin").display());
            shell.args(["-c", &command]).env_clear().env("PATH", path).env("HOME", self.dir.path());
            shell.env("SSH_CLIENT", "127.0.0.1 1 1").env("LANG", "C.UTF-8");
            let mut child =
                shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let input = input.to_vec();
            let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
            let output = child.wait_with_output().unwrap();
            writer.join().unwrap();
            output
        }
    }

    fn installed(name: &str) -> PathBuf {
        let places = ["/bin", "/usr/bin"].map(|dir| Path::new(dir).join(name));
        places.into_iter().find(|path| path.exists()).unwrap_or_else(|| {
            panic!("these tests need {name}: apt-get install dash bash busybox fish tcsh csh");
        })
    }

    fn out(output: &Output) -> String {
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[test]
    fn the_loader_is_a_word_that_every_shell_reads_alike() {
        let loader = loader(NONCE);
        assert!(!loader.contains(['\'', '!', '\\', '\n']), "{loader}");
        assert!(loader.len() < 1000, "the old csh takes 1,024 bytes a word, this has {}", loader.len());
    }

    #[test]
    fn scripts_of_any_length_run_whole_and_find_the_rest_of_standard_input() {
        let many = format!("# {}\n{}", "x".repeat(300_000), "true\n".repeat(50_000));
        for sh in ["dash", "bash", "busybox"] {
            let host = Host::with_sh(sh);
            for (filler, wanted) in [("", "after"), (":", "after"), (many.as_str(), "after")] {
                let script = format!("{filler}\nread -r word; echo \"got <$word>\"; umask");
                let mut input = preamble(&Sudo::None, NONCE, script.as_bytes());
                input.extend_from_slice(format!("{wanted}\n").as_bytes());
                let output = host.run("dash", &command(&Sudo::None, NONCE), &input);
                assert!(out(&output).ends_with("got <after>\n0022\n"), "{sh}: {output:?}");
            }
            for script in ["", ":", "\n"] {
                let output =
                    host.run("dash", &command(&Sudo::None, NONCE), &preamble(&Sudo::None, NONCE, script.as_bytes()));
                assert!(output.status.success() && output.stderr.is_empty(), "{sh} with {script:?}: {output:?}");
            }
        }
    }

    #[test]
    fn login_shells_with_noisy_start_files_do_not_matter() {
        let script = b"echo \"it's $((6*7))\"; cat";
        for login_shell in LOGIN_SHELLS {
            let host = Host::with_sh("dash");
            let mut input = preamble(&Sudo::None, NONCE, script);
            input.extend_from_slice(b"rest\n");
            let output = host.run(login_shell, &command(&Sudo::None, NONCE), &input);
            assert!(out(&output).ends_with("it's 42\nrest\n"), "{login_shell}: {output:?}");
        }
        let noisy = Host::with_sh("dash").run("tcsh", "true", b"");
        assert!(out(&noisy).contains("Welcome!"), "the start files of this test are read: {noisy:?}");
    }

    #[test]
    fn busybox_alone_is_enough() {
        let mut host = Host::with_sh("busybox");
        let bin = host.dir.path().join("bin");
        for tool in ["dd", "sha256sum", "cat"] {
            std::os::unix::fs::symlink(installed("busybox"), bin.join(tool)).unwrap();
        }
        host.path = Some(bin);
        let script = format!("# {}\ncat", "é".repeat(100_000));
        let mut input = preamble(&Sudo::None, NONCE, script.as_bytes());
        input.extend_from_slice(b"rest\n");
        let output = host.run("busybox", &command(&Sudo::None, NONCE), &input);
        assert!(out(&output).ends_with("rest\n"), "{output:?}");
    }

    #[test]
    fn a_truncated_or_altered_script_runs_nothing_and_says_so() {
        let whole = preamble(&Sudo::None, NONCE, b"echo ran; echo ran again");
        let mut altered = whole.clone();
        *altered.last_mut().unwrap() = b'#';
        let mut with_nul = whole.clone();
        let last = with_nul.len() - 1;
        with_nul[last] = 0;
        for sh in ["dash", "bash", "busybox"] {
            let host = Host::with_sh(sh);
            for input in [&whole[..whole.len() - 1], &whole[..whole.len() - 12], &altered, &with_nul] {
                let output = host.run("dash", &command(&Sudo::None, NONCE), input);
                assert_eq!(output.status.code(), Some(DAMAGED), "{sh}: {output:?}");
                assert!(output.stdout.is_empty(), "{sh}: {output:?}");
                let errors = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(errors.contains("nothing was run"), "{errors}");
                assert!(explain(&errors, output.status.code()).is_some());
            }
            let output = host.run("dash", &command(&Sudo::None, NONCE), &whole[..20]);
            assert_eq!(output.status.code(), Some(UNSENT), "{sh}: {output:?}");
        }
    }

    /// A `sudo` that asks for the password, or not, as the real one does: it reads one line, byte by byte.
    fn pretend_sudo(host: &Host, body: &str) {
        use std::os::unix::fs::PermissionsExt;
        let sudo = host.dir.path().join("bin/sudo");
        std::fs::write(&sudo, format!("#!/bin/dash\n{body}\n")).unwrap();
        std::fs::set_permissions(&sudo, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_password_reaches_sudo_or_nobody() {
        let sudo = Sudo::Password("it's; $(reboot) \"pass".to_owned().into());
        let asks = "read -r line; echo \"sudo got $line\" >&2; shift 4; exec \"$@\"";
        for (body, errors) in [(asks, "sudo got it's; $(reboot) \"pass\n"), ("shift 4; exec \"$@\"", "")] {
            let host = Host::with_sh("dash");
            pretend_sudo(&host, body);
            let input = preamble(&sudo, NONCE, b"echo \"$# arguments\"; cat");
            let output = host.run("dash", &command(&sudo, NONCE), &input);
            assert_eq!((out(&output).as_str(), output.stderr.as_slice()), ("0 arguments\n", errors.as_bytes()));
        }
        assert!(!command(&sudo, NONCE).contains("pass\""), "not on the command line");
        assert_eq!(format!("{sudo:?}").matches("reboot").count(), 0, "not in debug output");
    }

    #[test]
    fn complaints_of_sudo_become_a_fact_and_a_remedy() {
        for (says, fact) in [
            ("sudo: a password is required\n", "none was given"),
            ("Sorry, try again.\nsudo: 3 incorrect password attempts\n", "refused the password"),
            ("bob is not in the sudoers file.\n", "not allowed to use sudo"),
            ("sudo: sorry, you must have a tty to run sudo\n", "requiretty"),
            ("env: 'sudo': No such file or directory\n", "no sudo on the host"),
            ("env: can't execute 'sudo': No such file or directory\n", "no sudo on the host"),
        ] {
            assert!(explain(says, Some(1)).is_some_and(|(found, _)| found.contains(fact)), "{says}");
        }
        assert_eq!(explain("apt: something else\n", Some(1)), None);
    }
}
