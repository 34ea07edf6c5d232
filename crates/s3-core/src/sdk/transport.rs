//! Builds the HTTP clients of a store from its connection settings: trusted certificates, proxies, idle connections.

#[cfg(feature = "https")]
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_s3::config::SharedHttpClient;

use super::endpoint::Endpoint;
use super::proxies::Proxies;
use crate::{Operation, Result};

/// Maximum number of idle connections per host: as many as an engine is likely to have requests in flight.
const IDLE_CONNECTIONS: usize = 256;

/// Timeout of the second connection to a proxy that has rejected one.
#[cfg(feature = "https")]
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Connection settings.
#[derive(Clone, Debug, Default)]
pub(super) struct Transport {
    /// The file with the only trusted certificate authorities, and the setting that named it.
    #[cfg(feature = "https")]
    pub(super) ca_bundle: Option<(PathBuf, String)>,
    pub(super) proxies: Proxies,
}

pub(super) fn pool() -> aws_smithy_http_client::Builder {
    aws_smithy_http_client::Builder::new().pool_max_idle_per_host(IDLE_CONNECTIONS)
}

#[cfg(feature = "https")]
impl Transport {
    /// Returns the HTTP client of the generated S3 client and of the credentials providers; each request goes through
    /// its proxy.
    ///
    /// Certificates are read when the first request is sent: most programs send none this way. A file that cannot be
    /// opened is an error at once.
    pub(super) fn https_client(&self, operation: Operation) -> Result<SharedHttpClient> {
        if let Some((path, source)) = &self.ca_bundle {
            std::fs::File::open(path).map_err(|error| {
                let text = format!("{source}: {}: {error}", path.display());
                super::client::config_error(operation, &text)
            })?;
        }
        Ok(SharedHttpClient::new(
            super::lazy_http_client::LazyHttpClient::new(self.clone(), operation),
        ))
    }

    pub(super) fn build_https_client(&self, operation: Operation) -> Result<SharedHttpClient> {
        use aws_smithy_http_client::proxy::ProxyConfig;
        use aws_smithy_http_client::tls::{self, Provider, TlsContext, TrustStore};
        use aws_smithy_runtime_api::shared::IntoShared;

        use super::proxies::ProxiedClient;

        let provider = Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        let context = match self.ca_certificates(operation)? {
            None if self.proxies.is_empty() => {
                return Ok(pool().tls_provider(provider).build_https());
            }
            None => TlsContext::default(),
            Some((pem, _)) => TlsContext::builder()
                .with_trust_store(TrustStore::empty().with_pem_certificate(pem))
                .build()
                .map_err(|error| super::client::config_error(operation, &error.to_string()))?,
        };
        let client = |proxy: ProxyConfig| {
            let (provider, context) = (provider.clone(), context.clone());
            pool().build_with_connector_fn(move |settings, components| {
                let mut builder = aws_smithy_http_client::Connector::builder()
                    .proxy_config(proxy.clone())
                    .pool_max_idle_per_host(IDLE_CONNECTIONS);
                builder.set_connector_settings(settings.cloned());
                if let Some(components) = components {
                    builder.set_sleep_impl(components.sleep_impl());
                }
                builder
                    .tls_provider(provider.clone())
                    .tls_context(context.clone())
                    .build()
            })
        };
        let direct = client(ProxyConfig::disabled());
        if self.proxies.is_empty() {
            return Ok(direct);
        }
        let through = |url: &Option<String>| {
            let proxy = url.as_deref().map(ProxyConfig::all);
            let proxy = proxy.unwrap_or_else(|| Ok(ProxyConfig::disabled()));
            proxy
                .map(client)
                .map_err(|error| super::client::config_error(operation, &error.to_string()))
        };
        let (http, https) = (through(&self.proxies.http)?, through(&self.proxies.https)?);
        let pool = self.pool(CONNECT_TIMEOUT, None, operation)?;
        Ok(ProxiedClient {
            proxies: self.proxies.clone(),
            direct,
            http,
            https,
            pool,
        }
        .into_shared())
    }

    /// Returns the connection pool of `s3-wire`. No certificates are read for an endpoint without TLS.
    pub(super) fn pool(
        &self,
        connect_timeout: Duration,
        endpoint: Option<&Endpoint>,
        operation: Operation,
    ) -> Result<s3_wire::Pool> {
        let is_plain = endpoint.is_some_and(|endpoint| !endpoint.https) && self.proxies.is_empty();
        let certificates = match is_plain {
            true => None,
            false => self.ca_certificates(operation)?,
        };
        Ok(match certificates {
            None => s3_wire::Pool::new(connect_timeout),
            Some((_, certificates)) => s3_wire::Pool::with_root_certificates(
                connect_timeout,
                certificates.iter().map(AsRef::as_ref),
            ),
        })
    }

    /// Reads the file of certificate authorities; returns its text and its certificates. `None` if none is set.
    pub(super) fn ca_certificates(
        &self,
        operation: Operation,
    ) -> Result<
        Option<(
            Vec<u8>,
            Vec<tokio_rustls::rustls::pki_types::CertificateDer<'static>>,
        )>,
    > {
        use tokio_rustls::rustls::pki_types::CertificateDer;
        use tokio_rustls::rustls::pki_types::pem::PemObject;

        let Some((path, source)) = &self.ca_bundle else {
            return Ok(None);
        };
        let fail = |reason: String| {
            let text = format!("{source}: {}: {reason}", path.display());
            super::client::config_error(operation, &text)
        };
        let pem = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| fail(error.to_string()))?;
        match certificates.is_empty() {
            true => Err(fail("the file has no certificate".to_owned())),
            false => Ok(Some((pem, certificates))),
        }
    }
}

#[cfg(not(feature = "https"))]
impl Transport {
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "with `https` it reads the authorities"
    )]
    pub(super) fn pool(
        &self,
        connect_timeout: Duration,
        _: Option<&Endpoint>,
        _: Operation,
    ) -> Result<s3_wire::Pool> {
        Ok(s3_wire::Pool::new(connect_timeout))
    }

    pub(super) fn https_client(&self, operation: Operation) -> Result<SharedHttpClient> {
        let error = super::client::config_error(
            operation,
            "https:// needs TLS, which this build does not have",
        );
        Err(error.with_hint("build with the feature `https`, or use an http:// endpoint"))
    }
}
