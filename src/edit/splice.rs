//! Which places of a text an edit replaces. Works on the places that the parser gave: where keys and values begin is
//! known, where they end is found here. `None` where the text is of a style that this file does not know.

use std::ops::Range;

use serde_json::Value;

use super::{flow, write};
use crate::yaml::{Entry, Map, Node};

/// A range of bytes and what stands there instead.
pub(super) type Splice = (Range<usize>, String);

/// The text with all splices; they must not overlap.
pub(super) fn apply(text: &str, mut splices: Vec<Splice>) -> Option<String> {
    splices.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::new();
    let mut at = 0;
    for (range, new) in splices {
        out.push_str(text.get(at..range.start)?);
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

pub(super) fn put(root: &Node, path: &[&str], value: &Value) -> Option<Vec<Splice>> {
    let known = (0..=path.len()).rev().find(|depth| find(root, path.get(..*depth).unwrap_or_default()).is_some())?;
    let found = find(root, path.get(..known)?)?;
    let missing = path.get(known..)?;
    match missing.split_first() {
        None => found.replace(path.last()?, value),
        Some((key, deeper)) => {
            let value = deeper.iter().rev().fold(value.clone(), |value, key| {
                Value::Object(std::iter::once(((*key).to_owned(), value)).collect())
            });
            found.insert(key, &value)
        }
    }
}

pub(super) fn remove(root: &Node, path: &[&str]) -> Option<Vec<Splice>> {
    let (_, above) = path.split_last()?;
    let (parent, found) = (find(root, above)?, find(root, path)?);
    let siblings = parent.node.as_map()?;
    let index = siblings.get_index_of(*path.last()?)?;
    if parent.is_flow() {
        let starts: Vec<usize> = siblings.values().map(|entry| entry.key.span.start).collect();
        return cut_from_flow(root.text(), &starts, index).map(|range| vec![(range, String::new())]);
    }
    let mut splices = vec![(found.lines()?, String::new())];
    if siblings.len() == 1 && parent.entry.is_some() {
        splices.push((parent.after_colon()?, " {}".to_owned()));
    }
    Some(splices)
}

pub(super) fn remove_word(root: &Node, path: &[&str], word: &str) -> Option<Vec<Splice>> {
    let found = find(root, path)?;
    let items = found.node.as_list()?;
    let index = items.iter().position(|item| item.as_str() == Some(word))?;
    let text = root.text();
    if found.is_flow() {
        let starts: Vec<usize> = items.iter().map(|item| item.place.span.start).collect();
        return cut_from_flow(text, &starts, index).map(|range| vec![(range, String::new())]);
    }
    if items.len() == 1 {
        // What is left must still be a list.
        let lines = found.lines()?;
        let first = line_end(text, found.entry?.key.span.start);
        return Some(vec![(found.after_colon()?, " []".to_owned()), (first..lines.end, String::new())]);
    }
    let item = items.get(index)?;
    let start = line_start(text, item.place.span.start);
    let marker = text.get(start..item.place.span.start)?;
    let column = marker.find('-')?;
    (marker.trim() == "-").then_some(())?;
    let bound = match items.get(index + 1) {
        Some(next) => line_start(text, next.place.span.start),
        None => found.lines()?.end,
    };
    Some(vec![(start..last_line_of(text, start, bound, column), String::new())])
}

/// A node in its tree.
struct Found<'a> {
    node: &'a Node,
    /// `None` for the root.
    entry: Option<&'a Entry>,
    /// True if it stands inside a flow map.
    inside_flow: bool,
    /// Where the next key begins that is not below this one.
    bound: usize,
}

fn find<'a>(root: &'a Node, path: &[&str]) -> Option<Found<'a>> {
    let text = root.text();
    let mut found = Found { node: root, entry: None, inside_flow: false, bound: text.len() };
    for key in path {
        let map = found.node.as_map()?;
        let index = map.get_index_of(*key)?;
        let (_, entry) = map.get_index(index)?;
        // An alias: what is written there belongs to others too.
        (entry.key.span.start >= found.start()).then_some(())?;
        let bound = map.get_index(index + 1).map_or(found.bound, |(_, next)| next.key.span.start);
        found = Found { node: &entry.node, entry: Some(entry), inside_flow: found.is_flow(), bound };
    }
    Some(found)
}

impl Found<'_> {
    fn text(&self) -> &str {
        self.node.text()
    }

    fn start(&self) -> usize {
        self.entry.map_or(0, |entry| entry.key.span.start)
    }

    /// True if the node itself is a list or map in brackets.
    fn is_flow(&self) -> bool {
        let brackets = self.text().get(self.node.place.span.start..).is_some_and(|rest| rest.starts_with(['{', '[']));
        brackets && (self.node.as_map().is_some() || self.node.as_list().is_some())
    }

    /// The lines of an entry in block style, without what belongs to the next one.
    fn lines(&self) -> Option<Range<usize>> {
        let text = self.text();
        let key = self.start();
        let start = line_start(text, key);
        let indent = text.get(start..key)?;
        indent.trim().is_empty().then_some(())?;
        (!self.inside_flow).then_some(())?;
        let bound = if self.bound == text.len() { self.bound } else { line_start(text, self.bound) };
        Some(start..last_line_of(text, start, bound, indent.len()))
    }

    /// The empty place after the colon of a key in block style.
    fn after_colon(&self) -> Option<Range<usize>> {
        let end = self.entry?.key.span.end;
        let colon = end + self.text().get(end..)?.find(':')?;
        self.text().get(end..colon)?.trim().is_empty().then_some(())?;
        Some(colon + 1..colon + 1)
    }

    fn replace(&self, key: &str, value: &Value) -> Option<Vec<Splice>> {
        let text = self.text();
        let span = self.node.place.span.clone();
        if self.inside_flow {
            let start = self.start();
            let (end, _) = flow::end(text, start)?;
            return Some(vec![(start..end, format!("{}: {}", write::word(key), write::flow(value)))]);
        }
        if self.is_flow() {
            return Some(vec![(span.start..flow::close(text, span.start)? + 1, write::flow(value))]);
        }
        let written = text.get(span.clone())?;
        let on_one_line = !self.node.is_null() && !written.is_empty() && !written.contains('\n');
        let scalar = self.node.as_map().is_none() && self.node.as_list().is_none();
        let own_line = line_start(text, span.start) == line_start(text, self.start());
        if scalar && on_one_line && own_line {
            return Some(vec![(span.start..span.start + written.trim_end().len(), write::flow(value))]);
        }
        let lines = self.lines()?;
        let indent = self.start() - lines.start;
        Some(vec![(lines, write::block(key, value, indent, newline(text)))])
    }

    fn insert(&self, key: &str, value: &Value) -> Option<Vec<Splice>> {
        let text = self.text();
        let empty = Map::new();
        let map = if self.node.is_null() { &empty } else { self.node.as_map()? };
        if self.is_flow() {
            let close = flow::close(text, self.node.place.span.start)?;
            let inner = text.get(self.node.place.span.start + 1..close)?;
            return match map.values().next_back() {
                Some(last) => insert_in_flow(text, last.key.span.start, close, key, value),
                None if !inner.trim().is_empty() || self.inside_flow || self.entry.is_none() => {
                    let at = self.node.place.span.start + 1;
                    let entry = format!(" {}: {} ", write::word(key), write::flow(value));
                    Some(vec![(at..at + usize::from(inner == " "), entry)])
                }
                None => self.first(key, value, Some(self.node.place.span.start..close + 1)),
            };
        }
        match map.values().next_back() {
            Some(last) => self.after(last, key, value),
            None if self.entry.is_some() => self.first(key, value, None),
            None => {
                let gap = if text.is_empty() || text.ends_with('\n') { "" } else { newline(text) };
                Some(vec![(text.len()..text.len(), format!("{gap}{}", write::block(key, value, 0, newline(text))))])
            }
        }
    }

    /// The first entry below a key that had none, or `{}`.
    fn first(&self, key: &str, value: &Value, braces: Option<Range<usize>>) -> Option<Vec<Splice>> {
        let text = self.text();
        if self.inside_flow {
            // `{ people: }` has nothing to write after.
            return None;
        }
        let lines = self.lines()?;
        let indent = self.start() - lines.start + 2;
        let mut splices = vec![at_line(text, lines.end, &write::block(key, value, indent, newline(text)))];
        if let Some(braces) = braces {
            let before = text.get(..braces.start)?;
            splices.push((before.trim_end_matches([' ', '\t']).len()..braces.end, String::new()));
        }
        Some(splices)
    }

    /// After the last entry of a block map, in its style.
    fn after(&self, last: &Entry, key: &str, value: &Value) -> Option<Vec<Splice>> {
        let text = self.text();
        let last = Found { node: &last.node, entry: Some(last), inside_flow: false, bound: self.bound };
        let lines = last.lines()?;
        let indent = last.start() - lines.start;
        let newline = newline(text);
        let one_line = last.is_flow() && value.is_object() && self.entry.is_some();
        let entry = if one_line {
            format!("{}{}: {}{newline}", " ".repeat(indent), write::word(key), write::flow(value))
        } else {
            write::block(key, value, indent, newline)
        };
        if self.entry.is_some() {
            return Some(vec![at_line(text, lines.end, &entry)]);
        }
        // A new section comes last in the file, behind a blank line.
        let end = if ends_document(text, lines.end) { lines.end } else { text.len() };
        Some(vec![at_line(text, end, &format!("{newline}{entry}"))])
    }
}

/// True if a line after `from` ends the document, so that nothing may follow it.
fn ends_document(text: &str, from: usize) -> bool {
    text.get(from..).unwrap_or_default().lines().any(|line| line.starts_with("...") || line.starts_with("---"))
}

/// Whole lines at a place that is the start of a line, or the end of a text that ends without a line break.
fn at_line(text: &str, at: usize, lines: &str) -> Splice {
    let broken = at == 0 || text.get(..at).is_some_and(|before| before.ends_with('\n'));
    (at..at, if broken { lines.to_owned() } else { format!("{}{lines}", newline(text)) })
}

fn insert_in_flow(text: &str, last: usize, close: usize, key: &str, value: &Value) -> Option<Vec<Splice>> {
    let entry = format!("{}: {}", write::word(key), write::flow(value));
    let (end, stop) = flow::end(text, last)?;
    let comma = text.get(stop..=stop)? == ",";
    let rest = text.get(if comma { stop + 1 } else { end }..close)?;
    if !rest.contains('\n') {
        return Some(match comma {
            true => vec![(stop + 1..stop + 1, format!(" {entry},"))],
            false => vec![(end..end, format!(", {entry}"))],
        });
    }
    let start = line_start(text, last);
    let indent: String = text.get(start..last)?.chars().take_while(|c| c.is_whitespace()).collect();
    let line = line_end(text, if comma { stop } else { end });
    let mut splices =
        vec![at_line(text, line, &format!("{indent}{entry}{}{}", if comma { "," } else { "" }, newline(text)))];
    if !comma {
        splices.push((end..end, ",".to_owned()));
    }
    Some(splices)
}

/// What to cut so that one of the entries or items in brackets is gone.
fn cut_from_flow(text: &str, starts: &[usize], index: usize) -> Option<Range<usize>> {
    let start = *starts.get(index)?;
    let (end, stop) = flow::end(text, start)?;
    let comma = text.get(stop..=stop)? == ",";
    let after = if comma { stop + 1 } else { end };
    let line = line_start(text, start);
    let rest = text.get(after..line_end(text, after))?;
    if text.get(line..start)?.trim().is_empty() && (rest.trim().is_empty() || rest.trim_start().starts_with('#')) {
        return Some(line..line_end(text, after));
    }
    if comma {
        return Some(start..after + (rest.len() - rest.trim_start_matches([' ', '\t']).len()));
    }
    match index.checked_sub(1).and_then(|before| starts.get(before)) {
        Some(before) => {
            let (before_end, _) = flow::end(text, *before)?;
            let between = text.get(before_end..start)?;
            // A comment between the two stays, and so does the comma, which may stand last.
            if between.contains('\n') { Some(start..end) } else { Some(before_end..end) }
        }
        None => {
            let tail = text.get(end..stop)?;
            let blanks = if tail.trim().is_empty() { tail.len() } else { 0 };
            Some(start..end + blanks)
        }
    }
}

/// The end of the last line that belongs to something that begins on the line at `start`: blank lines before `bound` and
/// comments that are not indented deeper than `column` belong to what follows.
fn last_line_of(text: &str, start: usize, bound: usize, column: usize) -> usize {
    let mut end = bound;
    let first = line_end(text, start);
    while end > first {
        let line = line_start(text, end - 1);
        let content = text.get(line..end).unwrap_or_default();
        let indent = content.len() - content.trim_start().len();
        let comment = content.trim_start().starts_with('#') && indent <= column;
        let marker = content.starts_with("...") || content.starts_with("---");
        if !(content.trim().is_empty() || comment || marker) {
            break;
        }
        end = line;
    }
    end.max(first.min(bound))
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// After the line break.
fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|after| after.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

impl Node {
    fn text(&self) -> &str {
        &self.place.source.text
    }
}
