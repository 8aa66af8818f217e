//! A conversation for tests: says what it was given, listens until what it waits for.

use std::time::{Duration, Instant};

use super::{Conversation, Input};

#[derive(Default)]
pub(super) struct Script {
    say: std::collections::VecDeque<Vec<u8>>,
    length: Option<usize>,
    text: Option<String>,
    heartbeats: bool,
    beat: Option<Instant>,
    pub(super) asked: usize,
    pub(super) output: Vec<u8>,
    pub(super) errors: Vec<u8>,
}

impl Script {
    pub(super) fn new(say: &[u8]) -> Self {
        Self { say: say.chunks(1 << 20).map(<[u8]>::to_vec).collect(), ..Self::default() }
    }

    /// Finished after that many bytes.
    pub(super) fn until(mut self, length: usize) -> Self {
        self.length = Some(length);
        self
    }

    /// Finished when the output ends in this.
    pub(super) fn until_text(mut self, text: &str) -> Self {
        self.text = Some(text.to_owned());
        self
    }

    /// Never closes standard input, and says a line five times a second.
    pub(super) fn heartbeats(mut self) -> Self {
        self.heartbeats = true;
        self
    }
}

impl Conversation for Script {
    fn input(&mut self) -> Input {
        self.asked += 1;
        match self.say.pop_front() {
            Some(bytes) => Input::Bytes(bytes),
            None if self.heartbeats && self.beat.is_none_or(|beat| beat.elapsed() > Duration::from_millis(200)) => {
                self.beat = Some(Instant::now());
                Input::Bytes(b"alive\n".to_vec())
            }
            None if self.heartbeats => Input::Wait,
            None => Input::End,
        }
    }

    fn output(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    fn errors(&mut self, bytes: &[u8]) {
        self.errors.extend_from_slice(bytes);
    }

    fn finished(&self) -> bool {
        self.length.is_some_and(|length| self.output.len() >= length)
            || self.text.as_ref().is_some_and(|text| self.output.ends_with(text.as_bytes()))
    }
}
