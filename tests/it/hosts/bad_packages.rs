//! Bad days with packages: apt's lock is held, dpkg was interrupted, a download ends half way.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::bad_days::{chapter, mended, refused};
use crate::support::Host;

#[test]
fn apt_is_locked_by_another_program() {
    let host = Host::new();
    let chapter = chapter(&host, "  - package: tree\n");
    host.sh("apt-get -qq update");
    let hold = "use Fcntl; open F, \">/var/lib/dpkg/lock-frontend\"; my $l = pack(\"s s l! l! i\", F_WRLCK, 0, 0, 0, 0); \
                fcntl(F, F_SETLK, $l) or die; open R, \">/run/held\"; sleep 1 until -e \"/run/enough\"";
    host.sh(&format!(
        "setsid perl -e '{hold}' >/dev/null 2>&1 </dev/null & while ! test -e /run/held; do sleep 0.1; done"
    ));
    let mut command = chapter.command(&["apply", "--yes"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
        if line.contains("(perl)") {
            host.sh("touch /run/enough");
        }
        said.push(line);
    }
    assert!(child.wait().unwrap().success(), "{said:?}");
    let waited =
        |line: &String| line.starts_with("web1: waiting for another program that holds the lock of packages: ");
    assert_eq!(said.iter().filter(|line| waited(line)).count(), 1, "{said:?}");
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
}

#[test]
fn an_installation_that_was_interrupted() {
    let host = Host::new();
    let chapter = chapter(&host, "  - package: tree\n");
    host.sh("apt-get -qq update && cd /root && apt-get -qq download tree && dpkg --unpack tree_*.deb");
    assert_eq!(host.sh("dpkg-query -W -f '${db:Status-Abbrev}' tree"), "iU ");
    let ran = chapter.apply().success();
    let _ = ran.stderr_has("an interrupted installation is finished first: tree").stdout_has("web1: converged");
    // while its files were written: dpkg wants it written again
    host.sh(
        "sed -i '/^Package: tree$/,/^$/s/^Status: .*/Status: install reinstreq half-installed/' /var/lib/dpkg/status",
    );
    assert_eq!(host.sh("dpkg-query -W -f '${db:Status-Abbrev}' tree"), "iHR");
    // and so that only its journal says so, which apt leaves to dpkg
    host.sh("sed -n '/^Package: tree$/,/^$/p' /var/lib/dpkg/status >/var/lib/dpkg/updates/0000");
    let _ = chapter.apply().success().stdout_has("web1: converged");
    assert_eq!(host.sh("dpkg-query -W -f '${db:Status-Abbrev}' tree"), "ii ");
    let _ = chapter.run(&["plan", "--detailed-exitcode"]).success().no_changes();
}

#[test]
fn a_download_that_ends_half_way() {
    let host = Host::new();
    let chapter = chapter(&host, "  - package: tree\n");
    let broken = Arc::new(AtomicBool::new(true));
    let port = mirror(&host, &broken);
    let bridge = host.address.rsplit_once('.').unwrap().0;
    host.sh(&format!("apt-get -qq update; echo 'Acquire::http::Proxy \"http://{bridge}.1:{port}\"; Acquire::Retries 0;' >/etc/apt/apt.conf.d/01proxy"));
    refused(&chapter, &["web1: package:tree failed", "Failed to fetch"]);
    assert_eq!(host.sh("dpkg-query -W -f '${db:Status-Abbrev}' tree 2>/dev/null || true"), "");
    broken.store(false, Ordering::SeqCst);
    mended(&chapter);
    assert!(host.sh("tree --version").starts_with("tree v"));
}

/// A proxy of packages in front of the usual one, which sends only the beginning of any package while it is broken.
fn mirror(host: &Host, broken: &Arc<AtomicBool>) -> u16 {
    let line = host.sh("cat /etc/apt/apt.conf.d/01proxy");
    let upstream = line.split("//").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let (port, broken) = (listener.local_addr().unwrap().port(), Arc::clone(broken));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (upstream, broken) = (upstream.clone(), Arc::clone(&broken));
            std::thread::spawn(move || pass(client, &upstream, &broken));
        }
    });
    port
}

fn pass(mut client: TcpStream, upstream: &str, broken: &AtomicBool) {
    let mut first = vec![0; 8192];
    let read = client.read(&mut first).unwrap_or(0);
    let asked = &first[..read];
    if broken.load(Ordering::SeqCst) && String::from_utf8_lossy(asked).contains(".deb ") {
        let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 50000\r\n\r\n!<arch>\nhalf of it");
        return;
    }
    let mut server = TcpStream::connect(upstream).unwrap();
    server.write_all(asked).unwrap();
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || drop(std::io::copy(&mut from, &mut to)));
    let _ = std::io::copy(&mut server, &mut client);
}
