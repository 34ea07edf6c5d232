//! [`Resolved`]: settings, transports and learned server features of a store, built at its first operation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, IdentityCache, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedHttpClient, StalledStreamProtectionConfig,
};

use super::builder::{Addressing, Settings};
use super::clock::SigningClock;
use super::endpoint::{Endpoint, without_secrets};
use super::identity::{Identities, OfCache};
use super::list::ListingForm;
use super::regions::Regions;
use super::sender::{Route, Sender};
use super::standing_headers::StandingHeaders;
use super::target::EndpointSettings;
use super::transport::{self, Transport};
#[cfg(feature = "config")]
use crate::background::poll_in_background;
use crate::{Error, ErrorKind, Operation, Result};

/// The region for servers other than AWS, which ignore it or expect this one.
pub(super) const DEFAULT_REGION: &str = "us-east-1";

/// A generated client that is built for the first request that needs it: most requests are sent over `s3-wire`.
type LazyS3Client = LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>;

/// Everything that an operation needs: the resolved settings, the sender over `s3-wire`, and the generated client.
pub(super) struct Resolved {
    pub(super) client: LazyS3Client,
    /// The custom endpoint; `None` for AWS and for a store made from a ready client.
    pub(super) endpoint: Option<Endpoint>,
    /// The region, if it is known.
    pub(super) region: Option<String>,
    pub(super) clock: SigningClock,
    /// Whether the server has rejected DeleteObjects.
    lacks_batch_delete: AtomicBool,
    regions: Arc<Regions>,
    /// Whether uploads carry a checksum.
    pub(super) adds_checksums: bool,
    /// Whether downloads request the stored checksum; `false` once the endpoint has rejected the header.
    requests_checksums: AtomicBool,
    /// Whether requests are not signed.
    pub(super) anonymous: bool,
    /// Headers that are added to requests.
    pub(super) standing: StandingHeaders,
    /// Whether payloads have to be signed: neither TLS nor the loopback interface protects them in transit.
    pub(super) signs_payloads: bool,
    /// The form of listing requests that the server accepts.
    pub(super) listing_form: ListingForm,
    /// The cache of credentials that sign the requests; `None` for a store made from a ready client.
    pub(super) identities: Option<Arc<Identities>>,
    /// The sender over `s3-wire`; `None` if all requests go through the SDK's client.
    sender: Option<Sender>,
    /// The settings of the endpoint rules.
    #[cfg(test)]
    pub(super) rules: EndpointSettings,
}

impl Resolved {
    /// Returns the settings of a ready client.
    pub(super) fn from_client(client: Client) -> Self {
        let region = client
            .config()
            .region()
            .map(|region| region.as_ref().to_owned());
        let config = client.config();
        let adds_checksums = config.request_checksum_calculation()
            != Some(&RequestChecksumCalculation::WhenRequired);
        let requests_checksums = config.response_checksum_validation()
            != Some(&ResponseChecksumValidation::WhenRequired);
        // The endpoint of a ready client is unknown, so payloads are signed.
        Self {
            client: LazyLock::new(Box::new(move || client)),
            endpoint: None,
            regions: Arc::new(Regions::new(region.clone())),
            region,
            clock: SigningClock::default(),
            lacks_batch_delete: AtomicBool::new(false),
            adds_checksums,
            requests_checksums: AtomicBool::new(requests_checksums),
            anonymous: false,
            standing: StandingHeaders::default(),
            signs_payloads: true,
            listing_form: ListingForm::default(),
            identities: None,
            sender: None,
            #[cfg(test)]
            rules: EndpointSettings::default(),
        }
    }

    /// Returns the transport and target of requests for a bucket.
    pub(super) fn route<'a>(&'a self, bucket: &'a str) -> Route<'a> {
        Sender::route(self.sender.as_ref(), self, bucket)
    }

    /// Returns the generated client for a bucket.
    pub(super) fn client(&self, bucket: &str) -> Client {
        self.regions.client(&self.client, bucket)
    }

    /// Returns the region that was learned for a bucket; `None` if it is the client's own.
    pub(super) fn region_of(&self, bucket: &str) -> Option<Arc<str>> {
        self.regions.of(bucket)
    }

    /// Returns whether an error names another region for the bucket than `asked`, the one that was known when the
    /// request was sent. Another attempt may then succeed.
    pub(super) fn learns_region(&self, bucket: &str, asked: Option<&str>, error: &Error) -> bool {
        let region = error.bucket_region();
        let differs = region.is_some_and(|region| self.regions.learn(bucket, region, asked));
        // Every request forgets the target, not only the first to learn the region: the others may be retried before
        // the first one does it.
        if let Some(sender) = self.sender.as_ref().filter(|_| differs) {
            sender.forget_target(bucket);
        }
        differs
    }

    pub(super) fn lacks_batch_delete(&self) -> bool {
        self.lacks_batch_delete.load(Ordering::Relaxed)
    }

    pub(super) fn remember_no_batch_delete(&self) {
        self.lacks_batch_delete.store(true, Ordering::Relaxed);
    }

    pub(super) fn requests_checksums(&self) -> bool {
        self.requests_checksums.load(Ordering::Relaxed)
    }

    pub(super) fn remember_no_checksums(&self) {
        self.requests_checksums.store(false, Ordering::Relaxed);
    }

    /// Returns whether the server is not AWS's.
    pub(super) fn is_third_party(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|endpoint| !endpoint.aws)
    }
}

/// Settings from all sources, before the clients are built.
pub(super) struct LoadedSettings {
    pub(super) builder: Builder,
    pub(super) endpoint: Option<String>,
    /// The source of the endpoint.
    pub(super) endpoint_source: Option<String>,
    pub(super) region: Option<String>,
    /// The credentials provider of `builder`, which has no getter for it.
    pub(super) credentials: Option<SharedCredentialsProvider>,
    /// The clock of `builder` and of the credentials.
    pub(super) clock: SigningClock,
    pub(super) transport: Transport,
    pub(super) configured: Configured,
}

/// Settings from variables and profiles, used where the builder has none.
#[derive(Clone, Debug, Default)]
pub(super) struct Configured {
    pub(super) addressing: Option<Addressing>,
    pub(super) request_checksums: Option<bool>,
    pub(super) response_checksums: Option<bool>,
    pub(super) max_attempts: Option<u32>,
    pub(super) adaptive_retries: bool,
    pub(super) fips: bool,
    pub(super) dual_stack: bool,
    pub(super) accelerate: bool,
}

#[cfg(not(feature = "config"))]
impl LoadedSettings {
    /// Returns the builder's settings only; reads no environment variables.
    fn explicit(settings: &Settings, credentials: SharedCredentialsProvider) -> Self {
        let mut builder = Builder::new();
        // A credentials provider cannot be removed from the builder again.
        if !settings.anonymous {
            builder.set_credentials_provider(Some(credentials.clone()));
        }
        Self {
            builder,
            endpoint: settings.endpoint.clone(),
            endpoint_source: None,
            region: settings.region.clone(),
            credentials: Some(credentials),
            clock: SigningClock::default(),
            transport: Transport::default(),
            configured: Configured::default(),
        }
    }
}

/// Fails if the builder was given credentials after `anonymous`.
pub(super) fn check_anonymous(settings: &Settings, operation: Operation) -> Result<()> {
    if !settings.has_credentials_after_anonymous {
        return Ok(());
    }
    let text = "credentials were set after `anonymous`";
    Err(config_error(operation, text).with_hint(
        "call `anonymous` or `credentials`, and not both: anonymous requests are not signed",
    ))
}

/// Loads the settings and builds the clients.
pub(super) async fn resolve(settings: &Settings, operation: Operation) -> Result<Resolved> {
    check_anonymous(settings, operation)?;
    #[cfg(feature = "config")]
    let loading = Box::pin(super::chain::load(settings, operation));
    #[cfg(feature = "config")]
    let loaded = poll_in_background(loading).await?;
    #[cfg(not(feature = "config"))]
    let loaded = std::future::ready(explicit(settings, operation)).await?;
    assemble(settings, loaded, operation)
}

/// Logs a warning about an unencrypted connection to another machine; once per store.
fn warn_if_readable(endpoint: &Endpoint) {
    if !endpoint.https && !endpoint.loopback {
        tracing::warn!(
            endpoint = endpoint.url,
            "the connection to the endpoint is not encrypted: objects can be read and changed in transit"
        );
    }
}

/// Returns the builder's settings only.
#[cfg(not(feature = "config"))]
fn explicit(settings: &Settings, operation: Operation) -> Result<LoadedSettings> {
    // If these were ignored, requests would be sent to other servers, or in another way, than the caller has
    // configured.
    let ignored = [
        (
            settings.profile.is_some(),
            "a profile is set, but this build cannot read profiles",
        ),
        (
            settings.ca_bundle.is_some(),
            "a bundle of certificate authorities is set, but this build cannot use it",
        ),
        (
            settings.proxy.is_some(),
            "a proxy is set, but this build cannot use it",
        ),
    ];
    if let Some((_, text)) = ignored.iter().find(|(is_set, _)| *is_set) {
        return Err(config_error(operation, text).with_hint("build with the feature `config`"));
    }
    let Some(credentials) = settings.credentials.clone() else {
        let error = config_error(operation, "no credentials are given");
        return Err(error.with_hint(
            "give them to the builder, or build with the feature `config` to use the AWS credential chain",
        ));
    };
    Ok(LoadedSettings::explicit(settings, credentials))
}

pub(super) fn assemble(
    settings: &Settings,
    loaded: LoadedSettings,
    operation: Operation,
) -> Result<Resolved> {
    let configured = loaded.configured;
    let source = loaded.endpoint_source.as_deref().unwrap_or("the builder");
    let url = loaded.endpoint.as_deref();
    let endpoint = url
        .map(|url| parse_endpoint(url, source, operation))
        .transpose()?;
    if let Some(endpoint) = &endpoint {
        warn_if_readable(endpoint);
    }
    let region = loaded
        .region
        .or_else(|| endpoint.is_some().then(|| DEFAULT_REGION.to_owned()));
    let Some(region) = region else {
        let error = config_error(operation, "no region is set");
        return Err(error.with_hint(
            "set AWS_REGION, or `region` in the profile, or call `region` on the builder",
        ));
    };
    let rules = EndpointSettings {
        region: region.clone(),
        endpoint: endpoint.as_ref().map(|endpoint| endpoint.url.clone()),
        path_style: path_style(
            match (settings.addressing, configured.addressing) {
                (Addressing::Auto, Some(configured)) => configured,
                (given, _) => given,
            },
            endpoint.as_ref(),
        ),
        fips: configured.fips,
        dual_stack: configured.dual_stack,
        accelerate: configured.accelerate,
    };
    let clock = loaded.clock;
    let identities = match settings.anonymous {
        true => Some(Identities::anonymous(clock.clone())),
        false => loaded
            .credentials
            .map(|credentials| Identities::new(credentials, clock.clone())),
    };
    let identities = identities.map(Arc::new);
    let retries = match settings.sdk_retries {
        true if configured.adaptive_retries => RetryConfig::adaptive(),
        true => RetryConfig::standard(),
        false => RetryConfig::disabled(),
    };
    let retries = match configured.max_attempts.filter(|_| settings.sdk_retries) {
        Some(count) => retries.with_max_attempts(count),
        None => retries,
    };
    let aws = || format!("https://s3.{region}.amazonaws.com");
    let url = rules.endpoint.clone().unwrap_or_else(aws);
    let proxied = loaded.transport.proxies.of(&url).is_some();
    let mut builder = loaded
        .builder
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.clone()))
        .http_client(http_client(
            settings,
            &loaded.transport,
            endpoint.as_ref().filter(|_| !proxied),
            operation,
        )?)
        .force_path_style(rules.path_style)
        .use_fips(rules.fips)
        .use_dual_stack(rules.dual_stack)
        .accelerate(rules.accelerate)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(settings.connect_timeout)
                .build(),
        )
        // The layer above, which reads the body, detects stalls.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Both transports and presigned URLs use one clock.
        .time_source(clock.clone())
        .disable_clock_skew_correction(true)
        .retry_config(retries);
    builder.set_endpoint_url(rules.endpoint.clone());
    if settings.anonymous {
        builder = builder.allow_no_auth();
    } else if let Some(identities) = &identities {
        // Both transports use one cache: the SDK's own does not handle clock jumps.
        builder = builder
            .identity_cache(IdentityCache::no_cache())
            .credentials_provider(OfCache(Arc::clone(identities)));
    }
    let is_aws = endpoint.as_ref().is_none_or(|endpoint| endpoint.aws);
    let adds_checksums = settings
        .integrity
        .wants_checksums(configured.request_checksums, is_aws);
    let requests_checksums = settings
        .integrity
        .wants_checksums(configured.response_checksums, true);
    let builder = with_checksums(builder, adds_checksums, requests_checksums);
    #[cfg(test)]
    let tested = rules.clone();
    let own_transport = !settings.sdk_retries && settings.http_client.is_none();
    let regions = Arc::new(Regions::new(Some(region.clone())));
    let sender = match identities.clone().filter(|_| own_transport) {
        Some(identities) => {
            let transport = &loaded.transport;
            let pool = transport.pool(settings.connect_timeout, endpoint.as_ref(), operation)?;
            let (regions, clock) = (Arc::clone(&regions), clock.clone());
            let places = (regions, loaded.transport.proxies.clone());
            Some(Sender::new(pool, identities, rules, places, clock))
        }
        None => None,
    };
    Ok(Resolved {
        client: LazyLock::new(Box::new(move || Client::from_conf(builder.build()))),
        // AWS itself is always reached over TLS.
        signs_payloads: !endpoint.as_ref().is_none_or(covers_payloads),
        endpoint,
        regions,
        region: Some(region),
        clock,
        lacks_batch_delete: AtomicBool::new(false),
        adds_checksums,
        requests_checksums: AtomicBool::new(requests_checksums),
        anonymous: settings.anonymous,
        standing: settings.standing.clone(),
        listing_form: ListingForm::default(),
        identities,
        sender,
        #[cfg(test)]
        rules: tested,
    })
}

fn path_style(addressing: Addressing, endpoint: Option<&Endpoint>) -> bool {
    match addressing {
        Addressing::Auto => endpoint.is_some(),
        Addressing::Path => true,
        Addressing::VirtualHost => false,
    }
}

fn covers_payloads(endpoint: &Endpoint) -> bool {
    endpoint.https || endpoint.loopback
}

fn with_checksums(builder: Builder, adds: bool, asks: bool) -> Builder {
    builder
        .request_checksum_calculation(match adds {
            true => RequestChecksumCalculation::WhenSupported,
            false => RequestChecksumCalculation::WhenRequired,
        })
        .response_checksum_validation(match asks {
            true => ResponseChecksumValidation::WhenSupported,
            false => ResponseChecksumValidation::WhenRequired,
        })
}

fn http_client(
    settings: &Settings,
    transport: &Transport,
    direct_endpoint: Option<&Endpoint>,
    operation: Operation,
) -> Result<SharedHttpClient> {
    if let Some(client) = &settings.http_client {
        return Ok(client.clone());
    }
    if direct_endpoint.is_some_and(|endpoint| !endpoint.https) {
        // Plain HTTP needs no TLS stack and no root certificates.
        return Ok(transport::pool().build_http());
    }
    transport.https_client(operation)
}

/// Parses an endpoint that was set by `source`.
pub(super) fn parse_endpoint(url: &str, source: &str, operation: Operation) -> Result<Endpoint> {
    Endpoint::parse(url).map_err(|text| {
        let text = format!("the endpoint {:?} of {source} {text}", without_secrets(url));
        config_error(operation, &text).with_hint("write http://host:port or https://host")
    })
}

pub(super) fn config_error(operation: Operation, text: &str) -> Error {
    Error::new(ErrorKind::Config, operation).with_message(text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::replay::{Replay, response};
    use super::*;
    use crate::{ErrorKind, HeadRequest, Retryability, S3Url, SdkStore, SdkStoreBuilder, Store};

    /// Counts warnings that name an endpoint.
    #[derive(Default)]
    struct Warnings(std::sync::atomic::AtomicUsize);

    impl tracing::Subscriber for Warnings {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }

        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

        fn event(&self, event: &tracing::Event<'_>) {
            let names_endpoint = event.fields().any(|field| field.name() == "endpoint");
            if *event.metadata().level() == tracing::Level::WARN && names_endpoint {
                self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        }

        fn enter(&self, _: &tracing::span::Id) {}

        fn exit(&self, _: &tracing::span::Id) {}
    }

    #[tokio::test]
    async fn only_a_connection_that_others_can_read_is_warned_of_and_once() {
        for (endpoint, warned) in [
            ("http://192.0.2.1:9000", 1),
            ("http://store.example.org", 1),
            ("http://127.0.0.1:1", 0),
            ("http://localhost:1", 0),
            #[cfg(feature = "https")]
            ("https://store.example.org", 0),
        ] {
            let warnings = Arc::new(Warnings::default());
            // With only one subscriber, a callsite that another test's thread reaches first would stay disabled for all
            // threads.
            let _second = tracing::Dispatch::new(Arc::clone(&warnings));
            let _here = tracing::subscriber::set_default(Arc::clone(&warnings));
            let store = SdkStore::builder().endpoint(endpoint).region("r");
            let store = store.credentials("access", "secret", None).build();
            let url = S3Url::parse("s3://bucket/key").unwrap();
            // Presigning resolves the settings and sends nothing.
            for _ in 0..2 {
                let minute = Duration::from_secs(60);
                let request =
                    crate::PresignRequest::new(url.clone(), crate::PresignMethod::Get, minute);
                store.presign(request).await.unwrap();
            }
            let seen = warnings.0.load(std::sync::atomic::Ordering::SeqCst);
            assert_eq!(seen, warned, "{endpoint}");
        }
    }

    async fn failure(builder: SdkStoreBuilder) -> Error {
        let request = HeadRequest::new(S3Url::parse("s3://bucket/key").unwrap());
        builder.build().head(request).await.unwrap_err()
    }

    #[tokio::test]
    async fn an_invalid_endpoint_is_a_configuration_error_that_does_not_show_its_password() {
        let builder = SdkStore::builder()
            .credentials("access", "secret", None)
            .region("r");
        let error = failure(builder.endpoint("http://user:hunter2@host")).await;
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains("hunter2"));
    }

    #[cfg(not(feature = "config"))]
    #[tokio::test]
    async fn missing_or_unusable_settings_are_errors_with_a_hint() {
        for builder in [
            SdkStore::builder(),
            SdkStore::builder().credentials("access", "secret", None),
            SdkStore::builder()
                .credentials("access", "secret", None)
                .profile("work"),
        ] {
            let error = failure(builder).await;
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            assert!(error.hint().is_some(), "{error}");
        }
    }

    #[cfg(not(feature = "https"))]
    #[tokio::test]
    async fn https_without_tls_says_which_feature_is_missing() {
        let builder = SdkStore::builder().credentials("access", "secret", None);
        let error = failure(builder.endpoint("https://host")).await;
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.hint().unwrap().contains("`https`"), "{error}");
    }

    /// Failures of connections, over the real HTTP stack.
    #[tokio::test]
    async fn a_peer_that_is_gone_is_a_network_failure() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", server.local_addr().unwrap());
        let builder = || {
            let builder = SdkStore::builder().endpoint(&endpoint).region("us-east-1");
            builder.credentials("access", "secret", None)
        };
        // Accepts the connection and closes it without reading.
        let hanging_up = std::thread::spawn(move || drop(server.accept()));
        let error = failure(builder()).await;
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Network, Retryability::Transient),
            "{error}"
        );
        hanging_up.join().unwrap();
        // The server no longer listens.
        let error = failure(builder()).await;
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Network, Retryability::Transient),
            "{error}"
        );
    }

    #[tokio::test]
    async fn the_path_of_the_endpoint_precedes_the_bucket() {
        let line = async |addressing| {
            let replay = Replay::new([response(200, &[("content-length", "0")], "")]);
            let builder = replay.builder().endpoint("http://host:9/base");
            let request = HeadRequest::new(S3Url::parse("s3://bucket/a/b").unwrap());
            let store = builder.addressing(addressing).build();
            store.head(request).await.unwrap();
            replay.only().line()
        };
        assert_eq!(
            line(Addressing::Path).await,
            "HEAD http://host:9/base/bucket/a/b"
        );
        assert_eq!(
            line(Addressing::VirtualHost).await,
            "HEAD http://bucket.host:9/base/a/b"
        );
    }

    #[tokio::test]
    async fn requests_are_sent_over_s3_wire_unless_the_sdk_is_required() {
        let builder = || {
            let builder = SdkStore::builder()
                .endpoint("http://127.0.0.1:1")
                .region("r");
            builder.credentials("access", "secret", None)
        };
        for (builder, taken) in [
            (builder(), true),
            (builder().sdk_retries(true), false),
            (builder().http_client(Replay::new([])), false),
        ] {
            let store = builder.build();
            let resolved = store.resolved(Operation::Get).await.unwrap();
            assert_eq!(resolved.route("bucket").is_wire(), taken, "{store:?}");
            assert!(!resolved.route("bucket--use1-az4--x-s3").is_wire());
            let given = Resolved::from_client(resolved.client.clone());
            assert!(!given.route("bucket").is_wire());
        }
    }

    #[test]
    fn auto_means_path_style_with_an_endpoint_and_virtual_hosts_without() {
        let endpoint = Endpoint::parse("http://127.0.0.1:1").unwrap();
        assert!(path_style(Addressing::Auto, Some(&endpoint)));
        assert!(!path_style(Addressing::Auto, None));
        assert!(path_style(Addressing::Path, None));
        assert!(!path_style(Addressing::VirtualHost, Some(&endpoint)));
    }
}
