//! Adaptive concurrency limit.
//!
//! A permit is taken in `call`, not in `poll_ready`, and held until the body is drained: the limit bounds bytes in
//! flight, not just requests. The layer sits inside the retry layer, so a job that backs off holds no permit.

mod controller;
mod goodput;
#[cfg(test)]
#[cfg(shuttle)]
mod model;
mod service;
#[cfg(test)]
#[cfg(not(shuttle))]
mod simulation;
mod thread_load;

pub use controller::{Controller, Permit};
pub use service::{AdaptiveLimit, AdaptiveLimitLayer, LimitFuture};
