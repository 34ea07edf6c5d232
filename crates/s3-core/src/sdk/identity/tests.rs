//! Tests of the credentials cache, with a provider that counts calls and can fail or hang.

use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use aws_credential_types::provider::future;
use futures_util::future::join_all;
use tokio::runtime::{self, Handle};

use super::*;
use crate::background::{Background, set_background};
use crate::sdk::clock::ErrorResponse;

const HOUR: Duration = Duration::from_secs(3600);

type Response = fn(SystemTime, usize) -> Result<Credentials, CredentialsError>;

/// A provider that takes a second for every load and returns the access keys `KEY0`, `KEY1` and so on.
#[derive(Clone, Debug)]
struct Counting {
    clock: SigningClock,
    loads: Arc<AtomicUsize>,
    response: Arc<Mutex<Response>>,
    takes: Duration,
    fallback: Option<Credentials>,
}

impl ProvideCredentials for Counting {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.loads.fetch_add(1, Ordering::SeqCst);
        let response = *self.response.lock().unwrap();
        future::ProvideCredentials::new(async move {
            tokio::time::sleep(self.takes).await;
            response(self.clock.now(), number)
        })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.fallback.clone()
    }
}

impl Counting {
    fn new(response: Response) -> Self {
        Self {
            clock: SigningClock::default(),
            loads: Arc::default(),
            response: Arc::new(Mutex::new(response)),
            takes: Duration::from_secs(1),
            fallback: None,
        }
    }

    fn identities(&self) -> Identities {
        let provider = SharedCredentialsProvider::new(self.clone());
        Identities::new(provider, self.clock.clone())
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    fn responses(&self, response: Response) {
        *self.response.lock().unwrap() = response;
    }
}

fn named(number: usize, expiry: Option<SystemTime>) -> Credentials {
    let token = Some("hunter2-token".to_owned());
    Credentials::new(format!("KEY{number}"), "hunter2", token, expiry, "test")
}

fn lasting(_: SystemTime, number: usize) -> Result<Credentials, CredentialsError> {
    Ok(named(number, None))
}

fn hourly(now: SystemTime, number: usize) -> Result<Credentials, CredentialsError> {
    Ok(named(number, Some(now + HOUR)))
}

fn failing(_: SystemTime, number: usize) -> Result<Credentials, CredentialsError> {
    Err(CredentialsError::provider_error(format!(
        "failure {number}"
    )))
}

async fn key(identities: &Identities) -> String {
    identities
        .get()
        .await
        .unwrap()
        .signing()
        .access_key()
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_hundred_waiting_requests_cause_one_load() {
    let provider = Counting::new(hourly);
    let identities = provider.identities();
    let all = join_all((0..100).map(|_| identities.get())).await;
    let first = all[0].as_ref().unwrap();
    assert!(all.iter().flatten().all(|other| Arc::ptr_eq(other, first)));
    assert_eq!((provider.loads(), all.len()), (1, 100));
    assert!(Arc::ptr_eq(&identities.get().await.unwrap(), first));
    assert_eq!(provider.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_waiting_requests_share_one_failure_and_the_next_one_asks_again() {
    let provider = Counting::new(failing);
    let identities = provider.identities();
    let all = join_all((0..100).map(|_| identities.get())).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(provider.loads(), 1);
    assert!(identities.get().await.is_err());
    assert_eq!(provider.loads(), 2);
    provider.responses(lasting);
    assert_eq!(key(&identities).await, "KEY2");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_load_does_not_block_the_waiting_requests() {
    let provider = Counting::new(hourly);
    let identities = Arc::new(provider.identities());
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let identities = Arc::clone(&identities);
            tokio::spawn(async move { key(&identities).await })
        })
        .collect();
    // All requests are waiting, and the first one is halfway through its load.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(provider.loads(), 1);
    waiting[0].abort();
    let keys = join_all(waiting).await;
    assert!(keys[0].as_ref().unwrap_err().is_cancelled());
    for key in &keys[1..] {
        assert_eq!(key.as_ref().unwrap(), "KEY1");
    }
    assert_eq!(provider.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_are_replaced_ten_seconds_before_they_expire() {
    let provider = Counting::new(hourly);
    let identities = provider.identities();
    assert_eq!(key(&identities).await, "KEY0");
    provider.clock.advance(HOUR - Duration::from_secs(12));
    assert_eq!(key(&identities).await, "KEY0");
    provider.clock.advance(Duration::from_secs(3));
    // One request loads and gets the new credentials; the others use the old ones without waiting.
    let all = join_all((0..100).map(|_| key(&identities))).await;
    assert_eq!(all[0], "KEY1");
    assert!(all[1..].iter().all(|key| key == "KEY0"));
    assert_eq!(key(&identities).await, "KEY1");
    assert_eq!(provider.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_are_loaded_again_after_a_clock_jump() {
    let provider = Counting::new(hourly);
    // Three hours ahead of the server.
    provider.clock.advance(HOUR * 3);
    let identities = provider.identities();
    assert_eq!(key(&identities).await, "KEY0");
    let now = SystemTime::now();
    let date = httpdate::fmt_http_date(now);
    for _ in 0..20 {
        let error_response = ErrorResponse {
            status: 403,
            code: None,
            date: Some(&date),
            age: None,
            signed_at: now + HOUR * 3,
        };
        assert!(provider.clock.learn(error_response));
    }
    // An expiry computed with the wrong clock would be valid for four hours.
    assert_eq!(key(&identities).await, "KEY1");
    assert_eq!(key(&identities).await, "KEY1");
}

#[tokio::test(start_paused = true)]
async fn all_requests_wait_for_one_load_after_the_credentials_have_expired() {
    let provider = Counting::new(hourly);
    let identities = provider.identities();
    assert_eq!(key(&identities).await, "KEY0");
    provider.clock.advance(HOUR);
    let all = join_all((0..100).map(|_| key(&identities))).await;
    assert!(all.iter().all(|key| key == "KEY1"));
    assert_eq!(provider.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_load_keeps_valid_credentials_and_is_repeated_once_per_second() {
    let provider = Counting::new(hourly);
    let identities = provider.identities();
    let first = identities.get().await.unwrap();
    provider.responses(failing);
    provider.clock.advance(HOUR - Duration::from_secs(5));
    for loads in [2, 2, 2] {
        let kept = identities.get().await.unwrap();
        assert_eq!(kept.id(), first.id());
        assert_eq!(provider.loads(), loads);
    }
    provider.clock.advance(Duration::from_secs(2));
    assert_eq!(key(&identities).await, "KEY0");
    assert_eq!(provider.loads(), 3);
    provider.clock.advance(Duration::from_secs(4));
    assert!(identities.get().await.is_err());
    provider.responses(hourly);
    assert_eq!(key(&identities).await, "KEY4");
}

#[tokio::test(start_paused = true)]
async fn credentials_without_an_expiry_are_never_loaded_again() {
    let provider = Counting::new(lasting);
    let identities = provider.identities();
    assert_eq!(key(&identities).await, "KEY0");
    provider.clock.advance(HOUR * 24 * 365 * 50);
    assert_eq!(key(&identities).await, "KEY0");
    assert_eq!(provider.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn rejected_credentials_are_replaced_once() {
    let provider = Counting::new(hourly);
    let identities = provider.identities();
    let old = identities.get().await.unwrap();
    identities.expire(&old);
    assert_eq!(key(&identities).await, "KEY1");
    // The second rejection arrives late.
    identities.expire(&old);
    assert_eq!(key(&identities).await, "KEY1");
    assert_eq!(provider.loads(), 2);
}

/// Rejected credentials are not used again if the provider fails.
#[tokio::test(start_paused = true)]
async fn rejected_credentials_are_not_kept_after_a_failed_load() {
    let provider = Counting::new(hourly);
    let identities = Arc::new(provider.identities());
    let old = identities.get().await.unwrap();
    provider.responses(failing);
    provider.clock.advance(HOUR - Duration::from_secs(5));
    let renewing = tokio::spawn({
        let identities = Arc::clone(&identities);
        async move { identities.get().await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    identities.expire(&old);
    assert!(renewing.await.unwrap().is_err());
    assert!(identities.get().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn credentials_that_have_expired_when_they_come_are_used_for_a_second() {
    let provider = Counting::new(|now, number| Ok(named(number, Some(now - HOUR))));
    let identities = provider.identities();
    let all = join_all((0..100).map(|_| key(&identities))).await;
    assert!(all.iter().all(|key| key == "KEY0"));
    provider.clock.advance(Duration::from_millis(1_100));
    assert_eq!(key(&identities).await, "KEY1");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_times_out() {
    let mut provider = Counting::new(hourly);
    provider.takes = HOUR;
    let error = provider.identities().get().await.unwrap_err();
    assert!(
        matches!(*error, CredentialsError::ProviderTimedOut(_)),
        "{error:?}"
    );
    provider.fallback = Some(named(77, None));
    assert_eq!(key(&provider.identities()).await, "KEY77");
}

#[tokio::test(start_paused = true)]
async fn credentials_that_would_break_a_header_are_rejected() {
    for (access_key, token) in [
        ("KEY\n", None),
        ("KEY", Some("token\r\nhost: elsewhere")),
        ("K Y", None),
    ] {
        let token = token.map(str::to_owned);
        let credentials = Credentials::new(access_key, "secret", token, None, "test");
        let provider = SharedCredentialsProvider::new(credentials);
        let error = Identities::new(provider, SigningClock::default())
            .get()
            .await
            .unwrap_err();
        assert!(
            matches!(*error, CredentialsError::InvalidConfiguration(_)),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn debug_shows_nothing_that_is_secret() {
    let provider = Counting::new(hourly);
    let identities = provider.identities();
    let identity = identities.get().await.unwrap();
    for text in [format!("{identities:?}"), format!("{identity:#?}")] {
        assert!(text.contains("signing"), "{text}");
        assert!(
            !text.contains("hunter2") && !text.contains("KEY0"),
            "{text}"
        );
    }
}

/// A background runtime.
struct Other(Handle);

impl Background for Other {
    fn enter(&self, start: &mut dyn FnMut()) {
        let _entered = self.0.enter();
        start();
    }
}

/// A provider that records the runtime on which it was called.
#[derive(Debug, Default)]
struct Remembering(Arc<Mutex<Option<runtime::Id>>>);

impl ProvideCredentials for Remembering {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            *self.0.lock().unwrap() = Some(Handle::current().id());
            Ok(lasting(SystemTime::now(), 0).unwrap())
        })
    }
}

#[test]
fn connections_of_a_provider_belong_to_a_runtime_that_keeps_running() {
    let runtime = || {
        runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (of_the_call, other) = (runtime(), runtime());
    set_background(Some(Rc::new(Other(other.handle().clone()))));
    let asked_on = Arc::default();
    let shared = SharedCredentialsProvider::new(Remembering(Arc::clone(&asked_on)));
    let identities = Identities::new(shared, SigningClock::default());
    of_the_call.block_on(identities.get()).unwrap();
    set_background(None);
    assert_eq!(*asked_on.lock().unwrap(), Some(other.handle().id()));
}
