//! What is said when Steward itself is at fault. The usual message may quote the text that it stumbled over (`byte index 5 is
//! not a char boundary of …`), and that may be a secret; so may be what a core file holds of the memory.

use std::io::Write as _;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// From now on a panic says where it happened and nothing of what was at hand, and the process leaves no core file.
pub fn keep_secrets() {
    let none = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    // without it a core file is as private as the process; no reason to refuse to work
    let _ = setrlimit(Resource::Core, none);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        let place = place.unwrap_or_else(|| "an unknown place".to_owned());
        let text = format!(
            "error: Steward made a mistake of its own, at {place}\n  \
             help: please report this place, the version and the command you ran; a host ends its current step by itself\n"
        );
        let _ = std::io::stderr().write_all(text.as_bytes());
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const CANARY: &str = "canary-\u{fc}-Zq8w3";

    /// What a process prints that stumbles over a secret.
    fn said(hook: &str) -> String {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "ui::panics::tests::a_panic_says_where_and_nothing_of_what_was_at_hand"])
            .env("STUMBLE", hook)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
    }

    #[test]
    fn a_panic_says_where_and_nothing_of_what_was_at_hand() {
        if let Ok(hook) = std::env::var("STUMBLE") {
            if hook == "ours" {
                keep_secrets();
                assert_eq!(getrlimit(Resource::Core).current, Some(0));
            }
            let inside = CANARY.find('\u{fc}').unwrap() + 1;
            std::hint::black_box(&CANARY[inside..]);
            return;
        }
        assert!(said("usual").contains("Zq8w3"), "the check can fail");
        let said = said("ours");
        assert!(!said.contains("Zq8w3") && said.contains("mistake of its own, at src/ui/panics.rs:"), "{said}");
    }
}
