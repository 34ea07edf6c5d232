//! Writing: one request or parts, conditions, lost answers, nothing left behind.

use std::io::Cursor;
use std::sync::Arc;

use s3_core::{ErrorKind, Operation, Payload, PutMode, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, assert_ramp, ramp};
use s3_transfer::{PutItem, PutOutcome, Source};

use crate::setup::{Setup, settle, setup, url};

async fn put(
    setup: &Setup,
    key: &str,
    source: Source,
    mode: PutMode,
) -> Result<PutOutcome, s3_core::Error> {
    let item = PutItem::new(url(key), source).with_mode(mode);
    setup.transfer.put(item, &Default::default()).await
}

fn payload(len: usize) -> Source {
    Payload::from(ramp(0, len)).into()
}

async fn stored(setup: &Setup, key: &str) -> Vec<u8> {
    setup.memory.get_bytes(url(key)).await.unwrap().to_vec()
}

fn count(setup: &Setup, operation: Operation) -> u64 {
    setup.memory.operations().get(operation)
}

#[tokio::test]
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

#[tokio::test]
async fn if_absent_costs_one_conditional_put_or_a_head_for_what_is_large() {
    for (len, heads_first, heads_second) in [(10, 0, 0), (4500, 1, 2)] {
        let setup = setup(FaultPlan::none());
        let first = put(&setup, "k", payload(len), PutMode::IfAbsent)
            .await
            .unwrap();
        assert!(matches!(first, PutOutcome::Written(_)));
        assert_eq!(count(&setup, Operation::Head), heads_first);
        let second = put(&setup, "k", payload(len), PutMode::IfAbsent)
            .await
            .unwrap();
        assert_eq!(second, PutOutcome::AlreadyThere);
        assert_eq!(count(&setup, Operation::Head), heads_second);
        assert_eq!(setup.memory.unfinished_uploads(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn its_own_success_is_not_taken_for_an_object_that_was_there() {
    let setup = setup(
        FaultMatch::operation("PutObject")
            .on(FaultAction::LoseReply)
            .times(1),
    );
    let outcome = put(&setup, "k", payload(10), PutMode::IfAbsent)
        .await
        .unwrap();
    assert!(matches!(outcome, PutOutcome::Written(_)), "{outcome:?}");
    assert_eq!(setup.faults.delivered().total(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_complete_whose_answer_is_lost_has_succeeded() {
    for mode in [PutMode::Overwrite, PutMode::IfAbsent] {
        let lost = FaultMatch::operation("CompleteMultipartUpload")
            .on(FaultAction::LoseReply)
            .times(1);
        let setup = setup(lost);
        let outcome = put(&setup, "k", payload(4500), mode).await.unwrap();
        assert!(matches!(outcome, PutOutcome::Written(_)), "{outcome:?}");
        assert_eq!(setup.faults.delivered().total(), 1);
        assert_eq!(setup.memory.unfinished_uploads(), 0);
    }
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
async fn delete_many_says_what_became_of_each() {
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
