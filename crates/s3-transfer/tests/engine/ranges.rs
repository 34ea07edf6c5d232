//! Several ranges of one object: coalesced, cut, and all of one version.

use std::ops::Range;

use bytes::Bytes;
use s3_core::{Conditions, ErrorKind, Operation, Result, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, assert_ramp, ramp};
use s3_transfer::{GetItem, Transfer};

use crate::hooked::Hooked;
use crate::setup::{Setup, config, memory, setup, url};
use crate::upload::count;

async fn read(setup: &Setup, ranges: &[Range<u64>], gap: u64) -> Result<Vec<Bytes>> {
    let item = GetItem::new(url("k"));
    let options = Default::default();
    setup.transfer.get_ranges(item, ranges, gap, &options).await
}

#[tokio::test(start_paused = true)]
async fn ranges_come_in_their_order_and_share_requests() {
    let ranges = [4000..4100, 0..10, 3990..4050, 4200..4201, 4990..9000];
    // Parts have 1,000 bytes: one span of 5,000 bytes is five requests.
    for (gap, requests) in [(0, 4), (100, 3), (1000, 3), (5000, 5)] {
        let setup = setup(FaultPlan::none());
        setup.seed("k", 5000).await;
        let read = read(&setup, &ranges, gap).await.unwrap();
        for (bytes, range) in read.iter().zip(&ranges) {
            assert_eq!(bytes.len() as u64, range.end.min(5000) - range.start);
            assert_ramp(bytes, range.start);
        }
        assert_eq!(read.len(), ranges.len());
        assert_eq!(count(&setup, Operation::Get), requests, "gap {gap}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_range_costs_no_request_and_an_empty_one_is_rejected_unsent() {
    let setup = setup(FaultPlan::none());
    setup.seed("k", 5000).await;
    assert!(read(&setup, &[], 0).await.unwrap().is_empty());
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "it is what a caller may get wrong"
    )]
    for wrong in [3..3, 4..3] {
        let error = read(&setup, &[0..1, wrong], 0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRange);
    }
    assert_eq!(count(&setup, Operation::Get), 0);
    // Alone, and together with one that is not behind the end.
    for gap in [0, 100_000] {
        let error = read(&setup, &[0..1, 5000..5001], gap).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRange, "gap {gap}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_range_resumes() {
    let broken = FaultMatch::operation("GetObject").on(FaultAction::body_error_after(50));
    let setup = setup(broken.times(3));
    setup.seed("k", 5000).await;
    let read = read(&setup, &[0..100, 2000..2100], 0).await.unwrap();
    assert_ramp(&read[0], 0);
    assert_ramp(&read[1], 2000);
    assert_eq!((read[0].len(), read[1].len()), (100, 100));
}

#[tokio::test(start_paused = true)]
async fn ranges_of_two_versions_are_read_once_more_and_never_mixed() {
    for (times, changed) in [(1, false), (2, true)] {
        let change = FaultMatch::operation("GetObject").on(FaultAction::ChangedETag);
        // One of the two ranges, each time.
        let plan = match times {
            1 => FaultPlan::new([change.times(1)]),
            _ => FaultPlan::new([change.clone().times(1), change.skip(1).times(1)]),
        };
        let setup = setup(plan);
        setup.seed("k", 5000).await;
        let outcome = read(&setup, &[0..100, 2000..2100], 0).await;
        match outcome {
            Ok(read) => assert_ramp(&read[1], 2000),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ChangedDuringRead),
        }
        assert_eq!(setup.faults.delivered().total(), times);
        assert_eq!(count(&setup, Operation::Get), 4, "{changed}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_replaced_all_the_time_is_an_error() {
    let store = Hooked::new(memory(), |number, mut response| {
        response.meta.etag = Some(s3_core::ETag::new(&format!("version-{number}")));
        response
    });
    store
        .memory
        .put_bytes(url("k"), ramp(0, 5000))
        .await
        .unwrap();
    let memory = store.memory.clone();
    let transfer = Transfer::new(store, config());
    let ranges = [0..100, 2000..2100];
    let options = Default::default();
    let read = transfer.get_ranges(GetItem::new(url("k")), &ranges, 0, &options);
    let error = read.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ChangedDuringRead);
    assert_eq!(memory.operations().get(Operation::Get), 4);
}

#[tokio::test(start_paused = true)]
async fn a_condition_of_the_caller_holds_for_every_range() {
    let setup = setup(FaultPlan::none());
    let old = setup
        .memory
        .put_bytes(url("k"), ramp(0, 100))
        .await
        .unwrap();
    setup.seed("k", 5000).await;
    let conditions = Conditions::default().with_if_match(old.etag.unwrap());
    let item = GetItem::new(url("k")).with_conditions(conditions);
    let ranges = [0..10, 50..60];
    let options = Default::default();
    let read = setup.transfer.get_ranges(item, &ranges, 0, &options);
    assert_eq!(
        read.await.unwrap_err().kind(),
        ErrorKind::PreconditionFailed
    );
}
