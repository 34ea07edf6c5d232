//! A limit on attempts that finds its own level.
//!
//! The permit is taken in `call`, not in `poll_ready`, and held until the body is drained: what is limited is
//! bytes under way, not headers. The limiter sits inside the retry layer, so a job that backs off holds nothing.

mod busy;
mod controller;
mod goodput;
#[cfg(test)]
#[cfg(shuttle)]
mod model;
mod service;
#[cfg(test)]
#[cfg(not(shuttle))]
mod simulation;

pub use controller::{Controller, Permit};
pub use service::{AdaptiveLimit, AdaptiveLimitLayer, LimitFuture};
