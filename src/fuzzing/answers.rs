//! What a hostile host answers: it knows the nonce, and may cut short, forge, repeat, or send a great deal of anything.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::assert_can_be_shown;
use super::world::{assert_nothing_is_made_up, catalog, shown};
use crate::apply::{Apply, apply};
use crate::catalog::HostCatalog;
use crate::diag::{Diagnostic, Diagnostics};
use crate::history::About;
use crate::plan::plan;
use crate::probe::{look, verify_facts};
use crate::script::change::Run;
use crate::script::frames::Answers;
use crate::transport::{Broken, Conversation, Input, Login, Session, Sudo};
use crate::ui::report;

/// Between what it answers to one exchange and to the next.
const NEXT: &[u8] = b"\n====\n";
/// Stands for the nonce of the exchange.
const NONCE: &[u8] = b"NONCE";
/// At most so much is made of a short answer that repeats itself.
const MOST: usize = 1 << 20;

/// A look, a plan, and a change with its own looks, all with a host that answers with these bytes. `NONCE` in them is
/// the nonce; the bytes 2 and N repeat the line before them 4 to the power of N times.
pub fn answers(bytes: &[u8]) {
    static CATALOG: OnceLock<Arc<HostCatalog>> = OnceLock::new();
    let catalog = CATALOG.get_or_init(catalog);
    let mut host = Hostile {
        says: split(bytes),
        login: Login { user: None, sudo: Sudo::None },
        exchanges: 0,
        nonce: String::new(),
        said: Vec::new(),
    };
    let run = Run {
        inventory: "ab12".into(),
        id: "20260102T030405-1".into(),
        holder: "ana".into(),
        lock_wait: 0,
        confirm_within: 0,
        revision: None,
        about: About::default(),
    };
    let silence = Duration::from_secs(1);
    let seen = match look(&mut host, catalog, &run.records(&catalog.site), silence) {
        Ok(seen) => seen,
        Err(broken) => return show(vec![diagnostic(broken)]),
    };
    let mut read = Answers::new(&host.nonce);
    read.feed(&host.said);
    assert_nothing_is_made_up(catalog, &seen.resources, |kind| read.sections.get(kind).map(|it| it.bytes.clone()));
    if let Err(contradiction) = verify_facts(catalog, &seen.facts) {
        show(vec![*contradiction]);
    }
    let todo = plan(catalog, &seen);
    for text in shown(todo.clone()) {
        assert_can_be_shown(&text);
    }
    let reconnect = |_: &Login| -> Result<Box<dyn Session>, Broken> {
        Err(Broken::Unreachable(Box::new(Diagnostic::error("the host is gone"))))
    };
    let stop = Arc::new(AtomicBool::new(false));
    // a change that may lock everybody out is otherwise waited for, minutes long
    let how =
        Apply { run: &run, stop: &stop, silence, grace: Duration::ZERO, reconnect: &reconnect, watch: &|_, _| {} };
    let mut session: Box<dyn Session> = Box::new(host);
    let outcome = apply(&mut session, todo, &how);
    assert!(outcome.exchanges <= 5, "the host made it ask again and again");
    show(outcome.failures);
}

fn show(diagnostics: Vec<Diagnostic>) {
    let mut all = Diagnostics::default();
    for it in diagnostics {
        all.push(it);
    }
    assert_can_be_shown(&report::render(&all, false));
}

fn diagnostic(broken: Broken) -> Diagnostic {
    match broken {
        Broken::Unreachable(why) | Broken::Lost(why) | Broken::Ended(why) => *why,
    }
}

fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut says = vec![Vec::new()];
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let Some(last) = says.last_mut() else { break };
        match (rest.strip_prefix(NEXT), first, after.first()) {
            (Some(after), ..) => {
                says.push(Vec::new());
                rest = after;
            }
            (None, 2, Some(&power)) => {
                repeat(last, power);
                rest = &after[1..];
            }
            _ => {
                last.push(first);
                rest = after;
            }
        }
    }
    says.reverse();
    says
}

fn repeat(said: &mut Vec<u8>, power: u8) {
    let start = said.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let line = said[start..].to_vec();
    for _ in 1..4_usize.pow(u32::from(power % 11)) {
        if said.len() + line.len() > MOST {
            return;
        }
        said.extend_from_slice(&line);
    }
}

struct Hostile {
    /// The last is said first.
    says: Vec<Vec<u8>>,
    login: Login,
    exchanges: usize,
    /// The nonce of the last exchange, and what was heard in it.
    nonce: String,
    said: Vec<u8>,
}

impl Session for Hostile {
    fn exchange(&mut self, command: &str, talk: &mut dyn Conversation, _: Duration) -> Result<(), Broken> {
        self.exchanges += 1;
        let words = command.split(|c: char| !c.is_ascii_hexdigit());
        words.max_by_key(|word| word.len()).unwrap_or_default().clone_into(&mut self.nonce);
        assert_eq!(self.nonce.len(), 32, "{command}");
        while let Input::Bytes(_) = talk.input() {}
        self.said = with_nonce(&self.says.pop().unwrap_or_default(), self.nonce.as_bytes());
        let mut heard = 0;
        for piece in self.said.chunks(4096) {
            if talk.finished() {
                break;
            }
            talk.output(piece);
            talk.errors(piece);
            heard += piece.len();
        }
        self.said.truncate(heard);
        if talk.finished() { Ok(()) } else { Err(Broken::Ended(Box::new(Diagnostic::error("the host ended")))) }
    }

    fn login(&self) -> &Login {
        &self.login
    }

    fn exchanges(&self) -> usize {
        self.exchanges
    }

    fn description(&self) -> String {
        "hostile".to_owned()
    }
}

fn with_nonce(said: &[u8], nonce: &[u8]) -> Vec<u8> {
    let mut with = Vec::with_capacity(said.len());
    let mut rest = said;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(NONCE) {
            with.extend_from_slice(nonce);
            rest = after;
        } else {
            with.push(*first);
            rest = after;
        }
    }
    with
}
