//! Reads proxies from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or from the builder.

use aws_smithy_http_client::proxy::ProxyConfig;

use super::{ConfigError, Lookup, variable};
use crate::sdk::endpoint::{Endpoint, without_secrets};
use crate::sdk::proxies::Proxies;

/// Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`: each in upper case, otherwise in lower case.
///
/// A variable that has no effect is not checked: desktops set `ALL_PROXY=socks://…` in addition to the others.
pub(super) fn read(lookup: &Lookup<'_>) -> Result<Proxies, ConfigError> {
    let no_proxy = first_set(lookup, &["NO_PROXY", "no_proxy"])?;
    let no_proxy = no_proxy.map(|(_, hosts)| hosts).unwrap_or_default();
    // In a CGI program, `HTTP_PROXY` is the header `Proxy` of the request, which anyone can send.
    let http = match variable(lookup, "REQUEST_METHOD")? {
        Some(_) => first_set(lookup, &["http_proxy"])?,
        None => first_set(lookup, &["HTTP_PROXY", "http_proxy"])?,
    };
    let https = first_set(lookup, &["HTTPS_PROXY", "https_proxy"])?;
    let all = first_set(lookup, &["ALL_PROXY", "all_proxy"])?;
    let checked = |set: Option<(&str, String)>| {
        let set = set.map(|(name, url)| checked(name, &url));
        set.transpose()
    };
    Ok(Proxies {
        http: checked(http.or_else(|| all.clone()))?,
        https: checked(https.or(all))?,
        no_proxy,
    })
}

/// Returns the proxies for a builder that sends all requests through one proxy.
pub(super) fn given(url: &str) -> Result<Proxies, ConfigError> {
    let url = checked("the builder", url)?;
    Ok(Proxies {
        http: Some(url.clone()),
        https: Some(url),
        no_proxy: String::new(),
    })
}

/// The addresses of the instance metadata service and of the credentials of a container.
const OF_THIS_MACHINE: [&str; 5] = [
    "169.254.169.254",
    "fd00:ec2::254",
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::23",
];

/// Returns the proxies for requests for credentials, if the builder has set a proxy.
///
/// The credentials at the address of an instance or container depend on the client: through a proxy, they would be
/// those of the proxy's machine. So these requests are sent directly. With proxies of the environment they are not, as
/// `NO_PROXY` can exclude them.
pub(super) fn of_credentials(
    given: &Proxies,
    metadata_endpoint: &str,
    lookup: &Lookup<'_>,
) -> Result<Proxies, ConfigError> {
    let mut direct: Vec<String> = OF_THIS_MACHINE.map(str::to_owned).into();
    direct.extend(authority(metadata_endpoint));
    if let Some(url) = variable(lookup, "AWS_CONTAINER_CREDENTIALS_FULL_URI")? {
        direct.extend(authority(&url));
    }
    Ok(Proxies {
        no_proxy: direct.join(","),
        ..given.clone()
    })
}

/// Returns host and port of a URL, as in `NO_PROXY`.
fn authority(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    (!host.is_empty()).then(|| host.to_owned())
}

fn first_set<'a>(
    lookup: &Lookup<'_>,
    names: &[&'a str],
) -> Result<Option<(&'a str, String)>, ConfigError> {
    for name in names {
        if let Some(value) = variable(lookup, name)? {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

/// Returns the URL of a proxy with its scheme; without one it is `http`. Fails if it is invalid.
fn checked(name: &str, value: &str) -> Result<String, ConfigError> {
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let url = format!("{scheme}://{rest}");
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    let unusable = |reason: &str| {
        let shown = without_secrets(value);
        let text = format!("the proxy {shown:?} of {name} {reason}");
        ConfigError::new(text).with_hint("write http://host:port or https://host:port")
    };
    if host.contains('@') {
        return Err(unusable("has a password with an @; write it as %40"));
    }
    Endpoint::parse(&format!("{scheme}://{host}")).map_err(unusable)?;
    // The HTTP client has its own URL parser.
    ProxyConfig::all(url.as_str()).map_err(|_| unusable("is not a URL"))?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(variables: &[(&str, &str)]) -> Result<Proxies, ConfigError> {
        let lookup = |name: &str| {
            let set = variables.iter().find(|(set, _)| *set == name);
            set.map(|(_, value)| value.into())
        };
        read(&lookup)
    }

    #[test]
    fn the_first_proxy_that_is_set_is_used() {
        for (variables, http, https) in [
            (
                &[("HTTP_PROXY", "http://p:1")][..],
                Some("http://p:1"),
                None,
            ),
            (
                &[("HTTP_PROXY", " "), ("http_proxy", "p:2\n")],
                Some("http://p:2"),
                None,
            ),
            (
                &[
                    ("ALL_PROXY", "http://p:3"),
                    ("https_proxy", "HTTPS://u:w@p:4/"),
                ],
                Some("http://p:3"),
                Some("HTTPS://u:w@p:4/"),
            ),
            (
                &[
                    ("HTTP_PROXY", "p"),
                    ("HTTPS_PROXY", "p"),
                    ("ALL_PROXY", "socks://p:1/"),
                ],
                Some("http://p"),
                Some("http://p"),
            ),
            (
                &[("HTTP_PROXY", "p"), ("REQUEST_METHOD", "GET")],
                None,
                None,
            ),
        ] {
            let proxies = read_from(variables).unwrap();
            assert_eq!(proxies.http.as_deref(), http, "{variables:?}");
            assert_eq!(proxies.https.as_deref(), https, "{variables:?}");
        }
    }

    #[test]
    fn credentials_of_this_machine_do_not_come_through_the_proxy_of_the_builder() {
        let uri = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        let lookup = |name: &str| (name == uri).then(|| "http://127.0.0.1:81/credentials".into());
        let builder = given("http://p:1").unwrap();
        let proxies = of_credentials(&builder, "http://meta.invalid:82", &lookup).unwrap();
        for (url, is_proxied) in [
            ("http://169.254.169.254/latest/api/token", false),
            ("http://[fd00:ec2::254]/latest/api/token", false),
            ("http://meta.invalid:82/latest/api/token", false),
            ("http://169.254.170.2/v2/credentials", false),
            ("http://169.254.170.23/v1/credentials", false),
            ("http://[fd00:ec2::23]/v1/credentials", false),
            ("http://127.0.0.1:81/credentials", false),
            ("http://127.0.0.1:83/credentials", true),
            ("https://sts.amazonaws.com/", true),
        ] {
            assert_eq!(proxies.of(url).is_some(), is_proxied, "{url}");
            // Requests to S3 still go through the proxy.
            assert!(builder.of(url).is_some(), "{url}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_that_names_the_variable() {
        for (name, url) in [
            ("HTTP_PROXY", "http://[::1"),
            ("https_proxy", "http://:3128"),
            ("HTTPS_PROXY", "proxy:port"),
            ("ALL_PROXY", "socks5://proxy:1080"),
            ("all_proxy", "http://secret:word@pro xy"),
            ("HTTP_PROXY", "http://a@b@proxy"),
        ] {
            let error = read_from(&[(name, url)]).unwrap_err();
            let host = url.rsplit_once('@').map_or(url, |(_, host)| host);
            let expected = format!("the proxy {host:?} of {name} ");
            assert!(error.text.starts_with(&expected), "{error}");
        }
    }
}
