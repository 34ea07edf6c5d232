//! Implements the traits of object_store 0.14.

use object_store_0_14 as object_store;

#[cfg_attr(
    feature = "v0_13",
    expect(clippy::duplicate_mod, reason = "compiled for each version")
)]
#[path = "adapter/mod.rs"]
mod adapter;

pub use adapter::{S3ObjectStore, S3ObjectStoreBuilder};

version! {
    results { extensions: Default::default() }
    multipart {
        async fn create_multipart_opts(
            &self,
            path: &Path,
            opts: PutMultipartOptions,
        ) -> Result<MultipartId> {
            self.create_upload(path, opts).await
        }
    }
}
