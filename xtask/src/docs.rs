//! `cargo xtask docs`: the documentation builds, and no link in it is broken.

use std::path::Path;

use crate::command;
use crate::failure::Outcome;
use crate::workspace::{data_selection, selection};

/// Documents our crates only.
pub(crate) fn run(root: &Path) -> Outcome {
    document(root, selection())
}

/// Documents the data layer.
pub(crate) fn run_data(root: &Path) -> Outcome {
    document(root, data_selection())
}

fn document<'package>(root: &Path, packages: impl Iterator<Item = &'package str>) -> Outcome {
    command::run(
        command::cargo(root)
            .env("RUSTDOCFLAGS", "-D warnings")
            .args(["doc", "--no-deps"])
            .args(packages),
    )
}
