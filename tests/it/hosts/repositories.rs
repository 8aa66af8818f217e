//! Git for a chapter: the administrator makes a repository by a push, others are refused, and nothing of that is a difference.
//! With `STEWARD_MODULES=all`.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::{Chapter, Host};

#[test]
fn the_administrator_makes_repositories_by_a_push_and_strangers_see_none() {
    if std::env::var("STEWARD_MODULES").as_deref() != Ok("all") {
        eprintln!("only with STEWARD_MODULES=all");
        return;
    }
    let host = Host::new();
    let dir = tempfile::tempdir().unwrap();
    let keys = ["ana", "eve"].map(|name| {
        let key = dir.path().join(name);
        let made = Command::new("ssh-keygen").args(["-qt", "ed25519", "-N", "", "-C", name, "-f"]).arg(&key).status();
        assert!(made.unwrap().success());
        key
    });
    let public = std::fs::read_to_string(keys[0].with_extension("pub")).unwrap();
    let chapter = Chapter::new().host("web1", &host).maintainer();
    let top = std::fs::read_to_string(chapter.path("chapter.yaml")).unwrap();
    let top = top.replace("role: maintainer,", &format!("role: maintainer, ssh: [{}],", public.trim()));
    let services = "services:\n  git: { module: gitolite, on: web1, params: { admin: ana }, backup: false }\n";
    let chapter = chapter.file("chapter.yaml", top).file("services.yaml", services);
    super::applications::lives(&chapter, &host);

    let git = |key: &Path, words: &[&str]| -> Output {
        let known = dir.path().join("known_hosts");
        std::fs::write(&known, format!("{} {}\n", host.address, host.host_key())).unwrap();
        let ssh = format!(
            "ssh -F /dev/null -i {} -o IdentitiesOnly=yes -o BatchMode=yes -o UserKnownHostsFile={}",
            key.display(),
            known.display()
        );
        let mut git = Command::new("git");
        git.args(["-c", "user.name=Ana", "-c", "user.email=ana@test.example"]).args(words).current_dir(dir.path());
        git.env("GIT_SSH_COMMAND", ssh).env("HOME", dir.path()).output().unwrap()
    };
    let [ana, eve] = &keys;
    let clone = |key: &Path, name: &str, into: &str| {
        git(key, &["clone", "--quiet", &format!("git@{}:{name}", host.address), into])
    };
    assert!(!clone(eve, "gitolite-admin", "stolen").status.success());
    let cloned = clone(ana, "gitolite-admin", "admin");
    assert!(cloned.status.success(), "{}", String::from_utf8_lossy(&cloned.stderr));
    let admin = dir.path().join("admin");
    let mut rules = std::fs::read_to_string(admin.join("conf/gitolite.conf")).unwrap();
    rules.push_str("\nrepo minutes\n    RW+ = ana eve\n");
    std::fs::write(admin.join("conf/gitolite.conf"), rules).unwrap();
    std::fs::copy(eve.with_extension("pub"), admin.join("keydir/eve.pub")).unwrap();
    for words in [
        &["-C", "admin", "add", "-A"][..],
        &["-C", "admin", "commit", "-qm", "Minutes"],
        &["-C", "admin", "push", "-q"],
    ] {
        let ran = git(ana, words);
        assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    assert!(clone(eve, "minutes", "minutes").status.success());
    assert!(!clone(eve, "gitolite-admin", "stolen").status.success());
    let plan = chapter.plan().success().no_changes();
    assert!(!plan.text().contains(" of git ("), "who comes by git gets no shell: {plan}");
    let _ = chapter.run(&["verify"]).success();
}
