//! Fan-out: runs one job over many inputs, a bounded window of them at once, with results by input index.

mod fan_out;
mod future_set;
mod inputs;
#[cfg(test)]
#[cfg(shuttle)]
mod model;
mod options;
mod worker;

pub use fan_out::FanOut;
pub use options::{AfterFailure, FanOutOptions};
