//! Where resources are, and what that means for their paths.

use std::path::Path;

/// Where the resources are: a whole host, or a directory that stands for one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Site {
    /// Without a final slash; empty for a whole host.
    pub root: String,
    /// Its system, as the inventory says: `debian-12`.
    pub os: Option<String>,
}

impl Site {
    /// A `root` is relative to the inventory, wherever Steward is run.
    pub fn of(inventory: &Path, root: Option<&str>) -> Self {
        let Some(root) = root else { return Self::default() };
        let joined = inventory.join(root);
        let path = std::path::absolute(&joined).unwrap_or(joined);
        Self { root: path.display().to_string().trim_end_matches('/').to_owned(), os: None }
    }

    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    pub fn is_directory(&self) -> bool {
        !self.root.is_empty()
    }

    /// Whether calls make missing parents, as an argument: no package brings `/etc/nginx` to a mere directory.
    pub fn makes_parents(&self) -> &'static str {
        if self.is_directory() { "yes" } else { "" }
    }
}
