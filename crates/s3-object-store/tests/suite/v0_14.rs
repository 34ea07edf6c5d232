//! The adapter for object_store 0.14.

use object_store_0_14 as object_store;
use s3_object_store::v0_14::S3ObjectStore;

#[expect(clippy::duplicate_mod, reason = "compiled for each version")]
#[path = "attributes.rs"]
mod attributes;

#[expect(clippy::duplicate_mod, reason = "compiled for each version")]
#[path = "behaviour.rs"]
mod behaviour;

#[expect(clippy::duplicate_mod, reason = "compiled for each version")]
#[path = "busy.rs"]
mod busy;

#[expect(clippy::duplicate_mod, reason = "compiled for each version")]
#[path = "signer.rs"]
mod signer;

#[expect(clippy::duplicate_mod, reason = "compiled for each version")]
#[path = "unlistable.rs"]
mod unlistable;

#[expect(clippy::duplicate_mod, reason = "compiled for each version")]
#[path = "versions.rs"]
mod versions;

mod in_memory {
    use super::S3ObjectStore;
    use super::object_store::integration;

    all_functions! { in_memory
        multipart_put_part_out_of_order(store, store);
        multipart_with_opts(store, store);
    }
}

mod over_http {
    use super::S3ObjectStore;
    use super::object_store::integration;

    all_functions! { over_http
        multipart_put_part_out_of_order(store, store);
        multipart_with_opts(store, store);
    }
}

mod over_s3s_fs {
    use super::S3ObjectStore;
    use super::object_store::integration;

    all_functions! { over_s3s_fs
        multipart_put_part_out_of_order(store, store);
        multipart_with_opts(store, store);
    }
}
