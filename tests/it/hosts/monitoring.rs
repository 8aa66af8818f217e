//! What a server says by itself, and to whom: a webhook that is told once and again when it had failed, and each thing that is
//! looked at.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Chapter, Host};

/// A chat that takes messages, or refuses them.
struct Hook {
    url: String,
    told: Arc<Mutex<Vec<String>>>,
    works: Arc<AtomicBool>,
}

impl Hook {
    /// On the address by which the host reaches this machine.
    fn near(host: &Host) -> Hook {
        let listener = TcpListener::bind((gateway(host).as_str(), 0)).unwrap();
        let url = format!("http://{}/hooks/servers", listener.local_addr().unwrap());
        let (told, works) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(true)));
        let (heard, open) = (Arc::clone(&told), Arc::clone(&works));
        std::thread::spawn(move || {
            for link in listener.incoming().flatten() {
                if let Some(text) = taken(link, open.load(Ordering::SeqCst)) {
                    heard.lock().unwrap().push(text);
                }
            }
        });
        Hook { url, told, works }
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

fn gateway(host: &Host) -> String {
    format!("{}.1", host.address.rsplit_once('.').unwrap().0)
}

/// The text of a message, if it was taken.
fn taken(mut link: TcpStream, works: bool) -> Option<String> {
    let mut reader = BufReader::new(link.try_clone().ok()?);
    let (mut length, mut line) = (0, String::new());
    while reader.read_line(&mut line).ok()? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let status = if works { "200 OK" } else { "500 Broken" };
    write!(link, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").ok()?;
    let text = serde_json::from_slice::<serde_json::Value>(&body).ok()?["text"].as_str()?.to_owned();
    works.then_some(text)
}

const NOTES: &str = "version: 1
summary: { en: Notes. }
offers: { backups: [{ paths: [/srv/notes], consistent: true }] }
resources:
  - directory: { path: /srv/notes }
    data: true
";

#[test]
fn a_chat_is_told_once_of_each_thing_that_is_wrong_and_once_that_it_is_over() {
    let host = Host::new();
    let hook = Hook::near(&host);
    let services = format!(
        "services:\n  apt: {{ module: apt, on: web1 }}\n  firewall: {{ module: firewall, on: web1 }}\n  notes: {{ module: notes, on: web1 }}\n  \
         backup: {{ module: backup, on: web1, params: {{ repository: /srv/backup }} }}\n  \
         watch: {{ module: monitoring, on: web1, params: {{ mail: false, webhook: \"{}\", scrape_from: [{}], disk_percent: PERCENT }} }}\n",
        hook.url,
        gateway(&host)
    );
    let chapter = Chapter::new().host("web1", &host).maintainer().file("modules/notes.yaml", NOTES);
    let chapter = chapter.file("services.yaml", services.replace("PERCENT", "100"));
    let _ = chapter.run(&["secrets", "generate"]).success();
    let _ = chapter.run(&["apply", "--yes"]).success();
    let _ = chapter.plan().success().no_changes();
    let monitor = |words: &str| host.try_sh(&format!("/usr/local/lib/steward/monitor {words}")).status.success();
    let list = || host.sh("/usr/local/lib/steward/monitor --list");
    assert_eq!(list(), "");
    assert!(monitor("--test") && hook.told().len() == 1, "{:?}", hook.told());

    // what collects figures hears only those who may
    let mut asked = TcpStream::connect((host.address.as_str(), 9100)).unwrap();
    asked.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut figures = String::new();
    asked.read_to_string(&mut figures).unwrap();
    assert!(figures.contains("node_memory_MemTotal_bytes"));
    let rule = host.sh("nft list table inet steward | grep 9100");
    assert!(rule.contains(&format!("ip saddr {} tcp dport 9100 accept", gateway(&host))), "{rule}");

    // a backup that is too old, a certificate that ends, told by a chat that fails at first
    let _ = chapter.run(&["backup", "run", "notes"]).success();
    assert_eq!(list(), "");
    host.sh("cd /var/lib/steward/backups/notes && sed -i \"s/^[0-9]*/$(($(date +%s) - 60 * 3600))/\" success; systemctl start steward-backup-stale || true");
    host.sh("mkdir -p /etc/ssl/steward/x/y && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 5 -subj /CN=x -keyout /dev/null -out /etc/ssl/steward/x/y/certificate.pem 2>/dev/null");
    hook.works.store(false, Ordering::SeqCst);
    assert!(monitor("") && !monitor("") && !monitor(""));
    hook.works.store(true, Ordering::SeqCst);
    assert!(monitor("") && monitor(""));
    let told = hook.told();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("New: steward-backup-stale.service failed"), "{told:?}");
    assert!(
        told[1].contains("New: the certificate /etc/ssl/steward/x/y/certificate.pem ends within 10 days"),
        "{told:?}"
    );
    let _ = chapter.run(&["backup", "run", "notes"]).success();
    host.sh("systemctl start steward-backup-stale; rm -r /etc/ssl/steward/x");
    assert!(monitor("") && monitor("") && monitor(""));
    let told = hook.told();
    assert!(told.len() == 3 && told[2].contains("all is well again"), "{told:?}");

    // a full disk, as full as the chapter thinks it is
    let chapter = chapter.file("services.yaml", services.replace("PERCENT", "1"));
    let _ = chapter.run(&["apply", "--yes"]).status(3).stderr_has("monitor --list");
    assert!(list().contains("/ is full to more than 1 %"), "{}", list());

    // a clock that nobody sets; these hosts are containers, so that they are told that they are none
    let clock = |virt: &str, shown: &str| {
        host.sh(&format!("mkdir -p /root/fake; printf '#!/bin/sh\\necho {virt}\\n' >/root/fake/systemd-detect-virt; printf '#!/bin/sh\\nprintf \"{shown}\"\\n' >/root/fake/timedatectl; chmod 755 /root/fake/*"));
        host.sh("PATH=/root/fake:$PATH /usr/local/lib/steward/monitor --list")
    };
    for (virt, shown, said) in [
        ("none", "NTP=no\\nNTPSynchronized=no\\n", "nothing sets the clock by the network; install"),
        ("none", "NTP=yes\\nNTPSynchronized=no\\n", "the clock is not set by the network"),
        ("none", "", "cannot be found out"),
    ] {
        assert!(clock(virt, shown).contains(said), "{said}: {}", clock(virt, shown));
    }
    assert!(!clock("none", "NTP=yes\\nNTPSynchronized=yes\\n").contains("clock"));
    assert!(!clock("systemd-nspawn", "NTP=no\\n").contains("clock"));
}
