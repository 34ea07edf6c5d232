//! The same job over many inputs, a bounded window at a time, results by input index.

mod failure;
mod fed;
mod lane;
mod many;
#[cfg(test)]
#[cfg(shuttle)]
mod model;
mod slots;

pub use failure::{AfterFailure, FanOutError};
pub use fed::{Fed, FeedFailure};
pub use many::{FanOutOptions, Many};
