//! Many inputs: what is never attempted is not begun.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use s3_transfer::ManyOptions;

use crate::setup::setup;

#[tokio::test(start_paused = true)]
async fn inputs_that_are_not_attempted_are_counted_without_a_call_of_the_job() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let options = ManyOptions::default().with_window(NonZeroUsize::MIN);
    let engine = setup(s3_testkit::FaultPlan::none()).transfer;
    let many = engine.fan_out(0..100, options, move |_, n| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move { if n == 2 { Err("broken") } else { Ok(n) } }
    });
    let failure = many.first_failure().await.unwrap_err();
    assert_eq!((failure.index, failure.error), (2, "broken"));
    let counts = (failure.succeeded, failure.failed, failure.not_attempted);
    assert_eq!(counts, (2, 1, 97));
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}
