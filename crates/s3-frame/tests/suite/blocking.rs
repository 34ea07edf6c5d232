//! Frames of a blocking client.

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use s3_client::blocking::S3;
use s3_frame::blocking::{Frames, ListingBatches};
use s3_frame::{Error, Existing, Result, Split, listing_schema};

use crate::setup::{column, texts};

fn rows(numbers: std::ops::Range<i64>) -> RecordBatch {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
    RecordBatch::try_from_iter_with_nullable([("n", numbers, true)]).unwrap()
}

#[test]
fn sets_are_written_and_read_without_a_runtime() {
    let s3 = S3::in_memory().unwrap();
    s3.create_bucket("b").send().unwrap();
    let frames = Frames::new(&s3);
    let write = || frames.write_csv("s3://b/set").existing(Existing::Replace);
    let schema = rows(0..1).schema();
    write()
        .send(Arc::clone(&schema), [[Ok(rows(0..2))], [Ok(rows(2..3))]])
        .unwrap();
    let read = frames.read_csv(["s3://b/set/*"]).open().unwrap();
    assert_eq!(read.schema(), schema);
    assert_eq!(read.parts().len(), 2);
    let batches: Vec<_> = read.collect::<Result<_>>().unwrap();
    assert_eq!(column(&batches, "n"), texts(&["0", "1", "2"]));
    let split = Split::Rows(NonZeroU64::MIN);
    let manifest = write().send_split(schema, [Ok(rows(0..3))], split).unwrap();
    assert_eq!(manifest.parts.len(), 3);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_is_written_and_read_without_a_runtime() {
    let s3 = S3::in_memory().unwrap();
    s3.create_bucket("b").send().unwrap();
    let frames = Frames::new(&s3);
    let write = frames.write_parquet("s3://b/set");
    write
        .send(rows(0..1).schema(), [[Ok(rows(0..2))], [Ok(rows(2..3))]])
        .unwrap();
    let read = frames.read_parquet(["s3://b/set/*"]).open().unwrap();
    assert_eq!(
        (read.schema(), read.parts().len()),
        (rows(0..1).schema(), 2)
    );
    let batches: Vec<_> = read.collect::<Result<_>>().unwrap();
    assert_eq!(column(&batches, "n"), texts(&["0", "1", "2"]));
}

#[test]
fn a_listing_is_batches_without_a_runtime() {
    let s3 = S3::in_memory().unwrap();
    s3.create_bucket("b").send().unwrap();
    for number in 0..25 {
        s3.put(format!("s3://b/logs/{number:02}"), "x")
            .send()
            .unwrap();
    }
    let list = |prefix: &str| s3.list_recursive().at([prefix]).iter().unwrap();
    let batches: Vec<_> = list("s3://b/logs/")
        .record_batches(10)
        .collect::<Result<_>>()
        .unwrap();
    let rows: Vec<_> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(rows, [10, 10, 5]);
    assert!(
        batches
            .iter()
            .all(|batch| batch.schema() == listing_schema())
    );
    let keys: Vec<_> = (0..25).map(|number| format!("{number:02}")).collect();
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    assert_eq!(column(&batches, "key"), texts(&keys));
    assert_eq!(list("s3://b/none/").record_batches(10).count(), 0);
    // A failure comes once, after the objects before it.
    let failing = list("s3://b/logs/").chain(list("s3://missing/"));
    let mut batches = failing.chain(list("s3://b/logs/")).record_batches(0).fuse();
    assert!(
        batches
            .by_ref()
            .take(25)
            .all(|batch| batch.unwrap().num_rows() == 1)
    );
    assert!(batches.next().unwrap().is_err());
    assert!(batches.next().is_none());
}

#[tokio::test]
async fn asynchronous_code_cannot_block() {
    let s3 = tokio::task::spawn_blocking(|| S3::in_memory().unwrap());
    let s3 = s3.await.unwrap();
    let error = Frames::new(&s3).read_csv(["s3://b/x"]).open().unwrap_err();
    let Error::S3(s3_client::Error::InsideRuntime) = error else {
        panic!("{error}");
    };
}

#[test]
fn a_panic_of_an_iterator_writes_nothing() {
    let s3 = S3::in_memory().unwrap();
    s3.create_bucket("b").send().unwrap();
    let client = s3.clone();
    let writing = std::thread::spawn(move || {
        let batches = (0..3).map(|number| match number {
            2 => panic!("on purpose"),
            _ => Ok(rows(number..number + 1)),
        });
        let write = Frames::new(&client).write_csv("s3://b/set");
        write.send(rows(0..1).schema(), [batches])
    });
    assert!(writing.join().is_err());
    assert!(
        s3.list_recursive()
            .at(["s3://b/"])
            .send()
            .unwrap()
            .is_empty()
    );
}
