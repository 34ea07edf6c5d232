//! `cargo xtask docs`: the documentation builds, and no link in it is broken.

use std::path::Path;

use crate::command;
use crate::failure::Outcome;
use crate::workspace::SELECTION;

/// Documents our crates only.
pub(crate) fn run(root: &Path) -> Outcome {
    command::run(
        command::cargo(root)
            .env("RUSTDOCFLAGS", "-D warnings")
            .args(["doc", "--no-deps"])
            .args(SELECTION),
    )
}
