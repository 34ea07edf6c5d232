//! The adapter for object_store 0.13.

use object_store_0_13 as object_store;
use s3_object_store::v0_13::S3ObjectStore;

#[path = "behaviour.rs"]
mod behaviour;

#[path = "signer.rs"]
mod signer;

mod in_memory {
    use super::S3ObjectStore;
    use super::object_store::integration;

    all_functions! { in_memory}
}

mod over_http {
    use super::S3ObjectStore;
    use super::object_store::integration;

    all_functions! { over_http}
}
