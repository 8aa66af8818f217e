//! Who could see a value on a host while something is done there: a poller that reads arguments and environments of all
//! processes of the host and of this test run, and strace, attached from outside to the host's sshd, which sees every
//! program that a login starts, however short it lives. Both are shown to work before anything is believed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Host, wait_for};

pub(crate) struct Watch {
    needles: Vec<String>,
    stop: Arc<AtomicBool>,
    poller: JoinHandle<Vec<String>>,
    strace: Child,
    trace: PathBuf,
    _dir: tempfile::TempDir,
}

/// What both saw, without what was planted.
pub(crate) struct Seen {
    /// Arguments or environments in which a needle is.
    pub(crate) polled: Vec<String>,
    /// Every program that was started, a line each.
    pub(crate) started: Vec<String>,
    needles: Vec<String>,
}

impl Watch {
    /// From now on, for these texts.
    pub(crate) fn on(host: &Host, needles: &[&str]) -> Watch {
        let needles: Vec<String> = needles.iter().map(|needle| (*needle).to_owned()).collect();
        let dir = tempfile::tempdir().unwrap();
        let trace = dir.path().join("trace");
        let sshd = Command::new("pgrep").args(["-P", &host.pid().to_string(), "-x", "sshd"]).output().unwrap();
        let sshd = String::from_utf8(sshd.stdout).unwrap().trim().to_owned();
        let mut strace = Command::new("strace");
        strace.args(["-f", "-v", "-s", "65535", "-e", "trace=execve", "-o"]).arg(&trace).args(["-p", &sshd]);
        let strace = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let strace = strace.expect("strace is installed by script/test");
        let is_traced = || {
            let status = std::fs::read_to_string(format!("/proc/{sshd}/status")).unwrap_or_default();
            status.lines().any(|line| line == format!("TracerPid:\t{}", strace.id()))
        };
        wait_for("strace is attached", Duration::from_secs(10), is_traced);
        let stop = Arc::new(AtomicBool::new(false));
        let (told, sought) = (Arc::clone(&stop), needles.clone());
        let space = space(&host.pid().to_string()).expect("it is on");
        let poller = std::thread::spawn(move || polled(&told, &sought, &space));
        Watch { needles, stop, poller, strace, trace, _dir: dir }
    }

    /// Plants each text in the arguments of a process on the host, and gives what was seen beside that.
    pub(crate) fn end(mut self, host: &Host) -> Seen {
        for needle in &self.needles {
            assert!(host.ssh(&format!("exec -a 'planted-{needle}' sleep 0.5")).status.success());
        }
        self.stop.store(true, Ordering::SeqCst);
        let polled = self.poller.join().unwrap();
        let interrupt = Command::new("kill").args(["-INT", &self.strace.id().to_string()]).status();
        assert!(interrupt.unwrap().success() && self.strace.wait().is_ok());
        let trace = std::fs::read(&self.trace).unwrap();
        let trace = String::from_utf8_lossy(&trace);
        let planted = |text: &str| self.needles.iter().any(|needle| text.contains(&format!("planted-{needle}")));
        for needle in &self.needles {
            let planted = format!("planted-{needle}");
            assert!(polled.iter().any(|text| text.contains(&planted)), "the poller would have seen {needle}");
            assert!(trace.lines().any(|line| line.contains(&planted)), "strace would have seen {needle}");
        }
        let others = |text: &&str| text.contains("execve") && !planted(text);
        Seen {
            polled: polled.iter().filter(|text| !planted(text)).cloned().collect(),
            started: trace.lines().filter(others).map(str::to_owned).collect(),
            needles: self.needles,
        }
    }
}

impl Seen {
    /// No process had any of the texts in its arguments or its environment; the script on the host was among what was seen.
    pub(crate) fn never(&self) {
        assert!(
            self.started.iter().any(|line| line.contains("sha256sum")),
            "the script was seen: {:?}",
            self.started
        );
        assert!(self.polled.is_empty(), "{:?}", self.polled);
        self.never_started(&self.needles.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// The same for others, of what was started.
    pub(crate) fn never_started(&self, texts: &[&str]) {
        let has = |line: &&String| texts.iter().any(|text| line.contains(text));
        assert_eq!(self.started.iter().find(has), None);
    }
}

/// The process namespace of a process.
fn space(pid: &str) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok()
}

/// True if this process descends from the test run: what others run on this machine at the same time is their own.
fn is_ours(pid: &str) -> bool {
    let mut pid = pid.to_owned();
    while pid != "0" && pid != std::process::id().to_string() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1));
        let Some(parent) = parent else { return false };
        parent.clone_into(&mut pid);
    }
    pid != "0"
}

fn polled(stop: &AtomicBool, needles: &[String], host: &Path) -> Vec<String> {
    let mut found = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let pid = entry.file_name().to_string_lossy().into_owned();
            if !pid.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            for file in ["cmdline", "environ"] {
                let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                if needles.iter().any(|needle| text.contains(needle))
                    && (space(&pid).as_deref() == Some(host) || is_ours(&pid))
                {
                    found.push(text.into_owned());
                }
            }
        }
    }
    found
}
