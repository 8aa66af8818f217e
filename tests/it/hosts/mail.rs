//! Mail that leaves a server by a provider, over TLS and with a password, and that the server takes from nobody else.

use std::time::Duration;

use crate::support::{Chapter, Host, wait_for};

/// A provider: STARTTLS, then AUTH PLAIN, then one message into a file.
const PROVIDER: &str = r#"
import base64, socket, ssl
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("/root/server.pem", "/root/server.key")
listener = socket.create_server(("", 587))
while True:
    link, _ = listener.accept()
    seen, encrypted, known = [], False, False
    try:
        stream = link.makefile("rwb", 0)
        def say(text): stream.write(text.encode() + b"\r\n")
        say("220 smtp.provider.test ESMTP")
        while True:
            line = stream.readline()
            if not line: break
            word = line.decode().strip()
            verb = word.split(" ")[0].upper()
            if verb == "EHLO": say("250-smtp.provider.test\r\n250 " + ("AUTH PLAIN" if encrypted else "STARTTLS"))
            elif verb == "STARTTLS":
                say("220 go on")
                link = context.wrap_socket(link, server_side=True)
                stream, encrypted = link.makefile("rwb", 0), True
            elif verb == "AUTH":
                known = encrypted and base64.b64decode(word.split(" ")[2]) == b"\0chapter\0PASSWORD"
                say("235 welcome" if known else "535 no")
            elif verb in ("MAIL", "RCPT"): say("250 ok" if known else "530 log in first"); seen.append(word)
            elif verb == "DATA":
                say("354 go on")
                while (line := stream.readline().decode()) != ".\r\n": seen.append(line.rstrip())
                open("/root/arrived", "a").write("\n".join(seen) + "\n"); say("250 taken")
            elif verb == "QUIT": say("221 bye"); break
            else: say("250 ok")
    except Exception as error: open("/root/broken", "a").write(repr(error) + "\n")
    link.close()
"#;

const AUTHORITY: &str = "cd /root && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=Test \
    -keyout ca.key -out ca.pem 2>/dev/null && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=smtp.provider.test \
    -keyout server.key -out server.csr 2>/dev/null && echo subjectAltName=DNS:smtp.provider.test >san && \
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -extfile san -out server.pem 2>/dev/null && cat ca.pem";

#[test]
fn mail_to_root_reaches_a_person_through_the_provider_and_strangers_are_refused() {
    let [web, provider] = Host::several();
    provider.sh("apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qqy python3 openssl >/dev/null");
    let authority = provider.sh(AUTHORITY);
    let services = "services:\n  mail: { module: mail, on: web1, params: { admin: ana@chapter.example, relay: smtp.provider.test, relay_user: chapter } }\n";
    let chapter = Chapter::new().host("web1", &web).maintainer().file("services.yaml", services);
    let _ = chapter.run_with(&["secrets", "set", "mail/relay_password"], "the provider's").success();
    provider.sh(&format!(
        "cat >/root/provider.py <<'END'\n{}\nEND\nsystemd-run --quiet --unit=provider python3 /root/provider.py",
        PROVIDER.replace("PASSWORD", "the provider's")
    ));
    web.sh(
        "apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qqy ca-certificates openssl >/dev/null",
    );
    web.sh(&format!(
        "printf '%s' '{authority}' >/usr/local/share/ca-certificates/test.crt; update-ca-certificates >/dev/null 2>&1; \
         echo '{} smtp.provider.test' >>/etc/hosts",
        provider.address
    ));

    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    let _ = chapter.run(&["verify"]).success().stdout_has("0 failed, 0 unknown");
    web.sh("printf 'Subject: the disk is full\\n\\nLook at it.\\n' | /usr/sbin/sendmail root");
    wait_for("the mail arrives", Duration::from_secs(30), || {
        provider.try_sh("grep -q 'Look at it' /root/arrived").status.success()
    });
    let arrived = provider.sh("cat /root/arrived");
    assert!(arrived.starts_with("MAIL FROM:<noreply@test.example>"), "{arrived}");
    assert!(arrived.contains("RCPT TO:<ana@chapter.example>") && arrived.contains("the disk is full"), "{arrived}");
    assert_eq!(
        web.sh("stat -c '%a %U' /etc/postfix/relay_password; ss -Hltn 'sport = 25' | awk '{ print $4 }' | sort"),
        "600 root\n127.0.0.1:25\n[::1]:25\n"
    );
    let said = web.sh("printf 'EHLO x\\r\\nMAIL FROM:<a@x.example>\\r\\nRCPT TO:<b@other.example>\\r\\nQUIT\\r\\n' | timeout 10 bash -c 'exec 3<>/dev/tcp/127.0.0.1/25; cat >&3; cat <&3'");
    assert!(said.contains("250"), "services of the host may send: {said}");

    // a certificate that nobody vouches for gets no password
    web.sh("rm /usr/local/share/ca-certificates/test.crt; update-ca-certificates --fresh >/dev/null 2>&1; systemctl restart postfix");
    web.sh("printf 'Subject: second\\n\\nx\\n' | /usr/sbin/sendmail root; sleep 3");
    assert!(web.sh("mailq").contains("Server certificate not "), "{}", web.sh("mailq"));
    assert!(!provider.sh("cat /root/arrived").contains("second"));

    let chapter = chapter.file("services.yaml", "services: {}\n");
    let _ = chapter.run(&["apply", "--yes", "--allow-deletions", "20"]).success();
    let _ = chapter.plan().success().no_changes();
    assert_eq!(
        web.sh("ls /etc/postfix/relay_password 2>/dev/null; systemctl is-active postfix || true"),
        "inactive\n"
    );
}

#[test]
fn a_server_says_once_what_is_wrong_with_it_and_once_that_it_is_over() {
    let host = Host::new();
    let services = "services:\n  mail: { module: mail, on: web1, params: { admin: admin@web1.test.example } }\n  watch: { module: monitoring, on: web1 }\n";
    let chapter = Chapter::new().host("web1", &host).maintainer().file("services.yaml", services);
    let _ = chapter.run(&["secrets", "generate"]).success();
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    let monitor =
        |arguments: &str| host.try_sh(&format!("/usr/local/lib/steward/monitor {arguments}")).status.success();
    let told = |count: usize, what: &str| {
        wait_for(what, Duration::from_secs(20), || {
            host.sh("grep -c ^Subject: /var/mail/admin 2>/dev/null || true").trim() == count.to_string()
        });
        let mail = host.sh("grep -A30 ^Subject: /var/mail/admin | tac | sed '/^Subject:/q' | tac");
        assert!(mail.contains(what), "{what}: {mail}");
    };
    assert!(monitor("--test"));
    told(1, "a test");

    host.sh("systemd-run --quiet --unit=broken /bin/false; sleep 1");
    assert!(
        monitor("") && host.sh("cat /var/lib/steward-monitor/told 2>/dev/null || true").is_empty(),
        "not at once"
    );
    let _ = chapter.run(&["verify", "--within", "1"]).status(3).stdout_has("monitor --list");
    assert!(monitor(""));
    told(2, "broken.service failed; `systemctl status broken.service` says why");
    assert!(monitor("") && monitor(""), "and not again");

    // what cannot be sent is not forgotten
    host.sh("mv /usr/sbin/sendmail /usr/sbin/sendmail.away; systemd-run --quiet --unit=worse /bin/false; sleep 1");
    assert!(monitor("") && !monitor("") && !monitor(""));
    host.sh("mv /usr/sbin/sendmail.away /usr/sbin/sendmail");
    assert!(monitor(""));
    told(3, "New: worse.service failed");

    host.sh("systemctl reset-failed broken worse");
    assert!(monitor("") && monitor(""));
    told(4, "all is well again");
    assert!(monitor(""));
    told(4, "Over: worse.service failed");
    let _ = chapter.run(&["verify"]).success();
}
