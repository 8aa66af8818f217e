//! Mailing lists as a chapter meets them: who is a member is heard, who is not is held, nobody relays, nothing is lost. With
//! `STEWARD_MODULES=all`, since Mailman takes minutes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Chapter, Host, wait_for};

/// What the server says to each line of a sender elsewhere.
fn says(host: &Host, lines: &[&str]) -> Vec<String> {
    let mut writer = TcpStream::connect((host.address.as_str(), 25)).unwrap();
    writer.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut reader = BufReader::new(writer.try_clone().unwrap());
    let mut heard = || {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            all.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return all;
            }
        }
    };
    let mut said = vec![heard()];
    for line in lines {
        writer.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        said.push(heard());
    }
    said
}

fn post(host: &Host, from: &str, to: &str, subject: &str) -> String {
    let (sender, recipient) = (format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>"));
    let message = format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x.example>\r\n\r\nHello.\r\n."
    );
    says(host, &["EHLO x.example", &sender, &recipient, "DATA", &message]).pop().unwrap()
}

#[test]
fn a_list_carries_what_its_members_write_holds_what_others_write_and_is_no_relay() {
    if std::env::var("STEWARD_MODULES").as_deref() != Ok("all") {
        eprintln!("only with STEWARD_MODULES=all");
        return;
    }
    let host = Host::new();
    let base = "services:\n  tls: { module: tls, on: web1 }\n  backup: { module: backup, on: web1, params: { repository: /srv/backup } }\n  \
        mail: { module: mail, on: web1, params: { admin: admin@web1.test.example, certificate: true } }\n";
    let lists = "  lists: { module: mailman, on: web1, params: { domain: lists.test.example, lists: { news: { owners: [admin@web1.test.example], title: News }, board: { owners: [admin@web1.test.example], posts: moderated } } } }\n";
    let chapter = Chapter::new().host("web1", &host).maintainer().file("services.yaml", format!("{base}{lists}"));
    let _ = chapter.run(&["secrets", "generate"]).success();
    super::applications::lives(&chapter, &host);
    let arrived = |subject: &str| {
        host.sh(&format!("grep -c '^Subject: .*{subject}$' /var/mail/admin 2>/dev/null || true")).trim() == "1"
    };

    host.sh("lists add news admin@web1.test.example; lists add board admin@web1.test.example");
    assert!(post(&host, "admin@web1.test.example", "news@lists.test.example", "march").starts_with("250"));
    wait_for("a member is heard", Duration::from_mins(1), || arrived("\\[News\\] march"));
    assert!(post(&host, "eve@x.example", "news@lists.test.example", "pills").starts_with("250"));
    wait_for("a stranger is held", Duration::from_mins(1), || host.sh("lists held").contains("eve@x.example: pills"));
    assert!(!arrived("\\[News\\] pills"));
    assert!(post(&host, "admin@web1.test.example", "board@lists.test.example", "vote").starts_with("250"));
    wait_for("all is held where an owner decides", Duration::from_mins(1), || {
        host.sh("lists held").contains("board ")
    });
    let number = host.sh("lists held | awk '$1 == \"board\" { print $2 }'");
    host.sh(&format!("lists accept board {}", number.trim()));
    wait_for("what the owner lets through arrives", Duration::from_mins(1), || arrived("\\[board\\] vote"));

    let greeting = says(
        &host,
        &[
            "EHLO x.example",
            "MAIL FROM:<eve@x.example>",
            "RCPT TO:<bob@other.example>",
            "RCPT TO:<nobody@lists.test.example>",
            "RCPT TO:<news-join@lists.test.example>",
            "AUTH PLAIN AAAA",
        ],
    );
    assert!(greeting[1].contains("250-STARTTLS") || greeting[1].contains("250 STARTTLS"), "{greeting:?}");
    for (at, code) in [(3, "554"), (4, "550"), (5, "250"), (6, "503")] {
        assert!(greeting[at].starts_with(code), "{at}: {greeting:?}");
    }

    // a new password for programs, and an owner who goes
    let _ = chapter.run(&["secrets", "rotate", "lists/rest_password"]).success();
    let chapter = chapter.file(
        "services.yaml",
        format!(
            "{base}{}",
            lists.replace("owners: [admin@web1.test.example], title", "owners: [ana@test.example], title")
        ),
    );
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    assert_eq!(
        host.sh("lists held | wc -l; runuser -u list -- mailman members --role owner news@lists.test.example"),
        "1\nana@test.example\n"
    );

    // destroyed and put back
    let _ = chapter.run(&["backup", "run", "lists"]).success();
    let _ = chapter.run(&["backup", "drill", "lists"]).success();
    host.sh("systemctl stop mailman3; rm -rf /var/lib/mailman3/data /var/lib/mailman3/lists");
    let _ = chapter.run(&["backup", "restore", "lists", "--yes"]).success();
    let _ = chapter.apply().success();
    let _ = chapter.run(&["verify", "--within", "120"]).success();
    assert_eq!(host.sh("lists members news; lists held | grep -c pills"), "admin@web1.test.example\n1\n");

    // a list that is no longer declared is closed, and forgets nobody
    let chapter = chapter.file(
        "services.yaml",
        format!("{base}{}", lists.replace(", board: { owners: [admin@web1.test.example], posts: moderated }", "")),
    );
    let _ = chapter.apply().success();
    let _ = post(&host, "admin@web1.test.example", "board@lists.test.example", "late");
    assert_eq!(host.sh("lists members board"), "admin@web1.test.example\n");
    assert!(host.try_sh("lists remove news").status.code() == Some(1), "news is declared");

    let chapter = chapter.file("services.yaml", base);
    let _ = chapter.run(&["apply", "--yes", "--allow-deletions", "30"]).success();
    let _ = chapter.plan().success().no_changes();
    assert_eq!(host.sh("ss -Hltn 'sport = 25' | awk '{ print $4 }' | sort"), "127.0.0.1:25\n[::1]:25\n");
    assert!(!arrived("\\[board\\] late"));
    assert_ne!(host.sh("ls /var/lib/mailman3/data/mailman.db"), "", "who was a member stays");
}
