//! The workspace: where it is and which packages it has.

use std::iter;
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

/// The data layer: adapters to object_store and Arrow, which take minutes to build. `cargo xtask test --data` builds and
/// tests them, and nothing else does.
pub(crate) const DATA: [&str; 2] = ["s3-object-store", "s3-frame"];

/// Selects the data layer with all of its features, for all steps but `features`.
pub(crate) fn data_selection() -> impl Iterator<Item = &'static str> {
    let packages = DATA.iter().flat_map(|package| ["-p", package]);
    packages.chain(["--all-features"])
}

/// Selects the workspace of s3-ballista, which has a lock file of its own.
pub(crate) const BALLISTA: [&str; 2] = ["--manifest-path", "crates/s3-ballista/Cargo.toml"];

/// The Python module, which `cargo xtask python` builds and tests: nothing else needs Python.
pub(crate) const PYTHON: [&str; 1] = ["s3-python"];

/// Selects every package but those with steps of their own.
///
/// All steps select the same packages, so that they share the features of their dependencies, and with them the builds.
pub(crate) fn selection() -> impl Iterator<Item = &'static str> {
    with_python().chain(PYTHON.iter().flat_map(|package| ["--exclude", package]))
}

/// The same with the Python module.
pub(crate) fn with_python() -> impl Iterator<Item = &'static str> {
    iter::once("--workspace").chain(DATA.iter().flat_map(|package| ["--exclude", package]))
}

/// Our packages and their direct dependencies; nothing is resolved or fetched.
pub(crate) fn metadata(root: &Path) -> Outcome<Metadata> {
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .map_err(|error| Failure::new(format!("read cargo metadata: {error}")))
}
