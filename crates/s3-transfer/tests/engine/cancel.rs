//! Calls dropped at any time leave no temporary file, partial target or unfinished upload.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use futures_util::FutureExt;
use s3_core::{Operation, Payload, PutMode};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, ramp};
use s3_transfer::{CallOptions, Destination, GetItem, PutItem};

use crate::setup::{PART, Setup, settle, setup, url};

/// Every request takes a while, and now and then something fails, so that a call can be dropped in many places.
fn slow() -> FaultPlan {
    let wait = FaultAction::stall(Duration::from_millis(2));
    FaultPlan::new([
        FaultMatch::operation("UploadPart")
            .on(FaultAction::LoseReply)
            .skip(2)
            .times(1),
        FaultMatch::operation("GetObject")
            .on(FaultAction::body_error_after(500))
            .skip(1)
            .times(1),
        FaultMatch::any().on(wait),
    ])
}

/// Lets `work` run for this number of milliseconds and drops it; returns whether it was over by then.
async fn run_for<F: Future>(steps: u32, work: F) -> bool {
    watched(steps, work, || {}).await
}

/// As [`run_for`], with a look around after each step.
async fn watched<F: Future>(steps: u32, work: F, mut look: impl FnMut()) -> bool {
    let mut work = Box::pin(work);
    for _ in 0..steps {
        look();
        if futures_util::poll!(&mut work).is_ready() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    false
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

async fn unfinished(setup: &Setup) -> usize {
    let prefix = s3_core::S3Prefix::parse("s3://b/").unwrap();
    let options = CallOptions::default();
    setup.faults.clear();
    setup
        .transfer
        .list_uploads(prefix, &options)
        .await
        .unwrap()
        .len()
}

#[tokio::test(start_paused = true)]
async fn a_download_that_is_dropped_anywhere_leaves_the_target_as_it_was() {
    let mut seen = 0;
    for steps in 0.. {
        let setup = setup(slow());
        let item = GetItem::new(setup.seed("k", 8 * PART as usize).await);
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("out");
        std::fs::write(&target, "old").unwrap();
        let options = CallOptions::default();
        let get = setup
            .transfer
            .get(item, Destination::File(target.clone()), &options);
        let look = || seen += names(directory.path()).len() - 1;
        let over = watched(steps, get, look).await;
        settle().await;
        assert_eq!(names(directory.path()), ["out"], "after {steps} ms");
        // Its last step is a rename: the target is the old file or the whole new one.
        let whole = std::fs::read(&target).unwrap() == ramp(0, 8 * PART as usize);
        let old = std::fs::read(&target).unwrap() == b"old";
        assert!(whole || (old && !over), "after {steps} ms");
        if over {
            break;
        }
    }
    assert!(seen > 5, "a temporary file was there {seen} times only");
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_dropped_anywhere_is_aborted_or_whole() {
    let mut begun = 0;
    for steps in 0.. {
        let setup = setup(slow());
        let payload = Payload::from(ramp(0, 8 * PART as usize));
        let item = PutItem::new(url("k"), payload.into()).with_mode(PutMode::IfAbsent);
        let options = CallOptions::default();
        let put = Box::pin(setup.transfer.put(item, &options));
        let over = run_for(steps, put).await;
        settle().await;
        begun += usize::from(setup.memory.operations().get(Operation::AbortUpload) > 0);
        assert_eq!(unfinished(&setup).await, 0, "after {steps} ms");
        let written = setup.transfer.head(url("k"), &options).await;
        assert!(!over || written.is_ok(), "after {steps} ms");
        if let Ok(meta) = written {
            assert_eq!(meta.size, 8 * PART, "after {steps} ms");
        }
        if over {
            break;
        }
    }
    assert!(begun > 5, "only {begun} were dropped after they had begun");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_dropped_anywhere_leaves_no_upload() {
    for steps in 0.. {
        let setup = setup(slow());
        let many = setup
            .transfer
            .fan_out(0..6, Default::default(), |transfer, n| async move {
                let payload = Payload::from(ramp(0, n * PART as usize));
                let item = PutItem::new(url(&format!("k{n}")), payload.into());
                transfer.put(item, &CallOptions::default()).await
            });
        let over = run_for(steps, many.all()).await;
        settle().await;
        assert_eq!(unfinished(&setup).await, 0, "after {steps} ms");
        if over {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_caller_aborts_uploads_in_flight() {
    let setup = setup(slow());
    let many = setup
        .transfer
        .fan_out(0..4, Default::default(), |transfer, n| async move {
            if n == 3 {
                tokio::time::sleep(Duration::from_millis(9)).await;
                panic!("as planned");
            }
            let payload = Payload::from(ramp(0, 8 * PART as usize));
            let item = PutItem::new(url(&format!("k{n}")), payload.into());
            transfer.put(item, &CallOptions::default()).await
        });
    let panicked = AssertUnwindSafe(many.all()).catch_unwind().await;
    assert!(panicked.is_err());
    settle().await;
    assert!(setup.memory.operations().get(Operation::AbortUpload) > 0);
    assert_eq!(unfinished(&setup).await, 0);
}
