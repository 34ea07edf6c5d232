//! Listings of objects and of versions: pages of objects are requested in parallel where the server supports it.

mod directories;
mod key_interpolator;
mod key_range;
mod pages;
mod scheduler;
#[cfg(test)]
#[cfg(not(shuttle))]
mod simulation;
mod token_cycle;
mod versions;
mod waiting_page;

pub use pages::{ListOptions, ListStream};
pub(crate) use token_cycle::TokenCycleDetector;
