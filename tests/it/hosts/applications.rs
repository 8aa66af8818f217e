//! Applications on their databases, each through its life: added, applied, applied again, verified, the power cut, verified,
//! taken away. The wiki always; the others, whose packages are big, with `STEWARD_MODULES=all`.

use std::path::PathBuf;
use std::process::Command;

use crate::support::{Chapter, Host, ssh};

/// Applied, applied again to no effect, working, and working after the power was cut.
pub(super) fn lives(chapter: &Chapter, host: &Host) {
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    let _ = chapter.run(&["verify"]).success();
    host.kill();
    host.boot();
    let _ = chapter.run(&["verify", "--within", "90"]).success().stdout_has("0 failed, 0 unknown");
    let _ = chapter.plan().success().no_changes();
    assert_eq!(host.sh("systemctl --failed --plain --no-legend"), "");
}

/// Asks the web server of the host, as a browser elsewhere would.
fn asks(host: &Host, domain: &str, path: &str, more: &[&str]) -> String {
    let resolve = format!("{domain}:80:{}", host.address);
    let url = format!("http://{domain}{path}");
    let args = ["-sS", "-m", "20", "-w", "\n%{http_code}", "--resolve", &resolve, &url];
    let output = Command::new("curl").args(args).args(more).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn get(chapter: &Chapter, secret: &str) -> String {
    chapter.run(&["secrets", "get", secret]).success().text().trim().to_owned()
}

const WIKI: &str = "  wiki: { module: dokuwiki, on: web1, params: { domain: wiki.test.example }, backup: false }\n";
const WEB: &str = "services:\n  nginx: { module: nginx, on: web1 }\n  php: { module: php, on: web1 }\n";

#[test]
fn a_wiki_is_read_by_all_written_by_its_members_and_leaves_its_pages() {
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).maintainer().file("services.yaml", format!("{WEB}{WIKI}"));
    let _ = chapter.run(&["secrets", "generate"]).success();
    lives(&chapter, &host);
    let wiki = |path: &str, more: &[&str]| asks(&host, "wiki.test.example", path, more);

    let write = |user: &str| {
        let call = "<methodCall><methodName>wiki.putPage</methodName><params><param><value><string>public:hello</string></value></param>\
            <param><value><string>Hello from **here**.</string></value></param><param><value><struct></struct></value></param></params></methodCall>";
        wiki("/lib/exe/xmlrpc.php", &["-u", user, "-H", "Content-Type: text/xml", "-d", call])
    };
    let admin = format!("wikiadmin:{}", get(&chapter, "wiki/admin_password"));
    for stranger in ["admin:", "admin:admin", "wikiadmin:wrong"] {
        assert!(!write(stranger).contains("<boolean>1"), "{stranger}");
    }
    let written = write(&admin);
    assert!(written.contains("<boolean>1</boolean>"), "{written}");
    assert!(
        wiki("/public:hello", &[]).contains("Hello from <strong>here</strong>."),
        "everybody reads what is public"
    );
    assert!(wiki("/other:page", &[]).contains("mode_denied"), "and nothing else");
    assert!(!host.sh("cat /var/lib/dokuwiki/acl/users.auth.php").contains("\nadmin:"), "the package's own is gone");
    assert_eq!(host.sh("ss -Hltn | awk '{ print $4 }' | sort -u"), "0.0.0.0:22\n0.0.0.0:80\n[::]:22\n[::]:80\n");
    for path in ["/data/pages/public/hello.txt", "/conf/users.auth.php", "/inc/init.php", "/install.php"] {
        assert!(wiki(path, &[]).ends_with("\n404"), "{path}");
    }

    // an account that a member made stays when the administrator's password changes, which it does at once
    host.sh("echo 'beto:$2y$10$x:Beto:b@test.example:user' >>/var/lib/dokuwiki/acl/users.auth.php");
    let _ = chapter.run(&["secrets", "rotate", "wiki/admin_password"]).success();
    let _ = chapter.apply().success();
    assert!(!write(&admin).contains("<boolean>1"));
    assert_eq!(
        host.sh("grep -c '^beto:\\|^wikiadmin:\\|^steward-check:' /var/lib/dokuwiki/acl/users.auth.php"),
        "3\n"
    );

    let chapter = chapter.file("services.yaml", WEB);
    let _ = chapter.plan().success().stdout_has("directory:/var/lib/dokuwiki/data stays: ");
    let _ = chapter.run(&["apply", "--yes", "--allow-deletions", "30"]).success();
    let _ = chapter.plan().success().stdout_has("No changes.");
    assert_eq!(host.sh("cat /var/lib/dokuwiki/data/pages/public/hello.txt"), "Hello from **here**.");
    assert!(!wiki("/", &[]).contains("DokuWiki"), "nobody answers for it any more");
    assert_eq!(
        host.sh("systemctl --failed --plain --no-legend; systemctl is-active nginx php8.2-fpm"),
        "active\nactive\n"
    );
}

const ALL: &str = "services:
  nginx: { module: nginx, on: web1 }
  php: { module: php, on: web1 }
  db: { module: postgres, on: web1 }
  my: { module: mariadb, on: web1 }
";
const APPLICATIONS: &str = "  news: { module: wordpress, on: web1, params: { domain: news.test.example, title: \"News & 'more'\" } }
  calendar: { module: radicale, on: web1, params: { domain: calendar.test.example, users: [ana, beto], shared: { events: [ana] } }, backup: false }
  members:
    module: member-db
    backup: false
    on: web1
    params:
      branches: { north: North Side, south: \"South's\" }
      access: { ana: { sees: all }, beto: { branches: [north] } }
";

#[test]
fn a_website_calendars_and_a_member_list_share_a_host_and_see_nothing_of_each_other() {
    if std::env::var("STEWARD_MODULES").as_deref() != Ok("all") {
        eprintln!("only with STEWARD_MODULES=all");
        return;
    }
    let host = Host::new();
    let chapter = Chapter::new().host("web1", &host).maintainer();
    let key = std::fs::read_to_string(beto(&chapter).with_extension("pub")).unwrap();
    let people = format!("people: {{ beto: {{ name: Beto, login: beto, role: reader, ssh: [\"{}\"] }},", key.trim());
    let top = std::fs::read_to_string(chapter.path("chapter.yaml")).unwrap().replace("people: {", &people);
    let chapter = chapter.file("chapter.yaml", top).file("services.yaml", format!("{ALL}{APPLICATIONS}"));
    let _ = chapter.run(&["secrets", "generate"]).success();
    lives(&chapter, &host);
    assert_eq!(
        host.sh("ss -Hltn | awk '{ print $4 }' | grep -v '^127\\.' | sort -u"),
        "0.0.0.0:22\n0.0.0.0:80\n[::]:22\n[::]:80\n",
        "databases and the calendar are the host's own"
    );

    calendars(&chapter, &host);
    members(&chapter, &host);

    // new values of everything that changes by itself: one apply, and all works
    for secret in
        ["news/database", "news/auth_key", "news/admin_password", "calendar/password-ana", "news/check_password"]
    {
        let _ = chapter.run(&["secrets", "rotate", secret]).success();
    }
    let _ = chapter.apply().success();
    let _ = chapter.run(&["verify"]).success();
    let _ = chapter.plan().success().no_changes();
    calendars(&chapter, &host);

    let chapter = chapter.file("services.yaml", ALL);
    let _ = chapter.run(&["apply", "--yes", "--allow-deletions", "90"]).success();
    let _ = chapter.plan().success().stdout_has("postgres_database:members stays: it holds data");
    let roles = "SELECT string_agg(rolname || ' ' || rolcanlogin, ', ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^(pg_|postgres$)'";
    assert_eq!(
        host.sh(&format!("cd /; runuser -u postgres -- psql -Atc \"{roles}\"")),
        "members false, members-all false, members-turf false\n"
    );
    assert_eq!(host.sh("mariadb -Ne \"SELECT count(*) FROM mysql.user WHERE User = 'news'\""), "0\n");
    assert_ne!(host.sh("mariadb -Ne 'SELECT count(*) FROM news.wp_users'"), "0\n");
    // and only what the inventory says goes, with a copy
    let retire = "retire: { \"postgres_database:members\": archive, \"mariadb_database:news\": destroy }\n";
    let _ = chapter.file("retire.yaml", retire).run(&["apply", "--yes", "--allow-deletions", "90"]).success();
    assert_eq!(host.sh("mariadb -Ne \"SHOW DATABASES LIKE 'news'\""), "");
    assert_eq!(
        host.sh(
            "cd /; runuser -u postgres -- psql -Atc \"SELECT count(*) FROM pg_database WHERE datname = 'members'\""
        ),
        "0\n"
    );
    let dump = host.sh("stat -c '%a %U' /var/lib/steward/archive/*/*.members.dump; pg_restore -f - /var/lib/steward/archive/*/*.members.dump | grep -c Nora");
    assert_eq!(dump, "600 root\n1\n");
}

fn calendars(chapter: &Chapter, host: &Host) {
    let who = |name: &str| format!("{name}:{}", get(chapter, &format!("calendar/password-{name}")));
    let (ana, beto) = (who("ana"), who("beto"));
    let ask = |user: &str, method: &str, path: &str| {
        let said = asks(host, "calendar.test.example", path, &["-u", user, "-X", method]);
        said.rsplit('\n').next().unwrap_or_default().to_owned()
    };
    let made = ask(&ana, "MKCALENDAR", "/ana/home/");
    assert!(["201", "409"].contains(&made.as_str()), "{made}");
    assert_eq!(ask(&ana, "PROPFIND", "/ana/home/"), "207");
    for (user, method, path, status) in [
        (&*beto, "GET", "/ana/home/", "403"),
        (&beto, "DELETE", "/ana/home/", "403"),
        (&beto, "MKCALENDAR", "/events/", "403"),
        ("ana:wrong", "PROPFIND", "/ana/", "401"),
    ] {
        assert_eq!(ask(user, method, path), status, "{method} {path}");
    }
    let forged = asks(host, "calendar.test.example", "/ana/", &["-X", "PROPFIND", "-H", "X-Remote-User: ana"]);
    assert!(forged.ends_with("\n401"), "{forged}");
}

/// The key of a reader; the operator has another, or would be taken for the reader.
fn beto(chapter: &Chapter) -> PathBuf {
    let path = chapter.home().join("beto");
    if !path.exists() {
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).status();
        assert!(made.unwrap().success());
    }
    path
}

fn members(chapter: &Chapter, host: &Host) {
    let rows = "INSERT INTO member (branch, name, email) VALUES ('north', 'Nora', 'nora@x.example'), ('south', 'Sam', 'sam@x.example'); INSERT INTO member (branch, name, left_on) VALUES ('north', 'Gone', '2020-01-01')";
    host.sh(&format!("cd /; runuser -u postgres -- psql -qc \"{rows}\" members"));
    let key = host.host_key();
    let asks = |query: &str| {
        let output = ssh(&beto(chapter), &key, &host.address, 22, "beto").arg(query).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let seen = asks("\\pset format unaligned\n\\pset tuples_only on\nSELECT name FROM roster");
    assert!(seen.contains("Nora") && !seen.contains("Sam") && !seen.contains("Gone"), "{seen}");
    for refused in
        ["SELECT email FROM member", "SELECT * FROM member", "UPDATE member SET name = 'x'", "CREATE TABLE x ()"]
    {
        assert!(asks(refused).contains("permission denied"), "{refused}");
    }
    assert!(asks("SET pgaudit.log = none").contains("permission denied"));
    assert!(asks("\\connect postgres").contains("no pg_hba.conf entry"));
    let log = host.sh("grep -h 'beto@members.*AUDIT' /var/log/postgresql/*.log");
    assert!(log.contains("READ,SELECT,VIEW,public.roster"), "{log}");
    assert!(!log.contains("nora@x.example"), "what was read is not in the log");
    host.sh("systemctl start member-db-retention");
    assert_eq!(host.sh("cd /; runuser -u postgres -- psql -Atc \"SELECT string_agg(name, ' ' ORDER BY name) FROM member\" members"), "Nora Sam\n");
}
