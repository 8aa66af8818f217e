//! One finished run of `steward` and what a test expects of it. Every expectation gives the run back, so that they chain;
//! a broken one panics with the whole run.

use std::fmt;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// No run of a test may take longer: a hang is a defect, and must fail its own test instead of the whole suite.
const LIMIT: Duration = Duration::from_mins(5);
/// Whoever asks for all modules waits for hundreds of packages.
const LIMIT_OF_ALL: Duration = Duration::from_mins(30);

pub(crate) struct Ran {
    command: String,
    status: Option<i32>,
    stdout: String,
    stderr: String,
    took: Duration,
}

impl Ran {
    /// Runs `command` with `stdin`, and writes `names.1` as `names.0` in its output (paths and ports change from run to run).
    #[track_caller]
    pub(crate) fn run(mut command: Command, stdin: &str, names: &[(String, String)]) -> Ran {
        let start = Instant::now();
        let limit = if std::env::var_os("STEWARD_MODULES").is_some() { LIMIT_OF_ALL } else { LIMIT };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let input = (child.stdin.take().unwrap(), stdin.to_owned());
        std::thread::spawn(move || {
            let (mut pipe, text) = input;
            let _ = pipe.write_all(text.as_bytes()); // the command may well end without reading
        });
        let (stdout, stderr) = (collect(child.stdout.take().unwrap()), collect(child.stderr.take().unwrap()));
        let status = wait(&mut child, start + limit);
        let took = start.elapsed();
        let named = |bytes: Vec<u8>| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            names.iter().fold(text, |text, (name, real)| text.replace(real, name))
        };
        let words = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>();
        let ran = Ran {
            command: format!("steward {}", words.join(" ")),
            status,
            stdout: named(stdout.join().unwrap()),
            stderr: named(stderr.join().unwrap()),
            took,
        };
        assert!(took < limit, "killed after {limit:?}: {ran}");
        ran
    }

    #[track_caller]
    pub(crate) fn status(self, expected: i32) -> Ran {
        assert!(self.status == Some(expected), "expected exit status {expected}: {self}");
        self
    }

    #[track_caller]
    pub(crate) fn success(self) -> Ran {
        self.status(0)
    }

    /// Standard output, whole.
    #[track_caller]
    pub(crate) fn stdout(self, expected: &str) -> Ran {
        self.same("standard output", &self.stdout, expected);
        self
    }

    /// Standard output names no change; who can get in, it may.
    #[track_caller]
    pub(crate) fn no_changes(self) -> Ran {
        let is_change =
            |line: &str| ["  + ", "  ~ ", "  - ", "  > ", "  ^ "].iter().any(|mark| line.starts_with(mark));
        let changes = self.stdout.lines().filter(|line| is_change(line)).count();
        assert!(changes == 0 && self.stdout.ends_with("No changes.\n"), "expected no changes: {self}");
        self
    }

    /// Standard error, whole.
    #[track_caller]
    pub(crate) fn stderr(self, expected: &str) -> Ran {
        self.same("standard error", &self.stderr, expected);
        self
    }

    #[track_caller]
    pub(crate) fn stdout_has(self, expected: &str) -> Ran {
        assert!(self.stdout.contains(expected), "expected {expected:?} in standard output: {self}");
        self
    }

    #[track_caller]
    pub(crate) fn stderr_has(self, expected: &str) -> Ran {
        assert!(self.stderr.contains(expected), "expected {expected:?} in standard error: {self}");
        self
    }

    /// Neither output may hold `text`: for secrets.
    #[track_caller]
    pub(crate) fn never_says(self, text: &str) -> Ran {
        assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "expected {text:?} nowhere: {self}");
        self
    }

    #[track_caller]
    pub(crate) fn within(self, limit: Duration) -> Ran {
        assert!(self.took <= limit, "expected to end within {limit:?}: {self}");
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("expected JSON ({error}): {self}"))
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<serde_json::Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("expected JSON ({error}): {self}"));
        self.stdout.lines().map(parse).collect()
    }

    /// What the summary of `apply --format json` says of a host.
    pub(crate) fn summary(&self, host: &str) -> serde_json::Value {
        let last = self.events().pop().unwrap_or_else(|| panic!("expected events: {self}"));
        assert_eq!(last["event"], "summary", "{self}");
        let found = last["hosts"].as_array().and_then(|hosts| hosts.iter().find(|entry| entry["host"] == host));
        found.unwrap_or_else(|| panic!("expected {host} in the summary: {self}")).clone()
    }

    /// Applied, and observed to be so, in this many commands over SSH.
    pub(crate) fn converged(self, host: &str, exchanges: u64) -> Ran {
        let ran = self.success();
        let summary = ran.summary(host);
        assert!(
            summary["status"] == "converged" && summary["exchanges"] == exchanges,
            "expected {exchanges} exchanges: {ran}"
        );
        ran
    }

    /// The exit status; `None` if a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status
    }

    pub(crate) fn text(&self) -> &str {
        &self.stdout
    }

    /// Standard error.
    pub(crate) fn said(&self) -> &str {
        &self.stderr
    }

    #[track_caller]
    fn same(&self, what: &str, is: &str, expected: &str) {
        if is != expected {
            let diff =
                similar::TextDiff::from_lines(expected, is).unified_diff().header("expected", "is").to_string();
            panic!("{what} differs:\n{diff}\n{self}");
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ran { command, status, stdout, stderr, took } = self;
        let status = status.map_or("a signal".to_owned(), |status| format!("status {status}"));
        write!(f, "`{command}` ended with {status} after {took:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

fn wait(child: &mut Child, until: Instant) -> Option<i32> {
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > until {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
