//! Aborts of failed uploads: when the abort is sent, and which calls wait for it.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use s3_core::{CopyRequest, ErrorKind, Operation, Payload, StoreExt};
use s3_testkit::{FaultAction, FaultMatch, FaultPlan, ramp};
use s3_transfer::{CallOptions, Concurrency, PutItem, Transfer, WorkerPool};
use tokio::time::{Instant, sleep};

use crate::hooked::Hooked;
use crate::setup::{config, memory, setup, url};

fn in_parts() -> PutItem {
    PutItem::new(url("k"), Payload::from(ramp(0, 4500)).into())
}

#[tokio::test(start_paused = true)]
async fn an_abort_follows_the_end_of_all_parts() {
    let mut store = Hooked::new(memory(), |_, response| response);
    store.rejected_part = Some(4);
    let (memory, parts) = (store.memory.clone(), Arc::clone(&store.parts));
    let transfer = Transfer::new(store, config());
    let error = transfer.put(in_parts(), &Default::default()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::AccessDenied);
    assert_eq!(parts.begun.load(Ordering::SeqCst), 4);
    assert_eq!(parts.met_by_abort.load(Ordering::SeqCst), 0);
    assert_eq!(memory.operations().get(Operation::AbortUpload), 1);
    assert_eq!(memory.unfinished_uploads(), 0);
}

/// Waits in real time, as the threads of a worker pool do.
fn until(done: impl Fn() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it takes longer than 30 s");
}

#[test]
fn an_abort_after_a_drop_follows_the_end_of_all_parts_on_all_threads() {
    for (copies, at_once) in [(false, 4), (true, 12)] {
        let mut store = Hooked::new(memory(), |_, response| response);
        store.rejected_part = Some(5);
        // Those of the caller's thread, the first, the third and so on, are over before the last one is.
        store.ending = Duration::from_millis(10);
        // As many bytes as there are parts, each of which passes for a part.
        store.scale = if copies { 512 << 20 } else { 1 };
        let (memory, parts) = (store.memory.clone(), Arc::clone(&store.parts));
        let mut config = config();
        config.concurrency = Concurrency::Fixed(at_once);
        let transfer = Transfer::new(store, config);
        let worker_pool = WorkerPool::start(NonZeroUsize::new(2).unwrap(), "abort-test").unwrap();
        let source = memory.clone();
        let source = async move { source.put_bytes(url("from"), ramp(0, at_once)).await };
        worker_pool.run(source).unwrap();
        let call = worker_pool.spawn(async move {
            let options = CallOptions::default();
            match copies {
                false => transfer.put(in_parts(), &options).await.map(drop),
                true => {
                    let request = CopyRequest::new(url("from"), url("k"));
                    transfer.copy(request, &options).await.map(drop)
                }
            }
        });
        until(|| parts.begun.load(Ordering::SeqCst) == at_once);
        call.abort();
        until(|| memory.unfinished_uploads() == 0);
        assert_eq!(parts.met_by_abort.load(Ordering::SeqCst), 0, "{copies}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_error_does_not_wait_for_a_server_that_is_gone() {
    let gone = FaultAction::Stall {
        at: None,
        wait: None,
    };
    let setup = setup(FaultPlan::new([
        FaultMatch::operation("UploadPart").on(FaultAction::status(403, "AccessDenied")),
        FaultMatch::operation("AbortMultipartUpload")
            .on(gone)
            .times(3),
    ]));
    let start = Instant::now();
    let error = setup.transfer.put(in_parts(), &Default::default()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::AccessDenied);
    let limit = setup.transfer.config().stall_timeout;
    assert!(start.elapsed() <= limit * 2, "{:?}", start.elapsed());
    // The rest continues without the caller.
    assert_eq!(setup.memory.unfinished_uploads(), 1);
    sleep(Duration::from_secs(300)).await;
    assert_eq!(setup.memory.unfinished_uploads(), 0);
}
