//! Uploads whose parts the caller sends: concurrent, completed or aborted, never left behind.

use std::time::Duration;

use futures_util::FutureExt;
use s3_core::{
    Attributes, CompleteUpload, CreateUpload, ErrorKind, Operation, PutMode, StoreExt, UploadPart,
};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, assert_ramp, ramp};
use s3_transfer::{CallOptions, PutOutcome, Transfer, UploadSession};
use tokio::time::Instant;

use crate::hooked::Hooked;
use crate::setup::{Setup, config, memory, settle, setup, url};
use crate::upload::{count, stored};

async fn begin(setup: &Setup, mode: PutMode) -> UploadSession {
    let options = CallOptions::default();
    let begun = setup
        .transfer
        .begin_upload(url("k"), Attributes::default(), mode, &options);
    begun.await.unwrap()
}

fn part(number: u32) -> s3_core::Payload {
    ramp(u64::from(number - 1) * 1000, 1000).into()
}

fn stall() -> FaultAction {
    FaultAction::Stall {
        at: None,
        wait: None,
    }
}

#[tokio::test(start_paused = true)]
async fn parts_may_be_sent_in_any_order_at_the_same_time() {
    let setup = setup(FaultPlan::none());
    let upload = begin(&setup, PutMode::Overwrite).await;
    let parts = [3, 1, 4, 2].map(|number| upload.put_part(number, part(number)));
    assert_eq!(count(&setup, Operation::UploadPart), 0, "nothing is polled");
    futures_util::future::try_join_all(parts).await.unwrap();
    // A part that is sent again replaces the first.
    upload.put_part(4, part(4)).await.unwrap();
    let outcome = upload.complete().await.unwrap();
    assert!(matches!(outcome, PutOutcome::Written(_)));
    let stored = stored(&setup, "k").await;
    assert_eq!(stored.len(), 4000);
    assert_ramp(&stored, 0);
    settle().await;
    assert_eq!(count(&setup, Operation::AbortUpload), 0);
}

#[tokio::test(start_paused = true)]
async fn an_upload_without_parts_is_an_empty_object() {
    let setup = setup(FaultPlan::none());
    begin(&setup, PutMode::Overwrite)
        .await
        .complete()
        .await
        .unwrap();
    assert!(stored(&setup, "k").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_missing_or_has_no_number_fails_the_upload_and_leaves_nothing() {
    let setup = setup(FaultPlan::none());
    let upload = begin(&setup, PutMode::Overwrite).await;
    upload.put_part(1, part(1)).await.unwrap();
    drop(upload.put_part(2, part(2)));
    let error = upload.complete().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.message(), Some("part 2 has not been uploaded"));
    for number in [0, 10_001] {
        let upload = begin(&setup, PutMode::Overwrite).await;
        let error = upload.put_part(number, part(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(upload.complete().await.is_err());
    }
    assert_eq!(setup.memory.unfinished_uploads(), 0);
    assert_eq!(setup.memory.object_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_part_whose_future_is_dropped_is_cancelled() {
    let setup = setup(FaultMatch::operation("UploadPart").on(stall()).times(1));
    let upload = begin(&setup, PutMode::Overwrite).await;
    let mut dropped = Box::pin(upload.put_part(1, part(1)));
    assert!((&mut dropped).now_or_never().is_none());
    tokio::time::sleep(Duration::from_millis(1)).await;
    drop(dropped);
    settle().await;
    // Not even a retry, which would come after the stall limit.
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(count(&setup, Operation::UploadPart), 0);
    upload.put_part(1, part(1)).await.unwrap();
    upload.complete().await.unwrap();
    assert_eq!(stored(&setup, "k").await.len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_dropped_or_aborted_leaves_nothing_and_its_parts_fail() {
    for aborted in [false, true] {
        let setup = setup(FaultMatch::operation("UploadPart").on(stall()).skip(1));
        let upload = begin(&setup, PutMode::Overwrite).await;
        upload.put_part(1, part(1)).await.unwrap();
        let mut running = Box::pin(upload.put_part(2, part(2)));
        let later = upload.put_part(3, part(3));
        assert!((&mut running).now_or_never().is_none());
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(setup.memory.unfinished_uploads(), 1);
        match aborted {
            true => upload.abort().await,
            false => drop(upload),
        }
        for part in [running.await, later.await] {
            assert_eq!(part.unwrap_err().kind(), ErrorKind::Cancelled);
        }
        assert_eq!(
            setup
                .transfer
                .wait_for_cleanup(Duration::from_secs(9))
                .await,
            0
        );
        assert_eq!(setup.memory.unfinished_uploads(), 0, "aborted: {aborted}");
        assert_eq!(setup.memory.object_count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_completion_whose_response_is_lost_has_succeeded() {
    for mode in [PutMode::Overwrite, PutMode::IfAbsent] {
        let lost = FaultMatch::operation("CompleteMultipartUpload");
        let setup = setup(lost.on(FaultAction::LoseReply).times(1));
        let upload = begin(&setup, mode).await;
        upload.put_part(1, part(1)).await.unwrap();
        let outcome = upload.complete().await.unwrap();
        assert!(matches!(outcome, PutOutcome::Written(_)), "{outcome:?}");
        assert_eq!(setup.faults.delivered().total(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_there_is_kept() {
    let setup = setup(FaultPlan::none());
    setup.memory.put_bytes(url("k"), "first").await.unwrap();
    let upload = begin(&setup, PutMode::IfAbsent).await;
    upload.put_part(1, part(1)).await.unwrap();
    assert_eq!(upload.complete().await.unwrap(), PutOutcome::AlreadyThere);
    let another = PutMode::IfMatch(s3_core::ETag::new("another"));
    let upload = begin(&setup, another).await;
    upload.put_part(1, part(1)).await.unwrap();
    let error = upload.complete().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(stored(&setup, "k").await, b"first");
    assert_eq!(setup.memory.unfinished_uploads(), 0);
}

#[tokio::test]
async fn a_condition_that_the_server_would_ignore_is_rejected_unsent() {
    let memory = memory();
    let mut store = Hooked::new(memory.clone(), |_, response| response);
    store.capabilities.complete_conditions = false;
    let transfer = Transfer::new(store, config());
    let options = CallOptions::default();
    let begun = transfer.begin_upload(url("k"), Attributes::default(), PutMode::IfAbsent, &options);
    assert_eq!(begun.await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(memory.operations().get(Operation::CreateUpload), 0);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_parts_and_completion() {
    for operation in ["UploadPart", "CompleteMultipartUpload"] {
        let setup = setup(FaultMatch::operation(operation).on(stall()));
        let deadline = Instant::now() + Duration::from_secs(5);
        let options = CallOptions::default().with_deadline(deadline);
        let begun = setup.transfer.begin_upload(
            url("k"),
            Attributes::default(),
            PutMode::Overwrite,
            &options,
        );
        let upload = begun.await.unwrap();
        let sent = upload.put_part(1, part(1)).await;
        let error = match sent {
            Ok(_) => upload.complete().await.unwrap_err(),
            Err(error) => {
                drop(upload);
                error
            }
        };
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(Instant::now() <= deadline + Duration::from_millis(1));
        setup.faults.clear();
        assert_eq!(
            setup
                .transfer
                .wait_for_cleanup(Duration::from_secs(60))
                .await,
            0
        );
        assert_eq!(setup.memory.unfinished_uploads(), 0, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_by_its_id_belongs_to_the_caller() {
    let lost = FaultMatch::operation("CompleteMultipartUpload");
    let setup = setup(lost.on(FaultAction::LoseReply).times(1));
    let (transfer, options) = (&setup.transfer, CallOptions::default());
    let create = CreateUpload::new(url("k"), Attributes::default());
    let id = transfer.create_upload(create, &options).await.unwrap();
    settle().await;
    assert_eq!(setup.memory.unfinished_uploads(), 1);
    let mut parts = Vec::new();
    for number in [2, 1] {
        let part = UploadPart::new(url("k"), id.clone(), number, part(number));
        parts.insert(0, transfer.upload_part(part, &options).await.unwrap());
    }
    let complete = CompleteUpload::new(url("k"), id, parts);
    let outcome = transfer.complete_upload(complete, &options).await.unwrap();
    assert!(matches!(outcome, PutOutcome::Written(_)));
    assert_ramp(&stored(&setup, "k").await, 0);
}

#[tokio::test]
async fn a_completion_without_conditions_replaces_no_object_that_must_stay() {
    let memory = memory();
    let old = memory.put_bytes(url("k"), "old").await.unwrap();
    let mut store = Hooked::new(memory.clone(), |_, response| response);
    store.capabilities.complete_conditions = false;
    let (transfer, options) = (Transfer::new(store, config()), CallOptions::default());
    let complete = async |key: &str, mode| {
        let create = CreateUpload::new(url(key), Attributes::default());
        let id = transfer.create_upload(create, &options).await.unwrap();
        let part = UploadPart::new(url(key), id.clone(), 1, part(1));
        let tag = transfer.upload_part(part, &options).await.unwrap();
        let mut complete = CompleteUpload::new(url(key), id, vec![tag]);
        complete.mode = mode;
        transfer.complete_upload(complete, &options).await
    };
    let absent = complete("k", PutMode::IfAbsent).await;
    assert_eq!(absent.unwrap(), PutOutcome::AlreadyThere);
    let matching = complete("k", PutMode::IfMatch(old.etag.unwrap())).await;
    assert_eq!(matching.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(memory.get_bytes(url("k")).await.unwrap(), "old");
    assert_eq!(memory.operations().get(Operation::CompleteUpload), 0);
    let created = complete("new", PutMode::IfAbsent).await;
    assert!(matches!(created, Ok(PutOutcome::Written(_))), "{created:?}");
}
