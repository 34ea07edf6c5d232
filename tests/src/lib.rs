//! Cross-crate test support.

mod case;
pub mod cases;
pub mod fuzz;
mod leftovers;
pub mod model;
mod paced;
pub mod prove;
pub mod sequences;
pub mod vectors;
mod victim;

pub use case::Case;
pub use leftovers::none_left;
pub use paced::paced;
pub use victim::Victim;
