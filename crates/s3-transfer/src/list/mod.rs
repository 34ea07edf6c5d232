//! Listing by pages: one after the other, or ranges of keys side by side.

mod directories;
mod pace;
mod pages;
mod plan;
#[cfg(test)]
#[cfg(not(shuttle))]
mod simulation;
mod span;
mod trail;

pub(crate) use trail::Trail;

pub use pages::{ListOptions, ListStream};
