//! Adaptive concurrency limit.
//!
//! A [`Controller`] hands out permits for attempts and learns from their outcomes how many are worthwhile.

mod controller;
mod goodput;
#[cfg(test)]
#[cfg(shuttle)]
mod model;
#[cfg(test)]
#[cfg(not(shuttle))]
mod simulation;
mod thread_load;

pub use controller::{Controller, Permit};
