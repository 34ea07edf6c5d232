//! The workspace: its root, its packages, and the selections of packages that steps build.

use std::iter;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::failure::{Failure, Outcome};

/// Returns the root of the workspace. Chores can be run in any of its folders.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("xtask is a folder of the workspace")
        .to_path_buf()
}

/// The data layer: adapters to object_store and Arrow, which take minutes to build. Only `cargo xtask test --data`
/// builds and tests them.
pub(crate) const DATA: [&str; 2] = ["s3-object-store", "s3-frame"];

/// Selects the data layer with all features, for all steps except `features`.
pub(crate) fn data_selection() -> impl Iterator<Item = &'static str> {
    let packages = DATA.iter().flat_map(|package| ["-p", package]);
    packages.chain(["--all-features"])
}

/// Selects the workspace of s3-ballista, which has its own lock file.
pub(crate) const BALLISTA: [&str; 2] = ["--manifest-path", "crates/s3-ballista/Cargo.toml"];

/// The Python module, which `cargo xtask python` builds and tests: no other step needs Python.
pub(crate) const PYTHON: [&str; 1] = ["s3-python"];

/// Selects every package except those with their own steps.
///
/// All steps select the same packages, so that they share the features of their dependencies, and so their builds.
pub(crate) fn selection() -> impl Iterator<Item = &'static str> {
    with_python().chain(PYTHON.iter().flat_map(|package| ["--exclude", package]))
}

/// Selects the same packages and the Python module.
pub(crate) fn with_python() -> impl Iterator<Item = &'static str> {
    iter::once("--workspace").chain(DATA.iter().flat_map(|package| ["--exclude", package]))
}

/// Returns our packages and their direct dependencies; resolves and fetches nothing.
pub(crate) fn metadata(root: &Path) -> Outcome<Metadata> {
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .map_err(|error| Failure::new(format!("read cargo metadata: {error}")))
}
