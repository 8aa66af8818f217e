//! Putting back the files of a run, on a directory of this machine.

use crate::support::{Chapter, Ran};

const FIRST: &str = "  - directory: { path: /etc }\n  - file: { path: /etc/a, content: \"one\\n\", mode: \"0640\" }\n  - file: { path: /etc/gone, content: kept }\n  - file: { path: /etc/hosts, content: \"127.0.0.1 localhost\\n\" }\n";
const SECOND: &str = "  - directory: { path: /etc }\n  - file: { path: /etc/a, content: \"two\\n\", mode: \"0644\" }\n  - file: { path: /etc/gone, state: absent }\n  - link: { path: /etc/new, target: a }\n  - directory: { path: /etc/folder }\n  - file: { path: /etc/hosts, content: \"127.0.0.1 localhost\\n\" }\n";

/// Two runs; the second one replaced, removed and created.
fn twice() -> Chapter {
    let chapter = Chapter::new().local("web1").variable("USER", "ana").resources(FIRST);
    chapter.commit();
    let _ = chapter.apply().success();
    let chapter = chapter.resources(SECOND);
    chapter.commit();
    let _ = chapter.apply().success();
    chapter
}

fn read(chapter: &Chapter, path: &str) -> String {
    std::fs::read_to_string(chapter.root("web1").join(path)).unwrap()
}

fn runs(chapter: &Chapter) -> Vec<serde_json::Value> {
    let said = chapter.run(&["history", "web1", "--format", "json"]).success().json();
    said["runs"].as_array().unwrap().clone()
}

#[test]
fn an_undo_is_shown_as_a_plan_and_puts_back_what_the_run_changed() {
    let chapter = twice();
    let second = runs(&chapter)[0]["id"].as_str().unwrap().to_owned();
    let asked: Ran = chapter.run(&["undo", "web1", "--show-remote"]).status(1);
    let asked =
        asked.stdout_has("  ~ file:/etc/a  [undo] content and mode differ\n").stdout_has("      -two\n      +one\n");
    let asked = asked
        .stdout_has("  + file:/etc/gone  [undo] absent\n")
        .stdout_has("  - file:/etc/new  [undo] not wanted here\n");
    let asked = asked.stdout_has("  directory:/etc/folder: directories stay\n").stderr_has("git revert ");
    asked.stderr_has("there is no terminal to ask");
    assert_eq!(read(&chapter, "etc/a"), "two\n", "nobody agreed");

    chapter.run(&["undo", "web1", "--yes"]).success().stdout_has("web1: converged; 3 changed").never_says("+one");
    assert_eq!((read(&chapter, "etc/a").as_str(), read(&chapter, "etc/gone").as_str()), ("one\n", "kept"));
    assert!(std::fs::symlink_metadata(chapter.root("web1").join("etc/new")).is_err());
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(chapter.root("web1").join("etc/a")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o640);
    let history = runs(&chapter);
    assert_eq!((history.len(), &history[0]["undoes"]), (3, &second.clone().into()));

    // the inventory wants the newer content still
    chapter.run(&["plan", "--detailed-exitcode"]).status(2).stdout_has("~ file:/etc/a");
    // the same again finds nothing; and an undo can be undone
    chapter.run(&["undo", "web1", &second]).success().stdout_has("No changes.\n");
    chapter.run(&["undo", "web1", "--yes"]).success();
    assert_eq!(read(&chapter, "etc/a"), "two\n");
    chapter.run(&["plan", "--detailed-exitcode"]).success();
}

#[test]
fn what_somebody_changed_since_is_named_and_not_overwritten() {
    let chapter = twice();
    std::fs::write(chapter.root("web1").join("etc/a"), "by hand\n").unwrap();
    let ran = chapter.run(&["undo", "web1", "--yes"]).success();
    ran.stdout_has("  file:/etc/a: somebody changed it since that run").stdout_has("2 changed");
    assert_eq!((read(&chapter, "etc/a").as_str(), read(&chapter, "etc/gone").as_str()), ("by hand\n", "kept"));
    let second = runs(&chapter)[1]["id"].as_str().unwrap().to_owned();
    chapter.run(&["undo", "web1", &second, "--yes", "--overwrite"]).success().stdout_has("1 changed");
    assert_eq!(read(&chapter, "etc/a"), "one\n");
}

#[test]
fn the_first_run_is_undone_by_removing_what_it_made() {
    let chapter = Chapter::new().local("web1").resources(FIRST);
    chapter.run(&["undo", "web1"]).status(1).stderr_has("remembers no run that changed anything");
    let _ = chapter.apply().success();
    let ran = chapter.run(&["undo", "web1", "--yes", "--format", "json"]).success();
    let left = &ran.events()[0];
    assert_eq!((&left["event"], &left["id"]), (&"left".into(), &"directory:/etc".into()));
    assert_eq!(ran.summary("web1")["changed"], 3);
    assert_eq!(std::fs::read_dir(chapter.root("web1").join("etc")).unwrap().count(), 0);
}

#[test]
fn contents_that_were_not_kept_or_are_no_text_are_handled() {
    let chapter = twice();
    let records = chapter.root("web1").join("var/lib/steward/5f0c1c0e8f6b4d4f9a7e2b1d3c5a6978");
    let second = runs(&chapter)[0]["id"].as_str().unwrap().to_owned();
    // binary
    for entry in std::fs::read_dir(records.join("previous").join(&second)).unwrap().map(Result::unwrap) {
        if std::fs::read(entry.path()).unwrap() == b"one\n" {
            std::fs::write(entry.path(), b"\0\xff\n\n").unwrap();
        }
    }
    chapter.run(&["undo", "web1", "--yes"]).success();
    assert_eq!(std::fs::read(chapter.root("web1").join("etc/a")).unwrap(), b"\0\xff\n\n");
    std::fs::remove_dir_all(records.join("previous")).unwrap();
    let ran = chapter.run(&["undo", "web1", &second, "--yes"]).success();
    ran.stdout_has("the host keeps that of ten runs").stdout_has("No changes.\n");
}
