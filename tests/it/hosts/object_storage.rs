//! Backups that go to object storage, as hosting providers sell it: a server that speaks S3 (moto, by pip), on this machine.
//! With `STEWARD_BACKUPS`, since it is fetched first.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{Chapter, Host, wait_for};

const NOTES: &str = "version: 1
summary: { en: Notes. }
offers: { backups: [{ paths: [/srv/notes], consistent: true, drill: [{ run: 'cat \"$DRILL_DIR/srv/notes/one\"', prints: first }] }] }
resources:
  - directory: { path: /srv/notes }
    data: true
";

/// The program, installed below `target/` once.
fn moto() -> PathBuf {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/moto");
    let program = place.join("bin/moto_server");
    if !program.exists() {
        assert!(Command::new("python3").args(["-m", "venv"]).arg(&place).status().unwrap().success());
        let pip = ["install", "--quiet", "--disable-pip-version-check", "moto[server]==5.2.0"];
        assert!(Command::new(place.join("bin/pip")).args(pip).status().unwrap().success());
    }
    program
}

struct Storage {
    child: Child,
    address: String,
}

impl Storage {
    fn near(host: &Host) -> Storage {
        let near = format!("{}.1", host.address.rsplit_once('.').unwrap().0);
        let port = TcpListener::bind((near.as_str(), 0)).unwrap().local_addr().unwrap().port().to_string();
        let mut command = Command::new(moto());
        command.args(["-H", &near, "-p", &port]).stdout(Stdio::null()).stderr(Stdio::null());
        let storage = Storage { child: command.spawn().unwrap(), address: format!("{near}:{port}") };
        wait_for("the storage answers", Duration::from_mins(1), || TcpStream::connect(&storage.address).is_ok());
        let made = Command::new("curl")
            .args(["-fsS", "-X", "PUT"])
            .arg(format!("http://{}/chapter", storage.address))
            .status();
        assert!(made.unwrap().success());
        storage
    }

    fn listed(&self) -> String {
        let output =
            Command::new("curl").arg("-fsS").arg(format!("http://{}/chapter", self.address)).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_is_saved_in_object_storage_is_encrypted_proven_and_put_back() {
    if std::env::var_os("STEWARD_BACKUPS").is_none() {
        eprintln!("only with STEWARD_BACKUPS");
        return;
    }
    let host = Host::new();
    let storage = Storage::near(&host);
    let services = format!(
        "services:\n  notes: {{ module: notes, on: web1 }}\n  backup: {{ module: backup, on: web1, params: {{ repository: \"s3:http://{}/chapter/web1\", s3_key_id: AKIDCHAPTER }} }}\n",
        storage.address
    );
    let chapter = Chapter::new()
        .host("web1", &host)
        .maintainer()
        .file("modules/notes.yaml", NOTES)
        .file("services.yaml", services);
    let _ = chapter.run_with(&["secrets", "set", "backup/s3_key"], "canary-of-the-storage").success();
    let _ = chapter.run(&["secrets", "generate"]).success();
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    host.sh("echo first >/srv/notes/one; echo second >/srv/notes/two; sync");

    // the key is in no argument and in no unit that everybody may read
    host.sh("cat >/root/watch <<'END'\nwhile :; do for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -a canary-of && echo seen >>/root/seen; done; done\nEND\nsystemd-run --quiet --unit=watch sh /root/watch");
    let _ = chapter.run(&["backup", "run", "notes"]).success();
    let _ = chapter.run(&["backup", "drill", "notes"]).success();
    host.sh("systemctl stop watch; test ! -e /root/seen; ! grep -rl canary-of /etc/systemd /run/systemd/system /var/lib/steward 2>/dev/null");
    let listed = storage.listed();
    assert!(listed.contains("web1/config") && listed.contains("web1/snapshots/"), "{listed}");
    assert!(!listed.contains("notes"), "names of files are encrypted, too: {listed}");
    let list = chapter.run(&["backup", "list", "notes"]).success();
    assert!(list.text().lines().count() >= 2, "{list}");

    host.sh("rm /srv/notes/one; echo third >/srv/notes/two");
    let _ = chapter.run(&["backup", "restore", "notes", "--yes"]).success();
    assert_eq!(host.sh("cat /srv/notes/one /srv/notes/two"), "first\nsecond\n");

    // a storage that is away is a failure, and no empty list
    drop(storage);
    let _ = chapter.run(&["backup", "list", "notes"]).status(3).stderr_has("cannot be listed");
}
