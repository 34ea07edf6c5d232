//! Cross-crate test support.

mod case;
mod leftovers;
pub mod model;
pub mod vectors;
mod victim;

pub use case::Case;
pub use victim::Victim;
