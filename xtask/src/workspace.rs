//! The workspace: where it is and which packages it has.

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::failure::{Failure, Outcome};

/// The folder that holds this package's folder; chores work from anywhere inside the workspace.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("xtask is a folder of the workspace")
        .to_path_buf()
}

/// The Python module, which `cargo xtask python` builds and tests: nothing else needs Python.
pub(crate) const PYTHON: &str = "s3-python";

/// Selects every package but the Python module.
///
/// All steps select the same packages, so that they share the features of their dependencies, and with them what is
/// built.
pub(crate) const SELECTION: [&str; 3] = ["--workspace", "--exclude", PYTHON];

/// Our packages and their direct dependencies; nothing is resolved or fetched.
pub(crate) fn metadata(root: &Path) -> Outcome<Metadata> {
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .map_err(|error| Failure::new(format!("read cargo metadata: {error}")))
}
