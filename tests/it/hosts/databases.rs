//! Real database servers: roles, users and databases by their kinds, with passwords that nobody gets to see.

use steward::kinds::ALL;

use super::laws::{bench, hold, needs_a_database};
use crate::support::{Chapter, Host, Ran, Watch, keygen};

/// Another one in each test: they watch at the same time what the processes of this run show.
const CANARY: &str = "canary-Pg5t1-of-the-chapter";
const OTHER_CANARY: &str = "canary-Md7u2-of-the-chapter";

const MODULE: &str = r"version: 1
summary: { en: For a test. }
secrets: { db: { generate: { length: 24 } } }
resources:
  - package: @package@
  - service: @service@
@resources@
";

/// A chapter with one module on the host, and a maintainer who can read its secret.
fn chapter(host: &Host, package: &str, service: &str, resources: &str, canary: &str) -> Chapter {
    let module = MODULE.replace("@package@", package).replace("@service@", service).replace("@resources@", resources);
    let chapter = Chapter::new().host("web1", host).file("modules/db.yaml", module).maintainer();
    let chapter = chapter.file("services.yaml", "services:\n  db: { module: db, on: all }\n");
    let _ = chapter.run_with(&["secrets", "set", "db/db"], canary).success();
    chapter
}

const POSTGRES: &str = r#"
  - postgres_role: { name: wiki, password: "{{ secrets.db }}" }
  - postgres_role: { name: readers, login: false }
  - postgres_database: { name: wiki-pages, owner: wiki, locale: C }
checks:
  - sql: { engine: postgres, database: wiki-pages, query: "SELECT 'it''s $(id)', 40 + 2", gives: "it's $(id)\t42" }"#;

/// Gives a reader key to the host; what a plan by it says.
fn by_a_reader_key(chapter: &Chapter) -> impl Fn() -> Ran {
    let key = chapter.home().join("reader");
    keygen(&key);
    let public = key.with_extension("pub");
    let _ = chapter.run(&["host", "reader", "web1", "--key", public.to_str().unwrap()]).success();
    move || chapter.run(&["plan", "--reader", "--identity", key.to_str().unwrap()]).success()
}

/// A check never changes what it looks at.
fn writes_are_refused(chapter: Chapter, module: &str, said: &str) {
    let module = std::fs::read_to_string(chapter.path("modules/db.yaml")).unwrap() + module;
    let chapter = chapter.file("modules/db.yaml", module);
    let _ = chapter.run(&["module", "update"]).success();
    let _ = chapter.run(&["verify", "--within", "0"]).status(3).stdout_has(said).stdout_has("1 passed, 1 failed");
}

#[test]
fn postgres_gets_a_role_that_logs_in_and_a_database_in_one_command() {
    let host = Host::new();
    let chapter = chapter(&host, "postgresql", "postgresql", POSTGRES, CANARY);
    let plan = chapter.plan().success().stdout_has("PostgreSQL is not installed here (decided during apply");
    let _ = plan.never_says("Pg5t1");
    let _ = chapter.run(&["-vvv", "apply", "--yes"]).success().never_says("Pg5t1");
    let login = |password: &str| {
        let ask = format!(
            "PGPASSWORD={password} psql -h 127.0.0.1 -U wiki -At -c 'CREATE TABLE IF NOT EXISTS t (x int)' wiki-pages"
        );
        host.try_sh(&ask).status.success()
    };
    assert!(login(CANARY) && !login("another"));
    let about = "SELECT pg_get_userbyid(datdba), datcollate, pg_encoding_to_char(encoding) FROM pg_database WHERE datname='wiki-pages'";
    assert_eq!(host.sh(&format!("su postgres -c \"psql -Atc \\\"{about}\\\"\"")), "wiki|C|UTF8\n");
    let _ = chapter.plan().success().no_changes();
    assert_eq!(host.try_sh("grep -rlF Pg5t1 /var/log /var/lib/postgresql /etc /run /var/lib/steward").stdout, b"");

    // a password that somebody changed by hand is seen, with a key and without, and put back
    host.sh("su postgres -c \"psql -c \\\"ALTER ROLE wiki PASSWORD 'by-hand'\\\"\"");
    let _ = chapter.plan().success().stdout_has("postgres_role:wiki").stdout_has("Plan: 0 to create, 1 to update");
    let _ = chapter.without_keys(&["plan"]).success().stdout_has("Plan: 0 to create, 1 to update");
    let _ = chapter.apply().success();
    assert!(login(CANARY));
    let _ = chapter.without_keys(&["plan"]).success().no_changes();

    let _ = chapter.run_with(&["secrets", "set", "db/db"], "another-Pg5t1").success();
    let watch = Watch::on(&host, &["Pg5t1", "YW5vdGhlci1QZzV0"]);
    let _ = chapter.plan().success().stdout_has("‹secret db/db: changed›");
    let _ = chapter.apply().success();
    let seen = watch.end(&host);
    seen.never();
    seen.never_started(&["SCRAM-SHA-256$"]);
    assert!(login("another-Pg5t1") && !login(CANARY));
    {
        let plan = by_a_reader_key(&chapter);
        let _ = plan().no_changes();
        host.sh("su postgres -c \"psql -c \\\"ALTER ROLE wiki PASSWORD 'by-hand'\\\"\"");
        let _ =
            plan().stdout_has("postgres_role:wiki").stdout_has("Plan: 0 to create, 1 to update").never_says("SCRAM");
        let _ = chapter.apply().success();
    }

    // a server that is down is nothing that is absent
    host.sh("systemctl stop postgresql");
    let _ = chapter.plan().stdout_has("the server does not answer").stdout_has("postgres_database:wiki-pages");
    host.sh("systemctl start postgresql");
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(&host, shared.path());
    for kind in ALL.iter().filter(|kind| kind.name().starts_with("postgres_") && needs_a_database(kind.name())) {
        hold(*kind, &bench);
    }
    // who owns something cannot go, and says so; a database goes only if it is said to be absent
    let said =
        format!("{:?}", bench.apply("postgres_role", &*bench.item("postgres_role", "{ name: wiki, state: absent }")));
    assert!(said.contains("cannot be dropped because some objects depend on it"), "{said}");
    let said =
        bench.apply("postgres_database", &*bench.item("postgres_database", "{ name: wiki-pages, locale: C.UTF-8 }"));
    assert!(format!("{said:?}").contains("which cannot change"), "{said:?}");
    let more = "  - sql: { engine: postgres, database: wiki-pages, query: CREATE TABLE u (x int) }\n";
    writes_are_refused(chapter, more, "read-only transaction");
}

const MARIADB: &str = r#"
  - mariadb_user: { name: wiki, password: "{{ secrets.db }}" }
  - mariadb_database: { name: wiki_pages, users: [wiki] }
checks:
  - sql: { engine: mariadb, database: wiki_pages, query: "SELECT 'it''s $(id)', 40 + 2", gives: "it's $(id)\t42" }"#;

#[test]
fn mariadb_gets_a_user_that_logs_in_and_a_database_in_one_command() {
    let host = Host::new();
    let chapter = chapter(&host, "mariadb-server", "mariadb", MARIADB, OTHER_CANARY);
    let _ = chapter
        .plan()
        .success()
        .stdout_has("MariaDB is not installed here (decided during apply")
        .never_says("Md7u2");
    let _ = chapter.run(&["-vvv", "apply", "--yes"]).success().never_says("Md7u2");
    let login = |password: &str, database: &str| {
        let ask = format!(
            "MYSQL_PWD={password} mariadb -h localhost -u wiki -e 'CREATE TABLE IF NOT EXISTS t (x int)' {database}"
        );
        host.try_sh(&ask).status.success()
    };
    host.sh("mariadb -e 'CREATE DATABASE wikixpages'");
    assert!(login(OTHER_CANARY, "wiki_pages") && !login("another", "wiki_pages"));
    assert!(!login(OTHER_CANARY, "wikixpages"), "an underscore is no pattern");
    let _ = chapter.plan().success().no_changes();
    assert_eq!(host.try_sh("grep -rlF Md7u2 /var/log /var/lib/mysql /etc /run /var/lib/steward").stdout, b"");

    host.sh("mariadb -e \"ALTER USER wiki@localhost IDENTIFIED BY 'by-hand'; REVOKE DROP ON \\`wiki\\\\_pages\\`.* FROM wiki@localhost\"");
    let _ = chapter.without_keys(&["plan"]).success().stdout_has("Plan: 0 to create, 2 to update");
    let _ = chapter.apply().success();
    assert!(login(OTHER_CANARY, "wiki_pages"));
    let _ = chapter.run_with(&["secrets", "set", "db/db"], "another-Md7u2").success();
    let watch = Watch::on(&host, &["Md7u2", "YW5vdGhlci1NZDd1"]);
    let _ = chapter.apply().success();
    let seen = watch.end(&host);
    seen.never();
    let kept = host.sh("mariadb -Ne \"SELECT authentication_string FROM mysql.user WHERE user='wiki'\"");
    assert!(kept.starts_with('*'), "{kept}");
    seen.never_started(&[kept.trim()]);
    assert!(login("another-Md7u2", "wiki_pages") && !login(OTHER_CANARY, "wiki_pages"));
    {
        let plan = by_a_reader_key(&chapter);
        let _ = plan().no_changes();
        host.sh("mariadb -e \"ALTER USER wiki@localhost IDENTIFIED BY 'by-hand'; REVOKE DROP ON \\`wiki\\\\_pages\\`.* FROM wiki@localhost\"");
        let _ = plan().stdout_has("Plan: 0 to create, 2 to update").never_says(kept.trim());
        let _ = chapter.apply().success();
    }
    host.sh("systemctl stop mariadb");
    let _ = chapter.plan().stdout_has("the server does not answer").stdout_has("mariadb_user:wiki@localhost");
    host.sh("systemctl start mariadb");
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(&host, shared.path());
    for kind in ALL.iter().filter(|kind| kind.name().starts_with("mariadb_") && needs_a_database(kind.name())) {
        hold(*kind, &bench);
    }
    let more = "  - sql: { engine: mariadb, database: wiki_pages, query: CREATE TABLE u (x int) }\n";
    writes_are_refused(chapter, more, "READ ONLY transaction");
}
