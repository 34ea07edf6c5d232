//! Implements the object_store traits (`ObjectStore`, `PaginatedListStore`, `Signer`, multipart) with a `Transfer`.
//! Compiled once per version of object_store.

mod attributes;
mod convert;
mod list;
mod multipart;
mod paginated;
mod read;
#[cfg(feature = "signer")]
mod signer;
mod store;
mod write;

pub use store::{S3ObjectStore, S3ObjectStoreBuilder};

use super::{get_result, list_result, object_store, put_result};
