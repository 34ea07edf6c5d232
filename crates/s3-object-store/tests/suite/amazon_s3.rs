//! object_store's own client, `AmazonS3`, over the same server.

use futures_util::TryStreamExt;
use object_store_0_13::aws::{AmazonS3, AmazonS3Builder};
use object_store_0_13::path::Path;
use object_store_0_13::{ObjectStore, Result};
use s3_core::{S3Url, StoreExt};
use s3_object_store::v0_13::S3ObjectStore;

use crate::setup::{BUCKET, Setup};

fn amazon(setup: &Setup) -> AmazonS3 {
    let server = setup.server.as_ref().unwrap();
    AmazonS3Builder::new()
        .with_endpoint(server.endpoint())
        .with_allow_http(true)
        .with_region(server.region())
        .with_access_key_id(server.access_key())
        .with_secret_access_key(server.secret_key())
        .with_bucket_name(BUCKET)
        .build()
        .unwrap()
}

async fn keys(store: &dyn ObjectStore) -> Result<Vec<String>> {
    let objects = store.list(Some(&Path::from("marked")));
    let keys = objects.map_ok(|object| object.location.to_string());
    keys.try_collect().await
}

#[tokio::test]
async fn a_key_that_fails_its_listing_is_left_out_of_ours() {
    let setup = Setup::over_http().await;
    let (ours, theirs) = (
        S3ObjectStore::builder(setup.transfer(), BUCKET)
            .build()
            .unwrap(),
        amazon(&setup),
    );
    for (key, listed) in [("marked/a.csv", true), ("marked//b.csv", false)] {
        let url = S3Url::from_parts(BUCKET, key).unwrap();
        setup.memory.put_bytes(url, "n\n1\n").await.unwrap();
        assert_eq!(keys(&ours).await.unwrap(), ["marked/a.csv"]);
        assert_eq!(keys(&theirs).await.is_ok(), listed, "{key}");
    }
}
