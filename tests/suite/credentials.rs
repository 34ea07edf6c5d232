//! A credential provider that never responds: calls end in a bounded time and name it.

use std::fmt::Debug;
use std::future::{IntoFuture, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_credential_types::provider::{ProvideCredentials, future};
use s3_client::{S3, TransferConfig};
use s3_core::{ErrorKind, Phase, SdkStore};
use tokio::time::Instant;

/// The attempts without progress that are configured.
const ATTEMPTS: u32 = 4;

/// Time limit of a source of credentials. It is less than the stall limit of 20 s, whose error would not name the source.
const ATTEMPT: Duration = Duration::from_secs(15);

/// All attempts, and the waits between them, which are at most 50, 100 and 200 ms.
const MOST: Duration = Duration::from_millis(15_000 * ATTEMPTS as u64 + 400);

/// Accepts every request and sends no response.
#[derive(Clone, Debug, Default)]
struct Silent(Arc<AtomicU64>);

impl ProvideCredentials for Silent {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        self.0.fetch_add(1, Ordering::SeqCst);
        future::ProvideCredentials::new(pending())
    }
}

fn client(source: &Silent, direct: bool) -> S3 {
    let mut config = TransferConfig::default();
    config.part_size = 8;
    config.single_put_up_to = 16;
    config.max_attempts = ATTEMPTS;
    // No server is at the endpoint: without credentials nothing is sent.
    let store = SdkStore::builder()
        .endpoint("http://127.0.0.1:1")
        .region("us-east-1")
        .credentials_provider(source.clone())
        .sdk_retries(!direct)
        .build();
    S3::builder()
        .store(store)
        .s3root("s3://bkt/root")
        .tmproot(std::env::temp_dir())
        .transfer(config)
        .build()
        .unwrap()
}

/// Makes a call, which ends in time and says why.
async fn gives_up<T: Debug>(call: impl IntoFuture<Output = s3_client::Result<T>>) {
    let begun = Instant::now();
    let error = call.into_future().await.unwrap_err();
    let took = begun.elapsed();
    let text = format!("{error:#}");
    let error = error.as_request().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{text}");
    assert!(took <= MOST, "{took:?}: {text}");
    assert_eq!(error.attempts(), ATTEMPTS, "{text}");
    assert!(
        error.hint().unwrap().contains("source of credentials"),
        "{text}"
    );
    let log = error.attempt_log().unwrap();
    for attempt in log.iter() {
        assert_eq!(attempt.phase, Phase::Local, "{text}");
        assert!(
            attempt.took <= ATTEMPT + Duration::from_millis(10),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_of_credentials_that_hangs_is_given_up_and_named() {
    for direct in [true, false] {
        // A new client for each call: one client remembers failures of earlier calls.
        let s3 = || client(&Silent::default(), direct);
        gives_up(s3().get("k")).await;
        gives_up(s3().info("k")).await;
        gives_up(s3().put("k", "value")).await;
        gives_up(s3().put("k", vec![7; 40])).await;
        gives_up(s3().put("k", vec![7; 40]).overwrite(false)).await;
        gives_up(s3().put_many([("a", "1"), ("b", "2")])).await;
        gives_up(s3().list_paths().at(["d"])).await;
        gives_up(s3().list_recursive().at(["d"])).await;
        gives_up(s3().copy("a", "b")).await;
        gives_up(s3().delete_many(["a", "b"])).await;
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_for_credentials_share_one_question() {
    let source = Silent::default();
    gives_up(client(&source, true).get_many(["a", "b", "c"])).await;
    assert_eq!(source.0.load(Ordering::SeqCst), u64::from(ATTEMPTS));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_for_credentials() {
    let s3 = client(&Silent::default(), true);
    let deadline = Duration::from_secs(5);
    let begun = Instant::now();
    let error = s3.get("k").deadline(deadline).await.unwrap_err();
    let error = error.as_request().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(begun.elapsed() <= deadline + Duration::from_secs(1));
}
