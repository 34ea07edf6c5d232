//! Listing by pages.

mod pages;

pub use pages::{ListOptions, ListStream};
