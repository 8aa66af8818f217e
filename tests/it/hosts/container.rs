//! Containers of Podman on a real host, with images that are built there: laws, power cut, a new image, mistakes, removal.

use steward::kinds::Kind;

use super::laws::{bench, hold_and_leave};
use crate::support::{Chapter, Host};

/// Test hosts stand on an overlay already, on which Podman cannot put another one, and have no keyrings, being containers.
const STORAGE: &str = "mkdir -p /etc/containers && printf '[storage]\\ndriver = \"vfs\"\\nrunroot = \"/run/containers/storage\"\\ngraphroot = \"/var/lib/containers/storage\"\\n' >/etc/containers/storage.conf; printf '[containers]\\nkeyring = false\\n' >/etc/containers/containers.conf";

/// Makes an image with a web server that says so, and gives its name with digest.
fn image(host: &Host, says: &str) -> String {
    host.sh(&format!(
        "set -e; cd $(mktemp -d); mkdir bin srv; cp /bin/busybox bin/; ln -s busybox bin/sh; echo '{says}' >srv/index.html; \
         printf '#!/bin/sh\\ntrap \"exit 0\" TERM\\n/bin/busybox \"$@\" &\\nwait\\n' >bin/stoppable; chmod 755 bin/stoppable; \
         tar -c . | podman import --quiet - localhost/hello:{says} >/dev/null"
    ));
    let digest = host.sh(&format!("podman image inspect --format '{{{{.Digest}}}}' localhost/hello:{says}"));
    format!("localhost/hello:{says}@{}", digest.trim())
}

fn resource(image: &str, more: &str) -> String {
    format!(
        "  - file: {{ path: /etc/hello.env, mode: \"0600\", content: \"WORD=secret\\n\" }}\n  - container:\n      name: hello\n      image: {image}\n\
         \x20     command: [/bin/stoppable, httpd, -f, -p, \"80\", -h, /srv]\n      publish: [\"8080:80\"]\n      read_only: true\n\
         \x20     capabilities: [NET_BIND_SERVICE]\n      environment: {{ TITLE: \"100% \\\"ours\\\" $HOME\" }}\n\
         \x20     environment_file: /etc/hello.env\n      memory: 200M\n      restart_on: [/etc/hello.env]\n{more}"
    )
}

#[test]
fn a_container_is_run_replaced_survives_a_power_cut_and_leaves_nothing() {
    let host = Host::new();
    let chapter = Chapter::new()
        .host("web1", &host)
        .resources(&resource(&format!("localhost/hello@sha256:{}", "0".repeat(64)), ""));
    let _ = chapter.apply().status(3).stderr_has("podman is not installed; let `- package: podman` stand before");
    host.sh("apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends podman iptables busybox-static >/dev/null 2>&1");
    let _ = chapter.apply().status(3).stderr_has("unsupported here: podman does not work");
    host.sh(STORAGE);
    let _ = chapter.apply().status(3).stderr_has("is not here and cannot be pulled");

    let first = image(&host, "first");
    let chapter = chapter.resources(&resource(&first, ""));
    let _ = chapter.apply().success();
    let _ = chapter.plan().success().no_changes();
    let says = "for i in $(seq 50); do busybox wget -qO- http://127.0.0.1:8080/ && exit; sleep 0.1; done";
    assert_eq!(host.sh(says), "first\n");
    assert_eq!(host.sh("ss -Hltn 'sport = 8080' | awk '{ print $4 }'"), "127.0.0.1:8080\n", "nobody else reaches it");
    let inside = host.sh("podman exec hello /bin/busybox sh -c 'echo \"$TITLE $WORD\"; /bin/busybox touch /srv/x || echo read-only; /bin/busybox grep CapEff /proc/self/status'");
    assert!(inside.starts_with("100% \"ours\" $HOME secret\nread-only\n"), "{inside}");
    assert!(inside.contains("CapEff:\t0000000000000400"), "binds low ports, and nothing else: {inside}");
    assert!(host.sh("systemctl show -p MemoryMax hello").contains("=209715200\n"));
    let members = host.sh("cat /sys/fs/cgroup/systemd/system.slice/hello.service/cgroup.procs 2>/dev/null || cat $(find /sys/fs/cgroup -path '*hello.service/cgroup.procs' | head -1)");
    assert!(members.lines().count() >= 2, "what it runs is in the unit's control group: {members}");

    host.kill();
    host.boot();
    assert_eq!(host.sh(says), "first\n");
    let _ = chapter.plan().success().no_changes();

    // it reads its file of variables anew, and a container that was stopped by hand runs again
    let before = host.sh("podman inspect --format '{{.Id}}' hello");
    let chapter = chapter.resources(&resource(&first, "").replace("=secret", "=other"));
    let _ = chapter.apply().success();
    assert_ne!(host.sh("podman inspect --format '{{.Id}}' hello"), before);
    host.sh("systemctl stop hello");
    assert_eq!(host.sh("podman ps --all --quiet"), "");
    let _ = chapter.apply().success();
    assert_eq!(host.sh(says), "first\n");

    the_laws_hold(&host);

    // another image: the old one is not kept
    let second = image(&host, "second");
    let chapter = chapter.resources(&resource(&second, ""));
    let _ = chapter.apply().success();
    assert_eq!(host.sh(says), "second\n");
    assert_eq!(host.sh("podman images --noheading --format '{{.Tag}}' | sort"), "law\nsecond\n");
    host.sh("podman rm keeper >/dev/null; podman image rm localhost/hello:law >/dev/null");

    // what does not run is said, with what it said itself
    let broken = resource(&second, "").replace("/bin/stoppable", "/bin/nothing");
    let _ = chapter.resources(&broken).apply().status(3).stderr_has("the container hello does not run");

    let chapter = Chapter::new().host("web1", &host).resources("  - file: { path: /etc/other, content: x }\n");
    let _ = chapter.run(&["apply", "--yes", "--allow-deletions", "10"]).success();
    assert_eq!(
        host.sh("podman ps --all --quiet; podman images --quiet; ls /etc/systemd/system | grep hello || true"),
        ""
    );
    let _ = chapter.plan().success().no_changes();
}

/// With a podman and images that are there.
fn the_laws_hold(host: &Host) {
    let image = image(host, "law");
    // while something uses it, the image stays when the container goes
    host.sh("podman create --quiet --name keeper --cgroups=disabled localhost/hello:law /bin/sh >/dev/null");
    let shared = tempfile::tempdir().unwrap();
    let bench = bench(host, shared.path());
    let kind = &steward::kinds::container::ContainerKind;
    let yaml = format!(
        "{{ name: law, image: \"{image}\", network: none, command: [/bin/stoppable, sleep, \"1000\"], volumes: [\"/srv:/srv:ro\"] }}"
    );
    hold_and_leave(kind, &*bench.item(kind.name(), &yaml), &bench);
    hold_and_leave(kind, &*bench.item(kind.name(), "{ name: law, state: absent }"), &bench);
}
