//! `cargo xtask ci`: `test`, `python`, then `deny`.

use std::path::Path;

use crate::failure::Outcome;
use crate::{deny, python, test};

/// Runs all three, in the order in which a person would.
pub(crate) fn run(root: &Path) -> Outcome {
    test::run(root)?;
    python::run(root, &python::Arguments::default())?;
    deny::run(root)
}
