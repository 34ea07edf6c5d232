//! Cross-crate test support.

mod case;
pub mod model;
pub mod vectors;

pub use case::Case;
