//! Transfers while the caller's threads are busy.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use s3_core::{MemoryStore, S3Url, StoreExt};
use s3_testkit::{BlockingServer, S3Server, assert_ramp, ramp};
use s3_transfer::{Transfer, TransferConfig};

use super::S3ObjectStore;
use super::object_store::path::Path;
use super::object_store::{ObjectStoreExt, Result};
use crate::setup::BUCKET;

/// How many bodies are read at once.
const BODIES: usize = 8;
/// The bytes of a body: less than a part.
const LEN: usize = 2 << 20;
/// A body takes 0.5 s.
const RATE: u64 = 2 * LEN as u64;
const STALL: Duration = Duration::from_millis(200);

/// Returns how many of 8 bodies over HTTP arrive while all threads of the caller's runtime are busy for ten times as long
/// as a body may stall.
fn bodies_that_arrive(has_own_threads: bool) -> usize {
    // Its server runs on a thread of its own.
    let memory = MemoryStore::with_buckets([BUCKET]);
    let server = S3Server::builder(memory.clone()).rate(RATE);
    let server = BlockingServer::start(server).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let bodies = runtime.block_on(async {
        let url = S3Url::from_parts(BUCKET, "k").unwrap();
        memory.put_bytes(url, ramp(0, LEN)).await.unwrap();
        let mut config = TransferConfig::default();
        config.stall_timeout = STALL;
        let transfer = Transfer::new(server.sdk_store(), config);
        let mut builder = S3ObjectStore::builder(transfer, BUCKET);
        if !has_own_threads {
            builder = builder.on_callers_runtime();
        }
        let store = builder.build().unwrap();
        let path = Path::from("k");
        let reads = (0..BODIES).map(|_| store.get(&path));
        let reads = futures_util::future::try_join_all(reads).await.unwrap();
        let reads = reads.into_iter().map(|read| read.into_stream());
        let bodies: Vec<_> = reads.collect();
        // Nothing of this runtime runs meanwhile.
        std::thread::sleep(STALL * 10);
        bodies
    });
    // Nor here, outside of the runtime.
    let arrived = bodies.into_iter().map(has_arrived);
    let arrived = arrived.filter(|has_arrived| *has_arrived).count();
    // A body that stalls is requested again.
    assert!(!has_own_threads || server.request_log().count_of("GetObject") == BODIES);
    arrived
}

/// Returns whether the whole body is there.
fn has_arrived(mut body: BoxStream<'static, Result<Bytes>>) -> bool {
    let mut read = Vec::new();
    while let Some(Some(frame)) = body.next().now_or_never() {
        read.extend_from_slice(&frame.unwrap());
    }
    assert_ramp(&read, 0);
    read.len() == LEN
}

#[test]
fn bodies_arrive_while_the_callers_threads_are_busy() {
    assert_eq!(bodies_that_arrive(true), BODIES);
    // The control: without threads of its own, nothing arrives.
    assert_eq!(bodies_that_arrive(false), 0);
}
