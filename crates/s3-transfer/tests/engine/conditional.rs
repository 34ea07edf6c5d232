//! Conditional writes, and writes whose response is lost.

use std::time::Duration;

use s3_core::{
    Attributes, ChecksumAlgorithm, DeleteRequest, ErrorKind, HeadRequest, Operation, PutMode,
    SetVersioning, Store, StoreExt, Versioning,
};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultRule, FaultStore, ramp};
use s3_transfer::{PutItem, PutOutcome, Source, Transfer};

use crate::hooked::Hooked;
use crate::setup::{Setup, config, memory, setup, url};
use crate::upload::{count, payload, put, stored};
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
async fn a_write_whose_response_is_lost_is_known_with_its_version_and_checksum() {
    for (len, operation) in [(10, "PutObject"), (4500, COMPLETE)] {
        let lost = FaultMatch::operation(operation).on(FaultAction::LoseReply);
        let setup = setup(lost.times(1));
        let versioning = SetVersioning::new("b", Versioning::Enabled);
        setup.memory.set_versioning(versioning).await.unwrap();
        let attributes = Attributes::default().with_checksum_algorithm(ChecksumAlgorithm::Crc32);
        let item = PutItem::new(url("k"), payload(len)).with_mode(PutMode::IfAbsent);
        let item = item.with_attributes(attributes);
        let outcome = setup.transfer.put(item, &Default::default()).await;
        let Ok(PutOutcome::Written(written)) = outcome else {
            panic!("{outcome:?}");
        };
        let head = HeadRequest::new(url("k")).with_checksum();
        let meta = setup.memory.head(head).await.unwrap();
        assert!(meta.version.is_some() && meta.checksum.is_some());
        assert_eq!(
            (written.etag, written.version, written.checksum),
            (meta.etag, meta.version, meta.checksum)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn already_there_is_never_said_where_nothing_is() {
    // Its own success rejects the second attempt, and another client deletes the object before it is looked at.
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
async fn a_complete_whose_response_is_lost_has_succeeded() {
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
async fn a_replacement_whose_response_is_lost_has_succeeded() {
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
async fn a_condition_that_the_server_would_ignore_is_rejected_unsent() {
    let memory = memory();
    let old = memory.put_bytes(url("k"), "old").await.unwrap();
    let mut store = Hooked::new(memory.clone(), |_, response| response);
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
async fn a_completion_that_met_another_write_is_an_error_at_once() {
    let conflict = FaultAction::status(409, "ConditionalRequestConflict");
    let setup = setup(FaultMatch::operation("CompleteMultipartUpload").on(conflict));
    for mode in [PutMode::Overwrite, PutMode::IfAbsent] {
        let error = put(&setup, "k", payload(4500), mode).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Conflict, 1));
    }
    assert_eq!(setup.faults.delivered().total(), 2);
    assert_eq!(setup.memory.unfinished_uploads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_met_its_own_earlier_attempt_has_succeeded() {
    let complete = || FaultMatch::operation("CompleteMultipartUpload");
    let conflict = FaultAction::status(409, "ConditionalRequestConflict");
    let setup = setup(FaultPlan::new([
        complete().on(FaultAction::LoseReply).times(1),
        complete().on(conflict),
    ]));
    let outcome = put(&setup, "k", payload(4500), PutMode::IfAbsent).await;
    assert!(matches!(outcome, Ok(PutOutcome::Written(_))), "{outcome:?}");
    assert_eq!(setup.faults.delivered().total(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_was_aborted_is_sent_again() {
    let conflict = FaultAction::status(409, "OperationAborted");
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
    let rules = |response| {
        FaultPlan::new([
            FaultMatch::operation("HeadObject").on(FaultAction::ChangedETag),
            FaultMatch::operation("PutObject")
                .on(FaultAction::LoseReply)
                .times(1),
            FaultMatch::operation("GetObject").on(response).times(1),
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
        let mut store = Hooked::new(memory.clone(), |_, response| response);
        store.capabilities.attributes = false;
        let store = FaultStore::new(store, FaultPlan::new([lost.times(1)]));
        let transfer = Transfer::new(store, config());
        let item = PutItem::new(url("k"), payload(len)).with_mode(PutMode::IfAbsent);
        let outcome = transfer.put(item, &Default::default()).await;
        assert!(matches!(outcome, Ok(PutOutcome::Written(_))), "{outcome:?}");
        assert_eq!(memory.operations().get(Operation::Get), 0, "{operation}");
        let written = memory.head(HeadRequest::new(url("k"))).await.unwrap();
        assert!(written.attributes.user.is_empty(), "{written:?}");
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

    let mut store = Hooked::new(memory(), |_, response| response);
    store.capabilities.complete_conditions = false;
    let transfer = Transfer::new(FaultStore::new(store, denied().into()), config());
    let item = PutItem::new(url("k"), payload(4500)).with_mode(PutMode::IfAbsent);
    let error = transfer.put(item, &Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
}

#[tokio::test(start_paused = true)]
async fn a_large_object_that_replaces_another_version_than_the_one_named_is_rejected() {
    let setup = setup(FaultPlan::none());
    let old = setup.memory.put_bytes(url("k"), "old").await.unwrap();
    setup.memory.put_bytes(url("k"), "new").await.unwrap();
    let mode = PutMode::IfMatch(old.etag.unwrap());
    let error = put(&setup, "k", payload(4500), mode).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(stored(&setup, "k").await, b"new");
}

/// The first attempt of an operation gets lost, and the next ones are rejected; the rest of the plan comes first.
fn lost_then_rejected(
    operation: &str,
    (status, code): (u16, &str),
    times: u32,
    rest: impl IntoIterator<Item = FaultRule>,
) -> FaultPlan {
    let write = || FaultMatch::operation(operation);
    let rejection = write().on(FaultAction::status(status, code));
    let lost = [
        write().on(FaultAction::Drop).times(1),
        rejection.times(times),
    ];
    FaultPlan::new(rest.into_iter().chain(lost))
}

const PRECONDITION_FAILED: (u16, &str) = (412, "PreconditionFailed");

const GONE: (u16, &str) = (404, "NoSuchUpload");

const COMPLETE: &str = "CompleteMultipartUpload";

#[tokio::test(start_paused = true)]
async fn a_write_that_is_rejected_by_an_object_that_has_gone_is_sent_four_times_at_most() {
    for (len, operation) in [(10, "PutObject"), (4500, COMPLETE)] {
        for (rejections, written) in [(1, true), (3, true), (4, false)] {
            let setup = setup(lost_then_rejected(
                operation,
                PRECONDITION_FAILED,
                rejections,
                [],
            ));
            let outcome = put(&setup, "k", payload(len), PutMode::IfAbsent).await;
            match outcome {
                Ok(PutOutcome::Written(_)) => assert!(written, "{operation} {rejections}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
                    assert!(!written, "{operation} {rejections}");
                }
                other => panic!("{operation} {rejections}: {other:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_write_that_must_not_replace_is_sent_again_after_an_error_response() {
    let if_match = PutMode::IfMatch(s3_core::ETag::new("an etag"));
    for (len, operation, mode, rejection) in [
        (10, "PutObject", if_match.clone(), PRECONDITION_FAILED),
        (4500, COMPLETE, if_match, PRECONDITION_FAILED),
        (4500, COMPLETE, PutMode::IfAbsent, GONE),
        (4500, COMPLETE, PutMode::Overwrite, GONE),
    ] {
        let setup = setup(lost_then_rejected(operation, rejection, 9, []));
        let outcome = put(&setup, "k", payload(len), mode).await;
        assert_eq!(outcome.unwrap_err().code(), Some(rejection.1));
        assert_eq!(setup.faults.delivered().total(), 2, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_has_gone_is_no_object_that_is_there() {
    // The HEAD before the upload is denied, and the one after it finds an object that another client has written
    // meanwhile.
    let denied = FaultMatch::operation("HeadObject").on(FaultAction::status(403, "AccessDenied"));
    let setup = setup(lost_then_rejected(COMPLETE, GONE, 9, [denied.times(1)]));
    setup.seed("k", 10).await;
    let outcome = put(&setup, "k", payload(4500), PutMode::IfAbsent).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NoSuchUpload);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_otherwise_than_by_denial_is_the_error() {
    for (len, operation, mode, rejection) in [
        (10, "PutObject", PutMode::IfAbsent, PRECONDITION_FAILED),
        (4500, COMPLETE, PutMode::Overwrite, GONE),
    ] {
        let odd = FaultMatch::operation("HeadObject").on(FaultAction::status(400, "Odd"));
        let setup = setup(lost_then_rejected(operation, rejection, 9, [odd]));
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
    let mut store = Hooked::new(memory.clone(), |_, response| response);
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
