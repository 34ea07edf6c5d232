//! The adapter for object_store 0.13.

use object_store_0_13 as object_store;
use s3_object_store::v0_13::S3ObjectStore;

#[path = "attributes.rs"]
mod attributes;

#[path = "behaviour.rs"]
mod behaviour;

#[path = "busy.rs"]
mod busy;

#[path = "signer.rs"]
mod signer;

#[path = "unlistable.rs"]
mod unlistable;

#[path = "versions.rs"]
mod versions;

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

mod over_s3s_fs {
    use super::S3ObjectStore;
    use super::object_store::integration;

    all_functions! { over_s3s_fs}
}
