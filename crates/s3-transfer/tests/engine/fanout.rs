//! Fan-out over many inputs: inputs behind a failure are not attempted.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use s3_transfer::{AfterFailure, FanOutOptions, WorkerPool};

use crate::setup::setup;

#[tokio::test(start_paused = true)]
async fn inputs_that_are_not_attempted_are_counted_without_a_call_of_the_job() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let options = FanOutOptions::default().with_window(NonZeroUsize::MIN);
    let engine = setup(s3_testkit::FaultPlan::none()).transfer;
    let many = engine.fan_out(0..100, options, move |_, n| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move { if n == 2 { Err("broken") } else { Ok(n) } }
    });
    let outcomes = many.outcomes(AfterFailure::Cancel).await;
    assert_eq!(
        outcomes[..3],
        [Some(Ok(0)), Some(Ok(1)), Some(Err("broken"))]
    );
    assert_eq!(outcomes[3..], [None; 97]);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

fn on_two_threads<F>(work: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    let worker_pool = WorkerPool::start(NonZeroUsize::new(2).unwrap(), "fanout-test").unwrap();
    worker_pool.run(work)
}

#[test]
fn inputs_go_to_all_threads_of_a_pool_and_all_results_come_back() {
    let engine = setup(s3_testkit::FaultPlan::none()).transfer;
    let threads = on_two_threads(async move {
        let options = FanOutOptions::default().with_window(NonZeroUsize::new(8).unwrap());
        let many = engine.fan_out(0..100, options, |_, _| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok::<_, ()>(format!("{:?}", std::thread::current().id()))
        });
        many.all().await
    });
    assert_eq!(threads.len(), 100);
    assert_eq!(threads.into_iter().collect::<BTreeSet<_>>().len(), 2);
}

#[test]
fn a_failure_on_one_thread_cancels_what_hangs_on_another() {
    let engine = setup(s3_testkit::FaultPlan::none()).transfer;
    let outcomes = on_two_threads(async move {
        let begun = Arc::new(tokio::sync::Barrier::new(4));
        let many = engine.fan_out(0..4, FanOutOptions::default(), move |_, n| {
            let begun = Arc::clone(&begun);
            async move {
                begun.wait().await;
                if n > 0 {
                    std::future::pending::<()>().await;
                }
                Err::<(), _>(n)
            }
        });
        tokio::time::timeout(Duration::from_secs(10), many.outcomes(AfterFailure::Cancel)).await
    });
    let outcomes = outcomes.expect("nothing hangs");
    assert_eq!(outcomes, [Some(Err(0)), None, None, None]);
}
