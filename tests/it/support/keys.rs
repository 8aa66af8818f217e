//! Somebody with an age key in a chapter, and the same chapter as it is for somebody without one.

use std::process::Command;

use super::{Chapter, Ran};

impl Chapter {
    /// Makes `ana`, the one maintainer, whose age key lies where Steward looks for it. Writes `chapter.yaml`.
    pub(crate) fn maintainer(self) -> Chapter {
        let directory = self.home().join(".config/steward");
        std::fs::create_dir_all(&directory).unwrap();
        let identity = directory.join("identities.txt");
        assert!(Command::new("age-keygen").arg("-o").arg(&identity).output().unwrap().status.success());
        let public = Command::new("age-keygen").arg("-y").arg(&identity).output().unwrap().stdout;
        let top = format!(
            "id: 00112233445566778899aabbccddeeff\nchapter: {{ name: Test, domain: test.example, min_readers: 1 }}\n\
             people: {{ ana: {{ name: Ana, role: maintainer, age: [{}] }} }}\n",
            String::from_utf8(public).unwrap().trim()
        );
        self.file("chapter.yaml", top)
    }

    /// The command as somebody without an age key runs it.
    #[must_use = "a run that nothing is expected of tests nothing"]
    pub(crate) fn without_keys(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        Ran::run(command, "", &[])
    }
}
