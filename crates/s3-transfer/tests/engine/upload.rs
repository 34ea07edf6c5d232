//! Writing: one request or parts, conditions, lost answers, nothing left behind.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use s3_core::{
    BucketRequest, DeleteRequest, ErrorKind, HeadRequest, Operation, Payload, PutMode, Store,
    StoreExt,
};
use s3_testkit::{
    FaultAction, FaultMatch, FaultPlan, FaultRule, FaultStore, Position, assert_ramp, ramp,
};
use s3_transfer::{CallOptions, PutItem, PutOutcome, Source, Transfer};

use crate::hooked::Hooked;
use crate::setup::{Setup, config, memory, settle, setup, url};

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
async fn already_there_is_never_said_where_nothing_is() {
    // Its own success refuses the second attempt, and somebody deletes the object before it is looked at.
    let setup = setup(FaultPlan::new([
        FaultMatch::operation("PutObject")
            .on(FaultAction::LoseReply)
            .times(1),
        FaultMatch::method("HEAD")
            .on(FaultAction::stall(Duration::from_secs(5)))
            .times(1),
    ]));
    let (outcome, ()) = tokio::join!(put(&setup, "k", payload(10), PutMode::IfAbsent), async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let gone = DeleteRequest::new("b", vec![url("k")]);
        setup.memory.delete(gone).await.unwrap();
    });
    assert!(matches!(outcome, Ok(PutOutcome::Written(_))), "{outcome:?}");
    assert_eq!(setup.memory.object_count(), 1);
    assert_eq!(setup.faults.delivered().total(), 2);
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

#[tokio::test(start_paused = true)]
async fn a_replacement_whose_answer_is_lost_has_succeeded() {
    let lost = FaultMatch::operation("PutObject")
        .on(FaultAction::LoseReply)
        .times(1);
    let setup = setup(lost);
    let old = setup.memory.put_bytes(url("k"), "old").await.unwrap();
    let mode = PutMode::IfMatch(old.etag.unwrap());
    let outcome = put(&setup, "k", payload(10), mode.clone()).await.unwrap();
    assert!(matches!(outcome, PutOutcome::Written(_)), "{outcome:?}");
    let late = put(&setup, "k", payload(11), mode).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test]
async fn a_condition_that_the_server_would_ignore_is_refused_unsent() {
    let memory = memory();
    let old = memory.put_bytes(url("k"), "old").await.unwrap();
    let mut store = Hooked::new(memory.clone(), |_, answer| answer);
    store.capabilities.put_if_match = false;
    store.capabilities.complete_conditions = false;
    let transfer = Transfer::new(store, config());
    for len in [10, 4500] {
        let mode = PutMode::IfMatch(old.etag.clone().unwrap());
        let item = PutItem::new(url("k"), payload(len)).with_mode(mode);
        let error = transfer.put(item, &Default::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{len} bytes");
    }
    assert_eq!(memory.get_bytes(url("k")).await.unwrap(), "old");
    assert_eq!(memory.unfinished_uploads(), 0);
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
async fn buckets_come_and_go_although_the_answers_are_lost() {
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
    let mut store = Hooked::new(memory(), |_, answer| answer);
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
        outcomes[0].as_ref().unwrap_err().place(),
        Some("s3://b/slow")
    );
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        let log = error.attempt_log().unwrap();
        assert_eq!(log.total(), error.attempts(), "{error:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_tells_by_its_name_whose_write_it_was_also_if_its_tag_is_no_digest() {
    let rules = |operation, first| {
        FaultPlan::new([
            FaultMatch::operation("HeadObject").on(FaultAction::ChangedETag),
            FaultMatch::operation(operation).on(first).times(1),
        ])
    };
    for (len, operation) in [(10, "PutObject"), (4500, "CompleteMultipartUpload")] {
        let setup = setup(rules(operation, FaultAction::LoseReply));
        let outcome = put(&setup, "k", payload(len), PutMode::IfAbsent).await;
        assert!(matches!(outcome, Ok(PutOutcome::Written(_))), "{outcome:?}");
        let last_head = 1 + u64::from(len > 1000);
        assert_eq!(count(&setup, Operation::Head), last_head);
        assert_eq!(count(&setup, Operation::Get), 0);
        assert_eq!(setup.memory.unfinished_uploads(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_of_another_are_not_taken_for_ones_own() {
    let setup = setup(
        FaultMatch::operation("PutObject")
            .on(FaultAction::Drop)
            .times(1),
    );
    setup.memory.put_bytes(url("k"), ramp(0, 10)).await.unwrap();
    let outcome = put(&setup, "k", payload(10), PutMode::IfAbsent).await;
    assert_eq!(outcome.unwrap(), PutOutcome::AlreadyThere);
}

#[tokio::test(start_paused = true)]
async fn an_unconditional_small_write_carries_no_name() {
    let setup = setup(FaultPlan::none());
    let head = async |key| setup.transfer.head(url(key), &Default::default()).await;
    for (key, mode, named) in [("a", PutMode::Overwrite, 0), ("b", PutMode::IfAbsent, 1)] {
        put(&setup, key, payload(10), mode).await.unwrap();
        assert_eq!(head(key).await.unwrap().attributes.user.len(), named);
    }
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_met_another_is_sent_again() {
    let conflict = FaultAction::status(409, "ConditionalRequestConflict");
    let setup = setup(
        FaultMatch::operation("CompleteMultipartUpload")
            .on(conflict)
            .times(2),
    );
    let outcome = put(&setup, "k", payload(4500), PutMode::IfAbsent).await;
    assert!(matches!(outcome, Ok(PutOutcome::Written(_))), "{outcome:?}");
    assert_eq!(setup.faults.delivered().total(), 2);
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
async fn where_there_is_no_room_for_a_name_the_bytes_tell_whose_write_it_was() {
    let rules = |first| {
        FaultPlan::new([
            FaultMatch::operation("HeadObject").on(FaultAction::ChangedETag),
            FaultMatch::operation("PutObject").on(first).times(1),
        ])
    };
    let setup = setup(rules(FaultAction::LoseReply));
    let outcome = put_full(&setup, payload(10)).await;
    assert!(matches!(outcome, Ok(PutOutcome::Written(_))), "{outcome:?}");
    let gets = count(&setup, Operation::Get);
    assert_eq!((count(&setup, Operation::Head), gets), (1, 1));

    let setup = crate::setup::setup(rules(FaultAction::Drop));
    let other = ramp(7, 10);
    setup
        .memory
        .put_bytes(url("k"), other.clone())
        .await
        .unwrap();
    let outcome = put_full(&setup, payload(10)).await;
    assert_eq!(outcome.unwrap(), PutOutcome::AlreadyThere);
    assert_eq!(stored(&setup, "k").await, other);
}

#[tokio::test(start_paused = true)]
async fn where_there_is_no_room_for_a_name_another_tag_is_that_of_another_upload() {
    // Who may not look beforehand learns of the object from the completion, whose first attempt never arrives.
    let denied = FaultMatch::operation("HeadObject").on(FaultAction::status(403, "AccessDenied"));
    let lost = FaultMatch::operation(COMPLETE).on(FaultAction::Drop);
    let setup = setup(FaultPlan::new([denied.times(1), lost.times(1)]));
    setup.seed("k", 10).await;
    let outcome = put_full(&setup, payload(4500)).await;
    assert_eq!(outcome.unwrap(), PutOutcome::AlreadyThere);
    assert_eq!(setup.faults.delivered().total(), 2);
    assert_eq!(stored(&setup, "k").await.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_before_it_is_compared_is_written_again_and_no_other_error_is_hidden()
 {
    let rules = |answer| {
        FaultPlan::new([
            FaultMatch::operation("HeadObject").on(FaultAction::ChangedETag),
            FaultMatch::operation("PutObject")
                .on(FaultAction::LoseReply)
                .times(1),
            FaultMatch::operation("GetObject").on(answer).times(1),
        ])
    };
    let setup = setup(rules(FaultAction::status(404, "NoSuchKey")));
    let outcome = put_full(&setup, payload(10)).await;
    assert!(matches!(outcome, Ok(PutOutcome::Written(_))), "{outcome:?}");
    assert_eq!(count(&setup, Operation::Head), 2);

    let setup = crate::setup::setup(rules(FaultAction::status(400, "Odd")));
    let error = put_full(&setup, payload(10)).await.unwrap_err();
    assert_eq!(error.operation(), Operation::Get, "{error}");
}

/// Puts an object whose metadata takes all the room that there is.
async fn put_full(setup: &Setup, source: Source) -> Result<PutOutcome, s3_core::Error> {
    let mut attributes = s3_core::Attributes::default();
    attributes.user.insert("m".to_owned(), "x".repeat(2000));
    let item = PutItem::new(url("k"), source).with_mode(PutMode::IfAbsent);
    let item = item.with_attributes(attributes);
    setup.transfer.put(item, &Default::default()).await
}

#[tokio::test(start_paused = true)]
async fn a_store_that_keeps_no_metadata_is_given_no_name_and_its_tags_tell() {
    for (len, operation) in [(10, "PutObject"), (4500, "CompleteMultipartUpload")] {
        let lost = FaultMatch::operation(operation).on(FaultAction::LoseReply);
        let memory = memory();
        let mut store = Hooked::new(memory.clone(), |_, answer| answer);
        store.capabilities.attributes = false;
        let store = FaultStore::new(store, FaultPlan::new([lost.times(1)]));
        let transfer = Transfer::new(store, config());
        let item = PutItem::new(url("k"), payload(len)).with_mode(PutMode::IfAbsent);
        let outcome = transfer.put(item, &Default::default()).await;
        assert!(matches!(outcome, Ok(PutOutcome::Written(_))), "{outcome:?}");
        assert_eq!(memory.operations().get(Operation::Get), 0, "{operation}");
        let there = memory.head(HeadRequest::new(url("k"))).await.unwrap();
        assert!(there.attributes.user.is_empty(), "{there:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_not_look_is_told_that_the_write_may_have_been_his_own() {
    let complete = "CompleteMultipartUpload";
    for (len, operation, mode, kind) in [
        (
            10,
            "PutObject",
            PutMode::IfAbsent,
            ErrorKind::PreconditionFailed,
        ),
        (4500, complete, PutMode::IfAbsent, ErrorKind::NoSuchUpload),
        (4500, complete, PutMode::Overwrite, ErrorKind::NoSuchUpload),
    ] {
        let denied = FaultAction::status(403, "AccessDenied");
        let setup = setup(FaultPlan::new([
            FaultMatch::operation(operation)
                .on(FaultAction::LoseReply)
                .times(1),
            FaultMatch::operation("HeadObject").on(denied),
        ]));
        let error = put(&setup, "k", payload(len), mode).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            error.to_string().contains("may have written the object"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_not_look_can_create_large_objects_where_the_completion_has_a_condition() {
    let denied =
        || FaultMatch::operation("HeadObject").on(FaultAction::status(403, "AccessDenied"));
    let setup = setup(denied());
    let first = put(&setup, "k", payload(4500), PutMode::IfAbsent).await;
    assert!(matches!(first, Ok(PutOutcome::Written(_))), "{first:?}");
    let second = put(&setup, "k", payload(4500), PutMode::IfAbsent).await;
    assert_eq!(second.unwrap(), PutOutcome::AlreadyThere);

    let mut store = Hooked::new(memory(), |_, answer| answer);
    store.capabilities.complete_conditions = false;
    let transfer = Transfer::new(FaultStore::new(store, denied().into()), config());
    let item = PutItem::new(url("k"), payload(4500)).with_mode(PutMode::IfAbsent);
    let error = transfer.put(item, &Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
}

#[tokio::test(start_paused = true)]
async fn a_large_object_that_replaces_another_version_than_the_one_named_is_refused() {
    let setup = setup(FaultPlan::none());
    let old = setup.memory.put_bytes(url("k"), "old").await.unwrap();
    setup.memory.put_bytes(url("k"), "new").await.unwrap();
    let mode = PutMode::IfMatch(old.etag.unwrap());
    let error = put(&setup, "k", payload(4500), mode).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(stored(&setup, "k").await, b"new");
}

/// The first attempt of an operation gets lost, and the next ones are refused; the rest of the plan comes first.
fn lost_then_refused(
    operation: &str,
    (status, code): (u16, &str),
    times: u32,
    rest: impl IntoIterator<Item = FaultRule>,
) -> FaultPlan {
    let write = || FaultMatch::operation(operation);
    let refusal = write().on(FaultAction::status(status, code));
    let lost = [write().on(FaultAction::Drop).times(1), refusal.times(times)];
    FaultPlan::new(rest.into_iter().chain(lost))
}

const REFUSED: (u16, &str) = (412, "PreconditionFailed");
const GONE: (u16, &str) = (404, "NoSuchUpload");
const COMPLETE: &str = "CompleteMultipartUpload";

#[tokio::test(start_paused = true)]
async fn a_write_that_is_refused_by_an_object_that_has_gone_is_sent_four_times_at_most() {
    for (len, operation) in [(10, "PutObject"), (4500, COMPLETE)] {
        for (refusals, written) in [(1, true), (3, true), (4, false)] {
            let setup = setup(lost_then_refused(operation, REFUSED, refusals, []));
            let outcome = put(&setup, "k", payload(len), PutMode::IfAbsent).await;
            match outcome {
                Ok(PutOutcome::Written(_)) => assert!(written, "{operation} {refusals}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
                    assert!(!written, "{operation} {refusals}");
                }
                other => panic!("{operation} {refusals}: {other:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_write_that_must_not_replace_is_sent_again_after_a_refusal() {
    let there = PutMode::IfMatch(s3_core::ETag::new("an etag"));
    for (len, operation, mode, refusal) in [
        (10, "PutObject", there.clone(), REFUSED),
        (4500, COMPLETE, there, REFUSED),
        (4500, COMPLETE, PutMode::IfAbsent, GONE),
        (4500, COMPLETE, PutMode::Overwrite, GONE),
    ] {
        let setup = setup(lost_then_refused(operation, refusal, 9, []));
        let outcome = put(&setup, "k", payload(len), mode).await;
        assert_eq!(outcome.unwrap_err().code(), Some(refusal.1));
        assert_eq!(setup.faults.delivered().total(), 2, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_has_gone_is_no_object_that_is_there() {
    // The look beforehand is denied, and the one after it finds what another has written meanwhile.
    let denied = FaultMatch::operation("HeadObject").on(FaultAction::status(403, "AccessDenied"));
    let setup = setup(lost_then_refused(COMPLETE, GONE, 9, [denied.times(1)]));
    setup.seed("k", 10).await;
    let outcome = put(&setup, "k", payload(4500), PutMode::IfAbsent).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NoSuchUpload);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_otherwise_than_by_denial_is_the_error() {
    for (len, operation, mode, refusal) in [
        (10, "PutObject", PutMode::IfAbsent, REFUSED),
        (4500, COMPLETE, PutMode::Overwrite, GONE),
    ] {
        let odd = FaultMatch::operation("HeadObject").on(FaultAction::status(400, "Odd"));
        let setup = setup(lost_then_refused(operation, refusal, 9, [odd]));
        let error = put(&setup, "k", payload(len), mode).await.unwrap_err();
        assert_eq!(error.operation(), Operation::Head, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_denied_is_no_object_that_is_there() {
    for (len, operation) in [(10, "PutObject"), (4500, COMPLETE)] {
        let denied = FaultMatch::operation(operation).on(FaultAction::status(403, "AccessDenied"));
        let setup = setup(denied);
        let outcome = put(&setup, "k", payload(len), PutMode::IfAbsent).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::AccessDenied);
    }
}

#[tokio::test(start_paused = true)]
async fn where_no_condition_is_known_a_look_decides_about_a_create_and_about_nothing_else() {
    let memory = memory();
    let mut store = Hooked::new(memory.clone(), |_, answer| answer);
    store.capabilities.put_if_absent = false;
    let transfer = Transfer::new(store, config());
    let put = async |mode, len| {
        let item = PutItem::new(url("k"), payload(len)).with_mode(mode);
        transfer.put(item, &Default::default()).await.unwrap()
    };
    let heads = || memory.operations().get(Operation::Head);
    assert!(matches!(
        put(PutMode::Overwrite, 3).await,
        PutOutcome::Written(_)
    ));
    assert_eq!(heads(), 0);
    assert_eq!(put(PutMode::IfAbsent, 4).await, PutOutcome::AlreadyThere);
    assert_eq!(heads(), 1);
    memory
        .delete(DeleteRequest::new("b", vec![url("k")]))
        .await
        .unwrap();
    assert!(matches!(
        put(PutMode::IfAbsent, 5).await,
        PutOutcome::Written(_)
    ));
    assert_eq!(heads(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_upload_over_a_slow_line_may_take_as_long_as_bytes_leave() {
    // 1 MiB may stand still for 20 s and 32 s more.
    const LEN: usize = 1 << 20;
    let (moment, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    for (leaving, answering, part_size, written) in [
        (20 * minute, moment, 2 * LEN, true),
        (20 * minute, moment, LEN / 4, true),
        (moment, 45 * moment, 2 * LEN, true),
        (moment, 80 * moment, 2 * LEN, false),
    ] {
        let memory = memory();
        let mut store = Hooked::new(memory.clone(), |_, answer| answer);
        store.line = Some((leaving, answering));
        let mut config = config();
        config.part_size = part_size as u64;
        config.single_put_up_to = config.part_size;
        let transfer = Transfer::new(store, config);
        let item = PutItem::new(url("k"), payload(LEN));
        let outcome = transfer.put(item, &Default::default()).await;
        assert_eq!(outcome.is_ok(), written, "{leaving:?}: {outcome:?}");
        match outcome {
            Ok(_) => assert_eq!(memory.get_bytes(url("k")).await.unwrap().len(), LEN),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout),
        }
    }
}
