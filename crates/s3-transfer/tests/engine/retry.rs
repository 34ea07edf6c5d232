//! Retries: which errors, how often, for how long.

use std::time::Duration;

use s3_core::{ErrorKind, Operation, Retryability};
use s3_testkit::{FaultAction, FaultMatch};
use tokio::time::Instant;

use crate::setup::{config, setup, url, with_config};

#[tokio::test(start_paused = true)]
async fn a_dead_server_is_given_up_after_the_configured_attempts() {
    let setup = setup(FaultMatch::any().on(FaultAction::status(503, "SlowDown")));
    let error = setup
        .transfer
        .head(url("k"), &Default::default())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, 21));
    assert_eq!(error.retryability(), Retryability::Spent);
    assert!(error.to_string().contains("21 attempts"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_error_response_is_final() {
    let setup = setup(FaultMatch::any().on(FaultAction::status(400, "SomethingOdd")));
    let error = setup
        .transfer
        .head(url("k"), &Default::default())
        .await
        .unwrap_err();
    assert_eq!((error.attempts(), setup.faults.delivered().total()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_server_says_how_long_to_wait() {
    let wait = FaultAction::Status {
        status: 503,
        code: "SlowDown".into(),
        retry_after: Some(Duration::from_secs(7)),
    };
    let setup = setup(FaultMatch::any().on(wait).times(1));
    setup.seed("k", 1).await;
    let start = Instant::now();
    setup
        .transfer
        .head(url("k"), &Default::default())
        .await
        .unwrap();
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_covers_backoff_and_stalls() {
    for action in [
        FaultAction::status(503, "SlowDown"),
        FaultAction::Stall {
            at: None,
            wait: None,
        },
    ] {
        let setup = setup(FaultMatch::any().on(action));
        let start = Instant::now();
        let options =
            s3_transfer::CallOptions::default().with_deadline(start + Duration::from_secs(3));
        let error = setup.transfer.head(url("k"), &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(
            start.elapsed() <= Duration::from_millis(3010),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_backs_off_holds_no_permit() {
    let mut config = config();
    config.concurrency = s3_transfer::Concurrency::Fixed(1);
    config.backoff_base = Duration::from_secs(20);
    let setup = with_config(
        FaultMatch::any()
            .with_key("bad")
            .on(FaultAction::status(500, "InternalError")),
        config,
    );
    setup.seed("good", 1).await;
    let bad = setup.transfer.clone();
    let failing = tokio::spawn(async move { bad.head(url("bad"), &Default::default()).await });
    tokio::time::sleep(Duration::from_millis(1)).await;
    let start = Instant::now();
    setup
        .transfer
        .head(url("good"), &Default::default())
        .await
        .unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(10),
        "{:?}",
        start.elapsed()
    );
    failing.abort();
}

#[tokio::test(start_paused = true)]
async fn who_wants_one_attempt_does_not_wait_for_the_end_of_an_outage() {
    let mut config = config();
    config.max_attempts = 1;
    let dead = FaultMatch::any().on(FaultAction::status(500, "InternalError"));
    let setup = with_config(dead, config);
    let (start, options) = (Instant::now(), Default::default());
    for _ in 0..100 {
        let head = setup.transfer.head(url("k"), &options).await;
        assert_eq!(head.unwrap_err().attempts(), 1);
    }
    assert_eq!(setup.faults.delivered().total(), 100);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_is_not_hammered_by_many_inputs() {
    let mut config = config();
    config.concurrency = s3_transfer::Concurrency::Fixed(2000);
    let dead = FaultMatch::any().on(FaultAction::status(500, "InternalError"));
    let setup = with_config(dead, config);
    let many = setup
        .transfer
        .fan_out(0..2000, Default::default(), |transfer, n| async move {
            transfer
                .head(url(&format!("k{n}")), &Default::default())
                .await
        });
    let results = many.all().await;
    assert!(results.iter().all(Result::is_err));
    let sent = setup.faults.delivered().total();
    // The first attempt of each, the last when patience ends, and in 246 s in between a probe every 2 s.
    assert!(
        (2000..=4130).contains(&sent),
        "{sent} requests for 2,000 inputs"
    );
    assert_eq!(setup.memory.operations().get(Operation::Head), 0);
}
