//! The gates: properties of the client that are shown by very many small cases, each drawn from one number.
//!
//! A [`Gate`] is a function from a seed to [`Figures`] or to what went wrong. `cargo xtask test` runs the first few
//! thousand seeds of each, `cargo xtask prove` as many as the gate's figure asks for; both run the same code. A failure
//! names its seed, and that seed alone brings it back.
//!
//! Cases run on paused time and in memory, so that a wait of minutes costs nothing; where a gate does otherwise, its
//! own module says so.
//!
//! ```text
//! seeds ──► run: a few threads, one paused runtime each ──► case(seed) ──► Figures, summed
//!                                                               └────────► Failure: gate, seed, what
//! ```

mod corrupt;
mod figures;
mod forward;
mod gate;
mod history;
mod passing;
mod run;
mod schedule;
mod sequence;
mod soak;

pub use figures::Figures;
pub use gate::{GATES, Gate};
pub use run::{Failure, Plan, run};
pub use soak::soak;
