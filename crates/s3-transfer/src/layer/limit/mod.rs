//! Adaptive limit of the attempts in flight: issues permits, climbs while goodput grows, and backs off when throttled.
//!
//! A [`Controller`] issues permits for attempts and adapts their number to the outcomes.

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
