//! What strangers and hosts can hand to Steward, one function for each way in: takes any bytes, ends soon, and fails only by
//! panicking. `cargo fuzz` calls these for hours (`fuzz/`), and the seeds that it found replay as an ordinary test.
//!
//! Exists in test and fuzzing builds only; nothing of Steward itself calls it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what is found here shall stop the fuzzer or fail the test"
)]

mod answers;
mod inventory;
mod ledger;
mod template;
mod world;

pub use answers::answers;
pub use inventory::inventory;
pub use ledger::ledger;
pub use template::template;

/// True for what a terminal obeys, or what turns the direction of a line.
fn obeyed(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn assert_can_be_shown(text: &str) {
    if let Some(at) = text.find(obeyed) {
        panic!("what is shown holds a control character at byte {at}: {text:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Each file below `tests/seeds/NAME` is one input.
    fn replay(name: &str, target: fn(&[u8])) {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds").join(name);
        let mut seeds: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        seeds.sort();
        assert!(!seeds.is_empty());
        for seed in seeds {
            eprintln!("{}", seed.display());
            target(&std::fs::read(seed).unwrap());
        }
    }

    #[test]
    fn what_was_found_in_inventories_stays_mended() {
        replay("inventory", super::inventory);
    }

    #[test]
    fn what_was_found_in_templates_stays_mended() {
        replay("template", super::template);
    }

    #[test]
    fn what_was_found_in_answers_stays_mended() {
        replay("answers", super::answers);
    }

    #[test]
    fn what_was_found_in_ledgers_stays_mended() {
        replay("ledger", super::ledger);
    }

    #[test]
    #[should_panic(expected = "control character")]
    fn a_control_character_would_be_noticed() {
        super::assert_can_be_shown("a\u{1b}[2Jb");
    }
}
