//! `cargo xtask chart`: draws docs/benchmarks.svg from the figures in docs/benchmarks.csv.
//!
//! `cargo xtask tidy` fails when the drawing does not match the figures.

mod figures;
mod svg;

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// The figures: CPU time of each client relative to s3-client.
pub(crate) const DATA: &str = "docs/benchmarks.csv";
/// The drawing.
pub(crate) const CHART: &str = "docs/benchmarks.svg";

/// Draws the chart again.
pub(crate) fn run(root: &Path) -> Outcome {
    let text = fs::read_to_string(root.join(DATA))
        .map_err(|error| Failure::new(format!("read {DATA}: {error}")))?;
    let chart = draw(&text).map_err(|problem| Failure::new(format!("{DATA}:{problem}")))?;
    fs::write(root.join(CHART), chart)
        .map_err(|error| Failure::new(format!("write {CHART}: {error}")))?;
    println!("{CHART} is drawn from {DATA}");
    Ok(())
}

/// Returns the chart of these figures, or a line number and the problem there.
pub(crate) fn draw(data: &str) -> Result<String, String> {
    Ok(svg::draw(&figures::read(data)?))
}
