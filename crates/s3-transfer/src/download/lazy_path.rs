//! [`LazyPath`]: the path of a file that may not be needed, computed at its first use.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

type Make = Box<dyn FnOnce() -> PathBuf + Send>;

/// The path of a file that may not be needed. It is computed at its first use, when its directory can be created too.
#[derive(Clone, Debug)]
pub struct LazyPath(Arc<LazyLock<PathBuf, Make>>);

impl LazyPath {
    /// Creates a path that `make` computes. `make` is called at most once, on a thread of the runtime.
    pub fn new(make: impl FnOnce() -> PathBuf + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(make))))
    }
}

impl From<PathBuf> for LazyPath {
    fn from(path: PathBuf) -> Self {
        Self::new(|| path)
    }
}

impl Deref for LazyPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}
