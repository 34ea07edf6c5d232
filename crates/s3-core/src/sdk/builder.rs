//! [`SdkStoreBuilder`]: endpoint, region, credentials, integrity and other settings of a store.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpClient, SharedHttpClient};
use aws_smithy_runtime_api::shared::IntoShared;

use super::SdkStore;
use super::endpoint::without_secrets;
use super::standing_headers::{CustomerKey, StandingHeaders};
use crate::Capabilities;

/// The position of the bucket's name in a request: path or host name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Addressing {
    /// In the path with a custom endpoint, in the host name without one.
    #[default]
    Auto,
    /// In the path: `http://host/bucket/key`.
    Path,
    /// In the host name: `http://bucket.host/key`.
    VirtualHost,
}

/// Checksums of uploads and downloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Integrity {
    /// Uploads as `WhenSupported` on AWS, as `WhenRequired` elsewhere: older servers reject checksums that they do not
    /// know. Downloads as `WhenSupported` everywhere: servers that do not know the header that requests a checksum
    /// ignore it. It is omitted once an endpoint has rejected it.
    #[default]
    Auto,
    /// A CRC-64/NVME with every upload; the server's checksum is compared with every whole object that is read.
    WhenSupported,
    /// Only where S3 requires it, such as in DeleteObjects.
    WhenRequired,
}

impl Integrity {
    /// Returns whether checksums are used in one direction, given the `configured` value of the environment or profile
    /// and the default for this endpoint.
    pub(super) fn wants_checksums(self, configured: Option<bool>, default: bool) -> bool {
        match self {
            Self::WhenSupported => true,
            Self::WhenRequired => false,
            Self::Auto => configured.unwrap_or(default),
        }
    }
}

/// Builds an [`SdkStore`]. Nothing is read or connected before the store's first operation.
///
/// # Examples
///
/// ```
/// use s3_core::{Addressing, Integrity, SdkStore};
/// use std::time::Duration;
///
/// let store = SdkStore::builder()
///     .endpoint("https://storage.example.org")
///     .region("eu-west-1")
///     .credentials("access-key", "secret-key", None)
///     .addressing(Addressing::VirtualHost)
///     .integrity(Integrity::WhenSupported)
///     .connect_timeout(Duration::from_secs(1))
///     .build();
/// ```
#[derive(Clone, Default)]
pub struct SdkStoreBuilder {
    pub(super) settings: Settings,
}

impl SdkStoreBuilder {
    /// Sets the endpoint: `http://…` or, with the feature `https`, `https://…`.
    ///
    /// With `http://` objects can be read and changed in transit; unless the endpoint is on this machine, a
    /// warning says so. With `https://` the server's certificate is verified, and nothing turns that off.
    ///
    /// Without it requests go to AWS, or, with the feature `config`, to the endpoint that `AWS_ENDPOINT_URL_S3`,
    /// `AWS_ENDPOINT_URL` or the profile sets.
    #[must_use]
    pub fn endpoint(mut self, url: &str) -> Self {
        self.settings.endpoint = Some(url.to_owned());
        self
    }

    /// Removes the endpoint, for tests that start from a builder with one.
    #[cfg(test)]
    pub(super) fn without_endpoint(mut self) -> Self {
        self.settings.endpoint = None;
        self
    }

    /// Sets the region.
    ///
    /// Without it the region comes from the environment or the profile (feature `config`); with an endpoint it
    /// then defaults to `us-east-1`.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.settings.region = Some(region.to_owned());
        self
    }

    /// Sets fixed credentials instead of the credential chain.
    #[must_use]
    pub fn credentials(
        self,
        access_key: &str,
        secret_key: &str,
        session_token: Option<&str>,
    ) -> Self {
        let token = session_token.map(str::to_owned);
        let fixed = Credentials::new(access_key, secret_key, token, None, "SdkStoreBuilder");
        self.credentials_provider(fixed)
    }

    /// Takes credentials from this source instead of the credential chain.
    ///
    /// Credentials are cached until ten seconds before they expire. A provider that has not responded after 15 seconds
    /// fails the attempt (kind `Timeout`); the next attempt calls it again.
    #[must_use]
    pub fn credentials_provider(mut self, source: impl ProvideCredentials + 'static) -> Self {
        self.settings.credentials = Some(SharedCredentialsProvider::new(source));
        self.settings.has_credentials_after_anonymous = self.settings.anonymous;
        self
    }

    /// Sends requests without a signature, which public buckets accept. URLs cannot be presigned.
    ///
    /// Replaces credentials that were set before. Credentials that are set afterwards contradict it: the first
    /// operation, and `check`, then fail with kind `Config`.
    #[must_use]
    pub fn anonymous(mut self) -> Self {
        let nobody = Credentials::new("", "", None, None, "SdkStoreBuilder");
        self.settings.credentials = Some(SharedCredentialsProvider::new(nobody));
        self.settings.anonymous = true;
        self.settings.has_credentials_after_anonymous = false;
        self
    }

    /// Agrees to pay for requests and transfers, which requester-pays buckets require. Presigned URLs include this: S3
    /// bills this account for their use.
    #[must_use]
    pub fn requester_pays(mut self) -> Self {
        self.settings.standing.requester_pays = true;
        self
    }

    /// Sets the account that must own the buckets. The server rejects requests to buckets of other accounts, including
    /// those by presigned URLs.
    #[must_use]
    pub fn bucket_owner(mut self, account: &str) -> Self {
        self.settings.standing.bucket_owner = Some(account.to_owned());
        self
    }

    /// Encrypts written objects, and decrypts read ones, with a key of the customer (SSE-C). S3 does not store the key.
    /// AWS accepts it over HTTPS only. Presigned URLs do not contain it.
    #[must_use]
    pub fn customer_key(mut self, key: &[u8; 32]) -> Self {
        self.settings.standing.customer_key = Some(CustomerKey::new(key));
        self
    }

    /// Sets the position of the bucket's name. Default: [`Addressing::Auto`].
    #[must_use]
    pub fn addressing(mut self, addressing: Addressing) -> Self {
        self.settings.addressing = addressing;
        self
    }

    /// Sets which checksums are added to uploads and verified in downloads. Default: [`Integrity::Auto`].
    #[must_use]
    pub fn integrity(mut self, integrity: Integrity) -> Self {
        self.settings.integrity = integrity;
        self
    }

    /// Turns the SDK's own retries on (its standard mode, three attempts). Default: off.
    ///
    /// For users of this crate without an engine that retries. Below such an engine, the retries multiply, and the
    /// engine does not see lost responses: a conditional write may then be rejected with "already there" because of an
    /// object that it wrote itself.
    #[must_use]
    pub fn sdk_retries(mut self, on: bool) -> Self {
        self.settings.sdk_retries = on;
        self
    }

    /// Takes region, credentials and endpoint from this profile. Needs the feature `config`.
    #[must_use]
    pub fn profile(mut self, name: &str) -> Self {
        self.settings.profile = Some(name.to_owned());
        self
    }

    /// Sets a PEM file with the only trusted certificate authorities, as `AWS_CA_BUNDLE` does. Needs the feature
    /// `config`.
    #[must_use]
    pub fn ca_bundle(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.ca_bundle = Some(path.into());
        self
    }

    /// Sends all requests through this proxy, instead of those that `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` name:
    /// `http://host:port` or `https://host:port`, with a password as in `http://user:password@host:port`. Requests to the
    /// metadata service of an instance and to the credentials of a container do not go through it: they would return the
    /// role of the proxy's machine. Needs the feature `config`.
    #[must_use]
    pub fn proxy(mut self, url: &str) -> Self {
        self.settings.proxy = Some(url.to_owned());
        self
    }

    /// Sets the timeout for opening a connection. Default: 3.1 seconds.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Sends all requests through this HTTP client instead of the built-in ones. `https://` endpoints then need no
    /// feature.
    ///
    /// Requests then cost several times the CPU time, as with [`sdk_retries`](Self::sdk_retries): the SDK signs and
    /// sends them. A file that is uploaded with a checksum is read twice.
    #[must_use]
    pub fn http_client(mut self, client: impl HttpClient + 'static) -> Self {
        self.settings.http_client = Some(client.into_shared());
        self
    }

    /// Declares the features of the server. Default: those of AWS.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.settings.capabilities = capabilities;
        self
    }

    /// Checks the variables and files of the environment that this store will use, without a connection.
    ///
    /// # Errors
    ///
    /// Kind `Config`: a profile, a section or a file that is named and does not exist, a file that cannot be parsed (with
    /// the line), or a value that cannot be used (with its source).
    #[cfg(feature = "config")]
    pub fn check(&self) -> crate::Result<()> {
        super::chain::check(&self.settings)
    }

    /// Returns the number of attempts that `AWS_MAX_ATTEMPTS` or the profile's `max_attempts` allow, for an engine
    /// above; `None` if neither is set, or if they cannot be read, which [`check`](Self::check) reports.
    #[cfg(feature = "config")]
    #[must_use]
    pub fn configured_max_attempts(&self) -> Option<u32> {
        super::chain::configuration(&self.settings)
            .ok()?
            .configured
            .max_attempts
    }

    /// Returns the endpoint that was set or is configured; `None` for AWS, and if the settings cannot be read, which
    /// [`check`](Self::check) reports.
    #[cfg(feature = "config")]
    #[must_use]
    pub fn configured_endpoint(&self) -> Option<String> {
        let configuration = super::chain::configuration(&self.settings).ok()?;
        Some(configuration.endpoint?.value)
    }

    /// Builds the store. Reads nothing and opens no connection: invalid settings are errors of kind `Config` at the
    /// first operation.
    #[must_use]
    pub fn build(self) -> SdkStore {
        SdkStore::from_settings(self.settings)
    }
}

impl fmt::Debug for SdkStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings
            .describe(&mut f.debug_struct("SdkStoreBuilder"))
            .finish()
    }
}

/// Settings of the builder, as given.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) endpoint: Option<String>,
    pub(super) region: Option<String>,
    pub(super) credentials: Option<SharedCredentialsProvider>,
    pub(super) anonymous: bool,
    /// Whether credentials were given after `anonymous`, which contradicts it.
    pub(super) has_credentials_after_anonymous: bool,
    pub(super) standing: StandingHeaders,
    pub(super) addressing: Addressing,
    pub(super) integrity: Integrity,
    pub(super) sdk_retries: bool,
    pub(super) profile: Option<String>,
    pub(super) ca_bundle: Option<PathBuf>,
    pub(super) proxy: Option<String>,
    pub(super) connect_timeout: Duration,
    pub(super) http_client: Option<SharedHttpClient>,
    pub(super) capabilities: Capabilities,
}

impl Settings {
    /// Writes the settings without secrets: the endpoint may contain a password.
    pub(super) fn describe<'f, 'a, 'b>(
        &self,
        f: &'f mut fmt::DebugStruct<'a, 'b>,
    ) -> &'f mut fmt::DebugStruct<'a, 'b> {
        let endpoint = self.endpoint.as_deref().map(without_secrets);
        f.field("endpoint", &endpoint)
            .field("region", &self.region)
            .field(
                "credentials",
                &match (self.anonymous, &self.credentials) {
                    (true, _) => "none",
                    (false, Some(_)) => "given",
                    (false, None) => "chain",
                },
            )
            .field("requester_pays", &self.standing.requester_pays)
            .field("bucket_owner", &self.standing.bucket_owner)
            .field("addressing", &self.addressing)
            .field("integrity", &self.integrity)
            .field("sdk_retries", &self.sdk_retries)
            .field("profile", &self.profile)
            .field("ca_bundle", &self.ca_bundle)
            .field("proxy", &self.proxy.as_deref().map(without_secrets))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            credentials: None,
            anonymous: false,
            has_credentials_after_anonymous: false,
            standing: StandingHeaders::default(),
            addressing: Addressing::Auto,
            integrity: Integrity::Auto,
            sdk_retries: false,
            profile: None,
            ca_bundle: None,
            proxy: None,
            // As in the SDK: a lost SYN is sent again after 3 seconds, and that one still succeeds.
            connect_timeout: Duration::from_millis(3100),
            http_client: None,
            capabilities: Capabilities::aws(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "config")]
    #[test]
    fn a_proxy_that_is_no_url_is_an_error_that_names_the_builder() {
        for proxy in ["ftp://proxy", "http://", "user:hunter2@"] {
            let builder = SdkStore::builder().endpoint("http://host").region("r");
            let builder = builder.credentials("a", "s", None).proxy(proxy);
            let error = builder.check().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config);
            let text = error.to_string();
            assert!(text.contains("of the builder"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[cfg(all(feature = "config", feature = "https"))]
    #[test]
    fn a_bundle_of_the_builder_that_cannot_be_read_is_an_error_that_names_it() {
        let builder = SdkStore::builder().endpoint("https://host").region("r");
        let builder = builder.credentials("a", "s", None);
        let error = builder.ca_bundle("/no/such/ca.pem").check().unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Config);
        let text = error.to_string();
        assert!(text.contains("the builder: /no/such/ca.pem"), "{text}");
    }

    #[cfg(not(feature = "config"))]
    #[tokio::test]
    async fn a_setting_that_this_build_cannot_use_is_an_error() {
        type Set = fn(SdkStoreBuilder) -> SdkStoreBuilder;
        let settings: [(Set, &str); 3] = [
            (|builder| builder.profile("p"), "profile"),
            (|builder| builder.ca_bundle("/ca.pem"), "authorities"),
            (|builder| builder.proxy("http://127.0.0.1:1"), "proxy"),
        ];
        for (set, text) in settings {
            let builder = SdkStore::builder()
                .endpoint("http://127.0.0.1:1")
                .credentials("a", "s", None);
            let url = crate::S3Url::parse("s3://b/k").unwrap();
            let head = crate::HeadRequest::new(url);
            let error = crate::Store::head(&set(builder).build(), head)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config, "{error}");
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    #[tokio::test]
    async fn credentials_after_anonymous_are_an_error() {
        let builder = || {
            SdkStore::builder()
                .endpoint("http://127.0.0.1:1")
                .region("r")
        };
        let url = crate::S3Url::parse("s3://bucket/key").unwrap();
        let error = |builder: SdkStoreBuilder| {
            let head = crate::HeadRequest::new(url.clone());
            async move {
                crate::Store::head(&builder.build(), head)
                    .await
                    .unwrap_err()
            }
        };
        let contradicting = builder().anonymous().credentials("a", "s", None);
        let rejected = error(contradicting.clone()).await;
        assert_eq!(rejected.kind(), crate::ErrorKind::Config, "{rejected}");
        assert!(rejected.to_string().contains("anonymous"), "{rejected}");
        #[cfg(feature = "config")]
        assert_eq!(
            contradicting.check().unwrap_err().kind(),
            crate::ErrorKind::Config
        );
        for anonymous in [
            contradicting.anonymous(),
            builder().credentials("a", "s", None).anonymous(),
        ] {
            // No server listens there.
            let rejected = error(anonymous).await;
            assert_eq!(rejected.kind(), crate::ErrorKind::Network, "{rejected}");
        }
    }

    #[test]
    fn debug_never_shows_a_secret() {
        let builder = SdkStore::builder()
            .endpoint("http://user:hunter2@host")
            .proxy("http://user:hunter2@proxy")
            .credentials("AKIDACCESS", "hunter2", Some("hunter2"));
        for text in [
            format!("{builder:?}"),
            format!("{:#?}", builder.clone().build()),
        ] {
            assert!(!text.contains("hunter2"), "{text}");
            assert!(!text.contains("AKIDACCESS"), "{text}");
        }
    }
}
