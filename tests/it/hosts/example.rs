//! The example inventory, as it lies in the repository, on three clean hosts: one `apply`, and every check of every service
//! is green; a second changes nothing; the power of all three is cut, and every check is green again.
//! Takes many minutes and is done only with `STEWARD_MODULES=all`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::support::{Chapter, Host};

/// A file of the example.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories/example").join(name)
}

/// The example with the addresses of real hosts, and with keys that somebody has.
fn chapter(hosts: &[Host; 3]) -> Chapter {
    let [web, chat, keeper] = hosts;
    let chapter = Chapter::new().host("web1", web).host("chat1", chat).host("box1", keeper).maintainer();
    let age = std::fs::read_to_string(chapter.path("chapter.yaml")).unwrap();
    let (_, age) = age.split_once("age: [").unwrap();
    let (age, _) = age.split_once(']').unwrap();
    let mut top = std::fs::read_to_string(example("chapter.yaml")).unwrap();
    for person in ["ana", "bea"] {
        // the operator's own key is neither's: it would open a door that the example closes
        let key = chapter.home().join(person);
        let made =
            Command::new("ssh-keygen").args(["-qt", "ed25519", "-N", "", "-C", person, "-f"]).arg(&key).status();
        assert!(made.unwrap().success());
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let line = top.lines().find(|line| line.ends_with(&format!("{person}]"))).unwrap().to_owned();
        top = top.replace(&line, &format!("    ssh: [{}]", public.trim()));
    }
    let ages: Vec<&str> = top.lines().filter(|line| line.trim_start().starts_with("age: [")).collect();
    let first = ages[0].to_owned();
    top = top.replace(&first, &format!("    age: [{age}]"));
    let declared = std::fs::read_to_string(example("hosts.yaml")).unwrap();
    let groups = declared.split_once("\ngroups:").unwrap().1;
    let public = std::fs::read_to_string(chapter.path("hosts.yaml")).unwrap();
    let public: String = public
        .lines()
        .map(|line| match line.trim_start().starts_with("box1") {
            false if line.contains('}') => line.replacen(" }", ", groups: [public] }", 1) + "\n",
            _ => format!("{line}\n"),
        })
        .collect();
    let chapter = chapter
        .file("chapter.yaml", top)
        .file("hosts.yaml", format!("{public}groups:{groups}"))
        .file("services.yaml", std::fs::read_to_string(example("services.yaml")).unwrap())
        .file("inventories/example/site/index.html", std::fs::read_to_string(example("site/index.html")).unwrap());
    let _ = chapter.run(&["secrets", "generate"]).success();
    chapter
}

#[test]
#[allow(clippy::print_stderr, reason = "how long it took, for whoever waits")]
fn the_example_goes_from_clean_hosts_to_green_checks_in_one_apply_and_survives_a_power_cut() {
    if std::env::var("STEWARD_MODULES").as_deref() != Ok("all") {
        eprintln!("only with STEWARD_MODULES=all");
        return;
    }
    let hosts = Host::several::<3>();
    let chapter = chapter(&hosts);
    let began = Instant::now();
    let applied = chapter.apply().success();
    eprintln!("{}\napplied in {} s", applied.text(), began.elapsed().as_secs());
    let began = Instant::now();
    let _ = chapter.apply().success().no_changes();
    eprintln!("applied again in {} s", began.elapsed().as_secs());
    let verified = chapter.run(&["verify"]).success().stdout_has("0 failed, 0 unknown");
    eprintln!("{}", verified.text());
    for host in &hosts {
        host.kill();
    }
    for host in &hosts {
        host.boot();
    }
    let _ = chapter.run(&["verify", "--within", "120"]).success().stdout_has("0 failed, 0 unknown");
    let _ = chapter.plan().success().no_changes();
    for host in &hosts {
        assert_eq!(host.sh("systemctl --failed --plain --no-legend"), "");
    }
}
