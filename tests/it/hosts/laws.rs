//! The laws that every kind is tested against, on a real host: the kinds that need one, and the others once more. What
//! the script of a step and of a look say is run there by SSH, as root.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use steward::kinds::{ALL, Site};

use self::bench::Bench;
use crate::support::{Host, ssh};

#[path = "../../../src/kinds/bench.rs"]
pub(super) mod bench;
#[path = "../../../src/kinds/laws.rs"]
mod kept;

/// A bench whose scripts run on this host.
pub(super) fn bench<'a>(host: &'a Host, shared: &'a Path) -> Bench<'a> {
    let key = host.host_key();
    let mut bench = Bench::on(Site::default(), move |script, stdin| {
        let run = "export LC_ALL=C; file=$(mktemp) && head -c \"$0\" >\"$file\" && sh \"$file\"; code=$?; rm \"$file\"; exit $code";
        let mut ssh = ssh(host.key(), &key, &host.address, 22, "root");
        // one connection for all of them, gone soon after the last
        let path = format!("ControlPath={}/%C", shared.display());
        ssh.args(["-o", "ControlMaster=auto", "-o", "ControlPersist=2", "-o", &path]);
        ssh.arg(format!("sh -c '{run}' {}", script.len())).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = ssh.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // a script that was killed reads no more
            scope.spawn(move || input.write_all(script).and_then(|()| input.write_all(stdin)));
            child.wait_with_output().unwrap().stdout
        })
    });
    bench.watched = ["/etc", "/home", "/opt", "/srv", "/usr/local", "/var/lib/dpkg"].map(str::to_owned).to_vec();
    bench
}

/// Those that `databases.rs` tries, where a server is installed.
pub(super) fn needs_a_database(kind: &str) -> bool {
    kind.starts_with("postgres_") || kind.starts_with("mariadb_")
}

/// What the laws say, for one item, and that what it made can be taken away.
pub(super) fn hold_and_leave(kind: &dyn steward::kinds::Kind, item: &dyn steward::kinds::Item, bench: &Bench<'_>) {
    kept::retiring_takes_away_what_was_made(kind, item, bench);
    kept::holds(kind.name(), item, bench);
}

/// What the laws say, for one kind.
pub(super) fn hold(kind: &dyn steward::kinds::Kind, bench: &Bench<'_>) {
    kept::hold(kind, bench);
}

#[test]
fn every_example_obeys_the_laws_on_a_real_host() {
    let host = Host::new();
    host.sh("apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qqy python3-venv >/dev/null; mkdir -p /srv/www; sysctl -q -w net.ipv4.conf.lo.rp_filter=0");
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(&host, shared.path());
    for kind in ALL.iter().filter(|kind| !needs_a_database(kind.name()) && kind.name() != "container") {
        kept::hold(*kind, &bench);
    }
}
