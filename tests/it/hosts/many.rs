//! A hundred hosts at once, as loopback servers: bounded threads and memory, and an order that does not depend on who
//! answers first.

use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Chapter, Sshd, free_port};

const HOSTS: usize = 100;

#[test]
fn a_hundred_hosts_are_planned_with_bounded_threads_and_memory_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let resource = format!("  - file: {{ path: {}/motd, content: \"Welcome\\n\" }}\n", dir.path().display());
    // each server stands for ten hosts, since an address for each host is what steward asks for
    let listen = |server: usize| -> String {
        (0..10).map(|n| format!("ListenAddress 127.0.{}.{}\n", server + 1, n + 1)).collect()
    };
    let servers: Vec<Sshd> = (0..HOSTS / 10)
        .map(|server| Sshd::with().config("MaxStartups 1000").config(&listen(server)).start())
        .collect();
    // not in the order of their names
    let names: Vec<String> = (0..HOSTS).map(|n| format!("h{}", (n * 37) % HOSTS)).collect();
    let key_of_first = &servers[0];
    let mut chapter = Chapter::new().key(&key_of_first.key());
    for (n, name) in names.iter().enumerate() {
        let (server, address) = (n % 10, n / 10 + 1);
        let sshd = &servers[server];
        let port = if n == 50 { free_port() } else { sshd.port() };
        let entry = format!(
            "{{ address: 127.0.{}.{address}, port: {port}, user: {}, host_key: {} }}",
            server + 1,
            sshd.user(),
            sshd.host_key()
        );
        chapter = chapter.entry(name, &entry);
    }
    for sshd in &servers[1..] {
        sshd.accept(key_of_first);
    }
    let chapter = chapter.resources(&resource);
    let (few, output) = measured(&chapter, 4);
    assert!(few.threads <= 4 + OTHERS, "{few:?}");
    let (more, same) = measured(&chapter, 16);
    assert!(more.threads > 8 && more.threads <= 16 + OTHERS, "{more:?}");
    assert!(more.memory < 100 << 10, "{more:?}");
    assert_eq!(output, same);
    let plan: serde_json::Value = serde_json::from_str(&output).unwrap();
    let order: Vec<&str> =
        plan["hosts"].as_array().unwrap().iter().map(|host| host["host"].as_str().unwrap()).collect();
    assert_eq!(order, names);
    for (n, host) in plan["hosts"].as_array().unwrap().iter().enumerate() {
        let (status, changes) = if n == 50 { ("unreachable", 0) } else { ("ok", 1) };
        assert_eq!((&host["status"], host["changes"].as_array().unwrap().len()), (&status.into(), changes), "{host}");
    }
    assert_eq!(plan["summary"]["unreachable"], 1);
    assert_eq!(plan["summary"]["create"], HOSTS - 1);
}

/// Threads that no host has: the first, the runtime's own, and those that read a revision or wait for a signal.
const OTHERS: usize = 5;

#[derive(Debug, Default)]
struct Most {
    threads: usize,
    /// KiB of resident memory.
    memory: usize,
}

/// What a plan of all hosts needed at most, and its output.
fn measured(chapter: &Chapter, jobs: usize) -> (Most, String) {
    let mut command = chapter.command(&["plan", "--format", "json", "--jobs", &jobs.to_string()]);
    let said = std::fs::File::create(chapter.path("said")).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(said).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let output = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let mut most = Most::default();
    let start = Instant::now();
    let status = loop {
        assert!(start.elapsed() < Duration::from_mins(2), "a plan that does not end");
        look(&child, &mut most);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let said = std::fs::read_to_string(chapter.path("said")).unwrap();
    assert_eq!(status.code(), Some(4), "{said}");
    (most, output.join().unwrap())
}

fn look(child: &Child, most: &mut Most) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse().ok()).unwrap_or(0)
    };
    most.threads = most.threads.max(field("Threads:"));
    most.memory = most.memory.max(field("VmHWM:"));
}
