//! [`S3Builder`]: collects the settings of a client (endpoint, credentials, root, memory, parts) and builds it.

use std::fmt;
use std::marker::PhantomData;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

#[cfg(feature = "sdk")]
use s3_core::url::ParseError;
#[cfg(feature = "sdk")]
use s3_core::url::http::{self, Endpoint};
use s3_core::url::{Root, RunOverrides, RunPath, quote};
#[cfg(feature = "sdk")]
use s3_core::{Addressing, Integrity, SdkStoreBuilder};
use s3_core::{Encryption, S3Prefix, SharedStore, Store};
use s3_transfer::{Concurrency, MemoryBudget, Observer, Transfer, TransferConfig};

use crate::Config;
#[cfg(feature = "sdk")]
use crate::config::public;
use crate::context::ClientContext;
use crate::error::{Error, Result};
use crate::put_object::fits_header;
use crate::request::Mode;
use crate::s3::Client;
use crate::scratch::Scratch;

/// Default maximum size of a download that stays in memory: 8 MiB, one part of a download.
const MAX_IN_MEMORY_OBJECT: u64 = 8 << 20;
/// Default memory for all downloads of a client: 256 MiB.
const MEMORY_BUDGET: u64 = 256 << 20;

/// Initial number of concurrent requests, before the engine has measured which concurrency is best.
const CONCURRENCY_START: usize = 16;

/// The settings of a client. [`build`](Self::build) makes the client. Empty strings count as not given.
///
/// # Examples
///
/// The keys of a client of a run are relative to `DATATOOLS_S3ROOT/flow/run`:
///
/// ```
/// use s3_client::{Config, MemoryStore, RunPath, S3};
///
/// let config = Config::from_lookup(|name| {
///     (name == "METAFLOW_DATATOOLS_S3ROOT").then(|| "s3://flows/data".to_owned())
/// })?;
/// let s3 = S3::builder()
///     .config(config)
///     .run(RunPath::new("Train", "1234")?)
///     .store(MemoryStore::with_buckets(["flows"]))
///     .tmproot(std::env::temp_dir())
///     .build()?;
/// assert_eq!(s3.root().prefix().map(|root| root.as_str()), Some("s3://flows/data/Train/1234"));
/// # Ok::<(), s3_client::Error>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct S3Builder<M> {
    config: Config,
    tmproot: Option<PathBuf>,
    bucket: Option<String>,
    prefix: Option<String>,
    run: Option<RunPath>,
    s3root: Option<String>,
    store: Option<SharedStore>,
    transfer: Option<TransferConfig>,
    shared: Option<SharedEngine>,
    part_size: Option<u64>,
    max_rate: Option<NonZeroU64>,
    #[cfg(feature = "sdk")]
    sdk: SdkStoreBuilder,
    observer: Option<Arc<dyn Observer>>,
    max_in_memory_object: u64,
    memory_budget: u64,
    threads: Option<NonZeroUsize>,
    mode: PhantomData<M>,
}

impl<M: Mode> Client<M> {
    /// Returns a builder with the defaults: AWS, full URLs, the working directory for temporary files. Only the SDK reads
    /// the environment, for credentials, region and endpoint.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3_client::{MemoryStore, S3};
    ///
    /// let s3 = S3::builder()
    ///     .store(MemoryStore::with_buckets(["b"])) // without it: AWS
    ///     .s3root("s3://b/data")
    ///     .tmproot(std::env::temp_dir())
    ///     .build()?;
    /// assert_eq!(s3.root().prefix().map(|root| root.as_str()), Some("s3://b/data"));
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn builder() -> S3Builder<M> {
        S3Builder::new()
    }

    /// Builds a client without root from Metaflow's configuration; see [`Config`].
    ///
    /// # Errors
    ///
    /// As [`Config::from_env`] and [`S3Builder::build`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let s3 = s3_client::S3::from_env()?;
    /// # Ok::<(), s3_client::Error>(())
    /// ```
    pub fn from_env() -> Result<Self> {
        Self::builder().config(Config::from_env()?).build()
    }

    /// Builds a client of an in-memory store without buckets, for tests and examples. Temporary files are in the system's
    /// temporary directory.
    ///
    /// # Errors
    ///
    /// As [`S3Builder::build`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> s3_client::Result<()> {
    /// let s3 = s3_client::S3::in_memory()?;
    /// s3.create_bucket("b").await?;
    /// s3.put("s3://b/greeting", "hello").await?;
    /// assert_eq!(s3.get("s3://b/greeting").await?.text()?, "hello");
    /// # Ok(()) }
    /// ```
    pub fn in_memory() -> Result<Self> {
        Self::builder()
            .store(s3_core::MemoryStore::new())
            .tmproot(std::env::temp_dir())
            .build()
    }
}

/// Hides the query of a presigned URL.
impl<M> fmt::Debug for S3Builder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Builder")
            .field("s3root", &self.s3root.as_deref().map(quote))
            .field("run", &self.run)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<M: Mode> S3Builder<M> {
    pub(crate) fn new() -> Self {
        Self {
            config: Config::default(),
            tmproot: None,
            bucket: None,
            prefix: None,
            run: None,
            s3root: None,
            store: None,
            transfer: None,
            shared: None,
            part_size: None,
            max_rate: None,
            #[cfg(feature = "sdk")]
            sdk: SdkStoreBuilder::default(),
            observer: None,
            max_in_memory_object: MAX_IN_MEMORY_OBJECT,
            memory_budget: MEMORY_BUDGET,
            threads: None,
            mode: PhantomData,
        }
    }

    /// Sets the parent of the temporary directory: the configuration's `TEMPDIR` by default, and without that the working
    /// directory. The path is made absolute.
    pub fn tmproot(mut self, path: impl Into<PathBuf>) -> Self {
        self.tmproot = Some(path.into());
        self
    }

    /// Sets the root that keys are relative to: `s3://bucket/path`. Trailing slashes are ignored.
    pub fn s3root(mut self, url: impl Into<String>) -> Self {
        self.s3root = given(url);
        self
    }

    /// Makes keys relative to the directory of a run below the configuration's `DATATOOLS_S3ROOT`. Overrides `s3root`.
    pub fn run(mut self, run: RunPath) -> Self {
        self.run = Some(run);
        self
    }

    /// Replaces the bucket of `DATATOOLS_S3ROOT`. Only for a client of a run.
    pub fn bucket(mut self, bucket: impl Into<String>) -> Self {
        self.bucket = given(bucket);
        self
    }

    /// Replaces the path of `DATATOOLS_S3ROOT`. Only for a client of a run.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = given(prefix);
        self
    }

    /// Sets the default server-side encryption of uploads: `AES256`, `aws:kms`.
    pub fn encryption(mut self, encryption: impl Into<String>) -> Self {
        self.config.encryption = given(encryption);
        self
    }

    /// Sets the backend: by default the SDK's, at the configured endpoint. With a store, endpoint and region have no
    /// effect.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(SharedStore::new(store));
        self
    }

    /// Sets the URL of a server other than AWS: `http://host:port` or `https://host`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.config.endpoint = given(url);
        self
    }

    /// Sets the region.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.config.region = given(region);
        self
    }

    /// Replaces the configuration, including earlier values of `encryption`, `endpoint` and `region`.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Uses the engine of another client: its store, connections, limits and memory. Endpoint, region, store, engine
    /// parameters, observer and memory budget of this builder then have no effect.
    pub fn engine_of<N>(mut self, other: &Client<N>) -> Self {
        let context = &other.context;
        self.shared = Some(SharedEngine {
            transfer: context.transfer.clone(),
            endpoint: context.endpoint.clone(),
            memory: context.memory.clone(),
        });
        self
    }

    /// Sets the engine's parameters. The configuration's retry and worker counts then have no effect.
    pub fn transfer(mut self, transfer: TransferConfig) -> Self {
        self.transfer = Some(transfer);
        self
    }

    /// Sets the size of parts in bytes, for downloads and uploads. Uploads of more than two parts are sent in parts.
    pub fn part_size(mut self, bytes: u64) -> Self {
        self.part_size = Some(bytes);
        self
    }

    /// Limits the bytes per second that objects are moved with, up and down together.
    pub fn max_rate(mut self, bytes_per_second: NonZeroU64) -> Self {
        self.max_rate = Some(bytes_per_second);
        self
    }

    /// Reports the events of all calls that have no observer of their own: bytes planned and moved, objects finished,
    /// attempts retried.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Sets the largest download that stays in memory, in bytes; larger ones go to the temporary directory. 8 MiB by
    /// default, one part of a download.
    pub fn max_in_memory_object(mut self, bytes: u64) -> Self {
        self.max_in_memory_object = bytes;
        self
    }

    /// Sets the memory for downloads of all objects of the client that are alive or in flight; beyond it, small ones go
    /// to the temporary directory too. 256 MiB by default. Objects requested with `to_memory` are always in memory, and
    /// count once they are complete.
    pub fn memory_budget(mut self, bytes: u64) -> Self {
        self.memory_budget = bytes;
        self
    }

    /// Sets how many threads a [blocking](crate::blocking) client has; an asynchronous one has none. By default there is
    /// one per processor, at most 8. The C library reserves addresses for each of them; see docs/TUNING.md.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Builds the client. No request is sent, and its temporary directory is made when a download needs a file.
    ///
    /// # Errors
    ///
    /// Class `Url` for an invalid root; class `Other` for an invalid endpoint or encryption, AWS variables or files that
    /// cannot be used, threads that cannot be started, or a build without the SDK and without a store.
    pub fn build(self) -> Result<Client<M>> {
        let root = self.root()?;
        let encryption = self.encryption_header()?;
        let mode = M::start(self.threads)?;
        let SharedEngine {
            transfer,
            endpoint,
            memory,
        } = match self.shared {
            Some(shared) => shared,
            None => {
                let (store, endpoint, configured_attempts) = match self.store {
                    Some(store) => (store, None, None),
                    #[cfg(feature = "sdk")]
                    None => default_store(&self.config, self.sdk)?,
                    #[cfg(not(feature = "sdk"))]
                    None => {
                        return Err(Error::config(
                            "this build has no SDK, so a store must be given\nhint: S3::builder().store(…)",
                        ));
                    }
                };
                let mut engine = self
                    .transfer
                    .unwrap_or_else(|| engine(&self.config, configured_attempts));
                if let Some(bytes) = self.part_size {
                    engine.part_size = bytes;
                    engine.single_put_up_to = bytes.saturating_mul(2);
                }
                engine.max_rate = self.max_rate.or(engine.max_rate);
                engine.observer = self.observer.or(engine.observer);
                SharedEngine {
                    transfer: Transfer::new(store, engine),
                    endpoint,
                    memory: MemoryBudget::new(self.memory_budget),
                }
            }
        };
        let tmproot = self.tmproot.unwrap_or(self.config.tempdir);
        let scratch = Scratch::below(&tmproot, self.config.keep_temp_files)?;
        // The engine may be another client's, too.
        let known_failed_aborts = AtomicUsize::new(transfer.failed_aborts());
        let context = ClientContext {
            process: std::process::id(),
            transfer,
            endpoint,
            root,
            encryption,
            max_in_memory_object: self.max_in_memory_object,
            memory,
            scratch: Arc::new(scratch),
            known_failed_aborts,
        };
        Ok(Client::new(context, mode))
    }

    fn encryption_header(&self) -> Result<Option<Encryption>> {
        let given = self.config.encryption.as_deref();
        let Some(encryption) = given.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        if !fits_header(encryption) {
            return Err(Error::config(format!(
                "the encryption {encryption:?} is not a valid HTTP header value\nhint: use AES256 or aws:kms"
            )));
        }
        Ok(Some(Encryption::new(encryption)))
    }

    fn root(&self) -> Result<Root> {
        if self.run.is_none() && (self.bucket.is_some() || self.prefix.is_some()) {
            tracing::warn!("bucket and prefix have no effect without run");
        }
        match (&self.run, &self.s3root) {
            (Some(run), s3root) => {
                if s3root.is_some() {
                    tracing::warn!("both run and s3root are given; run wins");
                }
                let datatools = self
                    .config
                    .datatools_s3root
                    .as_deref()
                    .ok_or(Error::NoDatatoolsRoot)?;
                let over = RunOverrides {
                    bucket: self.bucket.as_deref(),
                    prefix: self.prefix.as_deref(),
                };
                Ok(Root::for_run(&S3Prefix::parse(datatools)?, run, over)?)
            }
            (None, Some(s3root)) => Ok(Root::s3root(s3root)?),
            (None, None) => Ok(Root::Unset),
        }
    }
}

/// Settings of the SDK's backend. With a [`store`](S3Builder::store) or the engine of another client, they have no effect.
#[cfg(feature = "sdk")]
impl<M: Mode> S3Builder<M> {
    fn sdk(mut self, set: impl FnOnce(SdkStoreBuilder) -> SdkStoreBuilder) -> Self {
        self.sdk = set(self.sdk);
        self
    }

    /// Sets the profile of the AWS configuration files, instead of `AWS_PROFILE`.
    pub fn profile(self, name: impl Into<String>) -> Self {
        match given(name) {
            Some(name) => self.sdk(|sdk| sdk.profile(&name)),
            None => self,
        }
    }

    /// Sets access key, secret key and session token, instead of those of the environment, a profile or a role.
    pub fn credentials(
        self,
        access_key: &str,
        secret_key: &str,
        session_token: Option<&str>,
    ) -> Self {
        self.sdk(|sdk| sdk.credentials(access_key, secret_key, session_token))
    }

    /// Sends requests without a signature, as public buckets accept them. No credentials are looked for.
    pub fn anonymous(self) -> Self {
        self.sdk(SdkStoreBuilder::anonymous)
    }

    /// Agrees to pay for requests and transfers, which requester-pays buckets require.
    pub fn requester_pays(self) -> Self {
        self.sdk(SdkStoreBuilder::requester_pays)
    }

    /// Sets the account that owns the buckets. The server rejects requests to buckets of any other.
    pub fn bucket_owner(self, account: impl Into<String>) -> Self {
        match given(account) {
            Some(account) => self.sdk(|sdk| sdk.bucket_owner(&account)),
            None => self,
        }
    }

    /// Encrypts written objects, and decrypts read ones, with a key of the customer (SSE-C). AWS takes it over HTTPS
    /// only.
    pub fn customer_key(self, key: [u8; 32]) -> Self {
        self.sdk(|sdk| sdk.customer_key(&key))
    }

    /// Sets where the bucket's name goes: into the host name or the path. By default the configuration decides, and without
    /// it the endpoint.
    pub fn addressing(self, addressing: Addressing) -> Self {
        self.sdk(|sdk| sdk.addressing(addressing))
    }

    /// Sets which checksums uploads carry, and downloads are compared with. By default the configuration decides, and
    /// without it the endpoint. [`Attributes`](crate::Attributes) choose the algorithm of one upload.
    pub fn integrity(self, integrity: Integrity) -> Self {
        self.sdk(|sdk| sdk.integrity(integrity))
    }

    /// Sends all requests through this proxy, instead of those that `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` name:
    /// `http://host:port` or `https://host:port`, with a password as in `http://user:password@host:port`.
    pub fn proxy(self, url: impl Into<String>) -> Self {
        match given(url) {
            Some(url) => self.sdk(|sdk| sdk.proxy(&url)),
            None => self,
        }
    }

    /// Sets the only trusted certificate authorities, a file in PEM, instead of `AWS_CA_BUNDLE`.
    pub fn ca_bundle(self, path: impl Into<PathBuf>) -> Self {
        self.sdk(|sdk| sdk.ca_bundle(path))
    }
}

/// State shared by clients with the same engine.
#[derive(Debug)]
struct SharedEngine {
    transfer: Transfer,
    endpoint: Option<Arc<str>>,
    memory: MemoryBudget,
}

fn given(text: impl Into<String>) -> Option<String> {
    Some(text.into()).filter(|text| !text.is_empty())
}

/// Returns the engine's parameters. Metaflow's retry counts take precedence over `AWS_MAX_ATTEMPTS`.
fn engine(config: &Config, configured_attempts: Option<u32>) -> TransferConfig {
    let mut engine = TransferConfig::default();
    let default = Config::default();
    let has_counts = config.names_retry_count
        || config.retry_count != default.retry_count
        || config.transient_retry_count != default.transient_retry_count;
    engine.max_attempts = match configured_attempts {
        Some(attempts) if !has_counts => attempts,
        _ => config.retries().saturating_add(1),
    };
    if let Some(max) = config.worker_count {
        engine.concurrency = Concurrency::Adaptive {
            start: CONCURRENCY_START.min(max),
            max,
        };
    }
    engine
}

#[cfg(feature = "sdk")]
fn default_store(
    config: &Config,
    mut builder: SdkStoreBuilder,
) -> Result<(SharedStore, Option<Arc<str>>, Option<u32>)> {
    if let Some(endpoint) = &config.endpoint {
        check_endpoint(endpoint)?;
        builder = builder.endpoint(endpoint);
    }
    if let Some(region) = &config.region {
        builder = builder.region(region);
    }
    builder.check().map_err(|error| {
        let text = error.message().unwrap_or_default();
        Error::config(match error.hint() {
            Some(hint) => format!("{text}\nhint: {hint}"),
            None => text.to_owned(),
        })
    })?;
    let endpoint = builder.configured_endpoint().map(Arc::from);
    let attempts = builder.configured_max_attempts();
    Ok((SharedStore::new(builder.build()), endpoint, attempts))
}

/// Checks the endpoint when the client is built instead of at the first request.
#[cfg(feature = "sdk")]
fn check_endpoint(endpoint: &str) -> Result<()> {
    let problem = match url::Url::parse(endpoint) {
        Err(error) => error.to_string(),
        Ok(url) => match Endpoint::custom(url, http::Addressing::Path) {
            Ok(_) => return Ok(()),
            Err(ParseError::Address { problem, .. }) => problem.to_owned(),
            Err(other) => other.to_string(),
        },
    };
    Err(Error::config(format!(
        "the endpoint {:?} is not the URL of a server: {problem}\nhint: write http://host:port or https://host",
        public(endpoint)
    )))
}

#[cfg(test)]
mod tests {
    use s3_core::MemoryStore;

    use super::*;
    use crate::request::Async;
    use crate::{ErrorClass, S3};

    fn builder() -> S3Builder<Async> {
        S3::builder()
            .store(MemoryStore::new())
            .tmproot(std::env::temp_dir())
    }

    fn root(builder: S3Builder<Async>) -> String {
        builder
            .build()
            .unwrap()
            .root()
            .prefix()
            .unwrap()
            .as_str()
            .to_owned()
    }

    fn with_datatools() -> S3Builder<Async> {
        let datatools_s3root = Some("s3://b/metaflow/data".to_owned());
        let config = Config {
            datatools_s3root,
            ..Config::default()
        };
        builder()
            .config(config)
            .run(RunPath::new("Flow", "7").unwrap())
    }

    #[test]
    fn parts_have_the_given_size_and_a_missing_profile_is_an_error() {
        let s3 = builder().part_size(5 << 20).build().unwrap();
        let engine = s3.transfer().config();
        assert_eq!(
            (engine.part_size, engine.single_put_up_to),
            (5 << 20, 10 << 20)
        );
        let profile = S3::builder().profile("no-such-profile").build();
        let error = profile.unwrap_err().to_string();
        assert!(error.contains("no-such-profile"), "{error}");
    }

    #[test]
    fn the_root_is_that_of_the_run_or_the_given_one_or_unset() {
        assert_eq!(root(with_datatools()), "s3://b/metaflow/data/Flow/7");
        assert_eq!(
            root(with_datatools().s3root("s3://x")),
            "s3://b/metaflow/data/Flow/7"
        );
        assert_eq!(
            root(with_datatools().bucket("c").prefix("x/y")),
            "s3://c/x/y/Flow/7"
        );
        assert_eq!(
            root(with_datatools().bucket("").prefix("")),
            "s3://b/metaflow/data/Flow/7"
        );
        assert_eq!(
            root(builder().s3root("s3://b/p//").bucket("ignored")),
            "s3://b/p"
        );
        assert_eq!(builder().s3root("").build().unwrap().root(), &Root::Unset);
    }

    #[test]
    fn an_invalid_root_is_an_error_before_anything_is_created() {
        for s3root in ["http://b/p", "b/p", "s3a://b", "s3://", "s3:b/p"] {
            let error = builder().s3root(s3root).build().unwrap_err();
            assert_eq!(error.class(), ErrorClass::Url, "{error}");
        }
        let run = RunPath::new("Flow", "7").unwrap();
        let error = builder()
            .run(run)
            .bucket("b")
            .prefix("p")
            .build()
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Url, "{error}");
    }

    #[cfg(feature = "sdk")]
    #[test]
    fn an_invalid_endpoint_is_an_error_that_hides_its_password() {
        for endpoint in ["host:9000", "ftp://host", "http://", "http://host/?q", "x"] {
            let error = S3::builder().endpoint(endpoint).build().unwrap_err();
            assert_eq!(error.class(), ErrorClass::Other);
            assert!(error.to_string().contains(endpoint), "{error}");
        }
        let secret = S3::builder().endpoint("http://me:hunter2@host");
        assert!(!format!("{secret:?}").contains("hunter2"), "{secret:?}");
        let error = secret.build().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[cfg(feature = "sdk")]
    #[test]
    fn credentials_are_not_shown() {
        let store = s3_core::SdkStore::builder().credentials("AKIDACCESS", "hunter2", None);
        let s3 = builder().store(store.build()).build().unwrap();
        for text in [format!("{s3:?}"), format!("{:?}", s3.get("s3://b/k"))] {
            assert!(
                !text.contains("AKIDACCESS") && !text.contains("hunter2"),
                "{text}"
            );
        }
    }

    #[test]
    fn an_encryption_that_is_not_a_header_value_is_an_error() {
        let error = builder().encryption("AES256\n").build().unwrap_err();
        assert!(error.to_string().contains(r#""AES256\n""#), "{error}");
    }

    #[tokio::test]
    async fn a_client_may_use_the_engine_of_another() {
        let store = MemoryStore::with_buckets(["b"]);
        let first = builder().store(store).s3root("s3://b/a").build().unwrap();
        let second = builder()
            .engine_of(&first)
            .s3root("s3://b/c")
            .build()
            .unwrap();
        second.put("k", "v").await.unwrap();
        let both = S3::builder()
            .engine_of(&first)
            .tmproot(std::env::temp_dir());
        let both = both.build().unwrap();
        assert_eq!(both.get("s3://b/c/k").await.unwrap().text().unwrap(), "v");
        assert_eq!(first.context.memory.taken(), 0);
        let held = first.get("../c/k").await;
        assert!(held.is_err());
        let held = second.get("k").await.unwrap();
        assert_eq!(first.context.memory.taken(), held.size());
    }

    #[test]
    fn metaflows_counts_come_before_those_of_aws() {
        assert_eq!(engine(&Config::default(), Some(9)).max_attempts, 9);
        let config = Config {
            retry_count: 1,
            transient_retry_count: 1,
            ..Config::default()
        };
        assert_eq!(engine(&config, Some(9)).max_attempts, 2);
        // The larger count is the default in all of these.
        for (name, value) in [
            ("METAFLOW_S3_RETRY_COUNT", "10"),
            ("METAFLOW_S3_RETRY_COUNT", "7"),
            ("METAFLOW_S3_TRANSIENT_RETRY_COUNT", "20"),
        ] {
            let lookup = |asked: &str| (asked == name).then(|| value.to_owned());
            let config = Config::from_lookup(lookup).unwrap();
            assert_eq!(engine(&config, Some(3)).max_attempts, 21, "{name}");
        }
        let config = Config {
            retry_count: 10,
            ..Config::default()
        };
        assert_eq!(engine(&config, Some(3)).max_attempts, 21);
    }

    #[test]
    fn metaflows_counts_become_the_engines() {
        let config = Config {
            worker_count: Some(4),
            ..Config::default()
        };
        let s3 = builder().config(config).build().unwrap();
        let engine = s3.transfer().config();
        assert_eq!(engine.max_attempts, 21);
        assert_eq!(
            engine.concurrency,
            Concurrency::Adaptive { start: 4, max: 4 }
        );
    }
}
