//! Property `schedule`: chooses a kind of case (concurrency limit, engine or client) at random and runs it.

use fastrand::Rng;
use tokio::runtime::Runtime;

use super::{engine, facade, limit};
use crate::prove::Figures;

/// Runs the case of a seed.
pub(in crate::prove) fn case(runtime: &Runtime, seed: u64) -> Result<Figures, String> {
    let mut random = Rng::with_seed(seed);
    let (name, outcome) = match random.u8(0..16) {
        0..10 => ("of the limit", runtime.block_on(limit::case(random))),
        10..15 => ("of the engine", runtime.block_on(engine::case(random))),
        _ => ("of the facade", runtime.block_on(facade::case(random))),
    };
    let mut figures = outcome?;
    figures.count(name, 1);
    Ok(figures)
}
