//! `cargo xtask ci`: `test`, then `deny`.

use std::path::Path;

use crate::failure::Outcome;
use crate::{deny, test};

/// Runs both, in the order in which a person would.
pub(crate) fn run(root: &Path) -> Outcome {
    test::run(root)?;
    deny::run(root)
}
