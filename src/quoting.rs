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

/// The text that a field stands for; what no field can hold stays as it is.
pub fn decode(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.strip_prefix(b"0").and_then(|digits| digits.get(..3));
        let value = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match value.filter(|_| *first == b'\\') {
            Some(value) => {
                bytes.push(value);
                rest = after.get(4..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One word of shell that stands for exactly these bytes. A NUL cannot be said in shell and is dropped; kinds refuse
/// it when they read the inventory.
pub fn quote(bytes: &[u8]) -> Vec<u8> {
    let without_nul: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    shlex::bytes::try_quote(&without_nul).map_or_else(|_| b"''".to_vec(), |quoted| quoted.to_vec())
}
