//! What is no longer declared, from the outside, on directories that stand for hosts: limits, revisions, adoption, two
//! inventories. What needs a whole host stands in `hosts/retiring.rs`.

use crate::support::{Chapter, Ran};

const WIKI: &str = r#"version: 1
summary: { en: A wiki. }
resources:
  - directory: { path: /srv/wiki }
    data: true
  - for_each: "{{ range(7) }}"
    file: { path: "/etc/wiki.{{ item }}", content: "x\n" }
"#;
const BASE: &str = r#"version: 1
summary: { en: What is always there. }
resources:
  - for_each: "{{ range(3) }}"
    file: { path: "/etc/base.{{ item }}", content: "x\n" }
"#;
const ID: &str = "00112233445566778899aabbccddeeff";

fn inventory(wiki: &str, more: &str) -> String {
    format!(
        "id: {ID}\nchapter: {{ name: Test, domain: test.example }}\nservices:\n  base: {{ module: base, on: all }}\n{wiki}{more}"
    )
}

const ON_WEB1: &str = "  wiki: { module: wiki, on: web1 }\n";
const ON_WEB2: &str = "  wiki: { module: wiki, on: web2 }\n";

fn chapter() -> Chapter {
    let chapter = Chapter::new().file("modules/wiki.yaml", WIKI).file("modules/base.yaml", BASE);
    let chapter = chapter.local("web1").local("web2").file("chapter.yaml", inventory(ON_WEB1, ""));
    for host in ["web1", "web2"] {
        for dir in ["etc", "srv"] {
            std::fs::create_dir_all(chapter.root(host).join(dir)).unwrap();
        }
    }
    chapter.apply().success();
    chapter
}

fn json(chapter: &Chapter, arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(chapter.run(arguments).success().text()).unwrap()
}

fn nothing_to_do(chapter: &Chapter) -> Ran {
    chapter.run(&["plan", "--detailed-exitcode"]).success()
}

#[test]
fn a_service_that_moves_leaves_one_host_and_appears_on_the_other() {
    let chapter = chapter().file("chapter.yaml", inventory(ON_WEB2, ""));
    let plan = chapter.plan().success();
    let why = "[wiki] no longer in the inventory; created by service wiki";
    let plan = plan.stdout_has(&format!("- file:/etc/wiki.6  {why}\n"));
    let plan = plan.stdout_has(
        "= directory:/srv/wiki stays: it holds data of wiki; `retire: { \"directory:/srv/wiki\": archive }`",
    );
    plan.stdout_has("Plan: 8 to create, 0 to update, 7 to delete, 0 to run on 2 hosts.");
    let refused = chapter.apply().status(1).stdout_has("- file:/etc/wiki.0");
    let refused =
        refused.stderr_has("web1: 7 of 10 resources would be deleted, because nothing declares them any more");
    refused.stderr_has("`--allow-deletions 7`");
    chapter.run(&["apply", "--yes", "--allow-deletions", "6"]).status(1);
    assert!(chapter.root("web1").join("etc/wiki.0").exists() && !chapter.root("web2").join("etc/wiki.0").exists());
    chapter.run(&["apply", "--yes", "--allow-deletions", "7"]).success();
    assert!(!chapter.root("web1").join("etc/wiki.0").exists() && chapter.root("web2").join("etc/wiki.0").exists());
    assert!(chapter.root("web1").join("srv/wiki").exists(), "data stays");
    let kept = json(&chapter, &["plan", "--format", "json"]);
    assert_eq!(kept["hosts"][0]["kept"][0]["id"], "directory:/srv/wiki", "{kept}");
    nothing_to_do(&chapter);
    let chapter = chapter.file("chapter.yaml", inventory(ON_WEB2, "retire: { wiki: archive }\n"));
    let plan = json(&chapter, &["plan", "--format", "json"]);
    let first = &plan["hosts"][0]["changes"][0];
    assert_eq!(
        (&first["action"], &first["risk"][0], &first["service"]),
        (&"delete".into(), &"data".into(), &"wiki".into())
    );
    chapter
        .run(&["plan", "--format", "markdown"])
        .success()
        .stdout_has("⚠️ **Data** web1&#58; delete directory&#58;/srv/wiki");
    chapter.apply().success();
    assert!(!chapter.root("web1").join("srv/wiki").exists() && chapter.root("web2").join("srv/wiki").exists());
    nothing_to_do(&chapter).no_changes();
}

#[test]
fn a_limit_by_service_takes_nothing_away() {
    let chapter = chapter().file("chapter.yaml", inventory("", ""));
    chapter.run(&["plan", "--limit", "service:base", "--detailed-exitcode"]).success().no_changes();
    let yes = ["apply", "--yes", "--limit", "service:base", "--allow-deletions", "99"];
    chapter.run(&yes).success();
    assert!(chapter.root("web1").join("etc/wiki.0").exists());
    chapter.run(&["apply", "--yes", "--limit", "web2"]).success();
    assert!(chapter.root("web1").join("etc/wiki.0").exists());
    chapter.run(&["plan", "--limit", "web1", "--detailed-exitcode"]).status(2).stdout_has("7 to delete");
}

#[test]
fn a_mistake_in_the_inventory_takes_nothing_away() {
    let chapter = chapter().file("chapter.yaml", inventory("  wiki: { module: wikki, on: web1 }\n", ""));
    chapter.run(&["apply", "--yes", "--allow-deletions", "99"]).status(1).stderr_has("wikki");
    assert!(chapter.root("web1").join("etc/wiki.0").exists());
}

#[test]
fn a_word_of_retire_is_one_of_three() {
    let chapter = chapter().file("chapter.yaml", inventory(ON_WEB1, "retire: { wiki: forget }\n"));
    chapter.validate().status(1).stderr_has("`forget`");
    let chapter = chapter.file("chapter.yaml", inventory(ON_WEB1, "retire: { \"fil:/etc/x\": destroy }\n"));
    chapter.validate().status(1).stderr_has("there is no kind `fil`");
}

#[test]
fn a_stale_checkout_is_refused() {
    let chapter = chapter();
    let git = |words: &[&str]| {
        let mut git = std::process::Command::new("git");
        assert!(git.arg("-C").arg(chapter.path("")).args(words).output().unwrap().status.success(), "{words:?}");
    };
    let old = chapter.commit();
    let text =
        inventory(ON_WEB1, "  more: { module: base, on: [] }\n").replace("  more: { module: base, on: [] }\n", "");
    std::fs::write(chapter.path("modules/base.yaml"), BASE.replace("range(3)", "range(4)")).unwrap();
    std::fs::write(chapter.path("chapter.yaml"), text).unwrap();
    chapter.run(&["module", "update"]).success();
    let new = chapter.commit();
    chapter.apply().success();
    let remembered =
        std::fs::read_to_string(chapter.root("web1").join(format!("var/lib/steward/{ID}/applied"))).unwrap();
    assert_eq!(remembered.trim(), new);
    git(&["checkout", "--quiet", "--detach", &old]);
    let said = format!("web1, web2: revision {} was applied last, and this checkout does not contain it", &new[..12]);
    chapter.plan().success().stderr_has(&format!("warning: {said}"));
    let ran =
        chapter.run(&["apply", "--yes", "--allow-deletions", "9"]).status(1).stderr_has(&format!("error: {said}"));
    ran.stderr_has("--older-revision");
    assert!(chapter.root("web1").join("etc/base.3").exists());
    chapter.run(&["apply", "--yes", "--allow-deletions", "9", "--older-revision"]).success();
    assert!(!chapter.root("web1").join("etc/base.3").exists());
    // what git does not know is to be fetched
    for host in ["web1", "web2"] {
        let applied = chapter.root(host).join(format!("var/lib/steward/{ID}/applied"));
        std::fs::write(applied, "0123456789012345678901234567890123456789\n").unwrap();
    }
    chapter.apply().status(1).stderr_has("git does not know it here").stderr_has("git fetch");
    // outside git nothing can be compared, and that is said
    std::fs::remove_dir_all(chapter.path(".git")).unwrap();
    chapter.apply().success().stderr_has("nothing can be compared outside git");
}

#[test]
fn what_is_not_committed_is_said_and_remembered() {
    let chapter = chapter();
    let commit = chapter.commit();
    std::fs::write(chapter.path("notes.yaml"), "vars: {}\n").unwrap();
    std::fs::write(chapter.root("web1").join("etc/base.0"), "by hand").unwrap();
    let dirty = format!("hosts remember it as {}+dirty", &commit[..12]);
    chapter.plan().success().stderr_has(&dirty);
    chapter.apply().success().stderr_has(&dirty);
    let remembered =
        std::fs::read_to_string(chapter.root("web1").join(format!("var/lib/steward/{ID}/applied"))).unwrap();
    assert_eq!(remembered.trim(), format!("{commit}+dirty"));
}

#[test]
fn what_was_there_before_is_kept_until_it_is_adopted() {
    let chapter = Chapter::new().file("modules/wiki.yaml", WIKI).file("modules/base.yaml", BASE).local("web1");
    for dir in ["etc", "srv/wiki"] {
        std::fs::create_dir_all(chapter.root("web1").join(dir)).unwrap();
    }
    for number in 0..6 {
        std::fs::write(chapter.root("web1").join(format!("etc/wiki.{number}")), "x\n").unwrap();
    }
    let chapter = chapter.file("chapter.yaml", inventory(ON_WEB1, ""));
    chapter.apply().success();
    chapter.run(&["adopt", "web1"]).status(1).stdout_has("  file:/etc/wiki.0 (as the inventory wants it)\n");
    std::fs::write(chapter.root("web1").join("etc/wiki.1"), "by hand\n").unwrap();
    chapter
        .run(&["adopt", "web1", "file:/etc/wiki.9"])
        .status(1)
        .stderr_has("nothing in the inventory is `file:/etc/wiki.9`");
    chapter.run(&["adopt", "web1", "file:/etc/wiki.6"]).status(1).stderr_has("cannot be adopted");
    let json = ["adopt", "web1", "file:/etc/wiki.0", "--format", "json"];
    chapter.run(&json).status(1).stdout("").stderr_has("nobody to ask");
    chapter
        .run(&["adopt", "web1", "file:/etc/wiki.1"])
        .status(1)
        .stdout_has("  file:/etc/wiki.1 (content differs)\n");
    let ran = chapter.run(&[&json[..3], &["file:/etc/wiki.1", "--yes"], &json[3..]].concat()).success();
    assert_eq!(crate::schemas::fits(&chapter, "adopt", ran.text()), Ok(()));
    assert_eq!(ran.json()["adopted"], serde_json::json!(["file:/etc/wiki.0", "file:/etc/wiki.1"]));
    let by_hand = || std::fs::read_to_string(chapter.root("web1").join("etc/wiki.1"));
    assert_eq!(by_hand().unwrap(), "by hand\n", "nothing is changed");
    chapter.run(&["adopt", "web1", "file:/etc/wiki.0"]).status(1).stderr_has("Steward's already");
    std::fs::write(chapter.path("chapter.yaml"), inventory("", "")).unwrap();
    let plan = chapter.plan().success().stdout_has("3 to delete").stdout_has("adopted for service wiki");
    plan.stdout_has("= file:/etc/wiki.2 stays: it was there before Steward managed it, so it stays as it is\n");
    chapter.run(&["apply", "--yes", "--allow-deletions", "3"]).success();
    let left: Vec<bool> =
        (0..7).map(|number| chapter.root("web1").join(format!("etc/wiki.{number}")).exists()).collect();
    assert_eq!(left, [false, false, true, true, true, true, false]);
    nothing_to_do(&chapter).no_changes();
}

#[test]
fn two_inventories_on_one_host_keep_apart() {
    let one = chapter();
    let root = one.root("web1");
    let entry = format!("{{ address: local, root: {}, os: debian-12 }}", root.display());
    let other =
        inventory("", "").replace(ID, "ffeeddccbbaa99887766554433221100").replace("name: Test", "name: Next Chapter");
    let mine = BASE.replace("/etc/base.", "/etc/other.");
    let two = Chapter::new().file("modules/base.yaml", &mine).entry("theirs", &entry).file("chapter.yaml", &other);
    two.apply().success();
    assert!(root.join("etc/other.0").exists());
    nothing_to_do(&one).no_changes();
    let two = two.file(
        "modules/base.yaml",
        mine.replace("/etc/other.2", "x").replace("/etc/other.{{ item }}", "/etc/base.{{ item }}"),
    );
    two.run(&["module", "update"]).success();
    let said = format!("`file:/etc/base.0` (and 2 more) is managed by another inventory, too: Test ({ID})");
    two.plan().status(3).stdout_has(&said);
    std::fs::remove_file(root.join("etc/base.0")).unwrap();
    two.apply().status(3).stderr_has(&said).stderr_has(&format!("remove /var/lib/steward/{ID} on the host"));
    assert!(!root.join("etc/base.0").exists() && root.join("etc/other.0").exists(), "nothing was changed");
    one.apply().success();
    assert!(root.join("etc/base.0").exists());
}
