//! `cargo xtask docs`: the documentation builds, and no link in it is broken. With `--book`, the guide instead.

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

/// Documents our crates, or builds the book.
pub(crate) fn run_chore(root: &Path, arguments: &Arguments) -> Outcome {
    match arguments.book {
        true => book::run(root),
        false => run(root),
    }
}

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
