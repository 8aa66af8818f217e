//! Values in the text of systemd's units, so that nothing in them means anything to systemd; see systemd.syntax(7),
//! systemd.service(5). For the kinds that write units.

pub(super) const HEAD: &str = "# Kept by Steward: what is changed here is put back.\n";

/// A value to the end of its line.
pub(super) fn one_line(text: &str) -> String {
    // a backslash at the end of a line would join it with the next
    specifiers(text).replace('\\', "/")
}

pub(super) fn specifiers(text: &str) -> String {
    text.replace('%', "%%")
}

/// One word of `ExecStart=`: neither systemd's quotes, escapes, specifiers nor variables mean anything in it.
pub(super) fn quoted(text: &str) -> String {
    let mut word = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => word.push_str("\\\""),
            '\\' => word.push_str("\\\\"),
            '\n' => word.push_str("\\n"),
            '%' => word.push_str("%%"),
            '$' => word.push_str("$$"),
            letter if letter.is_ascii_control() => word.push_str(&format!("\\x{:02x}", u32::from(letter))),
            letter => word.push(letter),
        }
    }
    word.push('"');
    word
}
