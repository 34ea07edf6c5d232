//! `cargo xtask docs`: builds the rustdoc of our crates and fails on broken links. With `--book`, builds the guide
//! instead.

use std::path::Path;

use clap::Args;

use crate::failure::Outcome;
use crate::workspace::{data_selection, selection};
use crate::{book, command};

/// Options of `cargo xtask docs`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Build docs/guide as a book in target/book/html, and only that
    #[arg(long)]
    book: bool,
}

/// Builds the rustdoc of our crates, or the book.
pub(crate) fn run_chore(root: &Path, arguments: &Arguments) -> Outcome {
    match arguments.book {
        true => book::run(root),
        false => run(root),
    }
}

/// Builds the rustdoc of our crates.
pub(crate) fn run(root: &Path) -> Outcome {
    document(root, selection())
}

/// Builds the rustdoc of the data layer.
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
