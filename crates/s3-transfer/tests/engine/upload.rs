//! Uploads: one request or parts, readers and files, deletes, no orphans.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use s3_core::{BucketRequest, ErrorKind, Operation, Payload, Phase, PutMode, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, Position, assert_ramp, ramp};
use s3_transfer::{CallOptions, PutItem, PutOutcome, Source, Transfer};

use crate::hooked::Hooked;
use crate::setup::{Setup, config, memory, settle, setup, url};

pub(crate) async fn put(
    setup: &Setup,
    key: &str,
    source: Source,
    mode: PutMode,
) -> Result<PutOutcome, s3_core::Error> {
    let item = PutItem::new(url(key), source).with_mode(mode);
    setup.transfer.put(item, &Default::default()).await
}

pub(crate) fn payload(len: usize) -> Source {
    Payload::from(ramp(0, len)).into()
}

pub(crate) async fn stored(setup: &Setup, key: &str) -> Vec<u8> {
    setup.memory.get_bytes(url(key)).await.unwrap().to_vec()
}

pub(crate) fn count(setup: &Setup, operation: Operation) -> u64 {
    setup.memory.operations().get(operation)
}

#[tokio::test(start_paused = true)]
async fn small_payloads_cost_one_put_and_large_ones_two_and_their_parts() {
    for (len, puts, parts) in [(0, 1, 0), (2000, 1, 0), (2001, 0, 3), (4500, 0, 5)] {
        let setup = setup(FaultPlan::none());
        let outcome = put(&setup, "k", payload(len), PutMode::Overwrite)
            .await
            .unwrap();
        assert!(matches!(outcome, PutOutcome::Written(_)));
        assert_eq!(stored(&setup, "k").await.len(), len);
        assert_ramp(&stored(&setup, "k").await, 0);
        assert_eq!(count(&setup, Operation::Put), puts, "{len} bytes");
        assert_eq!(count(&setup, Operation::UploadPart), parts, "{len} bytes");
        let ends = (
            count(&setup, Operation::CreateUpload),
            count(&setup, Operation::CompleteUpload),
        );
        assert_eq!(ends, if parts > 0 { (1, 1) } else { (0, 0) });
        settle().await;
        assert_eq!(count(&setup, Operation::AbortUpload), 0, "{len} bytes");
    }
}

#[tokio::test]
async fn readers_of_unknown_length_are_read_to_their_end() {
    for len in [0, 999, 1000, 1001, 3000, 3500] {
        let setup = setup(FaultPlan::none());
        let data = ramp(0, len).to_vec();
        put(
            &setup,
            "sync",
            Source::Read(Box::new(Cursor::new(data.clone()))),
            PutMode::Overwrite,
        )
        .await
        .unwrap();
        put(
            &setup,
            "async",
            Source::AsyncRead(Box::pin(Cursor::new(data))),
            PutMode::Overwrite,
        )
        .await
        .unwrap();
        for key in ["sync", "async"] {
            let read = stored(&setup, key).await;
            assert_eq!(read.len(), len, "{key}");
            assert_ramp(&read, 0);
        }
        assert_eq!(setup.memory.unfinished_uploads(), 0);
    }
}

#[tokio::test]
async fn files_are_sent_from_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    std::fs::write(&path, ramp(0, 4500)).unwrap();
    let setup = setup(FaultPlan::none());
    let file = Arc::new(std::fs::File::open(&path).unwrap());
    let source = Payload::from_file(file, 0, 4500).into();
    put(&setup, "k", source, PutMode::Overwrite).await.unwrap();
    assert_ramp(&stored(&setup, "k").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_fails_for_good_aborts_the_upload() {
    let denied = FaultMatch::operation("UploadPart")
        .on(FaultAction::status(403, "AccessDenied"))
        .skip(2);
    let setup = setup(denied);
    let error = put(&setup, "k", payload(4500), PutMode::Overwrite)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert_eq!(
        (
            setup.memory.unfinished_uploads(),
            setup.memory.object_count()
        ),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_upload_is_aborted() {
    let stall = FaultAction::Stall {
        at: None,
        wait: None,
    };
    let setup = setup(FaultMatch::operation("UploadPart").on(stall).skip(1));
    let item = PutItem::new(url("k"), payload(4500));
    let options = s3_transfer::CallOptions::default()
        .with_deadline(tokio::time::Instant::now() + std::time::Duration::from_secs(5));
    let error = setup.transfer.put(item, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    settle().await;
    assert_eq!(setup.memory.unfinished_uploads(), 0);
}

#[tokio::test]
async fn a_source_that_cannot_be_read_writes_nothing() {
    struct Broken(usize);
    impl std::io::Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += 1;
            if self.0 > 3 {
                Err(std::io::Error::other("cable cut"))
            } else {
                Ok(buffer.len().min(700))
            }
        }
    }
    let setup = setup(FaultPlan::none());
    let error = put(
        &setup,
        "k",
        Source::Read(Box::new(Broken(0))),
        PutMode::Overwrite,
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LocalIo);
    assert!(error.to_string().contains("cable cut"), "{error}");
    assert_eq!(
        (
            setup.memory.unfinished_uploads(),
            setup.memory.object_count()
        ),
        (0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn delete_many_reports_each_outcome() {
    let setup = setup(
        FaultMatch::operation("DeleteObjects")
            .on(FaultAction::status(503, "SlowDown"))
            .times(1),
    );
    setup.seed("a", 1).await;
    let gone = setup
        .transfer
        .delete_many(vec![url("a"), url("nope")], &Default::default())
        .await;
    assert!(gone.iter().all(Result::is_ok), "{gone:?}");
    let elsewhere = s3_core::S3Url::parse("s3://missing/x").unwrap();
    let mixed = setup
        .transfer
        .delete_many(vec![elsewhere, url("a")], &Default::default())
        .await;
    assert_eq!(
        mixed[0].as_ref().unwrap_err().kind(),
        ErrorKind::NoSuchBucket
    );
    assert!(mixed[1].is_ok());
}

#[tokio::test]
async fn delete_many_costs_one_request_per_thousand_keys() {
    let setup = setup(FaultPlan::none());
    let urls = (0..2001).map(|n| url(&format!("k{n}"))).collect();
    assert_eq!(
        setup
            .transfer
            .delete_many(urls, &Default::default())
            .await
            .len(),
        2001
    );
    assert_eq!(count(&setup, Operation::Delete), 3);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_begins_after_its_caller_has_gone_is_aborted() {
    let late = FaultAction::Stall {
        at: Some(Position::Byte(0)),
        wait: Some(Duration::from_secs(10)),
    };
    let setup = setup(FaultMatch::operation("CreateMultipartUpload").on(late));
    let options =
        CallOptions::default().with_deadline(tokio::time::Instant::now() + Duration::from_secs(5));
    let item = PutItem::new(url("k"), payload(4500));
    let error = setup.transfer.put(item, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(setup.memory.unfinished_uploads(), 1);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(setup.memory.unfinished_uploads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_begin_that_is_given_up_for_a_stall_leaves_one_upload_and_not_two() {
    let late = FaultAction::Stall {
        at: Some(Position::Byte(0)),
        wait: Some(Duration::from_secs(30)),
    };
    let setup = setup(
        FaultMatch::operation("CreateMultipartUpload")
            .on(late)
            .times(1),
    );
    put(&setup, "k", payload(4500), PutMode::Overwrite)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(count(&setup, Operation::CreateUpload), 2);
    assert_eq!(setup.memory.unfinished_uploads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_completion_may_take_minutes() {
    let slow = FaultAction::Stall {
        at: Some(Position::Byte(0)),
        wait: Some(Duration::from_secs(150)),
    };
    let setup = setup(FaultMatch::operation("CompleteMultipartUpload").on(slow));
    put(&setup, "k", payload(4500), PutMode::Overwrite)
        .await
        .unwrap();
    assert_eq!(count(&setup, Operation::CompleteUpload), 1);
}

#[tokio::test(start_paused = true)]
async fn buckets_come_and_go_although_the_responses_are_lost() {
    let lost = |operation| {
        FaultMatch::operation(operation)
            .on(FaultAction::LoseReply)
            .times(1)
    };
    let setup = setup(FaultPlan::new([lost("CreateBucket"), lost("DeleteBucket")]));
    let (bucket, options) = (BucketRequest::new("new"), CallOptions::default());
    let transfer = &setup.transfer;
    transfer
        .create_bucket(bucket.clone(), &options)
        .await
        .unwrap();
    transfer
        .delete_bucket(bucket.clone(), &options)
        .await
        .unwrap();
    assert_eq!(setup.faults.delivered().total(), 2);
    let gone = transfer.delete_bucket(bucket, &options).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NoSuchBucket);
}

#[tokio::test(start_paused = true)]
async fn each_key_that_stays_says_why() {
    let mut store = Hooked::new(memory(), |_, response| response);
    store.undeletable = &[
        ("slow", "SlowDown"),
        ("denied", "AccessDenied"),
        ("broken", "InternalError"),
    ];
    let transfer = Transfer::new(store, config());
    let urls = ["slow", "denied", "gone", "broken"].map(url).to_vec();
    let outcomes = transfer.delete_many(urls, &Default::default()).await;
    let kinds: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().err().map(|e| (e.kind(), e.attempts())))
        .collect();
    assert_eq!(
        kinds,
        [
            Some((ErrorKind::Throttled, 21)),
            Some((ErrorKind::AccessDenied, 1)),
            None,
            Some((ErrorKind::Server, 21)),
        ]
    );
    assert_eq!(
        outcomes[0].as_ref().unwrap_err().resource(),
        Some("s3://b/slow")
    );
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let log = error.attempt_log().unwrap();
        assert_eq!(log.total(), error.attempts(), "{error:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn deletes_one_by_one_may_take_as_long_as_responses_come() {
    let mut store = Hooked::new(memory(), |_, response| response);
    // 32 rounds of 10 s, far more than an attempt may take in silence.
    store.single_delete = Some(Duration::from_secs(10));
    let deletes = Arc::clone(&store.deletes);
    let transfer = Transfer::new(store, config());
    let urls = (0..1000).map(|number| url(&format!("{number}"))).collect();
    let outcomes = transfer.delete_many(urls, &Default::default()).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(deletes.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_deletes_may_take_longer_the_more_keys_it_has() {
    // 20 s for the stall limit, and 50 ms per key.
    for (keys, attempts) in [(1000, None), (100, Some(21))] {
        let setup = setup(FaultMatch::any().on(FaultAction::stall(Duration::from_secs(60))));
        let urls = (0..keys).map(|number| url(&format!("{number}"))).collect();
        let outcomes = setup.transfer.delete_many(urls, &Default::default()).await;
        for outcome in outcomes {
            let failure = outcome.err().map(|error| (error.kind(), error.attempts()));
            assert_eq!(failure, attempts.map(|count| (ErrorKind::Timeout, count)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_were_spoilt_on_their_way_are_sent_once_more() {
    for (times, written) in [(1, true), (2, false)] {
        for (len, operation) in [(10, "PutObject"), (4500, "UploadPart")] {
            let spoilt = FaultAction::status(400, "BadDigest");
            let setup = setup(
                FaultMatch::operation(operation)
                    .with_query(if len > 1000 { "partNumber=2" } else { "" })
                    .on(spoilt)
                    .times(times),
            );
            let outcome = put(&setup, "k", payload(len), PutMode::Overwrite).await;
            assert_eq!(outcome.is_ok(), written, "{outcome:?}");
            if let Err(error) = outcome {
                assert_eq!((error.kind(), error.attempts()), (ErrorKind::Integrity, 2));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_over_a_slow_line_may_take_as_long_as_bytes_leave() {
    // 1 MiB may stand still for 20 s and 32 s more.
    const LEN: usize = 1 << 20;
    let (moment, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    for (leaving, responding, part_size, written) in [
        (20 * minute, moment, 2 * LEN, true),
        (20 * minute, moment, LEN / 4, true),
        (moment, 45 * moment, 2 * LEN, true),
        (moment, 80 * moment, 2 * LEN, false),
    ] {
        let memory = memory();
        let mut store = Hooked::new(memory.clone(), |_, response| response);
        store.line = Some((leaving, responding));
        let mut config = config();
        config.part_size = part_size as u64;
        config.single_put_up_to = config.part_size;
        let transfer = Transfer::new(store, config);
        let item = PutItem::new(url("k"), payload(LEN));
        let outcome = transfer.put(item, &Default::default()).await;
        assert_eq!(outcome.is_ok(), written, "{leaving:?}: {outcome:?}");
        match outcome {
            Ok(_) => assert_eq!(memory.get_bytes(url("k")).await.unwrap().len(), LEN),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Timeout);
                // Sent bytes are not a response.
                let mut log = error.attempt_log().unwrap().iter();
                assert!(log.all(|attempt| attempt.phase == Phase::NoResponse));
            }
        }
    }
}
