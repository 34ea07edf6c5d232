//! Cross-crate test support.

mod case;
mod leftovers;
pub mod model;
pub mod vectors;

pub use case::Case;
