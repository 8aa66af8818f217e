//! A wiki and a website as chapters use them, their content destroyed on the host and put back from the backup: equal to what
//! it was, by its rows and digests, and working. With `STEWARD_MODULES=all`, since their packages are big.

use crate::support::{Chapter, Host};

const SERVICES: &str = "services:
  nginx: { module: nginx, on: web1 }
  php: { module: php, on: web1 }
  my: { module: mariadb, on: web1 }
  wiki: { module: dokuwiki, on: web1, params: { domain: wiki.test.example } }
  news: { module: wordpress, on: web1, params: { domain: news.test.example } }
  backup: { module: backup, on: web1 }
  vault: { module: backup-target, on: box1 }
";

/// Pages, versions and accounts of the wiki; files and rows of the website; owners and modes of all.
const LOOK: &str = "cd /var/lib/dokuwiki && find data/pages data/media data/meta data/attic acl -type f -exec sha256sum {} + | sort; \
    find data/pages data/media acl -printf '%p %U %G %m\\n' | sort; \
    cd /var/lib/wordpress/sites/news && find uploads -type f -exec sha256sum {} + | sort; find uploads -printf '%p %U %G %m\\n' | sort; \
    mariadb-dump --skip-extended-insert --skip-dump-date --skip-comments --order-by-primary --ignore-table=news.wp_options news; \
    mariadb -NB news -e \"SELECT option_name, MD5(option_value) FROM wp_options WHERE option_name NOT LIKE '%transient%' AND option_name <> 'cron' ORDER BY 1\"";

#[test]
fn a_wiki_and_a_website_are_put_back_as_they_were() {
    if std::env::var("STEWARD_MODULES").as_deref() != Ok("all") {
        eprintln!("only with STEWARD_MODULES=all");
        return;
    }
    let [web, keeper] = Host::several();
    let chapter =
        Chapter::new().host("web1", &web).host("box1", &keeper).maintainer().file("services.yaml", SERVICES);
    let _ = chapter.run(&["secrets", "generate"]).success();
    let _ = chapter.apply().success();
    web.sh("cd /var/lib/dokuwiki/data && mkdir -p pages/public media/public && echo 'Minutes of **Tuesday**' >pages/public/minutes.txt && \
        head -c 200000 /dev/urandom >media/public/photo.jpg && chown -R www-data pages media");
    web.sh("set -e; cd /var/lib/wordpress/sites/news/uploads && mkdir -p 2026/11 && head -c 300000 /dev/urandom >2026/11/march.jpg && chown -R wp-news 2026; \
        mariadb --default-character-set=utf8mb4 news -e \"INSERT INTO wp_posts (post_author, post_date, post_date_gmt, post_content, post_title, post_excerpt, post_status, post_name, to_ping, pinged, post_modified, post_modified_gmt, post_content_filtered) VALUES (1, NOW(), UTC_TIMESTAMP(), 'Come at noon, it''s important: \u{e1}\u{e9}\u{1f339}', 'March', '', 'publish', 'march', '', '', NOW(), UTC_TIMESTAMP(), '')\"; \
        systemctl stop wordpress-cron-news.timer");
    let before = web.sh(LOOK);
    assert!(before.contains("Come at noon"), "{before}");
    for service in ["wiki", "news"] {
        let _ = chapter.run(&["backup", "run", service]).success();
        let _ = chapter.run(&["backup", "drill", service]).success();
    }

    web.sh("rm -rf /var/lib/dokuwiki/data/pages /var/lib/dokuwiki/data/media /var/lib/dokuwiki/acl/users.auth.php; \
        mariadb -e 'DROP DATABASE news'; rm -rf /var/lib/wordpress/sites/news/uploads/2026");
    let _ = chapter.run(&["verify", "--within", "1"]).status(3);
    for service in ["wiki", "news"] {
        let _ = chapter.run(&["backup", "restore", service, "--yes"]).success();
    }
    let after = web.sh(LOOK);
    let differs = |one: &str, other: &str| {
        let known: std::collections::HashSet<&str> = other.lines().collect();
        one.lines().filter(|line| !known.contains(line)).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((differs(&before, &after), differs(&after, &before)), (Vec::new(), Vec::new()));
    let _ = chapter.apply().success();
    let _ = chapter.run(&["verify"]).success().stdout_has("0 failed, 0 unknown");
    let _ = chapter.plan().success().no_changes();
}
