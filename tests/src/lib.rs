//! Test support for tests across crates: fixtures, reference model of the client, recorded vectors, property tests.

mod case;
pub mod cases;
mod crash_child;
pub mod fuzz;
pub mod model;
mod orphans;
pub mod prove;
pub mod sequences;
pub mod vectors;
mod virtual_time;

pub use case::Case;
pub use crash_child::CrashChild;
pub use orphans::no_orphans;
pub use virtual_time::in_virtual_time;
