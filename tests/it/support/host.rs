//! A real Debian host, by `tests/hosts`. A test borrows one, clean, and gives it back by dropping it; a few hosts serve the
//! whole run. They go away with the test process, however that ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Condvar, Mutex, OnceLock};

/// More would only wait for the processor.
const HOSTS: usize = 4;

pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) address: String,
    key: PathBuf,
}

/// Names that no test has at the moment, and whether a host of that name was used before.
static FREE: Mutex<Vec<(usize, bool)>> = Mutex::new(Vec::new());
static GIVEN_BACK: Condvar = Condvar::new();
static RUN: OnceLock<PathBuf> = OnceLock::new();

impl Host {
    /// A clean, running host. Waits until one is free.
    pub(crate) fn new() -> Host {
        Host::several::<1>().into_iter().next().unwrap()
    }

    /// Several at once: two tests that each have one and wait for another would wait for ever.
    pub(crate) fn several<const N: usize>() -> [Host; N] {
        assert!(N <= HOSTS);
        run();
        let mut free = FREE.lock().unwrap();
        while free.len() < N {
            free = GIVEN_BACK.wait(free).unwrap();
        }
        let at = free.len() - N;
        let taken = free.split_off(at);
        drop(free);
        let host =
            |at: usize| Host { name: format!("h{}", taken[at].0), address: String::new(), key: run().join("id") };
        let mut made: [Host; N] = std::array::from_fn(host); // from here on a panic gives them back
        for (verb, used) in [("reset", true), ("up", false)] {
            let names =
                made.iter().zip(&taken).filter(|(_, taken)| taken.1 == used).map(|(host, _)| host.name.as_str());
            let words = [verb].into_iter().chain(names).collect::<Vec<_>>();
            if words.len() > 1 {
                hosts(&words);
            }
        }
        for host in &mut made {
            host.address = host.says("address");
        }
        made
    }

    /// The line of its public key, as it is now (a reset makes another).
    pub(crate) fn host_key(&self) -> String {
        self.says("host_key")
    }

    /// The private key that `root` and `admin` accept.
    pub(crate) fn key(&self) -> &Path {
        &self.key
    }

    /// Runs a shell command as root, past SSH. Panics if it fails.
    pub(crate) fn sh(&self, command: &str) -> String {
        let output = self.try_sh(command);
        assert!(output.status.success(), "{}: `{command}`: {output:?}", self.name);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Takes a mount away once the last process of a run has left it, which may take it a moment longer than its operator.
    #[track_caller]
    pub(crate) fn unmount(&self, path: &str) {
        self.sh(&format!("for i in $(seq 50); do ! umount {path} 2>/dev/null || exit 0; sleep 0.1; done; fuser -vm {path}; umount {path}"));
    }

    pub(crate) fn try_sh(&self, command: &str) -> Output {
        tool(&["sh", &self.name, command])
    }

    /// OpenSSH's own client, as the user `admin`.
    pub(crate) fn ssh(&self, command: &str) -> Output {
        super::ssh(self.key(), &self.host_key(), &self.address, 22, "admin").arg(command).output().unwrap()
    }

    /// Its own PID 1, as this machine numbers it.
    pub(crate) fn pid(&self) -> u32 {
        let output = tool(&["pid", &self.name]);
        String::from_utf8(output.stdout).unwrap().trim().parse().expect("it is on")
    }

    /// Throws away all that the host has become.
    pub(crate) fn reset(&self) {
        hosts(&["reset", &self.name]);
    }

    fn says(&self, what: &str) -> String {
        std::fs::read_to_string(run().join("hosts").join(&self.name).join(what)).unwrap().trim().to_owned()
    }

    /// Cuts the power.
    pub(crate) fn kill(&self) {
        hosts(&["kill", &self.name]);
    }

    pub(crate) fn boot(&self) {
        hosts(&["boot", &self.name]);
    }

    /// Leaves it no more memory than this, in MiB, until its power is off.
    pub(crate) fn memory(&self, size: u32) {
        hosts(&["memory", &self.name, &size.to_string()]);
    }

    /// Unplugs the network.
    pub(crate) fn cut(&self) {
        hosts(&["cut", &self.name]);
    }

    pub(crate) fn join(&self) {
        hosts(&["join", &self.name]);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let number = self.name[1..].parse().unwrap();
        FREE.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((number, true));
        GIVEN_BACK.notify_all();
    }
}

/// The run that owns this process's hosts; `tests/hosts` ends it when this process ends.
fn run() -> &'static Path {
    RUN.get_or_init(|| {
        let output = Command::new(script()).args(["start", &std::process::id().to_string()]).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{complaint}\n`./script/test` installs what this needs, `--fast` leaves it out"
        );
        FREE.lock().unwrap().extend((1..=HOSTS).rev().map(|number| (number, false)));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

fn hosts(words: &[&str]) {
    let output = tool(words);
    assert!(output.status.success(), "tests/hosts {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn tool(words: &[&str]) -> Output {
    Command::new(script()).args(words).env("STEWARD_TEST_RUN", run()).output().unwrap()
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts")
}
