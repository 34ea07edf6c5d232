//! `cargo xtask ci`: runs `test`, `test --data`, `python`, then `deny`.

use std::path::Path;

use crate::failure::Outcome;
use crate::test::Arguments;
use crate::{deny, python, test};

/// Runs all steps, the fastest first.
pub(crate) fn run(root: &Path) -> Outcome {
    test::run(
        root,
        &Arguments {
            data: false,
            ballista: false,
        },
    )?;
    test::run(
        root,
        &Arguments {
            data: true,
            ballista: false,
        },
    )?;
    python::run(root, &python::Arguments::default())?;
    deny::run(root)
}
