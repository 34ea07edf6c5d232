//! Cache of credentials: loads them from a provider once, and replaces them before they expire.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::clock::SigningClock;
use crate::background::poll_in_background;

/// How long before they expire credentials are replaced: as long as in the SDK's own cache. The server checks a
/// signature when the request arrives, so they only need to be valid until then.
const BUFFER: Duration = Duration::from_secs(10);

/// How long credentials are used before the next load, if the loaded ones are about to expire or loading has failed. A
/// failing provider is called once per second, not once per request.
const PAUSE: Duration = Duration::from_secs(1);

/// Timeout of a credentials provider. Less than the usual stall timeout of 20 seconds, whose error cannot name the
/// provider that hangs. The SDK's own cache waits 22 seconds with default settings, and 6 without its retries.
const LOAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Credentials that sign requests, and when to replace them. `Debug` shows no secrets.
pub(crate) struct Identity {
    credentials: Credentials,
    /// The same credentials, in the form that `s3-wire` signs with.
    signing: s3_wire::Credentials,
    /// When to replace the credentials; `None` if they do not expire.
    renew_at: Option<SystemTime>,
    /// The number of clock jumps when `renew_at` was computed.
    jumps: u64,
}

impl Identity {
    fn new(credentials: Credentials, clock: &SigningClock) -> Result<Self, CredentialsError> {
        let signing = s3_wire::Credentials::new(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            credentials.session_token().map(str::to_owned),
        );
        let signing = signing.map_err(CredentialsError::invalid_configuration)?;
        let (now, jumps) = (clock.now(), clock.jumps());
        let renew_at = credentials.expiry().map(|expiry| {
            let buffered = expiry.checked_sub(BUFFER).unwrap_or(expiry);
            buffered.max(now + PAUSE)
        });
        Ok(Self {
            credentials,
            signing,
            renew_at,
            jumps,
        })
    }

    /// Returns the credentials that requests are signed with.
    pub(crate) fn signing(&self) -> &s3_wire::Credentials {
        &self.signing
    }

    /// Returns whether a request with these headers was signed with these credentials.
    fn has_signed(&self, signed: &Signed) -> bool {
        let scope = format!("Credential={}/", self.signing.access_key());
        signed.authorization.contains(&scope) && signed.token.as_deref() == self.signing.token()
    }

    /// Returns a number that identifies these credentials.
    fn id(&self) -> u64 {
        self.signing.id()
    }

    /// Returns whether the credentials need not be replaced yet. The clock is not read if they do not expire.
    fn is_fresh(&self, clock: &SigningClock) -> bool {
        self.renew_at
            .is_none_or(|renew_at| self.jumps == clock.jumps() && clock.now() < renew_at)
    }

    fn is_valid(&self, clock: &SigningClock) -> bool {
        let expiry = self.credentials.expiry();
        expiry.is_none_or(|expiry| clock.now() < expiry)
    }

    /// Returns the same credentials, to be replaced at `renew_at`.
    fn renewed_at(&self, renew_at: SystemTime, jumps: u64) -> Self {
        Self {
            credentials: self.credentials.clone(),
            signing: self.signing.clone(),
            renew_at: Some(renew_at),
            jumps,
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("signing", &self.signing)
            .field("expiry", &self.credentials.expiry())
            .finish_non_exhaustive()
    }
}

/// The headers of a signed request that identify the credentials.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) authorization: String,
    pub(crate) token: Option<String>,
}

/// A cache of the credentials of a provider. It has no background task: the request that finds credentials missing or
/// about to expire loads new ones. Other requests wait, or use the old ones while they are valid.
pub(crate) struct Identities {
    provider: SharedCredentialsProvider,
    clock: SigningClock,
    current: RwLock<Option<Arc<Identity>>>,
    loading: Mutex<LastLoad>,
    /// Number of loads that have ended.
    ended: AtomicU64,
}

/// The last load that failed. Requests that waited for it get its error instead of starting another load.
#[derive(Default)]
struct LastLoad {
    number: u64,
    error: Option<Arc<CredentialsError>>,
}

impl Identities {
    pub(crate) fn new(provider: SharedCredentialsProvider, clock: SigningClock) -> Self {
        Self {
            provider,
            clock,
            current: RwLock::default(),
            loading: Mutex::default(),
            ended: AtomicU64::new(0),
        }
    }

    /// Returns a cache whose only identity is anonymous: requests are not signed.
    pub(crate) fn anonymous(clock: SigningClock) -> Self {
        let credentials = Credentials::new("", "", None, None, "anonymous");
        let identity = Identity {
            credentials: credentials.clone(),
            signing: s3_wire::Credentials::anonymous(),
            renew_at: None,
            jumps: clock.jumps(),
        };
        Self {
            current: RwLock::new(Some(Arc::new(identity))),
            ..Self::new(SharedCredentialsProvider::new(credentials), clock)
        }
    }

    /// Returns the current identity. Neither waits nor allocates, unless the identity has to be loaded.
    ///
    /// # Errors
    ///
    /// The provider failed, and there are no older credentials that are valid. All requests that waited for the load
    /// get the same error; the next call calls the provider again.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped during the load, the next request in the queue loads.
    pub(crate) async fn get(&self) -> Result<Arc<Identity>, Arc<CredentialsError>> {
        match self.current() {
            Some(identity) if identity.is_fresh(&self.clock) => Ok(identity),
            // Boxed: it is rarely polled, and would make every request's future larger.
            old => Box::pin(self.renew(old)).await,
        }
    }

    /// Removes an identity that the server has rejected as expired, so that the next [`Identities::get`] loads again.
    /// Does nothing if it was already replaced.
    pub(crate) fn expire(&self, seen: &Identity) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|identity| identity.id() == seen.id());
    }

    /// Removes an identity that the server has rejected as expired, and returns whether other credentials could be
    /// loaded.
    pub(crate) async fn replaces(&self, seen: &Identity) -> bool {
        if seen.signing().is_anonymous() {
            return false;
        }
        self.expire(seen);
        self.get().await.is_ok_and(|renewed| {
            let (new, old) = (renewed.signing(), seen.signing());
            new.access_key() != old.access_key() || new.token() != old.token()
        })
    }

    /// As [`Identities::replaces`], for the identity that signed a request.
    pub(crate) async fn replaces_signer(&self, signed: &Signed) -> bool {
        match self.current().filter(|own| own.has_signed(signed)) {
            Some(seen) => self.replaces(&seen).await,
            // Another request has replaced it already.
            None => self.get().await.is_ok_and(|own| !own.has_signed(signed)),
        }
    }

    async fn renew(
        &self,
        old: Option<Arc<Identity>>,
    ) -> Result<Arc<Identity>, Arc<CredentialsError>> {
        let ended = self.ended.load(Ordering::Acquire);
        let valid = old.filter(|identity| identity.is_valid(&self.clock));
        let mut last = match (self.loading.try_lock(), valid) {
            (Ok(last), _) => last,
            // Another request is already loading; the old credentials are used once more.
            (Err(_), Some(identity)) => return Ok(identity),
            (Err(_), None) => self.loading.lock().await,
        };
        // The previous holder of the lock may have loaded, or failed while this request waited.
        if let Some(identity) = self.current().filter(|own| own.is_fresh(&self.clock)) {
            return Ok(identity);
        }
        if let Some(error) = last.error.as_ref().filter(|_| last.number > ended) {
            return Err(Arc::clone(error));
        }
        let loaded = self.load().await;
        last.number = self.ended.fetch_add(1, Ordering::Release) + 1;
        let outcome = self.take_over(loaded).map_err(Arc::new);
        last.error = outcome.as_ref().err().map(Arc::clone);
        outcome
    }

    /// Makes the loaded identity the current one. If loading failed, keeps a current one that is valid.
    fn take_over(
        &self,
        loaded: Result<Identity, CredentialsError>,
    ) -> Result<Arc<Identity>, CredentialsError> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let identity = match (loaded, &*current) {
            (Ok(identity), _) => identity,
            (Err(_), Some(old)) if old.is_valid(&self.clock) => {
                old.renewed_at(self.clock.now() + PAUSE, self.clock.jumps())
            }
            (Err(error), _) => return Err(error),
        };
        Ok(Arc::clone(current.insert(Arc::new(identity))))
    }

    async fn load(&self) -> Result<Identity, CredentialsError> {
        // `SharedCredentialsProvider` does not forward `fallback_on_interrupt`.
        let provider: &dyn ProvideCredentials = self.provider.as_ref();
        let provided = poll_in_background(provider.provide_credentials());
        let credentials = match timeout(LOAD_TIMEOUT, provided).await {
            Ok(loaded) => loaded?,
            // Some providers keep older credentials for this case.
            Err(_) => provider
                .fallback_on_interrupt()
                .ok_or_else(|| CredentialsError::provider_timed_out(LOAD_TIMEOUT))?,
        };
        Identity::new(credentials, &self.clock)
    }

    fn current(&self) -> Option<Arc<Identity>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities")
            .field("current", &self.current())
            .finish_non_exhaustive()
    }
}

/// Provides the credentials of the cache to the generated client, which then needs no cache of its own.
#[derive(Debug)]
pub(crate) struct OfCache(pub(crate) Arc<Identities>);

impl ProvideCredentials for OfCache {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let identity = self.0.get().await;
            identity
                .map(|identity| identity.credentials.clone())
                .map_err(repeated)
        })
    }
}

/// An error that several requests share.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Repeated(Arc<CredentialsError>);

/// Returns a copy of an error, of the same kind.
fn repeated(error: Arc<CredentialsError>) -> CredentialsError {
    match &*error {
        CredentialsError::ProviderTimedOut(_) => CredentialsError::provider_timed_out(LOAD_TIMEOUT),
        CredentialsError::CredentialsNotLoaded(_) => CredentialsError::not_loaded(Repeated(error)),
        CredentialsError::InvalidConfiguration(_) => {
            CredentialsError::invalid_configuration(Repeated(error))
        }
        CredentialsError::ProviderError(_) => CredentialsError::provider_error(Repeated(error)),
        _ => CredentialsError::unhandled(Repeated(error)),
    }
}

#[cfg(test)]
mod tests;
