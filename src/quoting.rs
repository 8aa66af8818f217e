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

/// One word of shell that stands for exactly these bytes. A NUL cannot be said in shell and is dropped; kinds refuse
/// it when they read the inventory.
pub fn quote(bytes: &[u8]) -> Vec<u8> {
    let without_nul: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
    shlex::bytes::try_quote(&without_nul).map_or_else(|_| b"''".to_vec(), |quoted| quoted.to_vec())
}
