use super::*;
use crate::kinds::bench::{Bench, assert_converged};

fn on(os: &str) -> Bench<'static> {
    Bench::on(Site { os: Some(os.to_owned()), ..Site::default() }, |_, _| Vec::new())
}

fn image() -> String {
    format!("docker.io/library/redis:7@sha256:{}", "a".repeat(64))
}

fn cache(more: &str) -> String {
    format!("{{ name: cache, image: \"{}\"{more} }}", image())
}

fn text(os: &str, yaml: &str) -> String {
    let Want::Present(state) = on(os).item("container", yaml).want() else { panic!("absent") };
    match &state.0["unit"] {
        crate::resource::Attribute::Content(content) => content.text().unwrap().to_owned(),
        crate::resource::Attribute::Text(text) => text.clone(),
    }
}

const ALL: &str = r#", command: [redis-server, --save, "", "$HOME 5%"], volumes: ["/srv/cache:/data", "/etc/x:/x:ro"], publish: ["6379:6379", "0.0.0.0:53:5353/udp"],
  user: "999:999", capabilities: [CHOWN], memory: 512M, read_only: true, environment: { TITLE: "100% \"ours\"" }, environment_file: /etc/cache.env,
  description: "A cache\\", entrypoint: /bin/sh"#;

#[test]
fn a_unit_runs_podman_with_everything_that_was_declared() {
    let digest = "a".repeat(64);
    let expected = format!(
        r#"# Kept by Steward: what is changed here is put back.
# Image: docker.io/library/redis@sha256:{digest}
[Unit]
Description=A cache/
Wants=network-online.target
After=network-online.target
RequiresMountsFor="/srv/cache" "/etc/x"

[Service]
Type=notify
NotifyAccess=all
Environment=PODMAN_SYSTEMD_UNIT=%n
ExecStart=/usr/bin/podman run --name cache --replace --rm --detach --pull=never --sdnotify=conmon --cgroups=disabled --log-driver=passthrough --network=bridge --security-opt=no-new-privileges --read-only --cap-drop=all --cap-add=CHOWN --user=999:999 --publish=127.0.0.1:6379:6379/tcp --publish=0.0.0.0:53:5353/udp --volume=/srv/cache:/data --volume=/etc/x:/x:ro --env-file=/etc/cache.env "--env=TITLE=100%% \"ours\"" --entrypoint=/bin/sh docker.io/library/redis@sha256:{digest} redis-server --save "" "$$HOME 5%%"
ExecStop=/usr/bin/podman stop --ignore --time 20 cache
ExecStopPost=-/usr/bin/podman rm --force --ignore cache
KillMode=mixed
Restart=on-failure
RestartSec=2
TimeoutStartSec=120
TimeoutStopSec=40
MemoryMax=512M

[Install]
WantedBy=multi-user.target
"#
    );
    assert_eq!(text("debian-12", &cache(ALL)), expected);
}

#[test]
fn where_podman_has_quadlet_it_is_a_quadlet_with_the_same_arguments() {
    let all = ALL.replace(" \"\",", "");
    let quadlet = text("debian-13", &cache(&all));
    let unit = text("debian-12", &cache(&all));
    let arguments = unit.split_once("passthrough ").unwrap().1.split_once(" docker.io").unwrap().0;
    assert!(quadlet.contains(&format!("\nPodmanArgs=--pull=never {arguments}\n")), "{quadlet}");
    let head = format!("[Container]\nImage=docker.io/library/redis@sha256:{}\nContainerName=cache\n", "a".repeat(64));
    assert!(quadlet.contains(&head), "{quadlet}");
    assert!(quadlet.contains("\nExec=redis-server --save \"$$HOME 5%%\"\n"), "{quadlet}");
    assert!(!text("debian-13", &cache("")).contains("Exec="));
    // which Podman 5.4 loses, with what is behind it
    assert_eq!(text("debian-13", &cache(ALL)), text("debian-12", &cache(ALL)));
    let refused = on("debian-13").try_item("container", &cache(&format!("{ALL}, quadlet: true"))).unwrap_err();
    assert!(refused.contains("loses an empty argument"), "{refused}");
    for (os, given, path) in [
        ("debian-12", "", "/etc/systemd/system/cache.service"),
        ("debian-13", "", "/etc/containers/systemd/cache.container"),
        ("ubuntu-24.04", "", "/etc/systemd/system/cache.service"),
        ("debian-12", ", quadlet: true", "/etc/containers/systemd/cache.container"),
        ("debian-13", ", quadlet: false", "/etc/systemd/system/cache.service"),
    ] {
        let item = on(os).item("container", &cache(given));
        assert_eq!(item.ask(&Site::default())[2], path.as_bytes(), "{os}{given}");
    }
}

#[test]
fn a_container_whose_unit_is_as_written_and_runs_is_in_order_and_half_an_answer_says_nothing() {
    for (os, enabled) in [("debian-12", "enabled"), ("debian-13", "generated")] {
        let item = on(os).item("container", &cache(""));
        let asked: Vec<String> =
            item.ask(&Site::default()).into_iter().map(|field| String::from_utf8(field).unwrap()).collect();
        let [unit, digest, path] = &asked[..] else { panic!("{asked:?}") };
        let whole = format!(
            "S|81a4|root|0|root|0|9|{path}\nH|{digest}|{path}\nId={unit}\nNames={unit}\nLoadState=loaded\n\
             ActiveState=active\nUnitFileState={enabled}\nNeedDaemonReload=no\n"
        );
        let observed = |answer: &str| {
            let answer = Answer { bytes: answer.as_bytes().to_vec(), ..Answer::default() };
            ContainerKind.read(&[&*item], &Site::default(), &answer).remove(0)
        };
        assert_converged(&*item, &observed(&whole));
        for (from, to) in [("=active", "=failed"), ("Reload=no", "Reload=yes"), (&digest[..], &"0".repeat(64))] {
            let Observation::Present(state) = observed(&whole.replace(from, to)) else { panic!("{from}") };
            let Want::Present(wanted) = item.want() else { panic!("absent") };
            assert_ne!(state, wanted, "{from}");
        }
        for line in whole.lines().filter(|line| line.starts_with(['S', 'H', 'L', 'A'])) {
            let seen = observed(&whole.replace(&format!("{line}\n"), ""));
            assert!(matches!(seen, Observation::Unknown(_)), "without {line}: {seen:?}");
        }
    }
}

#[test]
fn what_is_wrong_in_a_declaration_is_said_at_once() {
    let said = |yaml: &str| on("debian-12").try_item("container", yaml).unwrap_err();
    let wrong = said(
        "{ name: a.b, image: redis, volumes: [\"data:/x\", \"/a:/b:rw\", \"/a,b:/c\"], publish: [\"80\", \"x:80:80\", \"0:80\", \"1:2:3:4\"], environment: { \"a-b\": x }, \
         environment_file: etc, restart_on: [x], user: \"-1\", capabilities: [chown], memory: lots, entrypoint: \" \" }",
    );
    for fact in [
        "`a.b` is not the name",
        "`redis` is not the whole name",
        "`data:/x` is not",
        "`/a:/b:rw` is not",
        "`/a,b:/c` is not",
        "`80` publishes",
        "`x:80:80` publishes",
        "`0:80` publishes",
        "`1:2:3:4` publishes",
        "`a-b` is not",
        "`etc` is not a plain",
        "`x` is not an absolute",
        "`-1` is no account",
        "`chown` is no capability",
        "`lots` is no size",
        "`entrypoint` is empty",
    ] {
        assert!(wrong.contains(fact), "{fact}: {wrong}");
    }
    assert!(said("{ name: a }").contains("has no image"));
    assert!(said(&cache(", network: host, publish: [\"1:2\"]")).contains("nothing to publish"));
    assert!(on("debian-12").try_item("container", "{ name: a, state: absent }").is_ok());
}
