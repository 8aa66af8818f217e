//! The inventory as a volunteer writes it, right and wrong: files in, diagnostics out.

use std::path::Path;

use super::{Inventory, Origin, load};
use crate::diag::Diagnostics;

/// What every inventory needs.
const HEAD: &str = "id: 0123456789abcdef0123456789abcdef\nchapter: { name: Example, domain: chapter.example }\n";

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL3eOZ1h0yFf0oA1Vn0w6wT5y0mJm3b7xM2S0c9bq7aV";

fn load_files(files: &[(&str, &[u8])]) -> (Option<Inventory>, Diagnostics, String) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).expect("a file in it");
    }
    let (inventory, mistakes) = load(dir.path());
    let prefix = format!("{}/", dir.path().display());
    let shown = mistakes.0.iter().map(|mistake| format!("{mistake}\n").replace(&prefix, "")).collect();
    (inventory, mistakes, shown)
}

fn good(text: &str) -> Inventory {
    let (inventory, _, shown) = load_files(&[("chapter.yaml", format!("{HEAD}{text}").as_bytes())]);
    assert_eq!(shown, "");
    inventory.expect("an inventory")
}

/// The mistakes, one a line; line numbers count from the first line of `text`.
fn mistakes(text: &str) -> Vec<String> {
    let (_, _, shown) = load_files(&[("0.yaml", HEAD.as_bytes()), ("a.yaml", text.as_bytes())]);
    shown.lines().map(str::to_owned).collect()
}

#[test]
fn the_example_of_the_handbook_loads() {
    let inventory = good(&format!(
        "people:
  ana: {{ name: Ana, ssh: [{KEY} ana], role: maintainer }}
hosts:
  web1: {{ address: 203.0.113.10, user: admin, host_key: {KEY}, os: debian-12, groups: [web] }}
  db1: {{ address: 203.0.113.11, port: 2222, jump: web1, host_key: [{KEY}] }}
groups:
  web: {{ vars: {{ timezone: America/Los_Angeles }} }}
  old: {{ hosts: [db1] }}
services:
  baseline: {{ module: baseline, on: all }}
  website: {{ module: static-site, on: web1, params: {{ domain: www.chapter.example, source: site/ }} }}
  wiki: {{ module: dokuwiki, on: [web, old], needs: {{ postgres: {{ service: db }} }} }}
"
    ));
    let web1 = &inventory.hosts["web1"];
    assert_eq!((web1.name.as_str(), web1.port.get(), web1.user.as_str()), ("web1", 22, "admin"));
    assert_eq!(web1.place.line_column(), (6, 3));
    assert!(inventory.hosts["db1"].is_in("old"));
    assert_eq!(inventory.services["wiki"].hosts, ["web1", "db1"]);
    assert_eq!(inventory.services["baseline"].hosts, ["web1", "db1"]);
    assert_eq!(inventory.services.keys().collect::<Vec<_>>(), ["baseline", "website", "wiki"]);
    assert_eq!(inventory.people["ana"].login(), "ana");
    assert_eq!(inventory.people["ana"].ssh[0].to_string(), format!("{KEY} ana"));
}

#[test]
fn mistakes_in_many_files_and_entries_are_reported_at_once() {
    let (_, _, shown) = load_files(&[
        ("a.yaml", b"hosts:\n  web1: { addres: 192.0.2.1 }\n  web2: { address: -oProxyCommand=x, port: 0 }\n"),
        ("b.yaml", b"services:\n  wiki: { module: dokuwiki, on: web3, parms: {} }\n  blog: { on: web1 }\n"),
        ("c.yaml", b"a: [\n"),
        ("d.yml", b"servces: {}\n"),
        ("e.yaml", b"people:\n  ana: { name: Ana, role: boss }\n"),
        ("f.yaml", b"\xff\xfe"),
        (".hidden.yaml", b"nonsense"),
        ("notes.txt", b"nonsense"),
    ]);
    let expected = "\
f.yaml:1:1: the file is not UTF-8: it has the byte 0xff here; save it as UTF-8 in your editor
c.yaml:1:4: unclosed bracket";
    assert!(shown.starts_with(expected), "{shown}");
    for line in [
        "d.yml:1:1: unknown key `servces`; did you mean `services`?",
        "a.yaml:2:11: unknown key `addres`; did you mean `address`?",
        "a.yaml:3:20: `-oProxyCommand=x` is not an address: it contains `=`; give a host name or an IP address",
        "a.yaml:3:44: `port` must be a whole number from 1 to 65535, not the number 0",
        "b.yaml:2:33: there is no host or group `web3`; did you mean `web1`?",
        "b.yaml:2:39: unknown key `parms`; did you mean `params`?",
        "b.yaml:3:3: `blog` lacks the key `module`; add `module:`",
        "e.yaml:2:27: `role` cannot be `boss`; write one of: maintainer, operator, reader",
        "a.yaml:1:1: the inventory has no `chapter`; add `chapter: { name: Our Chapter, domain: chapter.example }`",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\nis not in\n{shown}");
    }
    assert!(shown.contains("the inventory has no `id`"), "{shown}");
    assert_eq!(shown.lines().count(), 12, "{shown}");
}

#[test]
fn an_entry_that_cannot_be_understood_hides_no_unknown_name() {
    assert_eq!(
        mistakes(
            "hosts: { web1: { groups: [wbe], jump: x } }\ngroups: { web: { hosts: [web1, wxb1], xyz: 1 } }\nservices: { a: { on: [web1, wob] } }\n"
        ),
        [
            "a.yaml:1:10: `web1` lacks the key `address`; add `address:`",
            "a.yaml:2:39: unknown key `xyz`; known here: vars, readers, hosts",
            "a.yaml:3:13: `a` lacks the key `module`; add `module:`",
            "a.yaml:1:27: there is no group `wbe`; did you mean `web`?",
            "a.yaml:1:39: there is no host `x`; known here: web1",
            "a.yaml:2:32: there is no host `wxb1`; did you mean `web1`?",
            "a.yaml:3:29: there is no host or group `wob`; did you mean `web`?",
        ]
    );
}

#[test]
fn a_name_given_in_two_files_is_an_error_with_both_places() {
    let (_, found, shown) = load_files(&[
        ("a.yaml", format!("{HEAD}hosts: {{ web1: {{ address: local }} }}\n").as_bytes()),
        ("b.yaml", b"hosts: { web1: { address: local } }\nchapter: { name: Again }\nid: 0\n"),
    ]);
    assert_eq!(
        shown,
        "b.yaml:1:10: `web1` appears twice in `hosts`; keep one of the two, or rename one
b.yaml:2:12: `name` appears twice in `chapter`; keep one of the two, or rename one
b.yaml:3:1: the key `id` appears twice; keep the one that git knows longest\n"
    );
    assert!(found.0[0].related[0].0.to_string().ends_with("a.yaml:3:10"));
}

#[test]
fn names_must_be_safe_and_unambiguous() {
    assert_eq!(
        mistakes("hosts: { all: { address: a }, -x: { address: b }, web: { address: c } }\ngroups: { web: {} }\n"),
        [
            "a.yaml:1:10: `all` means every host; it cannot be a name; choose another name",
            "a.yaml:1:31: `-x` cannot be the name of a host; use letters, digits, dots, dashes and underscores, beginning and ending with a letter or digit",
            "a.yaml:2:11: `web` is the name of a host and of a group; rename one of them",
        ]
    );
}

#[test]
fn two_groups_may_not_give_one_host_different_values() {
    let groups = "groups: { a: { vars: { tz: X, same: 1 } }, b: { vars: { tz: Y, same: 1 } } }\n";
    assert_eq!(
        mistakes(&format!("hosts: {{ web1: {{ address: local, groups: [a, b] }} }}\n{groups}")),
        [
            "a.yaml:2:57: host `web1` gets different values of `tz` from its groups `a` and `b`; decide it for the host: add `tz` to its `vars`"
        ]
    );
    let decided = "hosts: { web1: { address: local, groups: [a, b], vars: { tz: Z } } }\n";
    assert_eq!(mistakes(&format!("{decided}{groups}")), Vec::<String>::new());
}

#[test]
fn a_var_knows_its_origin_and_what_it_hides() {
    let inventory = good(
        "vars: { tz: UTC, mail: x }\ngroups: { web: { vars: { tz: A } } }\nhosts: { h: { address: local, groups: [web], vars: { tz: B } } }\n",
    );
    let vars = inventory.vars_for("h");
    let tz = &vars["tz"];
    assert_eq!((tz.value.as_str(), &tz.origin), (Some("B"), &Origin::Host("h".into())));
    let hidden: Vec<String> =
        tz.hidden.iter().map(|(origin, place)| format!("{origin} {:?}", place.line_column())).collect();
    assert_eq!(hidden, ["group web (4, 26)", "chapter vars (3, 9)"]);
    assert_eq!(vars["mail"].origin, Origin::Chapter);
    let used = ["tz", "mial"].map(str::to_owned).into();
    let unused: Vec<String> =
        inventory.unused_vars(&used).0.iter().map(|m| format!("{}; {:?}", m.fact, m.remedy)).collect();
    assert_eq!(unused, ["nothing uses the var `mail`; Some(\"did you mean `mial`?\")"]);
}

#[test]
fn jump_hosts_exist_and_do_not_go_in_circles() {
    assert_eq!(
        mistakes(
            "hosts:\n  a: { address: x, jump: b }\n  b: { address: y, jump: a }\n  c: { address: z, jump: d }\n"
        ),
        [
            "a.yaml:4:26: there is no host `d`; known here: a, b, c",
            "a.yaml:2:26: the way to `a` goes in a circle: a → b → a; let one of these hosts be reached directly",
            "a.yaml:3:26: the way to `b` goes in a circle: b → a → b; let one of these hosts be reached directly",
        ]
    );
}

#[test]
fn keys_and_logins_are_parsed() {
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----";
    let found = mistakes(&format!(
        "people:
  a: {{ name: A, role: reader, ssh: [ssh-ed25519 AAAA x, \"{private}\", ssh-rsa {}], age: [age1xyz] }}
  Bob: {{ name: B, role: reader }}
  c: {{ name: C, role: reader, login: a }}
  d: {{ name: D, role: reader, login: root }}
",
        KEY.split(' ').nth(1).unwrap_or_default()
    ));
    assert_eq!(
        found,
        [
            "a.yaml:2:37: the SSH key is damaged or cut short; copy the whole line again",
            "a.yaml:2:57: this is a private key; remove it from the file and from git, make a new one, and give the public half (`.pub`) here",
            "a.yaml:2:96: the key calls itself `ssh-ed25519` inside, not ssh-rsa; copy the whole line again",
            "a.yaml:2:181: `age1xyz` is not an age recipient; it begins with age1 and is printed by `age-keygen -y`; copy it again",
            "a.yaml:3:3: `Bob` cannot be the name of an account; rename the person (a-z, 0-9, _ and -, beginning with a letter), or give a `login`",
            "a.yaml:4:38: `c` and `a` have the same login `a`; give one of them another `login`",
            "a.yaml:5:38: a person's account cannot be root; choose another `login`",
        ]
    );
}

#[test]
fn limits_choose_hosts_groups_services_and_all_but() {
    let inventory = good(
        "hosts:
  web1: { address: a, groups: [web] }
  web2: { address: b, groups: [web] }
  db1: { address: c }
groups: { web: {}, empty: {} }
services:
  wiki: { module: m, on: web1 }
  base: { module: m, on: all }
",
    );
    let hosts = |limit: &str| inventory.select(Some(limit)).map(|selection| selection.hosts.join(" "));
    for (limit, expected) in [
        ("web", "web1 web2"),
        ("db1,web1", "web1 db1"),
        ("web*", "web1 web2"),
        ("!web", "db1"),
        ("all,!db1", "web1 web2"),
        ("service:wiki", "web1"),
        ("service:wiki,!web2", "web1"),
        ("web?,!web1", "web2"),
    ] {
        assert_eq!(hosts(limit).ok().as_deref(), Some(expected), "{limit}");
    }
    let refused = |limit: &str| {
        inventory.select(Some(limit)).unwrap_err().0.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(refused("wbe1"), ["there is no host or group `wbe1`; did you mean `web1`?"]);
    assert_eq!(refused("wiki"), ["there is no host or group `wiki`; `wiki` is a service: write `service:wiki`"]);
    assert_eq!(refused("service:wki"), ["there is no service `wki`; did you mean `wiki`?"]);
    assert!(refused("web1,!web")[0].starts_with("`--limit web1,!web` selects no host"));
    assert!(refused("empty")[0].contains("selects no host"));
    assert_eq!(inventory.select(None).unwrap().hosts, ["web1", "web2", "db1"]);
    assert!(!inventory.select(Some("service:wiki")).unwrap().has_service("base"));
}

#[test]
fn a_directory_without_an_inventory_says_what_to_do() {
    let (inventory, mistakes) = load(Path::new("/nonexistent"));
    assert!(inventory.is_none());
    assert!(mistakes.0[0].to_string().contains("steward init"), "{mistakes:?}");
    let (_, _, shown) = load_files(&[("readme.txt", b"")]);
    assert!(shown.contains("holds no inventory"), "{shown}");
}
