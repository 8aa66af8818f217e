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

/// A table that names a test which is gone would say that somebody watches.
#[test]
fn every_test_that_the_pitfalls_name_exists() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/pitfalls.md")).unwrap();
    let names: Vec<&str> = text.split('`').filter(|word| word.starts_with("hosts::")).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let [_, file, test] = name.split("::").collect::<Vec<_>>()[..] else { panic!("{name}") };
        let source = std::fs::read_to_string(root.join(format!("tests/it/hosts/{file}.rs"))).unwrap();
        assert!(source.contains(&format!("#[test]\nfn {test}(")), "{name} is no test");
    }
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit());
    assert_eq!(rows.count(), 23, "one row for each");
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/pitfalls.md", "docs/new-module.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(
                link.contains("://") || root.join(document).parent().unwrap().join(link).exists(),
                "{document} links to {link}"
            );
        }
    }
}
