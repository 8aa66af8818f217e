//! `steward drift`: for people, for programs and for cron. Hosts are directories here.

use crate::support::{Chapter, Sshd, free_port};

const TWO: &str = "  - directory: { path: /etc }\n  - file: { path: /etc/a, content: \"hello\\n\" }\n";

fn chapter() -> Chapter {
    let chapter = Chapter::new().local("web1").local("web2").resources(TWO);
    chapter.apply().success();
    chapter
}

fn edit(chapter: &Chapter) {
    std::fs::write(chapter.root("web2").join("etc/a"), "hullo: a secret\n").unwrap();
}

#[test]
fn a_table_says_which_host_differs() {
    let chapter = chapter();
    let same = "HOST  STATE  DIFFERS  FIRST\nweb1  ok           0\nweb2  ok           0\n";
    chapter.run(&["drift"]).success().stdout(same).stderr("");
    chapter.run(&["drift", "--quiet"]).success().stdout("").stderr("");
    edit(&chapter);
    let table = "HOST  STATE  DIFFERS  FIRST\nweb1  ok           0\nweb2  drift        1  file:/etc/a (update content differs)\n";
    chapter.run(&["drift"]).status(2).stdout(table).stderr("");
    chapter.run(&["drift", "-q"]).status(2).stdout(table).stderr("");
    chapter.run(&["drift", "--limit", "web1"]).success();
}

#[test]
fn programs_get_json_and_junit_without_contents() {
    let chapter = chapter();
    edit(&chapter);
    let ran = chapter.run(&["drift", "--format", "json", "--junit", "drift.xml"]).status(2).never_says("secret");
    let json = ran.json();
    assert_eq!(json["hosts"][0]["state"], "ok");
    assert_eq!(json["hosts"][1]["differences"][0]["id"], "file:/etc/a");
    assert_eq!(json["summary"]["drift"], 1);
    let xml = std::fs::read_to_string(chapter.path("drift.xml")).unwrap();
    assert!(xml.contains("<testsuites name=\"steward drift\" tests=\"2\" failures=\"1\" errors=\"0\">"), "{xml}");
    assert!(xml.contains("<testcase classname=\"web2\" name=\"file:/etc/a\">") && !xml.contains("secret"), "{xml}");
    chapter.run(&["drift", "--junit", "no/such/file"]).status(1).stderr_has("cannot write no/such/file");
}

#[test]
fn somebody_is_told_only_if_there_is_something_to_tell() {
    let chapter = chapter();
    let told = chapter.path("told it.json");
    let notify = format!("sh -c 'cat >\"$1\"; echo said' - '{}'", told.display());
    chapter.run(&["drift", "-q", "--notify", &notify]).success().stderr("");
    assert!(!told.exists());
    edit(&chapter);
    chapter.run(&["drift", "--notify", &notify]).status(2).stdout_has("web2  drift").stderr("said\n");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&told).unwrap()).unwrap();
    assert_eq!(json["hosts"][1]["state"], "drift");
}

#[test]
fn a_notification_that_fails_is_an_error() {
    let chapter = chapter();
    edit(&chapter);
    for (command, said) in
        [("false", "exit status: 1"), ("/no/such", "No such file"), ("'open", "is no command"), ("", "is no command")]
    {
        chapter.run(&["drift", "--notify", command]).status(1).stderr_has(said);
    }
}

#[test]
fn a_host_that_cannot_be_looked_at_is_told_of_too() {
    let sshd = Sshd::start();
    let chapter = Chapter::new().local("web1").reached("web2", &sshd, free_port()).resources(TWO);
    chapter.run(&["apply", "--yes", "--limit", "web1"]).success();
    let ran =
        chapter.run(&["drift", "-q", "--notify", "grep -c unreachable"]).status(4).stdout_has("web2  unreachable");
    assert!(ran.said().ends_with("1\n"), "{ran}");
}
