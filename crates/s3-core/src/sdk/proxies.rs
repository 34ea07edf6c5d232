//! [`Proxies`]: selects the proxy of a request; and an HTTP client for the SDK that uses it.

use std::fmt;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use s3_wire::Proxy;

/// The proxies that the environment or the builder sets.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Proxies {
    /// The URL of the proxy for `http://` requests.
    pub(super) http: Option<String>,
    /// The URL of the proxy for `https://` requests.
    pub(super) https: Option<String>,
    /// Hosts that are reached without a proxy, as `NO_PROXY` lists them.
    pub(super) no_proxy: String,
}

impl Proxies {
    #[cfg(feature = "https")]
    pub(super) fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// Returns the URL of the proxy of requests to `url`, if any.
    pub(super) fn of(&self, url: &str) -> Option<&str> {
        self.intercept(url).map(|(proxy, _)| proxy)
    }

    /// Returns the proxy of requests to `url`, if any; the outer `None` if a URL is invalid.
    pub(super) fn proxy(&self, url: &str) -> Option<Option<Proxy>> {
        let Some((_, found)) = self.intercept(url) else {
            return Some(None);
        };
        let tls = found.uri().scheme_str() == Some("https");
        let authorization = match found.basic_auth() {
            Some(value) => Some(value.to_str().ok()?.into()),
            None => None,
        };
        Some(Some(Proxy {
            tls,
            host: found.uri().host()?.into(),
            port: found.uri().port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authorization,
        }))
    }

    fn intercept(&self, url: &str) -> Option<(&str, Intercept)> {
        let (scheme, rest) = url.split_once("://")?;
        let (proxy, default_port) = match scheme.eq_ignore_ascii_case("https") {
            true => (self.https.as_deref()?, 443),
            false => (self.http.as_deref()?, 80),
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let port = authority.rsplit_once(':').map(|(_, port)| port.parse());
        let port = port.and_then(Result::ok).unwrap_or(default_port);
        let matcher = Matcher::builder()
            .all(proxy)
            .no(direct_hosts(&self.no_proxy, port)?)
            .build();
        let url = url.parse().ok()?;
        Some((proxy, matcher.intercept(&url)?))
    }
}

impl fmt::Debug for Proxies {
    /// Omits the URLs, which may contain passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("no_proxy", &self.no_proxy)
            .finish_non_exhaustive()
    }
}

/// Returns the hosts of `NO_PROXY` that are reached directly on this port, in the form that [`Matcher`] expects; `None`
/// for all hosts.
///
/// In a `Matcher`, `*` matches all names but no IP address, and an entry with a port matches nothing.
fn direct_hosts(no_proxy: &str, port: u16) -> Option<String> {
    let mut hosts = Vec::new();
    for entry in no_proxy.split(|c: char| c == ',' || c.is_whitespace()) {
        if entry == "*" {
            return None;
        }
        let entry = entry.strip_prefix('*').unwrap_or(entry);
        let (host, of_entry) = match entry.rsplit_once(':') {
            Some((host, digits)) if !host.contains(':') || host.ends_with(']') => {
                (host, digits.parse().ok())
            }
            _ => (entry, None),
        };
        if of_entry.is_none_or(|of_entry: u16| of_entry == port) {
            hosts.push(host.trim_matches(['[', ']']).trim_end_matches('.'));
        }
    }
    Some(hosts.join(","))
}

#[cfg(feature = "https")]
pub(super) use client::ProxiedClient;

#[cfg(feature = "https")]
mod client {
    use std::sync::Arc;

    use aws_sdk_s3::config::SharedHttpClient;
    use aws_smithy_runtime_api::client::http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
    use s3_wire::{Origin, Pool, WireErrorKind};

    use super::Proxies;
    use crate::sdk::causes::causes;
    use crate::sdk::target::origin_of;

    /// An HTTP client that sends each request through its proxy.
    #[derive(Clone, Debug)]
    pub(in crate::sdk) struct ProxiedClient {
        pub(in crate::sdk) proxies: Proxies,
        pub(in crate::sdk) direct: SharedHttpClient,
        /// The client for `http://` requests that go through a proxy.
        pub(in crate::sdk) http: SharedHttpClient,
        /// The client for `https://` requests that go through a proxy.
        pub(in crate::sdk) https: SharedHttpClient,
        /// Connects once more if a proxy has rejected a connection, to get its error response.
        pub(in crate::sdk) pool: Pool,
    }

    #[derive(Debug)]
    struct ProxiedConnector {
        client: ProxiedClient,
        settings: HttpConnectorSettings,
        components: RuntimeComponents,
    }

    impl HttpClient for ProxiedClient {
        fn http_connector(
            &self,
            settings: &HttpConnectorSettings,
            components: &RuntimeComponents,
        ) -> SharedHttpConnector {
            SharedHttpConnector::new(ProxiedConnector {
                client: self.clone(),
                settings: settings.clone(),
                components: components.clone(),
            })
        }
    }

    impl HttpConnector for ProxiedConnector {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let ProxiedClient {
                proxies,
                direct,
                http,
                https,
                pool,
            } = &self.client;
            let (client, tunnel) = match proxies.of(request.uri()) {
                None => (direct, None),
                Some(_) if request.uri().starts_with("https:") => {
                    (https, proxies.tunnel(request.uri()))
                }
                Some(_) => (http, None),
            };
            // The client caches its connectors.
            let connector = client.http_connector(&self.settings, &self.components);
            let sent = connector.call(request);
            let Some(origin) = tunnel else {
                return sent;
            };
            let pool = pool.clone();
            HttpConnectorFuture::new(async move {
                match sent.await {
                    Err(error) if is_rejected_tunnel(&error) => {
                        Err(rejection(&pool, &origin).await.unwrap_or(error))
                    }
                    sent => sent,
                }
            })
        }
    }

    impl Proxies {
        /// Returns the origin of a URL, with its proxy.
        fn tunnel(&self, url: &str) -> Option<Arc<Origin>> {
            let proxy = self.proxy(url)??;
            let mut origin = origin_of(url)?;
            origin.proxy = Some(Arc::new(proxy));
            Some(Arc::new(origin))
        }
    }

    /// Returns whether a proxy has rejected `CONNECT`. The error type is in a private crate of the SDK, so its text is
    /// matched, which does not contain the status.
    fn is_rejected_tunnel(error: &ConnectorError) -> bool {
        causes(error).any(|cause| {
            let said = cause.to_string();
            said == "tunnel error: unsuccessful"
                || said == "tunnel error: proxy authorization required"
        })
    }

    /// Connects through the proxy again, and returns the error. `None` if the connection succeeds now.
    async fn rejection(pool: &Pool, origin: &Arc<Origin>) -> Option<ConnectorError> {
        let error = pool.try_connect(origin).await.err()?;
        Some(match error.kind() {
            // A user error is not retried by the SDK; it retries the others.
            WireErrorKind::Proxy | WireErrorKind::Malformed | WireErrorKind::TooLarge => {
                ConnectorError::user(error.into())
            }
            _ => ConnectorError::io(error.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(no_proxy: &str, url: &str) -> bool {
        let proxies = Proxies {
            http: Some("http://proxy:3128".to_owned()),
            https: None,
            no_proxy: no_proxy.to_owned(),
        };
        proxies.of(url).is_some()
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let mut proxies = Proxies::default();
        assert_eq!(proxies.of("https://host"), None);
        proxies.https = Some("http://proxy:1".to_owned());
        assert_eq!(proxies.of("https://host"), Some("http://proxy:1"));
        assert_eq!(proxies.of("HTTPS://host/b"), Some("http://proxy:1"));
        assert_eq!(proxies.of("http://host"), None);
        proxies.http = Some("http://proxy:2".to_owned());
        assert_eq!(proxies.of("http://host"), Some("http://proxy:2"));
    }

    #[test]
    fn a_proxy_is_read_with_its_port_and_its_password() {
        let proxy = |url: &str| {
            let proxies = Proxies {
                http: Some(url.to_owned()),
                ..Proxies::default()
            };
            proxies.proxy("http://host/b").unwrap().unwrap()
        };
        let found = proxy("http://Aladdin:open%20sesame@proxy:3128/");
        assert_eq!(
            (found.tls, &*found.host, found.port),
            (false, "proxy", 3128)
        );
        assert_eq!(
            found.authorization.as_deref(),
            Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        );
        assert_eq!(format!("{found:?}"), "Proxy(http://proxy:3128)");
        assert_eq!(proxy("https://proxy").port, 443);
        assert_eq!(proxy("http://[::1]:1").to_string(), "http://[::1]:1");
        assert_eq!(Proxies::default().proxy("http://host"), Some(None));
    }

    #[test]
    fn a_host_of_no_proxy_is_reached_directly() {
        for (no_proxy, url) in [
            ("*", "http://127.0.0.1:9000"),
            ("a, *", "http://[::1]:9000/b"),
            ("*", "http://host"),
            ("127.0.0.1", "http://127.0.0.1:9000"),
            ("127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("10.0.0.0/8,127.0.0.0/8", "http://127.0.0.1:9000"),
            ("::1", "http://[::1]:9000"),
            ("[::1]", "http://[::1]:9000"),
            ("[::1]:9000", "http://[::1]:9000"),
            ("corp.invalid:80", "http://s3.corp.invalid/b/k"),
            (".corp.invalid", "http://s3.corp.invalid"),
            ("*.corp.invalid", "http://s3.corp.invalid"),
            ("a b CORP.invalid", "http://s3.corp.INVALID"),
            ("a\n\tcorp.invalid\n", "http://s3.corp.invalid"),
            ("corp.invalid.", "http://s3.corp.invalid"),
        ] {
            assert!(!proxied(no_proxy, url), "{no_proxy:?} {url}");
        }
        for (no_proxy, url) in [
            ("", "http://127.0.0.1:9000"),
            ("127.0.0.1:9001", "http://127.0.0.1:9000"),
            ("127.0.0.2", "http://127.0.0.1"),
            ("[::1]:80", "http://[::1]:9000"),
            ("corp.invalid", "http://notcorp.invalid"),
            ("*.corp.invalid", "http://corp.invalid.example"),
        ] {
            assert!(proxied(no_proxy, url), "{no_proxy:?} {url}");
        }
    }
}
