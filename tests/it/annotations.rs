//! What `validate` tells other programs: annotations and SARIF, with paths from the repository's top wherever it is run.

use crate::support::Chapter;

const CHAPTER: &str =
    "id: 00112233445566778899aabbccddeeff\nchapter: { name: Test, domain: test.example, colour: red }\n";

/// An inventory below a repository, with two mistakes in it.
fn chapter() -> Chapter {
    let chapter = Chapter::new()
        .file("inventories/a/chapter.yaml", CHAPTER)
        .file("inventories/a/hosts.yaml", "hosts: { web1: { address: 192.0.2.1, user: \"a\\n::error::b\" } }\n");
    chapter.commit();
    chapter
}

const AT: &str =
    "::error title=Steward,file=inventories/a/chapter.yaml,line=2,col=46,endColumn=51::unknown key `colour`";

#[test]
fn annotations_stand_at_their_lines_wherever_it_is_run() {
    let chapter = chapter();
    for (dir, arguments) in [
        (".", &["validate", "--annotations", "github"][..]),
        ("inventories/a", &["validate", "--annotations", "github"]),
        ("inventories", &["-i", "a", "validate", "--annotations", "github"]),
    ] {
        let ran = chapter.run_in(dir, arguments).status(1).stdout_has(AT).stderr("");
        assert_eq!(ran.text().lines().count(), 2, "{ran}");
        assert!(
            ran.text().lines().all(|line| line.starts_with("::error title=Steward,file=inventories/a/")),
            "{ran}"
        );
    }
    chapter
        .run(&["validate", "--annotations", "github", "--format", "json"])
        .status(1)
        .stderr_has("cannot be used with");
}

/// By the schema of OASIS, of which `tests/schemas` holds a copy. One of its patterns is none for JavaScript.
fn fits_sarif(file: &std::path::Path) -> Result<(), String> {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/sarif-2.1.0.json");
    let mut checker = std::process::Command::new(crate::ci::check_jsonschema());
    let output = checker.args(["--regex-variant", "python", "--schemafile", schema]).arg(file).output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stdout).into_owned()) }
}

#[test]
fn sarif_tells_the_same() {
    let chapter = chapter();
    chapter.run(&["validate", "--sarif", "out.sarif"]).status(1).stdout("").stderr_has("unknown key `colour`");
    let sarif: serde_json::Value =
        serde_json::from_slice(&std::fs::read(chapter.path("out.sarif")).unwrap()).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(fits_sarif(&chapter.path("out.sarif")), Ok(()));
    let wrong = chapter.path("wrong.sarif");
    std::fs::write(&wrong, sarif.to_string().replace("startLine", "firstLine")).unwrap();
    assert!(fits_sarif(&wrong).is_err(), "a check that cannot fail proves nothing");
    let places: Vec<String> = results
        .iter()
        .map(|result| {
            let place = &result["locations"][0]["physicalLocation"];
            format!("{}:{}", place["artifactLocation"]["uri"].as_str().unwrap(), place["region"]["startLine"])
        })
        .collect();
    assert!(places.contains(&"inventories/a/chapter.yaml:2".to_owned()), "{places:?}");
    chapter.run(&["validate", "--sarif", "no/such/file"]).status(1).stderr_has("cannot write no/such/file");
}

#[test]
fn warnings_are_told_and_do_not_fail() {
    let chapter = Chapter::new()
        .local("web1")
        .resources("  - file: { path: /a, content: x }\n")
        .file("more.yaml", "groups: { none: { hosts: [] } }\nservices: { nowhere: { module: bench, on: none } }\n");
    chapter
        .run(&["validate", "--annotations", "github"])
        .success()
        .stdout_has("::warning title=Steward,file=more.yaml,line=2")
        .stderr_has("The inventory is valid");
    let json = chapter.run(&["validate", "--format", "json"]).success().json();
    assert_eq!(json["valid"], true);
    assert_eq!(json["mistakes"][0]["severity"], "warning");
    chapter.run(&["validate"]).success().stderr_has("warning: the service `nowhere` runs nowhere");
}
