//! Property tests of the client: many small random cases, each generated from one seed.
//!
//! A [`Property`] is a function from a seed to [`Figures`] or to an error text. `cargo xtask test` runs a few thousand
//! seeds of each, `cargo xtask prove` runs [`Property::full`] of them, with the same code. A failure names its seed,
//! which reproduces it.
//!
//! Cases run in memory on paused time, so a wait of minutes takes no real time. The module of a property documents
//! exceptions.
//!
//! ```text
//! seeds ──► run: a few threads, one paused runtime each ──► case(seed) ──► Figures, summed
//!                                                               └────────► Failure: property, seed, what
//! ```

mod corrupt;
mod figures;
mod forward;
mod history;
mod property;
mod run;
mod schedule;
mod sequence;
mod soak;
mod transient_faults;

pub use figures::Figures;
pub use property::{PROPERTIES, Property};
pub use run::{Failure, Plan, run};
pub use soak::soak;
