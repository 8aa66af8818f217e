//! What the documents tell people to type exists.

use std::process::Command;

/// Every line of a code block that begins with `steward`, as its subcommand and what follows.
fn commands(document: &str) -> Vec<Vec<String>> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside && let Some(command) = line.trim_start_matches("$ ").strip_prefix("steward ") {
            let command = command.split(" #").next().unwrap_or_default();
            found.push(command.split_whitespace().map(str::to_owned).collect());
        }
    }
    found
}

#[test]
fn every_command_of_the_readme_exists() {
    let readme = include_str!("../../README.md");
    let commands = commands(readme);
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let words: Vec<&String> = command.iter().take_while(|word| !word.starts_with('-')).collect();
        let output = Command::new(env!("CARGO_BIN_EXE_steward")).args(words).arg("--help").output().unwrap();
        assert!(output.status.success(), "steward {command:?}: {}", String::from_utf8_lossy(&output.stderr));
        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        for option in command.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(option.as_str()), "steward {command:?} has no {option}");
        }
    }
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(link.contains("://") || root.join(link).exists(), "{document} links to {link}");
        }
    }
}
