//! Listings as record batches.

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMillisecondType, UInt64Type};
use futures_util::{StreamExt, TryStreamExt, stream};
use s3_frame::{ListingBatches, listing_schema};

use crate::setup::{column, texts, with_objects};

#[tokio::test]
async fn a_listing_is_batches_of_the_schema() {
    let objects: Vec<(String, Vec<u8>)> = (0..25)
        .map(|number| (format!("logs/{number:02}"), vec![0; number]))
        .collect();
    let objects: Vec<(&str, &[u8])> = objects
        .iter()
        .map(|(key, bytes)| (key.as_str(), bytes.as_slice()))
        .collect();
    let (s3, _) = with_objects(&objects).await;
    let listing = s3.list_recursive().at(["s3://b/logs/"]).stream();
    let batches: Vec<_> = listing.record_batches(10).try_collect().await.unwrap();
    let rows: Vec<_> = batches.iter().map(|batch| batch.num_rows()).collect();
    assert_eq!(rows, [10, 10, 5]);
    assert!(
        batches
            .iter()
            .all(|batch| batch.schema() == listing_schema())
    );
    let last = &batches[2];
    let info = s3.info("s3://b/logs/24").await.unwrap();
    assert_eq!(
        column(&batches[2..], "url")[4],
        Some("s3://b/logs/24".to_owned())
    );
    assert_eq!(column(&batches[2..], "key")[4], Some("24".to_owned()));
    assert_eq!(
        column(&batches[2..], "prefix")[4],
        Some("s3://b/logs/".to_owned())
    );
    assert_eq!(
        column(&batches[2..], "etag")[4],
        info.etag().map(|etag| etag.as_str().to_owned())
    );
    assert_eq!(
        column(&batches[2..], "storage_class"),
        texts(&["STANDARD"; 5])
    );
    let sizes = last
        .column_by_name("size")
        .unwrap()
        .as_primitive::<UInt64Type>();
    assert_eq!(sizes.values(), &[20, 21, 22, 23, 24]);
    let times = last.column_by_name("last_modified").unwrap();
    let time = times.as_primitive::<TimestampMillisecondType>().value(4);
    let modified = info.last_modified().unwrap();
    let expected = modified
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    assert_eq!(u128::try_from(time).unwrap(), expected);
}

#[tokio::test]
async fn a_failure_comes_after_the_objects_before_it() {
    let (s3, _) = with_objects(&[("a", b"x"), ("b", b"y")]).await;
    let failing = s3.list_recursive().at(["s3://missing/"]).stream();
    let listing = s3.list_recursive().at(["s3://b/"]).stream().chain(failing);
    let batches: Vec<_> = listing.record_batches(10).collect().await;
    assert_eq!(batches.len(), 2);
    assert_eq!(batches[0].as_ref().unwrap().num_rows(), 2);
    assert!(batches[1].is_err());
    // Nothing comes after it, whatever the listing has.
    let list = |url: &str| s3.list_recursive().at([url]).stream();
    let listing = list("s3://b/")
        .chain(list("s3://missing/"))
        .chain(list("s3://b/"));
    let mut batches = listing.record_batches(1).boxed();
    for _ in 0..2 {
        assert_eq!(batches.next().await.unwrap().unwrap().num_rows(), 1);
    }
    assert!(batches.next().await.unwrap().is_err());
    // Asking again is allowed.
    assert!(batches.next().await.is_none());
    assert!(batches.next().await.is_none());
}

#[tokio::test]
async fn an_empty_listing_has_no_batch() {
    let listing = stream::iter(Vec::new());
    let batches: Vec<_> = listing.record_batches(0).collect().await;
    assert!(batches.is_empty());
}
