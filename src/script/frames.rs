//! Reading what a script says. Records begin with the nonce of the exchange, which nothing on the host that is older
//! than the exchange can contain; whatever else comes (banners, the noise of a `.bashrc`) is passed over.

use std::collections::BTreeMap;

use crate::kinds::Answer;

/// More than this from one host is taken for a fault of the host, not read on.
const LIMIT: usize = 256 << 20;

/// Cuts a stream into lines, and knows which of them are records.
#[derive(Debug)]
pub struct Lines {
    mark: Vec<u8>,
    partial: Vec<u8>,
    total: usize,
}

/// One line of a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// The words after `@NONCE `.
    Record(String),
    Other(Vec<u8>),
}

impl Lines {
    pub fn new(nonce: &str) -> Self {
        Self { mark: format!("@{nonce} ").into_bytes(), partial: Vec::new(), total: 0 }
    }

    /// The whole lines that end in these bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Line> {
        self.total = self.total.saturating_add(bytes.len());
        if self.total > LIMIT {
            return Vec::new();
        }
        let mut lines = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            lines.push(self.line());
        }
        self.partial.extend_from_slice(rest);
        lines
    }

    /// True once the host said more than anybody asked for; it is not read on.
    pub fn is_too_much(&self) -> bool {
        self.total > LIMIT
    }

    fn line(&mut self) -> Line {
        let line = std::mem::take(&mut self.partial);
        match line.strip_prefix(&self.mark[..]) {
            Some(record) => Line::Record(String::from_utf8_lossy(record).into_owned()),
            None => Line::Other(line),
        }
    }
}

/// The answers of a look, by kind, and whether its end record came.
#[derive(Debug)]
pub struct Answers {
    nonce: String,
    lines: Lines,
    current: Option<(String, Vec<u8>)>,
    pub sections: BTreeMap<String, Answer>,
    pub done: bool,
    /// What became of a change that was to be confirmed, if that was asked.
    pub outcome: Option<String>,
}

impl Answers {
    pub fn new(nonce: &str) -> Self {
        Self {
            nonce: nonce.to_owned(),
            lines: Lines::new(nonce),
            current: None,
            sections: BTreeMap::new(),
            done: false,
            outcome: None,
        }
    }

    pub fn is_too_much(&self) -> bool {
        self.lines.is_too_much()
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        for line in self.lines.feed(bytes) {
            self.line(line);
        }
    }

    /// One line of the stream; also called for lines that another reader cut.
    pub fn line(&mut self, line: Line) {
        match line {
            Line::Record(record) => match record.split_once(' ').unwrap_or((&record, "")) {
                ("begin", kind) => self.current = Some((kind.to_owned(), Vec::new())),
                // A section counts only once it is whole.
                ("end", kind) => {
                    if let Some((began, mut bytes)) = self.current.take().filter(|(began, _)| began == kind) {
                        // the record brings a newline of its own
                        bytes.pop();
                        self.sections.insert(began, Answer { bytes, nonce: self.nonce.clone(), ..Answer::default() });
                    }
                }
                ("done", _) => self.done = true,
                ("outcome", what) => self.outcome = Some(what.to_owned()),
                _ => {}
            },
            Line::Other(bytes) => {
                if let Some((_, section)) = &mut self.current {
                    section.extend_from_slice(&bytes);
                    section.push(b'\n');
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(stream: &str) -> Answers {
        let mut answers = Answers::new("ab12");
        // in pieces of three bytes, as a slow link would
        for piece in stream.as_bytes().chunks(3) {
            answers.feed(piece);
        }
        answers
    }

    #[test]
    fn a_section_is_what_stands_between_its_records() {
        let read = answers("Welcome!\n\n@ab12 begin file\nS|x\nno newline\n@ab12 end file\n\n@ab12 done\n");
        assert!(read.done);
        assert_eq!(read.sections["file"].bytes, b"S|x\nno newline");
    }

    #[test]
    fn output_with_another_nonce_cannot_pass_for_a_record() {
        let read = answers("\n@ab12 begin file\n@ffff end file\n@ffff done\n\n@ab12 end file\n");
        assert!(!read.done);
        assert_eq!(read.sections["file"].bytes, b"@ffff end file\n@ffff done\n");
    }

    #[test]
    fn a_section_cut_short_does_not_count() {
        assert!(answers("\n@ab12 begin file\nS|x\n").sections.is_empty());
    }
}
