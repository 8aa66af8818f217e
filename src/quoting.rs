//! Bytes as text that cannot be taken for anything else: fields of a request, words of shell. Pure.

/// A field of a request line: printable ASCII as it is, every other byte, `|` and `\` as `\0ooo` (what `printf %b` reads).
pub fn encode(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'|' | b'\\' => encoded.push_str(&format!("\\0{byte:03o}")),
            b' '..=b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("\\0{byte:03o}")),
        }
    }
    encoded
}

/// The bytes that [`encode`] made this field of. What it never writes stands for itself.
pub fn decode(field: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.strip_prefix(b"0").and_then(|digits| digits.get(..3));
        let octal = octal.filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[4..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// One word of shell that stands for exactly these bytes. A NUL cannot be said in shell and is dropped; kinds refuse
/// it when they read the inventory.
pub fn quote(bytes: &[u8]) -> Vec<u8> {
    let without_nul: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    shlex::bytes::try_quote(&without_nul).map_or_else(|_| b"''".to_vec(), |quoted| quoted.to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_field_is_decoded_to_what_it_was_made_of(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(decode(&encode(&bytes)), bytes);
        }

        #[test]
        fn no_field_makes_it_panic(field in "[\\\\0-9a-z|]{0,12}") {
            let _ = decode(&field);
        }
    }
}
