//! The operator's side of a change: sends the script and the payloads, then a beat every few seconds; reads records.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::catalog::{HostCatalog, HostReaction};
use crate::diag::Diagnostic;
use crate::kinds::Answer;
use crate::outcome::{Event, StepResult};
use crate::resource::Id;
use crate::script::archive::Chunk;
use crate::script::frames::{Answers, Line, Lines};
use crate::scrub::Scrubber;
use crate::secret::Secret;
use crate::transport::{Broken, Conversation, Input};

/// How often the host hears that somebody is still here.
const BEAT: Duration = Duration::from_secs(5);
/// At most this much is handed to the link at a time.
const PIECE: usize = 64 << 10;

/// How the script ended.
pub(super) enum Ending {
    Done,
    Stopped,
    Locked(String),
    Refused(String),
    Stale,
    /// No end record, or one that is not known.
    Cut,
}

pub(super) struct Changing<'a> {
    catalog: &'a HostCatalog,
    reactions: Vec<HostReaction>,
    queue: VecDeque<Chunk>,
    /// How much of the first piece of the queue is gone.
    offset: usize,
    sent: u64,
    total: u64,
    beaten: Instant,
    stop: &'a Arc<AtomicBool>,
    stop_said: bool,
    lines: Lines,
    answers: Answers,
    results: Vec<(Id, StepResult)>,
    holder: Option<String>,
    refused: Option<String>,
    /// The host waits for a confirmation.
    pending: bool,
    over: Option<String>,
    scrubber: Scrubber,
    watch: &'a dyn Fn(Event),
}

impl<'a> Changing<'a> {
    pub(super) fn new(
        catalog: &'a HostCatalog,
        nonce: &str,
        preamble: Vec<u8>,
        payloads: Vec<Chunk>,
        watch: &'a dyn Fn(Event),
        stop: &'a Arc<AtomicBool>,
    ) -> Self {
        let queue: VecDeque<Chunk> =
            std::iter::once(Chunk::Secret(Arc::new(Secret::new(preamble)))).chain(payloads).collect();
        Self {
            catalog,
            reactions: catalog.reactions(),
            total: queue.iter().map(|piece| piece.bytes().len() as u64).sum(),
            queue,
            offset: 0,
            sent: 0,
            beaten: Instant::now(),
            stop,
            stop_said: false,
            lines: Lines::new(nonce),
            answers: Answers::new(nonce),
            results: Vec::new(),
            holder: None,
            refused: None,
            pending: false,
            over: None,
            scrubber: Scrubber::new(catalog.values()),
            watch,
        }
    }

    pub(super) fn count(&self, of: impl Fn(&StepResult) -> bool) -> usize {
        self.results.iter().filter(|(_, result)| of(result)).count()
    }

    /// True if the host waits for a confirmation, or if nobody here can tell.
    pub(super) fn may_be_pending(&self, exchanged: &Result<(), Broken>) -> bool {
        let began = !matches!(exchanged, Err(Broken::Unreachable(_))) && self.refused.is_none();
        self.pending || (began && self.over.is_none())
    }

    /// True if this resource was found to be as it should be.
    pub(super) fn left(&self, id: &Id) -> bool {
        self.results.iter().any(|(other, result)| other == id && matches!(result, StepResult::Unchanged))
    }

    pub(super) fn sections(&self) -> &BTreeMap<String, Answer> {
        &self.answers.sections
    }

    pub(super) fn ending(&self) -> Ending {
        match (self.over.as_deref(), &self.refused) {
            (_, Some(why)) => Ending::Refused(why.clone()),
            (Some("done"), _) => Ending::Done,
            (Some("done stopped"), _) => Ending::Stopped,
            (Some("stale" | "stale stopped"), _) => Ending::Stale,
            (Some("locked"), _) => Ending::Locked(self.holder.clone().unwrap_or_default()),
            _ => Ending::Cut,
        }
    }

    /// One diagnostic for each resource that failed.
    pub(super) fn failures(&self) -> Vec<Diagnostic> {
        self.results.iter().filter_map(|(id, result)| failure(&self.catalog.host, id, result)).collect()
    }

    fn record(&mut self, record: &str) {
        let (word, rest) = record.split_once(' ').unwrap_or((record, ""));
        match word {
            "beat" => (self.watch)(Event::Beat),
            "news" => (self.watch)(Event::News(self.scrubber.scrub(&decoded(rest)))),
            // said every second; news only if somebody else has it now
            "waiting" => {
                let holder = Some(decoded(rest));
                if self.holder != holder {
                    self.holder = holder;
                    (self.watch)(Event::Waiting(self.holder.clone().unwrap_or_default()));
                }
            }
            "refused" => self.refused = Some(self.scrubber.scrub(&decoded(rest))),
            "pending" => self.pending = true,
            "over" => self.over = Some(rest.to_owned()),
            "step" => self.step(rest),
            "reaction" => self.reaction(rest),
            _ => {}
        }
    }

    fn step(&mut self, rest: &str) {
        let mut words = rest.split(' ').peekable();
        let mut ids = Vec::new();
        while let Some(number) = words.peek().and_then(|word| word.parse::<usize>().ok()) {
            ids.extend(self.catalog.resources.get(number).map(|resource| resource.id.clone()));
            words.next();
        }
        let result = match words.next() {
            Some("begin") => {
                for id in ids {
                    (self.watch)(Event::Begun(id));
                }
                return;
            }
            Some("changed") => StepResult::Changed,
            Some("unchanged") => StepResult::Unchanged,
            Some("skipped") => StepResult::Skipped,
            Some("failed") => StepResult::Failed(self.scrubber.scrub(&said(words))),
            _ => return,
        };
        for id in ids {
            self.done(id, result.clone());
        }
    }

    fn reaction(&mut self, rest: &str) {
        let mut words = rest.split(' ');
        let declared = words.next().and_then(|word| self.reactions.get(word.parse::<usize>().ok()?));
        let Some(resource) = declared.and_then(|declared| self.catalog.resources.get(declared.resource)) else {
            return;
        };
        let id = resource.id.clone();
        let result = match words.next() {
            Some("begin") => return (self.watch)(Event::Begun(id)),
            Some("paid") => StepResult::Paid,
            Some("owed") => StepResult::Owed,
            Some("failed") => StepResult::Failed(self.scrubber.scrub(&said(words))),
            Some("invalid") => StepResult::Invalid(self.scrubber.scrub(&said(words))),
            _ => return,
        };
        self.done(id, result);
    }

    fn done(&mut self, id: Id, result: StepResult) {
        (self.watch)(Event::Done { id: id.clone(), result: result.clone() });
        self.results.push((id, result));
    }

    /// The next piece of the upload.
    fn piece(&mut self) -> Option<Vec<u8>> {
        let first = self.queue.front()?.bytes();
        let end = first.len().min(self.offset + PIECE);
        let piece = first.get(self.offset..end).unwrap_or_default().to_vec();
        self.offset = end;
        let over = end == first.len();
        if over {
            self.queue.pop_front();
            self.offset = 0;
        }
        self.sent += piece.len() as u64;
        (self.watch)(Event::Sending { sent: self.sent, total: self.total });
        Some(piece)
    }
}

/// The exit status and what was printed, from the words `CODE BASE64`.
fn said<'a>(mut words: impl Iterator<Item = &'a str>) -> String {
    let code = words.next().unwrap_or("?");
    let text = decoded(words.next().unwrap_or_default());
    if text.trim().is_empty() { format!("exit status {code}, nothing printed") } else { text.trim_end().to_owned() }
}

fn decoded(encoded: &str) -> String {
    String::from_utf8_lossy(&STANDARD.decode(encoded.trim()).unwrap_or_default()).trim_end().to_owned()
}

fn failure(host: &str, id: &Id, result: &StepResult) -> Option<Diagnostic> {
    match result {
        StepResult::Failed(output) => Some(
            Diagnostic::error(format!("{host}: {id} failed\n{output}")).remedy("mend what it says and apply again"),
        ),
        StepResult::Invalid(output) => {
            let fact =
                format!("{host}: the new files of {id} are not valid, the previous ones were restored\n{output}");
            Some(Diagnostic::error(fact).remedy("correct the template or the parameters it says, and apply again"))
        }
        StepResult::Owed => {
            let fact = format!("{host}: {id} is still to react to changes, since its service failed");
            Some(Diagnostic::error(fact).remedy("it stays recorded on the host; the next apply does it"))
        }
        _ => None,
    }
}

impl Conversation for Changing<'_> {
    fn input(&mut self) -> Input {
        if let Some(piece) = self.piece() {
            return Input::Bytes(piece);
        }
        if self.stop.load(Ordering::Relaxed) && !self.stop_said {
            self.stop_said = true;
            return Input::Bytes(b"stop\n".to_vec());
        }
        if self.beaten.elapsed() >= BEAT {
            self.beaten = Instant::now();
            return Input::Bytes(b"beat\n".to_vec());
        }
        Input::Wait
    }

    fn output(&mut self, bytes: &[u8]) {
        for line in self.lines.feed(bytes) {
            if let Line::Record(record) = &line {
                let record = record.clone();
                self.record(&record);
            }
            // a host that changed since the plan sends what it is now
            self.answers.line(line);
        }
    }

    fn errors(&mut self, _bytes: &[u8]) {}

    fn finished(&self) -> bool {
        self.over.is_some() || self.refused.is_some() || self.lines.is_too_much()
    }
}
