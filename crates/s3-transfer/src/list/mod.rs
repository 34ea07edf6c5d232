//! Listing by pages.

mod pages;
mod trail;

pub use pages::{ListOptions, ListStream};
