//! Payloads as a tar stream, with a list of digests that the host checks before the first action.

use std::sync::Arc;

use crate::resource::digest;

/// Files named by number, in the order they were added.
#[derive(Debug, Default)]
pub struct Archive {
    chunks: Vec<Arc<[u8]>>,
    sums: String,
    count: usize,
}

impl Archive {
    /// Adds a file and gives its name.
    pub fn add(&mut self, bytes: &Arc<[u8]>) -> String {
        let name = self.count.to_string();
        self.count += 1;
        self.sums.push_str(&format!("{}  {name}\n", digest(bytes)));
        self.entry(&name, bytes);
        name
    }

    /// The stream, in pieces; empty if nothing was added.
    pub fn finish(mut self) -> Vec<Arc<[u8]>> {
        if self.count == 0 {
            return Vec::new();
        }
        let sums: Arc<[u8]> = self.sums.clone().into_bytes().into();
        self.entry("sums", &sums);
        self.chunks.push(Arc::from(&[0_u8; 1024][..]));
        self.chunks
    }

    fn entry(&mut self, name: &str, bytes: &Arc<[u8]>) {
        let mut header = tar::Header::new_ustar();
        // a short name of digits always fits; a failure would be caught by the digests
        let _ = header.set_path(name);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.chunks.push(Arc::from(&header.as_bytes()[..]));
        self.chunks.push(Arc::clone(bytes));
        let padding = bytes.len().next_multiple_of(512) - bytes.len();
        if padding > 0 {
            self.chunks.push(vec![0; padding].into());
        }
    }
}
