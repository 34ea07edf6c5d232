//! Cross-crate test support.

mod case;
mod leftovers;
pub mod model;
mod paced;
pub mod vectors;
mod victim;

pub use case::Case;
pub use leftovers::none_left;
pub use paced::paced;
pub use victim::Victim;
