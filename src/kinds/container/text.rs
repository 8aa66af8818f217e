//! The text of the unit, or of the Quadlet file of which Podman makes one; see podman-run(1), podman-systemd.unit(5) and
//! systemd.service(5). Both run Podman with the same arguments.

use super::judge::published;
use super::{Fields, Form};
use crate::kinds::unit_text::{HEAD, one_line, quoted};

pub(super) fn of(fields: &Fields, image: &str, form: Form) -> String {
    match form {
        Form::Unit => unit(fields, image),
        Form::Quadlet => quadlet(fields, image),
    }
}

/// The processes stay in the unit's own control group, so that what systemd limits and stops is the container itself.
fn unit(fields: &Fields, image: &str) -> String {
    let name = &fields.name;
    let mut run: Vec<String> =
        ["--name", name, "--replace", "--rm", "--detach", "--pull=never", "--sdnotify=conmon", "--cgroups=disabled"]
            .map(str::to_owned)
            .to_vec();
    run.push("--log-driver=passthrough".to_owned());
    run.extend(arguments(fields));
    run.push(image.to_owned());
    run.extend(fields.command.iter().cloned());
    format!(
        "{HEAD}# Image: {image}\n{}\n[Service]\nType=notify\nNotifyAccess=all\nEnvironment=PODMAN_SYSTEMD_UNIT=%n\n\
         ExecStart=/usr/bin/podman run {}\nExecStop=/usr/bin/podman stop --ignore --time 20 {name}\n\
         ExecStopPost=-/usr/bin/podman rm --force --ignore {name}\nKillMode=mixed\n{}{INSTALL}",
        head(fields),
        words(&run),
        limits(fields),
    )
}

fn quadlet(fields: &Fields, image: &str) -> String {
    let mut podman = vec!["--pull=never".to_owned()];
    podman.extend(arguments(fields));
    let command =
        if fields.command.is_empty() { String::new() } else { format!("Exec={}\n", words(&fields.command)) };
    format!(
        "{HEAD}# Image: {image}\n{}\n[Container]\nImage={image}\nContainerName={}\nPodmanArgs={}\n{command}\n[Service]\n{}{INSTALL}",
        head(fields),
        fields.name,
        words(&podman),
        limits(fields),
    )
}

const INSTALL: &str = "\n[Install]\nWantedBy=multi-user.target\n";

fn head(fields: &Fields) -> String {
    let description = one_line(fields.description.as_deref().unwrap_or(&fields.name));
    let mut text =
        format!("[Unit]\nDescription={description}\nWants=network-online.target\nAfter=network-online.target\n");
    let mounts: Vec<String> =
        fields.volumes.iter().filter_map(|volume| volume.split(':').next()).map(quoted).collect();
    if !mounts.is_empty() {
        text.push_str(&format!("RequiresMountsFor={}\n", mounts.join(" ")));
    }
    text
}

fn limits(fields: &Fields) -> String {
    let memory = fields.memory.as_ref().map(|size| format!("MemoryMax={size}\n")).unwrap_or_default();
    format!("Restart=on-failure\nRestartSec=2\nTimeoutStartSec=120\nTimeoutStopSec=40\n{memory}")
}

/// What it may do, and what it gets.
fn arguments(fields: &Fields) -> Vec<String> {
    let mut all = vec![format!("--network={}", fields.network.word()), "--security-opt=no-new-privileges".to_owned()];
    if fields.read_only {
        all.push("--read-only".to_owned());
    }
    if let Some(capabilities) = &fields.capabilities {
        all.push("--cap-drop=all".to_owned());
        all.extend(capabilities.iter().map(|name| format!("--cap-add={name}")));
    }
    all.extend(fields.user.iter().map(|user| format!("--user={user}")));
    all.extend(fields.publish.iter().filter_map(|port| published(port)).map(|port| format!("--publish={port}")));
    all.extend(fields.volumes.iter().map(|volume| format!("--volume={volume}")));
    all.extend(fields.environment_file.iter().map(|path| format!("--env-file={path}")));
    all.extend(fields.environment.iter().map(|(name, value)| format!("--env={name}={value}")));
    all.extend(fields.entrypoint.iter().map(|program| format!("--entrypoint={program}")));
    all
}

/// As a command line of systemd: plain words as they are, others quoted.
fn words(all: &[String]) -> String {
    let is_plain =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_=/.:@,".contains(c));
    let word = |word: &String| if is_plain(word) { word.clone() } else { quoted(word) };
    all.iter().map(word).collect::<Vec<_>>().join(" ")
}
