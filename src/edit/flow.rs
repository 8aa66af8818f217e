//! Where something ends in YAML's flow style, `{ a: [1, 2], b: c }`: the parser tells only where it begins.

/// From the start of an entry or item: where it ends, without the blanks after it, and where the comma or bracket stands
/// that ends it. `None` if the text ends first.
pub(super) fn end(text: &str, start: usize) -> Option<(usize, usize)> {
    let mut depth = 0_usize;
    let mut last = start;
    // A quote begins a quoted text only where a value may begin; inside a plain one it is a letter.
    let mut fresh = true;
    let mut blank = false;
    let mut at = start;
    while let Some(c) = text.get(at..)?.chars().next() {
        let next = at + c.len_utf8();
        match c {
            ' ' | '\t' | '\n' | '\r' => {
                blank = true;
                at = next;
                continue;
            }
            '#' if blank => {
                at += text.get(at..)?.find('\n')?;
                continue;
            }
            '"' | '\'' if fresh => {
                at = quoted(text, at)?;
                fresh = false;
            }
            ',' | '}' | ']' if depth == 0 => return Some((last, at)),
            '{' | '[' => {
                depth += 1;
                fresh = true;
                at = next;
            }
            '}' | ']' => {
                depth -= 1;
                fresh = false;
                at = next;
            }
            _ => {
                fresh = c == ',' || c == ':';
                at = next;
            }
        }
        blank = false;
        last = at;
    }
    None
}

/// Where a quoted text ends, from its opening quote.
fn quoted(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = *bytes.get(start)?;
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            byte if byte == quote && quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The closing bracket of the list or map that opens at `start`.
pub(super) fn close(text: &str, start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let (_, stop) = end(text, at)?;
        match text.as_bytes().get(stop)? {
            b',' => at = stop + 1,
            _ => return Some(stop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_ends_at_its_own_comma_or_bracket() {
        for (text, entry) in [
            ("a: 1, b: 2}", "a: 1"),
            ("a: { x: [1, 2], y: '}' } , b", "a: { x: [1, 2], y: '}' }"),
            ("it's, x]", "it's"),
            ("a: \"x\\\", y\", b", "a: \"x\\\", y\""),
            ("a: 'it''s, x' # no, }\n }", "a: 'it''s, x'"),
            ("a#b, c", "a#b"),
            ("\"q\":\"a,b\", c", "\"q\":\"a,b\""),
            ("é: ü\n , c", "é: ü"),
        ] {
            assert_eq!(end(text, 0).and_then(|(end, _)| text.get(..end)), Some(entry), "{text}");
        }
        assert_eq!(end("a: [1, 2", 0), None);
    }

    #[test]
    fn a_bracket_is_closed_by_its_own() {
        let text = "{ a: [1, {}], # }\n b: '}' } x }";
        assert_eq!(close(text, 0), text.find(" x }").map(|at| at - 1));
        assert_eq!(close("[]", 0), Some(1));
    }
}
