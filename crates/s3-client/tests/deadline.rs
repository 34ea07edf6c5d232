//! A deadline ends every call to a server that does not respond.

use std::fmt::Debug;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use s3_client::ErrorKind;
use s3_client::{Error, MemoryStore, Result, S3};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};
use tokio::time::Instant;

const DEADLINE: Duration = Duration::from_secs(5);

/// A client of a server that takes every request and never responds.
fn stalled() -> S3 {
    let silence = FaultMatch::any().on(FaultAction::stall(Duration::from_secs(24 * 60 * 60)));
    S3::builder()
        .store(FaultStore::new(
            MemoryStore::with_buckets(["b"]),
            FaultPlan::new([silence]),
        ))
        .s3root("s3://b/root")
        .tmproot(std::env::temp_dir())
        .build()
        .expect("a client of a store in memory can be built")
}

async fn times_out<T: Debug>(call: impl IntoFuture<Output = Result<T>>) {
    let began = Instant::now();
    let error = call
        .into_future()
        .await
        .expect_err("the server never responds");
    assert_eq!(
        error.as_request().map(|error| error.kind()),
        Some(ErrorKind::Timeout),
        "{error}"
    );
    assert!(
        began.elapsed() < DEADLINE + Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn reading_and_listing_end() {
    let s3 = stalled();
    times_out(s3.get("k").deadline(DEADLINE)).await;
    times_out(s3.get("k").return_missing().to_memory().deadline(DEADLINE)).await;
    times_out(s3.get_many(["a", "b", "a"]).deadline(DEADLINE)).await;
    times_out(s3.get_recursive(["a"]).deadline(DEADLINE)).await;
    times_out(s3.get_recursive(["a", "b"]).deadline(DEADLINE)).await;
    times_out(s3.get_all().deadline(DEADLINE)).await;
    times_out(s3.info("k").deadline(DEADLINE)).await;
    times_out(s3.info_many(["a", "b"]).deadline(DEADLINE)).await;
    times_out(s3.list_paths().deadline(DEADLINE)).await;
    times_out(s3.list_recursive().at(["a", "b"]).deadline(DEADLINE)).await;
    times_out(s3.list_buckets().deadline(DEADLINE)).await;
}

#[tokio::test(start_paused = true)]
async fn writing_ends() {
    let s3 = stalled();
    times_out(s3.put("k", "v").deadline(DEADLINE)).await;
    times_out(s3.put("k", "v").overwrite(false).deadline(DEADLINE)).await;
    times_out(s3.put("k", vec![0; 17 << 20]).deadline(DEADLINE)).await;
    times_out(s3.put_many([("a", "1"), ("b", "2")]).deadline(DEADLINE)).await;
    times_out(s3.put_files([("k", "/dev/null")]).deadline(DEADLINE)).await;
    times_out(s3.copy("a", "b").deadline(DEADLINE)).await;
    times_out(s3.delete("k").deadline(DEADLINE)).await;
    times_out(s3.delete_many(["a", "b"]).deadline(DEADLINE)).await;
    times_out(s3.create_bucket("c").deadline(DEADLINE)).await;
    times_out(s3.delete_bucket("b").deadline(DEADLINE)).await;
}

#[tokio::test(start_paused = true)]
async fn streams_end() {
    let s3 = stalled();
    let listing = s3.list_recursive().deadline(DEADLINE).stream();
    times_out(listing.try_collect::<Vec<_>>()).await;
    let objects = s3.get_many(["a", "b"]).deadline(DEADLINE).stream();
    let results: Vec<(usize, Result<_, Error>)> = objects.collect().await;
    assert_eq!(results.len(), 2);
    assert!(results.iter().all(|(_, result)| result.is_err()));
}
