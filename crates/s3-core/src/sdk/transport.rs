//! Connection settings: trusted certificates, proxies, idle connections.

#[cfg(feature = "https")]
use std::path::PathBuf;
use std::time::Duration;

use aws_sdk_s3::config::SharedHttpClient;

use crate::{Operation, Result};

/// Idle connections that are kept per host: as many as an engine is likely to have requests in flight.
const IDLE_CONNECTIONS: usize = 256;

/// Settings of connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Transport {
    /// The file with the only authorities that are trusted, and what named it.
    #[cfg(feature = "https")]
    pub(super) ca_bundle: Option<(PathBuf, String)>,
    /// Whether the environment names a proxy.
    pub(super) may_use_proxies: bool,
}

/// Returns whether requests for the endpoint, or for S3 in the region, go through a proxy.
pub(super) fn is_proxied(endpoint: Option<&str>, region: &str) -> bool {
    let aws = || format!("https://s3.{region}.amazonaws.com");
    let url = endpoint.map_or_else(aws, str::to_owned);
    let proxies = hyper_util::client::proxy::matcher::Matcher::from_env();
    url.parse()
        .is_ok_and(|url| proxies.intercept(&url).is_some())
}

/// Returns whether a variable names a proxy; lower case counts too.
#[cfg(feature = "config")]
pub(super) fn environment_names_a_proxy() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
        .iter()
        .any(|name| is_set(name) || is_set(&name.to_ascii_lowercase()))
}

pub(super) fn pool() -> aws_smithy_http_client::Builder {
    aws_smithy_http_client::Builder::new().pool_max_idle_per_host(IDLE_CONNECTIONS)
}

#[cfg(feature = "https")]
impl Transport {
    /// Returns a client for the generated path and for providers of credentials.
    pub(super) fn https_client(&self, operation: Operation) -> Result<SharedHttpClient> {
        use aws_smithy_http_client::proxy::ProxyConfig;
        use aws_smithy_http_client::tls::{self, Provider, TlsContext, TrustStore};

        let provider = Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        let context = match self.ca_certificates(operation)? {
            None if !self.may_use_proxies => {
                return Ok(pool().tls_provider(provider).build_https());
            }
            None => TlsContext::default(),
            Some((pem, _)) => TlsContext::builder()
                .with_trust_store(TrustStore::empty().with_pem_certificate(pem))
                .build()
                .map_err(|error| super::client::config_error(operation, &error.to_string()))?,
        };
        let proxies = match self.may_use_proxies {
            true => ProxyConfig::from_env(),
            false => ProxyConfig::disabled(),
        };
        Ok(pool().build_with_connector_fn(move |settings, components| {
            let mut builder = aws_smithy_http_client::Connector::builder()
                .proxy_config(proxies.clone())
                .pool_max_idle_per_host(IDLE_CONNECTIONS);
            builder.set_connector_settings(settings.cloned());
            if let Some(components) = components {
                builder.set_sleep_impl(components.sleep_impl());
            }
            builder
                .tls_provider(provider.clone())
                .tls_context(context.clone())
                .build()
        }))
    }

    /// Returns the connections of `s3-wire`.
    pub(super) fn pool(
        &self,
        connect_timeout: Duration,
        operation: Operation,
    ) -> Result<s3_wire::Pool> {
        Ok(match self.ca_certificates(operation)? {
            None => s3_wire::Pool::new(connect_timeout),
            Some((_, certificates)) => s3_wire::Pool::with_root_certificates(
                connect_timeout,
                certificates.iter().map(AsRef::as_ref),
            ),
        })
    }

    /// Reads the file of authorities: its text, and its certificates.
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
    pub(super) fn pool(&self, connect_timeout: Duration, _: Operation) -> Result<s3_wire::Pool> {
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
