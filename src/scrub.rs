//! What a host prints when something fails may hold a secret it was given. Takes the values that a change sends, gives
//! texts without them: as they are, line by line, in base64, URL-encoded, and quoted for a shell.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// What stands where a value stood.
pub const MARK: &str = "‹secret›";

/// Shorter ones would take half of the text with them, and are no secrets.
const LEAST: usize = 4;

/// All forms of all values, the longest first.
#[derive(Default)]
pub struct Scrubber(Vec<Zeroizing<String>>);

impl Scrubber {
    #[allow(clippy::disallowed_methods, reason = "to look for it in what is to be shown, and take it out there")]
    pub fn new<'a>(values: impl IntoIterator<Item = &'a Arc<Secret>>) -> Self {
        let mut forms = Vec::new();
        for value in values {
            add(&mut forms, value.reveal());
            for line in value.reveal().split(|byte| *byte == b'\n') {
                add(&mut forms, line);
            }
        }
        forms.sort_by(|one: &Zeroizing<String>, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        forms.dedup();
        Self(forms)
    }

    /// The text without any of the values.
    pub fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in &self.0 {
            if text.contains(form.as_str()) {
                text = text.replace(form.as_str(), MARK);
            }
        }
        text
    }
}

fn add(forms: &mut Vec<Zeroizing<String>>, value: &[u8]) {
    if value.len() < LEAST {
        return;
    }
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        // in the middle of a longer text it begins at any of three places of a group; what its neighbours decide is cut
        for before in 0..3 {
            let shifted = Zeroizing::new([&[0; 2][..before.min(2)], value].concat());
            let encoded = Zeroizing::new(engine.encode(&shifted[..]));
            let start = [0, 2, 3][before];
            let end = if shifted.len() % 3 == 0 { encoded.len() } else { encoded.len() - 1 };
            forms.extend(
                encoded.get(start..end).filter(|form| form.len() >= LEAST).map(|it| Zeroizing::new(it.into())),
            );
        }
    }
    let Ok(text) = std::str::from_utf8(value) else { return };
    let encoded = |keep: &dyn Fn(u8) -> bool, upper: bool| -> Zeroizing<String> {
        Zeroizing::new(value.iter().fold(String::new(), |mut all, byte| {
            match (keep(*byte), upper) {
                (true, _) => all.push(char::from(*byte)),
                (false, true) => all.push_str(&format!("%{byte:02X}")),
                (false, false) => all.push_str(&format!("%{byte:02x}")),
            }
            all
        }))
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    forms.extend([encoded(&unreserved, true), encoded(&unreserved, false)]);
    let form = |byte: u8| unreserved(byte) || byte == b' ';
    forms.push(Zeroizing::new(encoded(&form, true).replace(' ', "+")));
    forms.push(Zeroizing::new(String::from_utf8_lossy(&crate::quoting::quote(value)).into_owned()));
    forms.push(Zeroizing::new(text.replace('\'', "'\\''")));
    forms.push(Zeroizing::new(
        text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`"),
    ));
    forms.push(Zeroizing::new(serde_json::Value::from(text).to_string().trim_matches('"').to_owned()));
    forms.push(Zeroizing::new(text.to_owned()));
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn no_form_of_a_value_is_left() {
        let value = "p$ss 'w\"rd`+/ü";
        let scrubber = Scrubber::new([&Arc::new(Secret::new(value))]);
        let shell = String::from_utf8(crate::quoting::quote(value.as_bytes())).unwrap();
        let mut forms = vec![value.to_owned(), shell, "p%24ss%20%27w%22rd%60%2B%2F%C3%BC".to_owned()];
        for prefix in ["", "a", "ab", "abc"] {
            forms.push(STANDARD.encode(format!("{prefix}{value} and more")));
        }
        for form in forms {
            let text = scrubber.scrub(&format!("psql: {form}: denied"));
            assert!(text.contains(MARK), "{form}: {text}");
            assert!(!text.contains("w\"rd"), "{text}");
        }
        assert_eq!(scrubber.scrub("nothing of it"), "nothing of it");
    }

    #[test]
    fn each_line_of_a_key_is_taken_out_by_itself() {
        let scrubber = Scrubber::new([&Arc::new(Secret::new("BEGIN KEY\nc2VjcmV0c2VjcmV0\nEND KEY\n"))]);
        assert_eq!(scrubber.scrub("line 2: c2VjcmV0c2VjcmV0 is wrong"), format!("line 2: {MARK} is wrong"));
    }
}
