//! The data of a service, saved on another host, destroyed, and put back; and what becomes of it when things go wrong.
//! The second part takes two minutes, and is done only if `STEWARD_BACKUPS` is set, see docs/testing.md.

use crate::schemas::fits;
use crate::support::{Chapter, Host, wait_for};
use std::time::Duration;

const WIKI: &str = r#"version: 1
summary: { en: For a test. }
offers:
  backups:
    - paths: [/srv/wiki, /etc/wiki.conf]
      exclude: [/srv/wiki/cache]
      stop: [cron]
      before: "while [ -e /etc/hold ]; do sleep 0.1; done"
      drill:
        - { run: 'cat "$DRILL_DIR/srv/wiki/pages/tuesday"', prints: Meeting on Tuesday }
resources:
  - directory: { path: /srv/wiki }
  - file: { path: /etc/wiki.conf, content: "title = Wiki\n", mode: "0640" }
"#;

const SERVICES: &str = "services:\n  wiki: { module: wiki, on: web1 }\n  backup: { module: backup, on: web1 }\n  vault: { module: backup-target, on: box }\n";

/// Hosts with a wiki that was applied.
fn chapter(web: &Host, target: &Host) -> Chapter {
    let chapter = Chapter::new().host("web1", web).host("box", target).file("modules/wiki.yaml", WIKI).maintainer();
    let chapter = chapter.file("services.yaml", SERVICES);
    let _ = chapter.run(&["module", "update"]).success();
    let _ = chapter.run(&["secrets", "generate"]).success();
    let _ = chapter.apply().success();
    chapter
}

const WRITE: &str = "mkdir -p /srv/wiki/pages /srv/wiki/cache; echo 'Meeting on Tuesday' >/srv/wiki/pages/tuesday; \
    echo made again >/srv/wiki/cache/x; printf x >\"/srv/wiki/pages/it's \n\\new\"; ln -sf tuesday /srv/wiki/pages/next; \
    chown -R daemon /srv/wiki/pages; chmod 600 /srv/wiki/pages/tuesday";
const LOOK: &str = "cd / && find srv/wiki etc/wiki.conf -path srv/wiki/cache -prune -o -printf '%p %y %m %u %g %l\\n' | sort; \
    find srv/wiki etc/wiki.conf -path srv/wiki/cache -prune -o -type f -print0 | sort -z | xargs -0 sha256sum";

fn backup(chapter: &Chapter, arguments: &[&str]) -> crate::support::Ran {
    chapter.run(&[&["backup"], arguments].concat())
}

#[test]
fn what_was_destroyed_is_put_back_and_nothing_that_is_there_is_lost() {
    let [web, target] = Host::several();
    let chapter = chapter(&web, &target);
    let _ = chapter.apply().success().no_changes();
    web.sh(WRITE);
    let before = web.sh(LOOK);

    // nothing was saved yet, and that is said
    let _ = chapter.plan().success().stdout_has("wiki: was never saved yet");
    let _ = chapter.run(&["plan", "--require-drills"]).status(3).stderr_has("wiki: was never saved yet");
    let _ = backup(&chapter, &["drill", "wiki"]).status(3).stderr_has("there is no repository yet");
    let run = backup(&chapter, &["run", "wiki", "--format", "json"]).success();
    assert_eq!(fits(&chapter, "backup", run.text()), Ok(()));
    let first = run.json()["hosts"][0]["snapshot"].as_str().unwrap().to_owned();
    let _ = chapter.plan().success().stdout_has("wiki: its backup was never restored");
    let list = backup(&chapter, &["list", "wiki", "--format", "json"]).success();
    assert_eq!(fits(&chapter, "backup-list", list.text()), Ok(()));
    assert_eq!(list.json()["hosts"][0]["snapshots"].as_array().unwrap().len(), 1);

    let _ = backup(&chapter, &["drill", "wiki"]).success().stdout_has("3 files, 0 tables, 1 checks");
    let plan = chapter.run(&["plan", "--require-drills", "--format", "json"]).success();
    assert_eq!(plan.json()["hosts"][0]["backups"], serde_json::json!([]));
    assert_eq!(fits(&chapter, "plan", plan.text()), Ok(()));
    assert_eq!(
        web.sh("ls /var/lib/steward-backup/scratch /var/lib/steward-backup/dump"),
        "/var/lib/steward-backup/dump:\n\n/var/lib/steward-backup/scratch:\n"
    );

    // the wiki is destroyed, and somebody had begun another one
    web.sh("rm -rf /srv/wiki /etc/wiki.conf; mkdir /srv/wiki; echo other >/srv/wiki/other");
    let _ = backup(&chapter, &["restore", "wiki"]).status(1).stderr_has("with `--yes`");
    assert_eq!(web.sh("cat /srv/wiki/other"), "other\n");
    let _ = backup(&chapter, &["restore", "wiki", "--yes"])
        .success()
        .stdout_has("what was in /srv/wiki is kept in /srv/wiki.before-");
    assert_eq!(web.sh(LOOK), before);
    assert_eq!(web.sh("cat /srv/wiki.before-*/other; systemctl is-active cron"), "other\nactive\n");

    // an earlier one, by its id; and none of that name
    web.sh("echo vandals >/srv/wiki/pages/tuesday");
    let _ = backup(&chapter, &["run", "wiki"]).success();
    let _ =
        backup(&chapter, &["drill", "wiki"]).status(3).stderr_has("gives `vandals` instead of `Meeting on Tuesday`");
    let _ = backup(&chapter, &["restore", "wiki", "--yes", "--at", &first]).success();
    assert_eq!(web.sh(LOOK), before);
    let _ = backup(&chapter, &["restore", "wiki", "--yes", "--at", "2001-01-01"])
        .status(3)
        .stderr_has("there is no such backup");
    let _ = backup(&chapter, &["run", "viki"]).status(1).stderr_has("did you mean `wiki`?");

    // another password: unknown is not empty
    let password = web.sh("cat /etc/steward-backup/password");
    web.sh("echo wrong >/etc/steward-backup/password");
    for command in [&["run", "wiki"][..], &["list", "wiki"]] {
        let _ = backup(&chapter, command).status(3).stderr_has("wrong password").never_says("none yet");
    }
    web.sh(&format!("echo '{}' >/etc/steward-backup/password", password.trim()));

    // a newer module waits for a fresh drill
    let newer = WIKI.replace("version: 1", "version: 2");
    let chapter = chapter.file("modules/wiki.yaml", newer);
    let _ = chapter.run(&["module", "update"]).success();
    web.sh("sed -i 's/^[0-9]*/1000000000/' /var/lib/steward/backups/wiki/drill");
    let _ = chapter.apply().status(1).stderr_has("comes in a newer version, and no fresh drill proves");
    let _ = backup(&chapter, &["drill", "wiki", "--at", &first]).success();
    let _ = chapter.apply().success();

    // what the account of web1 cannot do on the target
    let sftp = "ssh -F none -i /etc/steward-backup/key -o BatchMode=yes -o UserKnownHostsFile=/etc/steward-backup/known_hosts";
    let user = web.sh("sed -n \"s/^REPOSITORY='*sftp:\\([^:]*\\):.*/\\1/p\" /etc/steward-backup/settings");
    let asked = web.try_sh(&format!("{sftp} {} id", user.trim()));
    assert!(!String::from_utf8_lossy(&asked.stdout).contains("uid="), "{asked:?}");
    let forwarded = web.try_sh(&format!("{sftp} -o ExitOnForwardFailure=yes -W 127.0.0.1:22 {}", user.trim()));
    assert!(!String::from_utf8_lossy(&forwarded.stdout).contains("SSH-2.0"), "{forwarded:?}");
    // and what it deletes stays where it cannot reach
    target.sh("systemctl start steward-backup-target.service; rm -rf /srv/steward-backup/backup-web1/repository/*");
    let _ = backup(&chapter, &["list", "wiki"]).status(3).stderr_has("the repository is gone").never_says("none yet");
    target.sh("cp -a /srv/steward-backup/kept/backup-web1/. /srv/steward-backup/backup-web1/repository/ && chown -R backup-web1: /srv/steward-backup/backup-web1/repository");
    let _ = backup(&chapter, &["drill", "wiki", "--at", &first]).success();
}

#[test]
fn what_goes_wrong_is_a_failure_that_is_said_and_leaves_no_harm() {
    if std::env::var_os("STEWARD_BACKUPS").is_none() {
        return;
    }
    let [web, target] = Host::several();
    let chapter = chapter(&web, &target);
    web.sh(WRITE);
    let before = web.sh(LOOK);
    let _ = backup(&chapter, &["run", "wiki"]).success();

    // another password
    let password = web.sh("cat /etc/steward-backup/password");
    web.sh("echo wrong >/etc/steward-backup/password");
    for command in [&["run", "wiki"][..], &["list", "wiki"], &["drill", "wiki"], &["restore", "wiki", "--yes"]] {
        let _ = backup(&chapter, command).status(3).stderr_has("wrong password").never_says(password.trim());
    }
    web.sh(&format!("echo '{}' >/etc/steward-backup/password", password.trim()));
    let _ = chapter.plan().success().stdout_has("wiki: its last backup failed");

    // a target that cannot be reached: unknown, not empty; and no other repository is begun
    web.sh("sed -i 's/ConnectTimeout=20/ConnectTimeout=2/' /etc/steward-backup/settings");
    target.cut();
    let _ = backup(&chapter, &["list", "wiki"])
        .status(3)
        .stderr_has("the repository does not open")
        .never_says("none yet");
    let _ = backup(&chapter, &["run", "wiki"]).status(3).stderr_has("the repository does not open");
    target.join();
    let _ = backup(&chapter, &["run", "wiki"]).success();
    let _ = chapter.plan().success().never_says("its last backup failed");

    // a target that is full: the earlier backups are still there
    let repository = "/srv/steward-backup/backup-web1/repository";
    target.sh(&format!("cp -a {repository} /root/r; mount -t tmpfs -o size=6m tmpfs {repository}; cp -a /root/r/. {repository}/; chown backup-web1: {repository}; chmod 700 {repository}"));
    web.sh("head -c 20000000 /dev/urandom >/srv/wiki/large");
    let _ = backup(&chapter, &["run", "wiki"]).status(3).stderr_has("restic did not save it");
    assert_eq!(web.sh("systemctl is-active cron"), "active\n");
    target.sh(&format!("umount {repository}"));
    web.sh("rm /srv/wiki/large");
    let _ = backup(&chapter, &["drill", "wiki"]).success();

    // killed in the middle of a backup, while a unit is stopped: `cron` runs again, the next one works
    web.sh("printf '#!/bin/sh\\nwhile [ -e /etc/hold.restic ]; do sleep 0.1; done\\nexec /usr/bin/restic \"$@\"\\n' >/usr/local/sbin/restic; chmod 755 /usr/local/sbin/restic");
    web.sh("systemctl start --no-block steward-backup@wiki; touch /etc/hold");
    wait_for("it is held", Duration::from_secs(20), || {
        web.sh("pgrep -fc 'etc/hold' || true").trim() != "0"
            || web.sh("systemctl is-active steward-backup@wiki || true") != "activating\n"
    });
    web.sh("rm -f /etc/hold");
    wait_for("it ended", Duration::from_mins(1), || {
        web.sh("systemctl is-active steward-backup@wiki || true") != "activating\n"
    });
    web.sh("rm -f /etc/hold.restic; sed -i 's/while/[ \"$*\" = \"${*#*backup --json}\" ] || while/' /usr/local/sbin/restic; touch /etc/hold.restic");
    web.sh("systemctl start --no-block steward-backup@wiki");
    wait_for("cron is stopped", Duration::from_mins(1), || web.sh("systemctl is-active cron || true") != "active\n");
    web.sh("systemctl kill -s KILL steward-backup@wiki; rm /etc/hold.restic");
    wait_for("cron runs again", Duration::from_mins(1), || web.sh("systemctl is-active cron || true") == "active\n");
    let _ = backup(&chapter, &["run", "wiki"]).success();

    // killed between the two renames of a restore: the host finishes it by itself
    web.sh("printf '#!/bin/sh\\n/usr/bin/mv \"$@\" || exit\\ncase $* in *.before-*) while [ -e /run/hold ]; do sleep 0.1; done ;; esac\\n' >/usr/local/sbin/mv; chmod 755 /usr/local/sbin/mv");
    let held = |end: &dyn Fn()| {
        web.sh("touch /run/hold; rm -rf /srv/wiki/pages");
        let mut restore = chapter
            .command(&["backup", "restore", "wiki", "--yes", "--silence-timeout", "6"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        wait_for("the first rename is done", Duration::from_mins(1), || {
            web.sh("test -e /srv/wiki || echo gone") == "gone\n"
        });
        end();
        assert!(!restore.wait().unwrap().success());
        wait_for("it is restored", Duration::from_mins(1), || {
            web.try_sh("test ! -e /var/lib/steward/backups/wiki/swap").status.success()
        });
        assert_eq!(web.sh(LOOK), before);
        wait_for("cron runs again", Duration::from_mins(1), || {
            web.sh("systemctl is-active cron || true") == "active\n"
        });
    };
    held(&|| {
        web.sh("systemctl kill -s KILL steward-backup-restore-wiki; rm /run/hold");
    });
    held(&|| {
        web.kill();
        web.boot();
    });
    web.sh("rm /usr/local/sbin/mv /usr/local/sbin/restic");
    let _ = backup(&chapter, &["run", "wiki"]).success();
    let _ = backup(&chapter, &["drill", "wiki"]).success();

    // the password is changed: the new one opens the repository, the old one no longer
    let _ = chapter.run(&["secrets", "rotate", "backup/repository"]).success();
    let _ = chapter.apply().success();
    assert_ne!(web.sh("cat /etc/steward-backup/password"), password);
    let _ = backup(&chapter, &["drill", "wiki"]).success();
    web.sh(&format!(
        "cp /etc/steward-backup/password /root/new; echo '{}' >/etc/steward-backup/password",
        password.trim()
    ));
    let _ = backup(&chapter, &["list", "wiki"]).status(3).stderr_has("wrong password");
}

const SHOP: &str = r#"version: 1
summary: { en: For a test. }
offers:
  backups:
    - postgres: wiki
      drill: [{ sql: "select count(*) from pages", prints: "3" }]
    - mariadb: shop
      units: [cron]
      drill: [{ run: 'mariadb -N -B "$DRILL_MARIADB" -e "select max(name) from things"', prints: "it's; new" }]
resources:
  - package: postgresql
  - service: postgresql
  - postgres_role: { name: wiki }
  - postgres_database: { name: wiki, owner: wiki }
  - package: mariadb-server
  - service: mariadb
  - mariadb_user: { name: shop }
  - mariadb_database: { name: shop, users: [shop] }
"#;

#[test]
fn databases_of_both_kinds_are_put_back_row_by_row() {
    if std::env::var_os("STEWARD_BACKUPS").is_none() {
        return;
    }
    let [web, target] = Host::several();
    let chapter = chapter(&web, &target);
    let services = SERVICES.replace("  backup:", "  shop: { module: shop, on: web1 }\n  backup:");
    let chapter = chapter.file("modules/shop.yaml", SHOP).file("services.yaml", services);
    let _ = chapter.run(&["module", "update"]).success();
    let _ = chapter.apply().success();
    web.sh("runuser -u postgres -- psql -qd wiki -c \"create table pages(id serial, t text); insert into pages(t) values ('a'), ('b'), (E'c\\nd'); create view titles as select t from pages; alter table pages owner to wiki; alter database wiki set work_mem = '8MB'\"");
    web.sh("mariadb shop -e \"create table things(id int, name varchar(40), raw blob); insert into things values (1, 'first', x'00ff27'), (2, 'it''s; new', null); create table empty(x int); create view named as select name from things; create trigger keep before insert on things for each row set new.id = new.id + 0; create procedure p() select 1\"");
    let look = "runuser -u postgres -- psql -Atd wiki -c 'select * from titles; select tableowner from pg_tables where tablename = $$pages$$; show work_mem'; \
        mariadb -NB shop -e 'select id, name, hex(raw) from things order by id; select * from named order by 1; select count(*) from empty'; mariadb -NB shop -e 'show triggers' | cut -f 1-5; mariadb -NB -e 'show grants for shop@localhost'";
    let before = web.sh(look);
    let _ = backup(&chapter, &["run", "shop"]).success();
    let _ = backup(&chapter, &["drill", "shop"]).success().stdout_has("4 tables, 2 checks");

    web.sh("runuser -u postgres -- psql -qd wiki -c \"drop view titles; delete from pages where id > 1\"; mariadb shop -e \"drop view named; drop table things; create table vandal(x int)\"");
    let restored = backup(&chapter, &["restore", "shop", "--yes"]).success();
    let _ = restored
        .stdout_has("is kept in the database wiki_before_")
        .stdout_has("what was in the database shop is kept in /var/lib/steward-backup/kept/");
    assert_eq!(web.sh(look), before);
    assert_eq!(web.sh("runuser -u postgres -- psql -Atd \"$(runuser -u postgres -- psql -Atc \"select datname from pg_database where datname like 'wiki_before%'\")\" -c 'select count(*) from pages'"), "1\n");
    assert!(web.sh("cat /var/lib/steward-backup/kept/shop.*/shop.before.sql").contains("vandal"));
    assert_eq!(web.sh("stat -c %a /var/lib/steward-backup /var/lib/steward-backup/kept | sort -u"), "700\n");
    let _ = chapter.apply().success().no_changes();
    let _ = backup(&chapter, &["run", "shop"]).success();

    // dropped whole
    web.sh("runuser -u postgres -- dropdb wiki; mariadb -e 'drop database shop'");
    let _ = backup(&chapter, &["run", "shop"]).status(3).stderr_has("the database wiki of PostgreSQL is not there");
    let _ = backup(&chapter, &["restore", "shop", "--yes"]).success();
    assert_eq!(web.sh("runuser -u postgres -- psql -Atd wiki -c 'select count(*) from pages'; mariadb -NB shop -e 'select count(*) from things'"), "3\n2\n");
    // no copy of a database is left over
    assert_eq!(web.sh("runuser -u postgres -- psql -Atc \"select count(*) from pg_database where datname like 'steward%'\"; mariadb -NB -e \"show databases like 'steward%'\""), "0\n");
}
