//! What the operator's side makes of what a host's program says; the program itself is tried in every shell.

use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;
use crate::catalog::{Resource, ServiceEntry, ServiceState};
use crate::diag::{Place, Source};
use crate::kinds::bench::{Directory, SHELLS};
use crate::kinds::{Item, Site, named};
use crate::resource::Content;

const NONCE: &str = "5e0c91aa7d2b4f6e8a3d1c0b9f8e7d6c";
const ID: &str = "00112233445566778899aabbccddeeff";

fn catalog(directory: &Directory, resources: &[(&str, &str)]) -> HostCatalog {
    let bench = directory.host(SHELLS[0]);
    let resource = |(kind, yaml): &(&'static str, &str)| {
        let item: Arc<dyn Item> = Arc::from(bench.item(kind, yaml));
        let id = crate::resource::Id::new(kind, item.name());
        let place = Place::file(&Source::new("t", ""));
        Resource { id, kind: named(kind).unwrap(), item, owners: vec![0], place, data: false }
    };
    let resources: Vec<(&'static str, &str)> =
        resources.iter().map(|(kind, yaml)| (named(kind).unwrap().name(), *yaml)).collect();
    HostCatalog {
        chapter: String::new(),
        partial: true,
        retire: Arc::default(),
        checks: Vec::new(),
        host: "web1".into(),
        site: Site::default(),
        os: None,
        architecture: None,
        bootstrap: Some("admin".into()),
        readers: Vec::new(),
        wave: 0,
        ports: std::collections::BTreeSet::new(),
        keepers: std::collections::BTreeSet::new(),
        backed: Vec::new(),
        support: BTreeMap::new(),
        services: vec![ServiceEntry {
            name: "a".into(),
            module: "a".into(),
            needs: Vec::new(),
            state: ServiceState::default(),
        }],
        resources: resources.iter().map(resource).collect(),
    }
}

/// A host: its files of `/etc`, its list, its program in one of the shells.
struct Fake<'a> {
    directory: &'a Directory,
    shell: &'static [&'static str],
}

impl Fake<'_> {
    fn applied(&self, catalog: &HostCatalog) {
        let records = self.directory.at(&format!("/records/{ID}"));
        std::fs::create_dir_all(&records).unwrap();
        std::fs::write(records.join("readable"), reader::readable(catalog)).unwrap();
    }

    /// What the operator's side sees.
    fn seen(&self, catalog: &HostCatalog) -> Vec<Observation> {
        let (request, lines) = reader::request(catalog, ID, NONCE);
        let mut answers = Answers::new(NONCE);
        answers.feed(&self.said(&request));
        assert!(answers.done);
        let said = Said::read(answers.sections.get("reader"));
        assert!(said.refusal(catalog).is_none(), "{said:?}");
        translated(catalog, &answers.sections, &lines, &said).resources
    }

    fn said(&self, request: &[u8]) -> Vec<u8> {
        let records = self.directory.at("/records").display().to_string();
        let file = self.directory.at("/reader");
        std::fs::write(
            &file,
            reader::program().replace("RECORDS=/var/lib/steward/", &format!("RECORDS='{records}'/")),
        )
        .unwrap();
        let mut words = self.shell.iter().filter(|word| !word.starts_with("PATH=") && **word != "env");
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), request).unwrap();
        child.wait_with_output().unwrap().stdout
    }
}

#[test]
fn what_was_applied_is_seen_and_what_was_not_is_unknown_in_every_shell() {
    for shell in SHELLS {
        let directory = Directory::new();
        let (kept, other) =
            (directory.at("/kept").display().to_string(), directory.at("/other").display().to_string());
        let file = |path: &str, content: &str| format!("{{ path: '{path}', content: '{content}' }}");
        std::fs::write(&kept, "x").unwrap();
        std::fs::write(&other, "canary").unwrap();
        let fake = Fake { directory: &directory, shell };
        let before =
            catalog(&directory, &[("file", &file(&kept, "x")), ("command", "{ name: a, run: b, on_change: [/c] }")]);
        fake.applied(&before);
        let content = |observation: &Observation| match observation {
            Observation::Present(State(state)) => match state.get("content") {
                Some(Attribute::Content(Content { digest, bytes, .. })) => (digest.clone(), bytes.clone()),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        assert_eq!(content(&fake.seen(&before)[0]).0, crate::resource::digest(b"x"), "{shell:?}");

        // another content is wanted: what is there is known, and may be shown
        let wanted = catalog(&directory, &[("file", &file(&kept, "y")), ("file", &file(&other, "canary"))]);
        let seen = fake.seen(&wanted);
        assert_eq!(content(&seen[0]).1.as_deref(), Some(&b"x"[..]), "{shell:?}");
        assert_eq!(seen[1], Observation::Unknown(REFUSED.into()));

        // somebody changed it: that it differs is certain only if nothing else is wanted now
        std::fs::write(&kept, "y").unwrap();
        assert_eq!(content(&fake.seen(&before)[0]), ("0".repeat(64), None), "{shell:?}");
        assert_eq!(fake.seen(&wanted)[0], Observation::Unknown(CHANGED.into()), "{shell:?}");
    }
}

#[test]
fn a_host_that_says_nothing_of_use_is_refused_with_a_remedy() {
    let directory = Directory::new();
    let catalog = catalog(&directory, &[]);
    let refusal = |text: &str| {
        let answer = Answer { bytes: text.into(), ..Answer::default() };
        Said::read(Some(&answer)).refusal(&catalog).map(|it| it.fact)
    };
    assert_eq!(refusal("readable|same\nrefused|x\nrefused|99999999999999999999\n"), None);
    assert!(refusal("program|9.9\u{1b}[2J\n").unwrap().ends_with("is of another Steward (9.9\\u{1b}[2J)"));
    assert!(refusal("closed|nothing\n").unwrap().ends_with("answers no reader key: nothing"));
    assert!(refusal("").unwrap().ends_with("said nothing that makes sense"));
}

#[test]
fn the_program_parses_in_every_shell_and_names_itself_by_its_digest() {
    let program = reader::program();
    for shell in [&["dash"][..], &["bash"], &["busybox", "sh"]] {
        let output = Command::new(shell[0]).args(&shell[1..]).args(["-n", "-c", &program]).output().unwrap();
        assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(program.contains(&format!("\nREADER_PROGRAM={}\n", reader::program_digest())));
    // who can get in is not even in it
    assert!(!program.contains("probe_access"));
}
