//! Implements the traits of object_store 0.13.

use object_store_0_13 as object_store;

#[path = "adapter/mod.rs"]
mod adapter;

pub use adapter::{S3ObjectStore, S3ObjectStoreBuilder};

version! { results {} multipart {} }
