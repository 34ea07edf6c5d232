//! Known problems of other object_store implementations, tested through `dyn ObjectStore`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use s3_core::{ErrorKind, MemoryStore, Operation, S3Url, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, assert_ramp, ramp};
use s3_transfer::{CallOptions, Event, KnownObject, Transfer, TransferConfig};
use tokio::time::Instant;

use super::S3ObjectStore;
use super::object_store::list::{PaginatedListOptions, PaginatedListStore};
use super::object_store::path::Path;
use super::object_store::{
    CopyOptions, Error, Extensions, GetOptions, ObjectStore, ObjectStoreExt, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, Result, WriteMultipart,
};
use crate::capped::{CappedStore, Counts};
use crate::setup::{BUCKET, Setup};

/// On the runtime of the test, whose time is paused.
fn store(setup: &Setup) -> S3ObjectStore {
    let builder = S3ObjectStore::builder(setup.transfer(), BUCKET);
    builder.on_callers_runtime().build().unwrap()
}

async fn seed(memory: &MemoryStore, key: &str, bytes: impl Into<Bytes>) {
    let url = S3Url::from_parts(BUCKET, key).unwrap();
    memory.put_bytes(url, bytes.into()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_timeout_of_the_server_is_retried() {
    let timeout = FaultAction::status(400, "RequestTimeout");
    let setup = Setup::with_faults(FaultMatch::operation("PutObject").on(timeout).times(2));
    let store: Arc<dyn ObjectStore> = Arc::new(store(&setup));
    store.put(&Path::from("k"), "hello".into()).await.unwrap();
    assert_eq!(setup.faults.unwrap().delivered().total(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_longer_than_any_timeout_of_a_request() {
    let trickle = FaultAction::Trickle {
        bytes: 1000,
        every: Duration::from_secs(1),
        at: None,
    };
    let setup = Setup::with_faults(FaultMatch::operation("GetObject").on(trickle));
    seed(&setup.memory, "k", ramp(0, 35_000)).await;
    let begun = Instant::now();
    let bytes = store(&setup)
        .get(&Path::from("k"))
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_ramp(&bytes, 0);
    assert_eq!(bytes.len(), 35_000);
    assert!(
        begun.elapsed() >= Duration::from_secs(34),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(setup.memory.operations().get(Operation::Get), 1);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_of_a_create_is_retried_and_no_object_that_is_there() {
    let conflict = FaultAction::status(409, "ConditionalRequestConflict");
    let setup = Setup::with_faults(FaultMatch::operation("PutObject").on(conflict).times(2));
    let put = store(&setup)
        .put_opts(&Path::from("k"), "a".into(), PutMode::Create.into())
        .await;
    put.unwrap();
    let put = store(&setup)
        .put_opts(&Path::from("k"), "b".into(), PutMode::Create.into())
        .await;
    assert!(matches!(put, Err(Error::AlreadyExists { .. })), "{put:?}");
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_response_is_lost_has_succeeded() {
    let lost = FaultMatch::operation("PutObject").on(FaultAction::LoseReply);
    let setup = Setup::with_faults(lost.times(1));
    let put = store(&setup)
        .put_opts(&Path::from("k"), "a".into(), PutMode::Create.into())
        .await;
    put.unwrap();
}

#[tokio::test]
async fn a_pinned_store_reads_one_version_or_fails() {
    let setup = Setup::in_memory().await;
    for key in ["listed", "headed", "read", "ranges"] {
        seed(&setup.memory, key, ramp(0, 5000)).await;
    }
    let unpinned = store(&setup);
    let pinned = unpinned.pinned();
    let path = |key: &str| Path::from(key);
    let listed: Vec<_> = pinned
        .list(Some(&path("none")))
        .try_collect()
        .await
        .unwrap();
    assert!(listed.is_empty());
    pinned.head(&path("headed")).await.unwrap();
    pinned.get(&path("read")).await.unwrap();
    pinned
        .get_ranges(&path("ranges"), &[0..10, 20..30])
        .await
        .unwrap();
    pinned.list(None).try_collect::<Vec<_>>().await.unwrap();
    for key in ["listed", "headed", "read", "ranges"] {
        seed(&setup.memory, key, ramp(0, 6000)).await;
        let whole = pinned.get(&path(key)).await.map(drop);
        let head = pinned.head(&path(key)).await.map(drop);
        let range = pinned.get_range(&path(key), 1..2).await.map(drop);
        let ranges = pinned.get_ranges(&path(key), &[0..1, 4..5]).await.map(drop);
        let copy = pinned.copy(&path(key), &path("copy")).await;
        let create = pinned.copy_if_not_exists(&path(key), &path("copy")).await;
        for outcome in [whole, head, range, ranges, copy, create] {
            assert!(
                matches!(outcome, Err(Error::Precondition { .. })),
                "{key}: {outcome:?}"
            );
        }
        unpinned.get(&path(key)).await.unwrap();
        unpinned.pinned().get(&path(key)).await.unwrap();
        // It reads the object that it has written itself.
        pinned.put(&path(key), "mine".into()).await.unwrap();
        pinned.head(&path(key)).await.unwrap();
        seed(&setup.memory, "there", "x").await;
        let create = pinned.copy_if_not_exists(&path(key), &path("there")).await;
        assert!(
            matches!(create, Err(Error::AlreadyExists { .. })),
            "{key}: {create:?}"
        );
        assert_eq!(
            pinned.get(&path(key)).await.unwrap().bytes().await.unwrap(),
            "mine"
        );
    }
}

#[tokio::test]
async fn an_upload_that_is_dropped_or_aborted_leaves_nothing() {
    for own_threads in [false, true] {
        let setup = Setup::in_memory().await;
        let mut builder = S3ObjectStore::builder(setup.transfer(), BUCKET);
        if !own_threads {
            builder = builder.on_callers_runtime();
        }
        let store = builder.build().unwrap();
        for abort in [false, true] {
            let mut upload = store.put_multipart(&Path::from("k")).await.unwrap();
            upload
                .put_part(PutPayload::from(vec![0; 6 << 20]))
                .await
                .unwrap();
            let never_polled = upload.put_part(PutPayload::from_static(b"end"));
            assert_eq!(setup.memory.unfinished_uploads(), 1);
            if abort {
                upload.abort().await.unwrap();
            }
            drop(upload);
            // It fails, unless it is polled before a thread of the store drops the upload.
            assert!(never_polled.await.is_err() || own_threads && !abort);
            let limit = Duration::from_secs(30);
            // The abort begins on a thread of the store.
            for _ in 0..3000 {
                if setup.memory.unfinished_uploads() == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(
                setup.memory.unfinished_uploads(),
                0,
                "{own_threads}, {abort}: {limit:?}"
            );
        }
        assert_eq!(setup.memory.object_count(), 0);
    }
}

#[tokio::test]
async fn a_part_that_was_not_sent_fails_the_completion() {
    let setup = Setup::in_memory().await;
    let mut upload = store(&setup).put_multipart(&Path::from("k")).await.unwrap();
    upload
        .put_part(PutPayload::from(vec![0; 6 << 20]))
        .await
        .unwrap();
    drop(upload.put_part(PutPayload::from_static(b"end")));
    upload.complete().await.unwrap_err();
    assert_eq!(setup.memory.object_count(), 0);
    assert_eq!(setup.memory.unfinished_uploads(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_completion_is_that_of_write_multipart() {
    let denied = FaultAction::status(403, "AccessDenied");
    let setup = Setup::with_faults(FaultMatch::operation("CompleteMultipartUpload").on(denied));
    let path = Path::from("k");
    let mut write = WriteMultipart::new(store(&setup).put_multipart(&path).await.unwrap());
    write.write(b"hello");
    let finished = write.finish().await;
    assert!(
        matches!(finished, Err(Error::PermissionDenied { .. })),
        "{finished:?}"
    );
    assert_eq!(setup.memory.unfinished_uploads(), 0);
    // An upload that was completed is not there to be aborted.
    setup.faults.as_ref().unwrap().clear();
    let mut upload = store(&setup).put_multipart(&path).await.unwrap();
    upload.put_part("hello".into()).await.unwrap();
    upload.complete().await.unwrap();
    upload.abort().await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_deadline_and_what_is_known_come_in_the_extensions() {
    let stall = FaultAction::Stall {
        at: None,
        wait: None,
    };
    let setup = Setup::with_faults(FaultMatch::operation("GetObject").on(stall));
    seed(&setup.memory, "k", ramp(0, 5000)).await;
    let mut options = GetOptions::default();
    let deadline = Instant::now() + Duration::from_secs(3);
    options
        .extensions
        .insert(CallOptions::default().with_deadline(deadline));
    let error = store(&setup)
        .get_opts(&Path::from("k"), options)
        .await
        .unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    let source: &s3_core::Error = source.downcast_ref().unwrap();
    assert_eq!(source.kind(), ErrorKind::Timeout);
    assert!(Instant::now() <= deadline + Duration::from_millis(1));
    setup.faults.as_ref().unwrap().clear();
    // An empty object whose size is not known costs two requests.
    seed(&setup.memory, "empty", "").await;
    for (known, requests) in [(None, 2), (Some(KnownObject::new(0, None)), 1)] {
        let before = setup.memory.operations().get(Operation::Get);
        let mut options = GetOptions::default();
        if let Some(known) = known {
            options.extensions.insert(known);
        }
        store(&setup)
            .get_opts(&Path::from("empty"), options)
            .await
            .unwrap();
        assert_eq!(
            setup.memory.operations().get(Operation::Get) - before,
            requests
        );
    }
}

/// A call whose options have extensions, and the S3 operation that it begins with.
#[derive(Clone, Copy, Debug)]
enum Call {
    Get,
    Put,
    Copy,
    Multipart,
    Page,
}

impl Call {
    fn operation(self) -> &'static str {
        match self {
            Self::Get => "GetObject",
            Self::Put => "PutObject",
            Self::Copy => "CopyObject",
            Self::Multipart => "CreateMultipartUpload",
            Self::Page => "ListObjectsV2",
        }
    }

    async fn run(self, store: &S3ObjectStore, call: CallOptions) -> Result<()> {
        let (path, mut extensions) = (Path::from("k"), Extensions::default());
        extensions.insert(call);
        match self {
            Self::Get => {
                let options = GetOptions::new().with_extensions(extensions);
                store.get_opts(&path, options).await.map(drop)
            }
            Self::Put => {
                let options = PutOptions {
                    extensions,
                    ..PutOptions::default()
                };
                store.put_opts(&path, "x".into(), options).await.map(drop)
            }
            Self::Copy => {
                let options = CopyOptions::new().with_extensions(extensions);
                store.copy_opts(&path, &Path::from("to"), options).await
            }
            Self::Multipart => {
                let options = PutMultipartOptions {
                    extensions,
                    ..PutMultipartOptions::default()
                };
                let mut upload = store.put_multipart_opts(&path, options).await?;
                upload.put_part("x".into()).await?;
                upload.complete().await.map(drop)
            }
            Self::Page => {
                let options = PaginatedListOptions {
                    extensions,
                    ..PaginatedListOptions::default()
                };
                store.list_paginated(None, options).await.map(drop)
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_and_a_deadline_in_the_extensions_are_those_of_every_call() {
    for call in [
        Call::Get,
        Call::Put,
        Call::Copy,
        Call::Multipart,
        Call::Page,
    ] {
        let (failing, parked) = (
            FaultAction::status(500, "InternalError"),
            FaultAction::Stall {
                at: None,
                wait: None,
            },
        );
        let setup =
            Setup::with_faults(FaultMatch::operation(call.operation()).on(failing).times(1));
        seed(&setup.memory, "k", "x").await;
        let retries = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&retries);
        let observer = Arc::new(move |event: &Event<'_>| {
            if let Event::Retrying { .. } = event {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        let options = CallOptions::default().with_observer(observer);
        let ended = call.run(&store(&setup), options).await;
        ended.unwrap_or_else(|error| panic!("{call:?}: {error}"));
        assert_eq!(retries.load(Ordering::Relaxed), 1, "{call:?}");

        let parked = FaultMatch::operation(call.operation()).on(parked);
        setup.faults.as_ref().unwrap().set(parked);
        let deadline = Instant::now() + Duration::from_secs(3);
        let options = CallOptions::default().with_deadline(deadline);
        let error = call.run(&store(&setup), options).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        let source: &s3_core::Error = source.downcast_ref().unwrap();
        assert_eq!(source.kind(), ErrorKind::Timeout, "{call:?}");
        assert!(
            Instant::now() <= deadline + Duration::from_millis(1),
            "{call:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_told_apart_and_keep_their_source() {
    let cases = [
        (403, "AccessDenied", "PermissionDenied"),
        (403, "SignatureDoesNotMatch", "Unauthenticated"),
        (403, "InvalidAccessKeyId", "Unauthenticated"),
        (400, "ExpiredToken", "Unauthenticated"),
        (400, "InvalidToken", "Unauthenticated"),
        (404, "NoSuchBucket", "NotFound"),
        (412, "PreconditionFailed", "Precondition"),
        (501, "NotImplemented", "NotSupported"),
        (405, "MethodNotAllowed", "NotSupported"),
        (400, "InvalidArgument", "Generic"),
    ];
    for (status, code, expected) in cases {
        let fault = FaultMatch::operation("PutObject").on(FaultAction::status(status, code));
        let setup = Setup::with_faults(fault);
        let error = store(&setup)
            .put(&Path::from("k"), "x".into())
            .await
            .unwrap_err();
        assert!(
            format!("{error:?}").starts_with(expected),
            "{code}: {error:?}"
        );
        let source = std::error::Error::source(&error).unwrap();
        let source: &s3_core::Error = source.downcast_ref().unwrap();
        assert_eq!(source.code(), Some(code));
    }
}

#[tokio::test]
async fn deletes_keep_their_order_among_failures() {
    let setup = Setup::in_memory().await;
    let store = store(&setup);
    let paths: Vec<_> = (0..2500)
        .map(|number| Path::from(format!("k{number:04}")))
        .collect();
    for path in paths.iter().step_by(2) {
        seed(&setup.memory, path.as_ref(), "x").await;
    }
    let broken = || Error::NotSupported {
        source: "broken".into(),
    };
    let locations = paths.iter().map(|path| match path.as_ref() {
        "k1234" => Err(broken()),
        _ => Ok(path.clone()),
    });
    let locations: Vec<_> = locations.collect();
    let deleted: Vec<_> = store
        .delete_stream(futures_util::stream::iter(locations).boxed())
        .collect()
        .await;
    assert_eq!(deleted.len(), paths.len());
    for (place, (deleted, path)) in deleted.iter().zip(&paths).enumerate() {
        match deleted {
            Ok(deleted) => assert_eq!(deleted, path),
            Err(_) => assert_eq!(place, 1234),
        }
    }
    assert_eq!(setup.memory.object_count(), 1);
    assert!(setup.memory.operations().get(Operation::Delete) <= 4);
}

#[tokio::test]
async fn one_page_is_one_request() {
    let setup = Setup::in_memory().await;
    for number in 0..3 {
        seed(&setup.memory, &format!("p/{number}"), "x").await;
    }
    let store = store(&setup);
    let before = setup.memory.operations().get(Operation::List);
    let listed: Vec<_> = store
        .list(Some(&Path::from("p")))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(listed.len(), 3);
    store
        .list_with_delimiter(Some(&Path::from("p")))
        .await
        .unwrap();
    assert_eq!(setup.memory.operations().get(Operation::List) - before, 2);
}

#[tokio::test]
async fn reads_of_a_known_length_are_one_request_and_one_buffer() {
    let setup = Setup::in_memory().await;
    seed(&setup.memory, "k", ramp(0, 5 << 20)).await;
    let store = store(&setup);
    let range = GetOptions::new().with_range(Some(100..(4 << 20)));
    let read = store.get_opts(&Path::from("k"), range).await.unwrap();
    let frames: Vec<_> = read.into_stream().try_collect().await.unwrap();
    assert_eq!(frames.len(), 1);
    assert_ramp(&frames[0], 100);
    assert_eq!(setup.memory.operations().get(Operation::Get), 1);
}

#[tokio::test]
async fn a_range_without_bytes_is_empty_among_others() {
    let setup = Setup::in_memory().await;
    seed(&setup.memory, "k", ramp(0, 5000)).await;
    let (store, path) = (store(&setup), Path::from("k"));
    let ranges = [10..10, 0..10, 5000..5000, 20..30, 30..30];
    let read = store.get_ranges(&path, &ranges).await.unwrap();
    let lengths: Vec<_> = read.iter().map(Bytes::len).collect();
    assert_eq!(lengths, [0, 10, 0, 10, 0]);
    assert_ramp(&read[1], 0);
    assert_ramp(&read[3], 20);
    let only = std::slice::from_ref(&(7..7));
    assert_eq!(store.get_ranges(&path, only).await.unwrap(), [""]);
    let range = |start: u64, end: u64| start..end;
    let reversed = store
        .get_ranges(&path, &[range(0, 10), range(20, 10)])
        .await;
    reversed.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn interrupted_bodies_resume() {
    let broken = FaultMatch::operation("GetObject").on(FaultAction::body_error_after(100_000));
    let setup = Setup::with_faults(FaultPlan::new([broken.times(3)]));
    seed(&setup.memory, "k", ramp(0, 1 << 20)).await;
    let read = store(&setup)
        .get(&Path::from("k"))
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_ramp(&read, 0);
    assert_eq!(read.len(), 1 << 20);
}

/// 200 tasks read 4,000 objects from a server that rejects more than 20 reads in flight.
#[tokio::test(start_paused = true)]
async fn few_requests_are_rejected_above_a_limit_of_the_server() {
    let memory = MemoryStore::with_buckets([BUCKET]);
    seed(&memory, "k", "x").await;
    let counts = Arc::new(Counts::default());
    let capped = CappedStore {
        memory,
        cap: 20,
        counts: Arc::clone(&counts),
    };
    let mut config = TransferConfig::default();
    config.seed = Some(1);
    let builder = S3ObjectStore::builder(Transfer::new(capped, config), BUCKET);
    let store: Arc<dyn ObjectStore> = Arc::new(builder.on_callers_runtime().build().unwrap());
    let reads = (0..4000).map(|_| {
        let store = Arc::clone(&store);
        async move { store.get_range(&Path::from("k"), 0..1).await }
    });
    let read: Vec<_> = futures_util::stream::iter(reads)
        .buffer_unordered(200)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(read.len(), 4000);
    let sent = counts.reads.load(Ordering::Relaxed);
    let rejected = counts.rejected.load(Ordering::Relaxed);
    assert!(rejected * 10 < sent, "{rejected} of {sent}");
}
