//! Copying: lost answers, and conditions that do not hold.

use s3_core::{CopyRequest, ErrorKind, Operation, PutMode, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, ramp};

use crate::setup::{setup, url};

fn once(action: FaultAction) -> FaultPlan {
    FaultMatch::operation("CopyObject")
        .on(action)
        .times(1)
        .into()
}

#[tokio::test(start_paused = true)]
async fn a_conditional_copy_whose_answer_is_lost_has_succeeded() {
    for replaces in [false, true] {
        let setup = setup(once(FaultAction::LoseReply));
        let from = setup.seed("from", 10).await;
        let mut request = CopyRequest::new(from, url("to"));
        request.mode = PutMode::IfAbsent;
        if replaces {
            let old = setup.memory.put_bytes(url("to"), "old").await.unwrap();
            request.mode = PutMode::IfMatch(old.etag.unwrap());
        }
        let outcome = setup.transfer.copy(request, &Default::default()).await;
        let meta = s3_core::Store::head(&setup.memory, s3_core::HeadRequest::new(url("to")))
            .await
            .unwrap();
        assert_eq!(outcome.unwrap().etag, meta.etag);
        assert_eq!(setup.faults.delivered().total(), 1);
        assert_eq!(
            setup.memory.get_bytes(url("to")).await.unwrap(),
            ramp(0, 10)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_conditional_copy_that_another_write_refuses_is_refused() {
    for (action, heads) in [(Some(FaultAction::Drop), 2), (None, 0)] {
        let setup = setup(action.map_or(FaultPlan::none(), once));
        let from = setup.seed("from", 10).await;
        setup
            .memory
            .put_bytes(url("to"), ramp(7, 10))
            .await
            .unwrap();
        let mut request = CopyRequest::new(from, url("to"));
        request.mode = PutMode::IfAbsent;
        let outcome = setup.transfer.copy(request, &Default::default()).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::PreconditionFailed);
        assert_eq!(setup.memory.operations().get(Operation::Head), heads);
        assert_eq!(
            setup.memory.get_bytes(url("to")).await.unwrap(),
            ramp(7, 10)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_another_version_than_the_one_named_is_refused() {
    let setup = setup(once(FaultAction::Drop));
    let from = setup.seed("from", 10).await;
    let named = setup.memory.put_bytes(url("other"), "other").await.unwrap();
    setup.seed("to", 10).await;
    let mut request = CopyRequest::new(from, url("to"));
    request.mode = PutMode::IfAbsent;
    request.source_if_match = named.etag;
    let outcome = setup.transfer.copy(request, &Default::default()).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test(start_paused = true)]
async fn a_refused_copy_onto_itself_is_refused() {
    let setup = setup(once(FaultAction::Drop));
    let old = setup.memory.put_bytes(url("k"), "old").await.unwrap();
    setup.memory.put_bytes(url("k"), "new").await.unwrap();
    let mut request = CopyRequest::new(url("k"), url("k"));
    request.attributes = Some(Default::default());
    request.mode = PutMode::IfMatch(old.etag.unwrap());
    let outcome = setup.transfer.copy(request, &Default::default()).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::PreconditionFailed);
}
