//! Where things lie in the work tree.

use std::path::{Path, PathBuf};

/// The work tree this program was built from.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The work tree that holds this crate.
    pub fn here() -> Workspace {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        Workspace { root: manifest.parent().unwrap_or(manifest).to_owned() }
    }

    /// A path in the work tree, from its root.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The path as messages print it: from the root, where it lies in the work tree.
    pub fn display<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}
