//! The platform of the web on real hosts, as somebody new would set it up: sites with certificates of the chapter's own
//! authority, or of an ACME authority on another host, and addresses that are refused.

use std::process::Command;
use std::time::Duration;

use crate::support::{Chapter, Host, wait_for};

const HEAD: &str = "id: 00112233445566778899aabbccddeeff\nchapter: { name: Test, domain: test.example }\n";

/// A chapter with a maintainer who reads secrets by the key that the hosts know.
fn chapter(host: &Host, services: &str) -> Chapter {
    let chapter = Chapter::new().host("web1", host);
    let key = std::fs::read_to_string(host.key().with_extension("pub")).unwrap();
    let people = format!("people: {{ ana: {{ name: Ana, role: maintainer, ssh: [{}] }} }}\n", key.trim());
    chapter.file("chapter.yaml", format!("{HEAD}{people}")).file("services.yaml", services)
}

/// The certificate that a server shows for a name, as `openssl x509` writes it.
fn shown(host: &Host, name: &str) -> String {
    let ask = format!(
        "openssl s_client -connect {}:443 -servername {name} </dev/null 2>/dev/null | openssl x509 -noout -text",
        host.address
    );
    let output = Command::new("sh").args(["-c", &ask]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn serial(text: &str) -> &str {
    text.split("Serial Number:").nth(1).and_then(|rest| rest.split("Signature").next()).unwrap_or_default().trim()
}

const SITES: &str = "services:
  nginx: { module: nginx, on: web1, params: { https: HTTPS } }
  tls: { module: tls, on: web1 }
  website: { module: static-site, on: web1, params: { domain: test.example, www: true, aliases: [home.test.example] } }
  app: { module: app, on: web1 }
";

/// A site of PHP whose processes are not there, and one that says itself what its places are.
const APP: &str = r#"version: 1
summary: { en: An application. }
needs: { nginx: {} }
offers:
  sites:
    - { domain: app.test.example, root: /var/www/app, index: index.php index.html, php: /run/php/none.sock }
    - { domain: own.test.example, root: /var/www/app, locations: "location /.web/ { return 200 own; }" }
resources:
  - directory: { path: /var/www/app }
  - directory: { path: /var/www/app/.git }
  - file: { path: /var/www/app/.git/config, content: "secret" }
  - file: { path: /var/www/app/x.php, content: "<?php echo 'source';" }
checks:
  - http: { url: "{{ needs.nginx.scheme }}://app.test.example/x.php", ca: "{{ needs.nginx.ca }}", status: 502, lacks: source }
  - http: { url: "{{ needs.nginx.scheme }}://app.test.example/.git/config", ca: "{{ needs.nginx.ca }}", status: 404, lacks: secret }
  - http: { url: "{{ needs.nginx.scheme }}://own.test.example/.web/", ca: "{{ needs.nginx.ca }}", contains: own }
"#;

#[test]
fn sites_get_certificates_of_the_chapters_own_authority_and_renew_them_by_themselves() {
    let host = Host::new();
    let chapter = chapter(&host, &SITES.replace("HTTPS", "false")).file("modules/app.yaml", APP);
    let _ = chapter.run(&["secrets", "generate"]).success();
    let _ = chapter.apply().success();
    let _ = chapter.run(&["verify"]).success().stdout_has("http http://www.test.example/");

    let chapter = chapter.file("services.yaml", SITES.replace("HTTPS", "true"));
    let _ = chapter.apply().success();
    let _ = chapter.apply().success().no_changes();
    let all = chapter.run(&["verify"]).success();
    let _ = all
        .stdout_has("http https://home.test.example/")
        .stdout_has("tls test.example")
        .stdout_has("command steward-tls status");
    assert_eq!(
        host.sh("stat -c '%U %G %a' /etc/ssl/steward/nginx /etc/ssl/steward/nginx/test.example/key.pem"),
        "root root 750\nroot root 640\n"
    );
    assert!(
        !host.sh("cat /etc/steward-tls/*.pem").contains(&authority_key(&chapter)),
        "the authority stays in the store"
    );
    let old = "openssl s_client -connect 127.0.0.1:443 -servername test.example";
    assert!(!host.try_sh(&format!("{old} -tls1_1 </dev/null")).status.success(), "only modern TLS");
    assert!(
        !host.try_sh("openssl s_client -connect 127.0.0.1:443 -servername other.example </dev/null").status.success()
    );

    // when two thirds of its time are over, it is another, without anybody's help
    let before = shown(&host, "test.example");
    host.sh("cd /var/lib/steward-tls/internal/test.example && openssl req -new -key key.pem -subj /CN=x \
        -addext 'subjectAltName=DNS:test.example,DNS:www.test.example,DNS:home.test.example' -out /root/csr 2>/dev/null &&
        openssl x509 -req -in /root/csr -CA /etc/steward-tls/issuer.pem -CAkey /etc/steward-tls/issuer.pem -days 0 -copy_extensions copy -out certificate.pem 2>/dev/null");
    let _ = chapter.run(&["verify", "--within", "0"]).status(3).stdout_has("no certificate of the authority yet");
    host.sh("systemctl start steward-tls.service");
    let _ = chapter.run(&["verify"]).success();
    wait_for("nginx shows it", Duration::from_secs(10), || serial(&shown(&host, "test.example")) != serial(&before));

    host.kill();
    host.boot();
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).success();
    let _ = chapter.run(&["verify"]).success();
}

/// The second line of the private key, which stands nowhere else.
fn authority_key(chapter: &Chapter) -> String {
    let value = chapter.run(&["secrets", "get", "tls/authority"]).success();
    value.text().lines().nth(1).unwrap().to_owned()
}

const GUARDED: &str = "services:
  apt: { module: apt, on: web1 }
  firewall: { module: firewall, on: web1 }
  baseline: { module: baseline, on: web1 }
  fail2ban: { module: fail2ban, on: web1, params: { ignore: [GATEWAY] } }
";

#[test]
fn an_address_that_keeps_failing_is_refused_and_stays_so_when_the_firewall_changes() {
    if !all() {
        return;
    }
    let [host, stranger] = Host::several();
    let gateway = host.sh("ip route show default | cut -d' ' -f3");
    let chapter = chapter(&host, &GUARDED.replace("GATEWAY", gateway.trim()));
    let _ = chapter.apply().success();
    let _ = chapter.apply().success().no_changes();
    let knock =
        format!("timeout 5 ssh -o BatchMode=yes -o StrictHostKeyChecking=no mallory@{} true 2>&1", host.address);
    for _ in 0..6 {
        let _ = stranger.try_sh(&knock);
    }
    let refused = || String::from_utf8(stranger.try_sh(&knock).stdout).unwrap().contains("Connection refused");
    wait_for("the stranger is refused", Duration::from_mins(1), refused);
    host.sh("systemctl reload nftables; systemctl restart nftables");
    assert!(refused(), "the bans stand in a table of their own");
    for _ in 0..6 {
        let _ = crate::support::ssh(host.key(), &host.host_key(), &host.address, 22, "mallory").arg("true").output();
    }
    let _ = chapter.run(&["verify"]).success();
    host.kill();
    host.boot();
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).success();
    wait_for("the stranger is refused after the power came back", Duration::from_secs(30), refused);
}

/// Tests that install much, and take minutes.
fn all() -> bool {
    std::env::var("STEWARD_MODULES").is_ok_and(|which| which == "all")
}

const ACME: &str = "services:
  firewall: { module: firewall, on: web1 }
  nginx: { module: nginx, on: web1, params: { https: true } }
  website: { module: static-site, on: web1, params: { domain: test.example } }
  page: { module: page, on: web1 }
  tls:
    module: tls
    on: web1
    params:
      authority: acme
      email: ana@test.example
      directory: https://ca.test.example/acme/local/directory
      least_days: 0
      trust: |
TRUST";

/// Another reader of a certificate than the web server, whose package makes its group.
const PAGE: &str = r#"version: 1
summary: { en: A service with a certificate. }
needs: { tls: { domain: voice.test.example, group: voice, reload: voice.service } }
resources:
  - command: { name: the group, run: groupadd --system voice, unless: getent group voice, read_only: true }
  - command: { name: hand the certificate over, run: "{{ needs.tls.place }}", unless: "{{ needs.tls.placed }}", read_only: true }
  - file:
      path: /etc/systemd/system/voice.service
      content: |
        [Service]
        User=nobody
        Group=voice
        ExecStart=sh -c 'cat {{ needs.tls.key }} {{ needs.tls.certificate }} {{ needs.tls.chain }} >/dev/null && exec sleep infinity'
        [Install]
        WantedBy=multi-user.target
  - service: { name: voice }
checks:
  - unit: { name: voice }
"#;

#[test]
fn a_private_acme_authority_issues_renews_and_what_it_refuses_is_told() {
    if !all() {
        return;
    }
    let [host, authority] = Host::several();
    authority.sh("apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends caddy >/dev/null 2>&1");
    // it knows where the names lead to, like DNS; but not one of them
    authority.sh(&format!("echo '{} voice.test.example' >>/etc/hosts", host.address));
    authority.sh("printf '{\n skip_install_trust\n}\nhttps://ca.test.example {\n tls internal\n acme_server\n}\n' >/etc/caddy/Caddyfile; systemctl restart caddy");
    let root = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt";
    wait_for("the authority is there", Duration::from_secs(20), || {
        authority.try_sh(&format!("test -s {root}")).status.success()
    });
    host.sh(&format!("echo '{} ca.test.example' >>/etc/hosts", authority.address));
    let trust: String =
        authority.sh(&format!("cat {root}")).lines().map(|line| format!("        {line}\n")).collect();
    let chapter = chapter(&host, &ACME.replace("TRUST", &trust)).file("modules/page.yaml", PAGE);

    // the site is up, and the only thing that fails is the certificate, with what the authority says
    let refused = chapter.apply().status(3);
    let _ = refused
        .stderr_has("test.example for nginx: the authority gave no certificate")
        .never_says("voice.test.example for");
    assert!(shown(&host, "test.example").contains("DNS:test.example"), "a placeholder serves");
    assert!(!host.sh("systemctl is-active voice").contains("failed"));

    authority.sh(&format!("echo '{} test.example' >>/etc/hosts", host.address));
    std::thread::sleep(Duration::from_secs(46));
    let _ = chapter.apply().success();
    let _ = chapter.apply().success().no_changes();
    let _ = chapter.run(&["verify"]).success().stdout_has("tls test.example");
    assert_eq!(host.sh("stat -c '%G %a' /etc/ssl/steward/page/voice.test.example/key.pem"), "voice 640\n");

    // as if two thirds of its time were over: another one, and nginx shows it
    let before = shown(&host, "test.example");
    host.sh("rm -rf /etc/letsencrypt/live/test.example /etc/letsencrypt/archive/test.example /etc/letsencrypt/renewal/test.example.conf");
    host.sh("systemctl start steward-tls.service");
    wait_for("nginx shows it", Duration::from_secs(10), || serial(&shown(&host, "test.example")) != serial(&before));

    host.kill();
    host.boot();
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).success();
    let _ = chapter.run(&["verify"]).success();
}
