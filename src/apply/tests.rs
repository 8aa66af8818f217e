//! The whole road on this machine: a directory stands for the host, a real shell runs the real scripts.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::apply::{Apply, apply};
use crate::catalog::{HostCatalog, Resource, ServiceEntry};
use crate::diag::{Diagnostics, Source};
use crate::history::About;
use crate::kinds::bench::Sources;
use crate::kinds::{Build, Site, named};
use crate::outcome::{Outcome, Status};
use crate::plan::{HostPlan, plan};
use crate::probe::look;
use crate::resource::Id;
use crate::script::change::{Run, change};
use crate::transport::{Login, Nobody, Session, Sudo, Target, connect};
use crate::yaml::parse;

mod retiring;

const SILENCE: Duration = Duration::from_secs(20);

struct Host {
    root: tempfile::TempDir,
    catalog: Arc<HostCatalog>,
    session: Box<dyn Session>,
    stop: Arc<AtomicBool>,
}

/// `(service, needs, kind, yaml)` for each resource, in order.
fn host(resources: &[(usize, &str, &str)], needs: &[&[usize]]) -> Host {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let site = Site { root: root.path().to_str().unwrap().to_owned(), os: None };
    let resources = resources.iter().map(|(service, kind, yaml)| resource(*service, kind, yaml, &site)).collect();
    let service = |(index, needs): (usize, &&[usize])| ServiceEntry {
        name: format!("s{index}"),
        module: "test".into(),
        needs: needs.to_vec(),
        state: crate::catalog::ServiceState::default(),
    };
    let services = needs.iter().enumerate().map(service).collect();
    let catalog = HostCatalog {
        host: "h1".into(),
        chapter: "Test".into(),
        site,
        os: None,
        architecture: None,
        bootstrap: None,
        partial: false,
        retire: Arc::default(),
        readers: Vec::new(),
        wave: 0,
        ports: std::collections::BTreeSet::new(),
        keepers: std::collections::BTreeSet::new(),
        backed: Vec::new(),
        support: std::collections::BTreeMap::new(),
        checks: Vec::new(),
        services,
        resources,
    };
    let session = connect(&Target::Local(Login { user: None, sudo: Sudo::None }), &Nobody).unwrap();
    Host { root, catalog: Arc::new(catalog), session, stop: Arc::default() }
}

fn resource(service: usize, kind: &str, yaml: &str, site: &Site) -> Resource {
    let node = parse(&Source::new("test.yaml", yaml)).unwrap();
    let mut mistakes = Diagnostics::default();
    let mut files = Sources::default();
    let kind = named(kind).unwrap();
    let item = kind.item(&node, &mut Build { mistakes: &mut mistakes, files: &mut files, site }).unwrap();
    let id = Id::new(kind.name(), item.name());
    Resource { id, kind, item: Arc::from(item), owners: vec![service], data: false, place: node.place }
}

impl Host {
    fn run() -> Run {
        Run {
            inventory: "ab12".into(),
            id: "20260102T030405-1".into(),
            holder: "ana".into(),
            lock_wait: 0,
            confirm_within: 60,
            revision: None,
            about: About::default(),
        }
    }

    fn plan(&mut self) -> HostPlan {
        let records = Self::run().records(&self.catalog.site);
        let observed = look(&mut *self.session, &self.catalog, &records, SILENCE).unwrap();
        plan(&self.catalog, &observed)
    }

    fn apply(&mut self, plan: HostPlan) -> Outcome {
        let reconnect = |login: &Login| connect(&Target::Local(login.clone()), &Nobody);
        let how = Apply {
            run: &Self::run(),
            stop: &self.stop,
            silence: SILENCE,
            grace: super::GRACE,
            reconnect: &reconnect,
            watch: &|_, _| {},
        };
        apply(&mut self.session, plan, &how)
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path)
    }

    /// Everything that lies on the host outside Steward's records of previous runs.
    fn leftovers(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(self.root.path(), &mut found);
        found.retain(|path| path.contains(".steward") || path.contains("stage.") || path.contains("/debts/"));
        found
    }
}

fn walk(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        found.push(entry.path().display().to_string());
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), found);
        }
    }
}

#[test]
fn an_empty_directory_becomes_what_is_wanted_in_three_exchanges() {
    let mut host = host(
        &[(0, "file", "{ path: /etc/motd, content: \"hi\\n\" }"), (0, "file", "{ path: /etc/gone, state: absent }")],
        &[&[]],
    );
    fs::write(host.at("etc/gone"), "x").unwrap();
    let first = host.plan();
    assert_eq!(
        first.changes.iter().map(|it| it.id.to_string()).collect::<Vec<_>>(),
        ["file:/etc/motd", "file:/etc/gone"]
    );
    let outcome = host.apply(first);
    assert_eq!((outcome.status, outcome.changed, outcome.exchanges), (Status::Converged, 2, 3), "{outcome:?}");
    assert_eq!(fs::read_to_string(host.at("etc/motd")).unwrap(), "hi\n");
    assert!(!host.at("etc/gone").exists());
    assert!(host.plan().is_empty());
    assert_eq!(host.leftovers(), Vec::<String>::new());
}

#[test]
fn a_failure_stops_its_service_and_those_that_need_it_and_no_other() {
    let resources = [
        (0, "file", "{ path: /etc/refused, content: a, validate: \"false\" }"),
        (0, "file", "{ path: /etc/after, content: a }"),
        (1, "file", "{ path: /etc/other, content: a }"),
        (2, "file", "{ path: /etc/needing, content: a }"),
    ];
    let mut host = host(&resources, &[&[], &[], &[0]]);
    let plan = host.plan();
    let outcome = host.apply(plan);
    assert_eq!(
        (outcome.status, outcome.changed, outcome.failed, outcome.skipped),
        (Status::Failed, 1, 1, 2),
        "{outcome:?}"
    );
    assert!(outcome.failures[0].fact.contains("file:/etc/refused failed"), "{outcome:?}");
    assert!(host.at("etc/other").exists() && !host.at("etc/after").exists() && !host.at("etc/needing").exists());
}

#[test]
fn a_host_that_changed_since_the_plan_is_not_touched() {
    let mut host = host(&[(0, "file", "{ path: /etc/motd, content: new }")], &[&[]]);
    let plan = host.plan();
    fs::write(host.at("etc/motd"), "somebody was here").unwrap();
    let outcome = host.apply(plan);
    assert_eq!(outcome.status, Status::Stale, "{outcome:?}");
    assert!(outcome.failures[0].fact.contains("changed since the plan: file:/etc/motd"), "{outcome:?}");
    assert_eq!(fs::read_to_string(host.at("etc/motd")).unwrap(), "somebody was here");
}

#[test]
fn a_second_run_at_the_same_time_is_told_who_is_there() {
    let mut host = host(&[(0, "file", "{ path: /etc/motd, content: new }")], &[&[]]);
    let plan = host.plan();
    let records = host.at("var/lib/steward");
    fs::create_dir_all(&records).unwrap();
    fs::write(records.join("holder"), "berta since noon\n").unwrap();
    let lock = fs::File::create(records.join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let outcome = host.apply(plan);
    assert_eq!(outcome.status, Status::Locked, "{outcome:?}");
    assert!(outcome.failures[0].fact.contains("berta since noon"), "{outcome:?}");
    assert!(!host.at("etc/motd").exists());
}

#[test]
fn a_run_that_is_stopped_begins_no_further_step() {
    let mut host = host(&[(0, "file", "{ path: /etc/motd, content: new }")], &[&[]]);
    let plan = host.plan();
    host.stop.store(true, Ordering::Relaxed);
    let outcome = host.apply(plan);
    // the word may come when the only step has begun; then it is finished
    assert!(outcome.status == Status::Converged || outcome.failures[0].fact.contains("stopped"), "{outcome:?}");
}

/// More than a pipe holds is said by the failing steps, and nobody reads it.
#[test]
fn a_link_that_takes_nothing_keeps_no_step_waiting() {
    let mut resources: Vec<(usize, &str, String)> = (0..60)
        .map(|n| {
            (
                n,
                "file",
                format!(
                    "{{ path: /etc/loud{n}, content: x, validate: 'seq -s ______________________ 1000; false' }}"
                ),
            )
        })
        .collect();
    resources.push((60, "file", "{ path: /etc/last, content: x }".to_owned()));
    let resources: Vec<(usize, &str, &str)> =
        resources.iter().map(|(service, kind, yaml)| (*service, *kind, yaml.as_str())).collect();
    for shell in ["dash", "busybox sh"] {
        let mut host = host(&resources, &[&[][..]; 61]);
        let plan = host.plan();
        let mut child = unread(&plan, shell);
        let start = std::time::Instant::now();
        while !host.at("etc/last").exists() {
            assert!(start.elapsed() < Duration::from_mins(1), "{shell}: a step waits for the link");
            std::thread::sleep(Duration::from_millis(20));
        }
        let entry = host.at("var/lib/steward/ab12/runs/20260102T030405-1");
        while !fs::read_to_string(&entry).unwrap_or_default().contains("over done") {
            assert!(start.elapsed() < Duration::from_mins(1), "{shell}: the end waits for the link");
            std::thread::sleep(Duration::from_millis(20));
        }
        let lock = fs::File::open(host.at("var/lib/steward/lock")).unwrap();
        while rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            assert!(start.elapsed() < Duration::from_mins(1), "{shell}: the lock waits for the link");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(child.try_wait().unwrap().is_none(), "it must have had more to say than the pipe holds");
        // who reads at last reads everything
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut said).unwrap();
        assert!(said.len() > 100_000 && said.contains(" over done\n"), "{shell}: {}", said.len());
        assert_eq!(said.matches(" failed 1 ").count(), 60, "{shell}");
        child.wait().unwrap();
    }
}

/// The script of a change in this shell, with a standard output that nobody reads.
fn unread(plan: &HostPlan, shell: &str) -> std::process::Child {
    use std::io::Write as _;
    let upload = change(plan, &Host::run());
    let script = tempfile::NamedTempFile::new().unwrap();
    fs::write(script.path(), &upload.script).unwrap();
    let line = format!("exec {shell} {}", script.path().display());
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for piece in &upload.payloads {
        stdin.write_all(piece.bytes()).unwrap();
    }
    std::thread::spawn(move || {
        let _script = script;
        for _ in 0..60 {
            std::thread::sleep(Duration::from_secs(1));
            if stdin.write_all(b"beat\n").is_err() {
                return;
            }
        }
    });
    child
}
