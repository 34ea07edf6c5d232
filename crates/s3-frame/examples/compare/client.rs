//! [`Client`]: whose requests are measured.

use std::fmt;
use std::sync::Arc;

use clap::ValueEnum;
use object_store_0_13::ObjectStore;
use object_store_0_13::aws::AmazonS3Builder;
use s3_client::S3;
use s3_object_store::v0_13::S3ObjectStore;

use crate::Result;

// The server does not check them.
const ACCESS_KEY: &str = "AKIDCOMPARE";
const SECRET_KEY: &str = "any-secret";
const REGION: &str = "us-east-1";

/// Whose requests are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// `S3ObjectStore`; in queries, the tables of s3-frame
    Ours,
    /// DataFusion's own tables over `S3ObjectStore`; queries only
    OursStore,
    /// `AmazonS3` of object_store 0.13; in queries, below DataFusion's own tables
    AmazonS3,
}

impl Client {
    /// Returns a store over a bucket.
    pub(crate) fn store(self, endpoint: &str, bucket: &str) -> Result<Arc<dyn ObjectStore>> {
        if self == Self::AmazonS3 {
            let builder = AmazonS3Builder::new()
                .with_endpoint(endpoint)
                .with_allow_http(true)
                .with_region(REGION)
                .with_access_key_id(ACCESS_KEY)
                .with_secret_access_key(SECRET_KEY)
                .with_bucket_name(bucket);
            return Ok(Arc::new(builder.build()?));
        }
        let transfer = s3(endpoint)?.transfer().clone();
        Ok(Arc::new(S3ObjectStore::builder(transfer, bucket).build()?))
    }
}

/// Returns our client.
pub(crate) fn s3(endpoint: &str) -> Result<S3> {
    let s3 = S3::builder()
        .endpoint(endpoint)
        .region(REGION)
        .credentials(ACCESS_KEY, SECRET_KEY, None);
    Ok(s3.build()?)
}

/// As on the command line.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}
