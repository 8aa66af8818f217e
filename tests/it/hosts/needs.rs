//! A need that carries a secret to a database on another host: one value, known to both, seen by nobody.

use crate::support::{Chapter, Host};

const APP: &str = r#"version: 1
summary: { en: For a test. }
secrets: { database: { generate: { length: 24 }, rotate: auto } }
needs: { postgres: { database: "{{ service }}", password: "{{ secrets.database }}", locale: C, extensions: [citext] } }
resources:
  - package: postgresql-client
  - file: { path: "/etc/{{ service }}.url", content: "postgresql://{{ needs.postgres.user }}:{{ needs.postgres.password }}@{{ needs.postgres.host }}/{{ needs.postgres.database }}?sslmode=require" }
"#;

const CANARY: &str = "canary-Yt5k1-of-the-chapter";

#[test]
fn a_database_on_another_host_gets_its_password_from_who_needs_it_and_rotates_in_one_apply() {
    let [web, store] = Host::several();
    let chapter = Chapter::new().host("web1", &web).host("db1", &store).file("modules/app.yaml", APP).maintainer();
    let chapter = chapter.file(
        "services.yaml",
        "services:\n  db: { module: postgres, on: db1 }\n  shop: { module: app, on: web1, needs: { postgres: db } }\n",
    );
    let _ = chapter.run_with(&["secrets", "set", "shop/database"], CANARY).success();
    // whoever has no key sees what will be, on both hosts, and where a secret will stand
    let plan = chapter.without_keys(&["plan"]).success().stdout_has("‹secret shop/database›");
    let _ = plan.stdout_has("postgres_role:shop").never_says("Yt5k1");
    let applied = chapter.run(&["-vvv", "apply", "--yes"]).success().never_says("Yt5k1");
    let _ = applied.stdout_has("db1: converged").stdout_has("web1: converged");
    let asks = |query: &str| web.try_sh(&format!("psql -XAtc \"{query}\" \"$(cat /etc/shop.url)\""));
    let asked = asks(
        "CREATE TABLE t (x citext); SELECT current_user, (SELECT datcollate FROM pg_database WHERE datname = 'shop')",
    );
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "CREATE TABLE\nshop|C\n", "{asked:?}");
    let elsewhere = web.try_sh("psql -XAtc 'SELECT 1' \"$(sed s,/shop?,/postgres?, /etc/shop.url)\" 2>&1");
    assert!(String::from_utf8_lossy(&elsewhere.stdout).contains("no pg_hba.conf entry"), "{elsewhere:?}");
    let clear = web.try_sh("psql -XAtc 'SELECT 1' \"$(sed s,require,disable, /etc/shop.url)\"");
    assert!(!clear.status.success(), "nothing passes the network in clear");
    let _ = chapter.plan().success().no_changes();
    let _ = chapter.without_keys(&["plan"]).success().no_changes();
    for (host, paths) in [(&store, "/etc /var/log /var/lib/postgresql /var/lib/steward /run"), (&web, "/var /run")] {
        assert_eq!(host.try_sh(&format!("grep -rlF Yt5k1 {paths}")).stdout, b"");
    }

    let before = web.sh("cat /etc/shop.url");
    let _ = chapter.run(&["secrets", "rotate", "shop/database"]).success();
    let _ = chapter.run(&["secrets", "rotate", "--verified"]).status(1).stderr_has("was not seen on ");
    let _ = chapter.apply().success();
    assert_eq!(asks("SELECT 1").stdout, b"1\n");
    assert!(
        !web.try_sh(&format!("psql -XAtc 'SELECT 1' '{before}'")).status.success(),
        "the value before is of no use"
    );
    let _ = chapter.run(&["secrets", "rotate", "--verified"]).success().stderr_has("previous value of shop/database");

    // who leaves takes its way in along, and leaves its data
    let _ = chapter.file("services.yaml", "services:\n  db: { module: postgres, on: db1 }\n");
}
