//! Payloads as a tar stream, with a list of digests that the host checks before the first action.

use std::sync::Arc;

use crate::resource::digest;
use crate::secret::Secret;

/// A piece of what is sent. What holds a secret is wiped when the last holder lets it go.
#[derive(Clone)]
pub enum Chunk {
    Plain(Arc<[u8]>),
    Secret(Arc<Secret>),
}

impl Chunk {
    #[allow(clippy::disallowed_methods, reason = "to the host that shall have it, in the payload of the change")]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Secret(secret) => secret.reveal(),
        }
    }
}

impl From<Arc<[u8]>> for Chunk {
    fn from(bytes: Arc<[u8]>) -> Self {
        Self::Plain(bytes)
    }
}

/// Files named by number, in the order they were added.
#[derive(Default)]
pub struct Archive {
    chunks: Vec<Chunk>,
    sums: String,
    count: usize,
}

impl Archive {
    /// Adds a file and gives its name.
    pub fn add(&mut self, chunk: Chunk) -> String {
        let name = self.count.to_string();
        self.count += 1;
        self.sums.push_str(&format!("{}  {name}\n", digest(chunk.bytes())));
        self.entry(&name, chunk);
        name
    }

    /// The stream, in pieces; empty if nothing was added.
    pub fn finish(mut self) -> Vec<Chunk> {
        if self.count == 0 {
            return Vec::new();
        }
        let sums: Arc<[u8]> = self.sums.clone().into_bytes().into();
        self.entry("sums", sums.into());
        self.chunks.push(Chunk::Plain(Arc::from(&[0_u8; 1024][..])));
        self.chunks
    }

    fn entry(&mut self, name: &str, chunk: Chunk) {
        let size = chunk.bytes().len();
        let mut header = tar::Header::new_ustar();
        // a short name of digits always fits; a failure would be caught by the digests
        let _ = header.set_path(name);
        header.set_size(size as u64);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.chunks.push(Chunk::Plain(Arc::from(&header.as_bytes()[..])));
        self.chunks.push(chunk);
        let padding = size.next_multiple_of(512) - size;
        if padding > 0 {
            self.chunks.push(Chunk::Plain(vec![0; padding].into()));
        }
    }
}
