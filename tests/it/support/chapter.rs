//! A chapter for one test: an inventory in a temporary directory, a home of its own with an SSH key, and `steward` run in
//! it with nothing of this machine's environment.
//!
//! `Chapter::new().file("chapter.yaml", "…").host("web1", &host).plan().success().stdout("…")`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Host, Ran, Sshd};

pub(crate) struct Chapter {
    dir: TempDir,
    hosts: String,
    environment: Vec<(String, String)>,
    names: Vec<(String, String)>,
}

impl Chapter {
    pub(crate) fn new() -> Chapter {
        let dir = tempfile::tempdir().unwrap();
        for sub in ["home/.ssh", "inventory", "tmp"] {
            std::fs::create_dir_all(dir.path().join(sub)).unwrap();
        }
        let names = vec![("[DIR]".to_owned(), dir.path().display().to_string())];
        Chapter { dir, hosts: String::new(), environment: Vec::new(), names }
    }

    /// Writes a file of the inventory directory, the directories above it included.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Chapter {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// The one service of the chapter, `bench` on every host: a module that holds these resources, written as YAML lines.
    /// Records the module too, which a person does by `steward module update` after reading it.
    #[track_caller]
    pub(crate) fn resources(self, lines: &str) -> Chapter {
        let module = format!("version: 1\nsummary: {{ en: For a test. }}\nresources:\n{lines}");
        let chapter = self.file("modules/bench.yaml", module).file(
            "chapter.yaml",
            "id: 5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978\nchapter: { name: Test, domain: test.example }\n\
             services:\n  bench: { module: bench, on: all }\n",
        );
        let _ = chapter.run(&["module", "update"]).success();
        chapter
    }

    /// Declares a test host as the host `name`, reached with the test's key; `[name]` stands for its address in outputs.
    pub(crate) fn host(mut self, name: &str, host: &Host) -> Chapter {
        let (address, key) = (&host.address, host.host_key());
        self.names.push((format!("[{name}]"), address.clone()));
        self.key(host.key())
            .entry(name, &format!("{{ address: {address}, user: admin, host_key: {key}, os: debian-12 }}"))
    }

    /// Declares an SSH server on loopback as the host `name`; its user is the one who runs the tests.
    pub(crate) fn sshd(self, name: &str, sshd: &Sshd) -> Chapter {
        self.reached(name, sshd, sshd.port())
    }

    /// The same through another port, such as a proxy's.
    pub(crate) fn reached(mut self, name: &str, sshd: &Sshd, port: u16) -> Chapter {
        let entry =
            format!("{{ address: 127.0.0.1, port: {port}, user: {}, host_key: {} }}", sshd.user(), sshd.host_key());
        self.names.push(("[PORT]".to_owned(), port.to_string()));
        self.key(&sshd.key()).entry(name, &entry)
    }

    /// Declares a directory of this machine as the host `name`; [`Chapter::root`] is that directory.
    pub(crate) fn local(self, name: &str) -> Chapter {
        let root = self.root(name);
        std::fs::create_dir_all(&root).unwrap();
        let entry = format!("{{ address: local, root: {}, os: debian-12 }}", root.display());
        self.entry(name, &entry)
    }

    /// Commits everything to the chapter's git repository, which the first call makes. Gives the commit.
    pub(crate) fn commit(&self) -> String {
        let git = |arguments: &[&str]| {
            let output = Command::new("git")
                .args(["-c", "user.name=Test", "-c", "user.email=test@test.example", "-C"])
                .arg(self.path(""))
                .args(arguments)
                .env("HOME", self.home())
                .output()
                .unwrap();
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        if !self.path(".git").exists() {
            git(&["init", "--quiet", "--initial-branch=main"]);
        }
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--allow-empty", "-m", "A change"]);
        git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Chapter {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("inventory").join(path)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(crate) fn root(&self, name: &str) -> PathBuf {
        self.dir.path().join("roots").join(name)
    }

    #[must_use = "a run that nothing is expected of tests nothing"]
    #[track_caller]
    pub(crate) fn validate(&self) -> Ran {
        self.run(&["validate"])
    }

    #[must_use = "a run that nothing is expected of tests nothing"]
    #[track_caller]
    pub(crate) fn plan(&self) -> Ran {
        self.run(&["plan"])
    }

    #[must_use = "a run that nothing is expected of tests nothing"]
    #[track_caller]
    pub(crate) fn apply(&self) -> Ran {
        self.run(&["apply", "--yes"])
    }

    #[must_use = "a run that nothing is expected of tests nothing"]
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    #[must_use = "a run that nothing is expected of tests nothing"]
    #[track_caller]
    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        Ran::run(self.command(arguments), stdin, &self.names)
    }

    /// The same, in a directory below the inventory's.
    #[must_use = "a run that nothing is expected of tests nothing"]
    pub(crate) fn run_in(&self, dir: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.current_dir(self.path(dir));
        Ran::run(command, "", &self.names)
    }

    /// The command that [`Chapter::run`] runs, for tests that look at it while it runs. The modules in use are recorded
    /// before the first one, as whoever added the services would have done.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let is_new = !self.path("steward.lock").exists() && self.path("hosts.yaml").exists();
        if is_new && arguments.first() != Some(&"module") {
            self.steward(&["module", "update"]).output().unwrap();
        }
        self.steward(arguments)
    }

    fn steward(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
        command.args(arguments).current_dir(self.path("")).env_clear().envs([
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("LANG", "C.UTF-8"),
            ("TERM", "dumb"),
        ]);
        command.env("HOME", self.home()).env("TMPDIR", self.dir.path().join("tmp"));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Gives the operator an age identity, and gives its public half.
    pub(crate) fn age_identity(&self) -> String {
        let identity = self.home().join(".config/steward/identities.txt");
        std::fs::create_dir_all(identity.parent().unwrap()).unwrap();
        assert!(Command::new("age-keygen").arg("-o").arg(&identity).output().unwrap().status.success());
        let public = Command::new("age-keygen").arg("-y").arg(&identity).output().unwrap().stdout;
        String::from_utf8(public).unwrap().trim().to_owned()
    }

    /// Declares a host by its entry in the inventory.
    pub(crate) fn entry(mut self, name: &str, entry: &str) -> Chapter {
        writeln!(self.hosts, "  {name}: {entry}").unwrap();
        let text = format!("hosts:\n{}", self.hosts);
        self.file("hosts.yaml", text)
    }

    /// Gives the operator this private key, and its public half.
    pub(crate) fn key(self, key: &Path) -> Chapter {
        for (from, to) in [(key.to_owned(), "id_ed25519"), (key.with_extension("pub"), "id_ed25519.pub")] {
            std::fs::copy(from, self.home().join(".ssh").join(to)).unwrap();
        }
        self
    }
}
