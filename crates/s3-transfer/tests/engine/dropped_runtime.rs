//! Aborts when the caller's runtime ends: with its uploads in flight, or right after one was cancelled.

use std::time::Duration;

use s3_core::{Operation, Payload};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, ramp};
use s3_transfer::{CallOptions, Concurrency, PutItem};
use tokio::runtime::Builder;

use crate::setup::{Setup, config, setup, url, with_config};

const LIMIT: Duration = Duration::from_secs(30);

fn in_parts(key: &str) -> PutItem {
    PutItem::new(url(key), Payload::from(ramp(0, 4500)).into())
}

/// A store whose parts get no response.
fn stalled() -> Setup {
    let stalled = FaultMatch::operation("UploadPart").on(FaultAction::stall(LIMIT * 100));
    let mut config = config();
    config.concurrency = Concurrency::Fixed(32);
    with_config(FaultPlan::new([stalled]), config)
}

/// Waits in real time.
fn until(done: impl Fn() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it takes longer than 30 s");
}

fn uploads(setup: &Setup) -> usize {
    setup.memory.unfinished_uploads()
}

#[test]
fn a_runtime_that_is_dropped_with_uploads_in_flight_leaves_none_of_them() {
    for threads in [1, 2] {
        let setup = stalled();
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build();
        let runtime = runtime.unwrap();
        for key in ["a", "b", "c"] {
            let transfer = setup.transfer.clone();
            runtime.spawn(async move { transfer.put(in_parts(key), &Default::default()).await });
        }
        until(|| uploads(&setup) == 3);
        drop(runtime);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(setup.transfer.wait_for_cleanup(LIMIT)), 0);
        assert_eq!(uploads(&setup), 0);
        assert_eq!(setup.memory.operations().get(Operation::AbortUpload), 3);
    }
}

#[test]
fn an_upload_that_was_cancelled_is_gone_after_the_wait() {
    let setup = stalled();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = CallOptions::default();
        let put = setup.transfer.put(in_parts("k"), &options);
        let cancelled = tokio::time::timeout(Duration::from_millis(50), put).await;
        assert!(cancelled.is_err());
        assert_eq!(uploads(&setup), 1);
        assert_eq!(setup.transfer.wait_for_cleanup(LIMIT).await, 0);
        assert_eq!(uploads(&setup), 0);
    });
}

#[test]
fn an_abort_that_is_dropped_with_its_runtime_runs_again() {
    let stalled_part = FaultMatch::operation("UploadPart").on(FaultAction::stall(LIMIT * 100));
    // The first abort has not got its response when its runtime ends.
    let stalled_abort = FaultMatch::operation("AbortMultipartUpload");
    let stalled_abort = stalled_abort.on(FaultAction::stall(LIMIT * 100)).times(1);
    let setup = setup(FaultPlan::new([stalled_part, stalled_abort]));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = CallOptions::default();
        let put = setup.transfer.put(in_parts("k"), &options);
        assert!(
            tokio::time::timeout(Duration::from_millis(50), put)
                .await
                .is_err()
        );
        assert_eq!(
            setup
                .transfer
                .wait_for_cleanup(Duration::from_millis(50))
                .await,
            1
        );
    });
    assert_eq!(uploads(&setup), 1);
    drop(runtime);
    until(|| uploads(&setup) == 0);
}
