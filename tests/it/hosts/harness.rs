//! The hosts themselves: that they are what the other tests take them for.

use std::time::{Duration, Instant};

use crate::support::{Host, Sshd, wait_for};

#[test]
fn a_host_boots_systemd_and_answers_ssh() {
    let host = Host::new();
    let start = Instant::now();
    let id = host.ssh("id -un; sudo id -un; systemctl is-active ssh cron; . /etc/os-release; echo $ID-$VERSION_ID");
    assert_eq!(String::from_utf8_lossy(&id.stdout), "admin\nroot\nactive\nactive\ndebian-12\n");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn packages_install_without_any_other_network() {
    let host = Host::new();
    host.sh("apt-get -qq update && apt-get -qq install --no-install-recommends tree >/dev/null");
    assert!(host.sh("tree --version").starts_with("tree v"));
    assert!(!host.try_sh("timeout 3 bash -c '</dev/tcp/192.0.2.1/80'").status.success());
}

#[test]
fn a_reset_host_remembers_nothing() {
    let host = Host::new();
    let before = host.host_key();
    host.sh("echo x > /etc/marker; useradd bob; systemctl stop cron");
    host.reset();
    assert_ne!(host.host_key(), before);
    assert_eq!(host.sh("cat /etc/marker 2>&1; getent passwd bob; systemctl is-active cron; true").lines().count(), 2);
}

#[test]
fn a_host_whose_power_was_cut_comes_back_as_it_was() {
    let host = Host::new();
    host.sh("echo kept > /etc/marker");
    host.kill();
    assert!(!host.try_sh("true").status.success());
    host.boot();
    assert_eq!(host.sh("cat /etc/marker"), "kept\n");
    assert_eq!(host.ssh("true").status.code(), Some(0));
}

#[test]
fn a_host_reboots_by_itself() {
    let host = Host::new();
    host.sh("touch /run/before; systemctl reboot");
    wait_for("the host is back", Duration::from_secs(30), || host.try_sh("! test -e /run/before").status.success());
    wait_for("ssh is back", Duration::from_secs(30), || host.ssh("true").status.success());
}

#[test]
fn an_unplugged_host_is_silent_until_it_is_plugged_in() {
    let host = Host::new();
    host.cut();
    assert_eq!(host.ssh("true").status.code(), Some(255));
    host.join();
    wait_for("ssh is back", Duration::from_secs(10), || host.ssh("true").status.success());
}

/// In a cgroup tree that hosts share, stopping a service on one would wait for the other's, or end it.
#[test]
fn hosts_do_not_see_each_other() {
    let [one, other] = Host::several();
    assert_ne!(one.address, other.address);
    one.sh("systemctl kill -s KILL cron; systemctl stop cron");
    assert_eq!(other.sh("systemctl is-active cron"), "active\n");
    let tasks = "cat /sys/fs/cgroup/systemd/system.slice/cron.service/cgroup.procs /sys/fs/cgroup/system.slice/cron.service/cgroup.procs";
    assert_eq!(other.sh(&format!("{tasks} 2>/dev/null || true")).lines().count(), 1);
}

#[test]
fn network_settings_of_the_kernel_can_be_changed() {
    let host = Host::new();
    host.sh("sysctl -q -w net.ipv4.ip_forward=1");
    assert_eq!(host.sh("sysctl -n net.ipv4.ip_forward"), "1\n");
}

#[test]
fn sshd_on_loopback_runs_another_login_shell() {
    let dash = Sshd::with().shell("/bin/dash").start();
    assert_eq!(dash.ssh("echo $0 ${BASH_VERSION:-none}").stdout, b"dash none\n");
}
