//! What a reviewer reads, whole, on situations as they happen: `tests/golden/NAME.txt` for a terminal, `NAME.md` for a pull
//! request. `STEWARD_GOLDEN=write` writes them anew: read the difference as a reviewer would before you commit it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::support::{Chapter, Ran, Sshd, free_port};

const CHAPTER: &str = "\
id: 00112233445566778899aabbccddeeff
chapter: { name: Example Chapter, domain: chapter.example, locale: en }
";
const HOSTS: &str = "\
hosts:
  web1: { address: 203.0.113.10, user: debian, os: debian-12 }
  web2: { address: 203.0.113.11, user: debian, os: debian-12 }
";
const ANA: &str = "age1262a9syf670l5aa832y97cpy6vq9ey39xp4ff5825yls4zrdeppqn7z2ry";
const BOB: &str = "age1cx37z3av004u3dmrfcjpr4v72059y5erp0jrxued4cq8req9f9lqf7k6vz";
const DORA: &str = "age13cznakh9j8qvzgaf7hx2zz4fk58gurp7rk2452y0lncdp4dusa6qk2zzwc";
const PEOPLE: &str = "\
people:
  ana:
    name: Ana
    role: maintainer
    ssh: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILe5z3H5aXY+1GaLJUj+6XsmOjHzDUKylyOG1ciBduuq ana]
    age: [age1262a9syf670l5aa832y97cpy6vq9ey39xp4ff5825yls4zrdeppqn7z2ry]
";
const PERSON_BOB: &str = "  bob:
    name: Bob
    role: operator
    ssh: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6SdMkGCQRZuKv6kcnagjWP2kWTcwT7KbIDTu1GoiBw bob]
    age: [age1cx37z3av004u3dmrfcjpr4v72059y5erp0jrxued4cq8req9f9lqf7k6vz]
";
const PERSON_DORA: &str = "  dora:
    name: Dora
    role: operator
    ssh: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICn4RYNyo85YWwxe07FsPrT9LHYt5dbS6S52n/rMfE5d dora]
    age: [age13cznakh9j8qvzgaf7hx2zz4fk58gurp7rk2452y0lncdp4dusa6qk2zzwc]
";
const SERVICES: &str = "\
services:
  login: { module: login, on: all }
  www: { module: site, on: web1, params: { domain: www.chapter.example, title: Welcome } }
  wiki: { module: wiki, on: web1, params: { domain: wiki.chapter.example } }
";
const LOGIN: &str = "\
version: 1
summary: { en: People and how they log in. }
params:
  max_tries: { type: int, default: 3 }
offers:
  ports: [{ port: 22 }]
resources:
  - for_each: \"{{ people }}\"
    user: { name: \"{{ item.login }}\", comment: \"{{ item.name }}\", authorized_keys: \"{{ item.ssh }}\" }
  - file: { path: /etc/ssh/sshd_config.d/10-chapter.conf, content: \"PasswordAuthentication no\\nMaxAuthTries {{ max_tries }}\\n\", mode: \"0600\" }
  - service: { name: ssh, reload_on: [/etc/ssh/**], validate: sshd -t }
";
const SITE: &str = "\
version: 1
summary: { en: A website. }
params:
  domain: { type: hostname }
  title: { type: string }
  ports: { type: list of port, default: [443] }
offers:
  ports: [{ for_each: \"{{ ports }}\", port: \"{{ item }}\" }]
resources:
  - package: nginx
  - file: { path: \"/etc/nginx/conf.d/{{ service }}.conf\", template: site/site.conf.j2 }
  - file: { path: \"/var/www/{{ service }}/index.html\", content: \"<h1>{{ title }}</h1>\\n\" }
  - service: { name: nginx, reload_on: [/etc/nginx/**], validate: nginx -t }
";
const SITE_CONF: &str = "\
server {
{% for port in ports %}
    listen {{ port }} ssl;
{% endfor %}
    server_name {{ domain }};
    root /var/www/{{ service }};
}
";
const WIKI: &str = "\
version: 1
summary: { en: A wiki. }
params:
  domain: { type: hostname }
secrets:
  database: { generate: { length: 24 } }
offers:
  backups: [{ paths: [/var/lib/wiki], stop: [wiki] }]
resources:
  - package: wiki
  - directory: { path: /var/lib/wiki, owner: www-data }
  - file: { path: /etc/wiki.conf, content: \"url = https://{{ domain }}/\\npassword = {{ secrets.database }}\\n\", mode: \"0640\" }
  - service: { name: wiki, restart_on: [/etc/wiki.conf] }
";

fn people(more: &[&str]) -> String {
    format!("{PEOPLE}{}", more.concat())
}

impl Chapter {
    /// A secret as Steward stores it, of this value id and for these people. What is encrypted nobody looks at.
    fn secret(self, name: &str, id: char, readers: &[(&str, &str)]) -> Chapter {
        let names: Vec<&str> = readers.iter().map(|(person, _)| *person).collect();
        let encrypted = format!("of {id} for {}\n", names.join(" "));
        let digest: String = Sha256::digest(&encrypted).iter().map(|byte| format!("{byte:02x}")).collect();
        let people: String = readers.iter().map(|(person, key)| format!("person {person} {key}\n")).collect();
        let id = id.to_string().repeat(32);
        self.file(&format!("secrets/{name}.age"), encrypted)
            .file(&format!("secrets/{name}.recipients"), format!("id {id}\ndigest {digest}\n{people}"))
    }

    fn updated(self) -> Chapter {
        let _ = self.run(&["module", "update"]).success();
        self
    }
}

/// A chapter as it was: committed, and the working tree is what a test makes of it.
fn chapter() -> Chapter {
    let chapter = Chapter::new()
        .file("chapter.yaml", CHAPTER)
        .file("hosts.yaml", HOSTS)
        .file("people.yaml", people(&[PERSON_BOB]))
        .file("services.yaml", SERVICES)
        .file("modules/login.yaml", LOGIN)
        .file("modules/site.yaml", SITE)
        .file("templates/site/site.conf.j2", SITE_CONF)
        .file("modules/wiki.yaml", WIKI)
        .secret("wiki/database", 'a', &[("ana", ANA), ("bob", BOB)])
        .updated();
    chapter.commit();
    chapter
}

fn services(from: &str, to: &str) -> String {
    assert!(SERVICES.contains(from));
    SERVICES.replace(from, to)
}

#[test]
fn a_line_of_a_configuration() {
    let chapter = chapter().file("services.yaml", services("title: Welcome", "title: Welcome home"));
    reviewed("one-line", &chapter);
}

#[test]
fn a_new_service() {
    let blog = "  blog: { module: site, on: web2, params: { domain: blog.chapter.example, title: Blog } }\n";
    reviewed("new-service", &chapter().file("services.yaml", format!("{SERVICES}{blog}")));
}

#[test]
fn a_service_that_keeps_data_is_removed() {
    let line = "  wiki: { module: wiki, on: web1, params: { domain: wiki.chapter.example } }\n";
    let chapter = chapter().file("services.yaml", services(line, "")).updated();
    reviewed("service-removed", &chapter);
    reviewed_in_spanish("service-removed-es", &chapter);
}

#[test]
fn a_service_moves_away_from_its_data() {
    reviewed("data-moves", &chapter().file("services.yaml", services("wiki, on: web1", "wiki, on: web2")));
}

#[test]
fn nothing_saves_a_service_any_more() {
    const KEEP: &str = "version: 1\nsummary: { en: Saves what must not be lost. }\ngathers:\n  backups: { fields: { paths: { type: list of path }, stop: { type: list of string } } }\n\
        resources:\n  - for_each: \"{{ offers.backups }}\"\n    file: { path: \"/etc/keep/{{ item.service }}\", content: \"{{ item.paths | join(' ') }}\\n\" }\n";
    let personal = WIKI.replace("params:", "data: { class: personal }\nparams:");
    let keep = "  keep: { module: keep, on: web1 }\n";
    let chapter = chapter()
        .file("modules/keep.yaml", KEEP)
        .file("modules/wiki.yaml", personal)
        .file("services.yaml", format!("{SERVICES}{keep}"))
        .updated();
    chapter.commit();
    reviewed("unsaved", &chapter.file("services.yaml", services("wiki, on: web1", "wiki, on: web1, backup: false")));
}

#[test]
fn a_person_leaves_and_secrets_are_not_encrypted_anew() {
    let chapter = chapter().file("people.yaml", people(&[]));
    reviewed("person-leaves-half", &chapter);
    reviewed_in_spanish("person-leaves-half-es", &chapter);
}

#[test]
fn a_person_leaves_and_what_they_knew_is_changed() {
    let chapter = chapter().file("people.yaml", people(&[])).secret("wiki/database", 'b', &[("ana", ANA)]);
    reviewed("person-leaves", &chapter);
}

#[test]
fn a_person_joins() {
    let chapter = chapter().file("people.yaml", people(&[PERSON_BOB, PERSON_DORA])).secret(
        "wiki/database",
        'a',
        &[("ana", ANA), ("bob", BOB), ("dora", DORA)],
    );
    reviewed("person-joins", &chapter);
}

#[test]
fn somebody_swaps_a_key() {
    let other = PERSON_BOB.replace("GoiBw bob", "GoiBx bob").replace("role: operator", "role: maintainer");
    reviewed("key-and-role", &chapter().file("people.yaml", people(&[&other])));
}

#[test]
fn a_secret_gets_another_value() {
    reviewed("secret-changes", &chapter().secret("wiki/database", 'b', &[("ana", ANA), ("bob", BOB)]));
}

#[test]
fn a_service_names_its_readers() {
    let named = services("wiki, on: web1", "wiki, on: web1, readers: [maintainer]");
    reviewed("readers-change", &chapter().file("services.yaml", named).secret("wiki/database", 'a', &[("ana", ANA)]));
}

#[test]
fn an_encrypted_file_is_swapped_behind_its_header() {
    reviewed("secret-forged", &chapter().file("secrets/wiki/database.age", "something else\n"));
}

#[test]
fn a_port_opens_and_another_closes() {
    let ports = services("title: Welcome", "title: Welcome, ports: [80, 8443]");
    reviewed("ports", &chapter().file("services.yaml", ports));
}

#[test]
fn the_way_in_changes() {
    let tries = services("login, on: all", "login, on: all, params: { max_tries: 1 }");
    let chapter = chapter().file("services.yaml", tries);
    reviewed("sshd", &chapter);
    reviewed_in_spanish("sshd-es", &chapter);
}

#[test]
fn a_module_is_upgraded() {
    let newer = SITE.replace(
        "version: 1",
        "version: 2\nnotes:\n  \"2\": Sends HSTS. Browsers will refuse plain HTTP for a year.",
    );
    let conf =
        SITE_CONF.replace("    root", "    add_header Strict-Transport-Security \"max-age=31536000\";\n    root");
    let chapter = chapter().file("modules/site.yaml", newer).file("templates/site/site.conf.j2", conf).updated();
    reviewed("module-upgraded", &chapter);
}

#[test]
fn a_module_is_upgraded_whose_text_came_with_another_steward() {
    let chapter = chapter();
    let lock = std::fs::read_to_string(chapter.path("steward.lock")).unwrap();
    let hash = lock.split("site").nth(1).and_then(|rest| rest.split("sha256:").nth(1)).unwrap()[..64].to_owned();
    let chapter = chapter.file("steward.lock", lock.replace(&hash, &"0".repeat(64)));
    chapter.commit();
    reviewed("module-of-another-steward", &chapter.file("steward.lock", lock));
}

#[test]
fn files_are_to_go() {
    let gone = WIKI.replace("  - service: { name: wiki, restart_on: [/etc/wiki.conf] }\n", "")
        + "  - service: { name: wiki, running: false, enabled: false }\n  - file: { path: /etc/cron.d/wiki, state: absent }\n";
    reviewed("deletion", &chapter().file("modules/wiki.yaml", gone).updated());
}

#[test]
fn a_host_comes_and_a_host_goes() {
    let hosts = HOSTS.replace("web2", "web3").replace(".11", ".12");
    reviewed("hosts-change", &chapter().file("hosts.yaml", hosts));
}

#[test]
fn many_hosts_change_alike_and_one_is_risky() {
    let line = |number: usize| {
        format!("  node{number}: {{ address: 203.0.113.{}, user: debian, os: debian-12 }}\n", 20 + number)
    };
    let hosts = HOSTS.to_owned() + &(1..=8).map(line).collect::<String>();
    let site = services("www: { module: site, on: web1", "www: { module: site, on: all");
    let chapter = chapter().file("hosts.yaml", hosts).file("services.yaml", &site);
    chapter.commit();
    let changed = site
        .replace("title: Welcome", "title: Welcome home")
        .replace("wiki.chapter.example", "pages.chapter.example");
    reviewed("many-alike", &chapter.file("services.yaml", changed));
}

#[test]
fn the_new_state_is_broken() {
    let chapter = chapter().file("services.yaml", services("title: Welcome", "tilte: Welcome"));
    chapter.commit();
    let ran =
        |format: &str| chapter.run(&["review", "--base", "HEAD~1", "--head", "HEAD", "--format", format]).status(1);
    same("broken.txt", ran("text").said());
    same("broken.md", ran("markdown").text());
}

#[test]
fn content_that_wants_out_of_its_fence() {
    let title =
        r#"title: "``` </details> @ana ![x](https://evil.example/x.png) \e[2J \u202e <!-- steward:review -->""#;
    reviewed("hostile", &chapter().file("services.yaml", services("title: Welcome", title)));
}

/// Hosts that are directories: what a plan says of files needs no more.
fn looked_at() -> Chapter {
    let chapter = Chapter::new().local("web1").local("web2").resources(
        "  - file: { path: /etc/motd, content: \"Welcome\\n\" }\n  - file: { path: /etc/ssh/sshd_config, content: \"PasswordAuthentication no\\n\" }\n  - file: { path: /etc/cron.d/old, state: absent }\n",
    );
    for host in ["web1", "web2"] {
        for (file, text) in [("etc/motd", "Welcome\n"), ("etc/ssh/sshd_config", "PasswordAuthentication no\n")] {
            let path = chapter.root(host).join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::fs::create_dir_all(chapter.root(host).join("etc/cron.d")).unwrap();
    }
    chapter
}

#[test]
fn a_plan_of_drift_on_the_way_in() {
    let chapter = looked_at();
    std::fs::write(chapter.root("web1").join("etc/ssh/sshd_config"), "PasswordAuthentication yes\n").unwrap();
    std::fs::write(chapter.root("web2").join("etc/cron.d/old"), "@daily root old\n").unwrap();
    planned("plan-drift", &chapter, 0);
}

#[test]
fn a_plan_where_a_host_is_away() {
    let sshd = Sshd::start();
    let chapter = looked_at().reached("gone", &sshd, free_port());
    std::fs::write(chapter.root("web1").join("etc/motd"), "Hello\n```\n</details> @everyone \u{1b}[2J\n").unwrap();
    planned("plan-away", &chapter, 4);
    let plan = |format: &str| chapter.run(&["plan", "--show-remote", "--locale", "es", "--format", format]).status(4);
    same("plan-away-es.txt", harmless(&plan("text")).text());
    same("plan-away-es.md", harmless(&plan("markdown")).text());
    let drift = |format: &str| chapter.run(&["drift", "--locale", "es", "--format", format]).status(4);
    same("drift-es.txt", harmless(&drift("text")).text());
    same("drift-es.md", harmless(&drift("markdown")).text());
}

#[test]
fn programs_get_the_same_whatever_language_people_speak() {
    let chapter = looked_at();
    std::fs::write(chapter.root("web1").join("etc/motd"), "Hello\n").unwrap();
    for command in ["plan", "drift"] {
        let said = |locale: &str| chapter.run(&[command, "--locale", locale, "--format", "json"]).text().to_owned();
        assert_eq!(said("es"), said("en"));
    }
    let plan = chapter.run(&["plan", "--locale", "es"]).success();
    let plan = plan.stdout_has("\nPlan: 0 to create, 1 to update, 0 to delete, 0 to run on 1 host.\n");
    let _ = plan.stdout_has("Plan: 0 por crear, 1 por actualizar, 0 por borrar, 0 por ejecutar en 1 servidor.\n");
}

#[track_caller]
fn reviewed(name: &str, chapter: &Chapter) {
    let review = |format: &str| chapter.run(&["review", "--base", "HEAD", "--format", format]).success();
    harmless(&review("text"));
    same(&format!("{name}.txt"), review("text").text());
    same(&format!("{name}.md"), harmless(&review("markdown")).text());
}

#[track_caller]
fn reviewed_in_spanish(name: &str, chapter: &Chapter) {
    let review =
        |format: &str| chapter.run(&["review", "--base", "HEAD", "--locale", "es", "--format", format]).success();
    same(&format!("{name}.txt"), harmless(&review("text")).text());
    same(&format!("{name}.md"), harmless(&review("markdown")).text());
}

#[track_caller]
fn planned(name: &str, chapter: &Chapter, status: i32) {
    let plan = |format: &str| chapter.run(&["plan", "--show-remote", "--format", format]).status(status);
    same(&format!("{name}.txt"), harmless(&plan("text")).text());
    same(&format!("{name}.md"), harmless(&plan("markdown")).text());
}

#[track_caller]
fn harmless(ran: &Ran) -> &Ran {
    assert!(!ran.text().contains(['\u{1b}', '\u{202e}']), "{ran}");
    ran
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Commits differ from run to run.
#[track_caller]
fn same(file: &str, is: &str) {
    let mut text = String::new();
    for word in is.split_inclusive(|c: char| !c.is_ascii_hexdigit()) {
        let hex = word.trim_end_matches(|c: char| !c.is_ascii_hexdigit());
        text.push_str(&if hex.len() == 40 { word.replace(hex, "[COMMIT]") } else { word.to_owned() });
    }
    let path = golden().join(file);
    if std::env::var_os("STEWARD_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::create_dir_all(golden()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if text != expected {
        let diff = similar::TextDiff::from_lines(&expected, &text).unified_diff().header(file, "is").to_string();
        panic!("{file} differs; STEWARD_GOLDEN=write writes it anew:\n{diff}");
    }
}

/// A file that no test compares would be read by people as if it were true.
#[test]
fn no_golden_file_is_left_over() {
    let source = include_str!("golden.rs");
    let files: BTreeSet<String> =
        std::fs::read_dir(golden()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(files.len() > 30, "{files:?}");
    for file in files {
        let name = file.rsplit_once('.').unwrap().0;
        assert!(source.contains(&format!("\"{name}\"")) || source.contains(&format!("\"{file}\"")), "{file}");
    }
}
