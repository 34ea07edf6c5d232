//! The same job over many inputs, a bounded window at a time, results by input index.

mod failure;
mod many;

pub use failure::BatchFailure;
pub use many::{Many, ManyOptions};
