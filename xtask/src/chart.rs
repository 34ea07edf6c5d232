//! `cargo xtask chart`: draws docs/benchmarks.svg from the figures in docs/benchmarks.csv.
//!
//! `cargo xtask tidy` fails when the drawing does not match the figures.

mod figures;
mod svg;

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// CPU time of each client relative to s3-client.
pub(crate) const DATA: &str = "docs/benchmarks.csv";
/// The chart that is generated from them.
pub(crate) const CHART: &str = "docs/benchmarks.svg";

/// Generates the chart.
pub(crate) fn run(root: &Path) -> Outcome {
    let text = fs::read_to_string(root.join(DATA))
        .map_err(|error| Failure::new(format!("read {DATA}: {error}")))?;
    let chart = draw(&text).map_err(|problem| Failure::new(format!("{DATA}:{problem}")))?;
    fs::write(root.join(CHART), chart)
        .map_err(|error| Failure::new(format!("write {CHART}: {error}")))?;
    println!("{CHART} is drawn from {DATA}");
    Ok(())
}

/// Returns the chart as SVG, or the line number and the reason of an error.
pub(crate) fn draw(data: &str) -> Result<String, String> {
    Ok(svg::draw(&figures::read(data)?))
}
