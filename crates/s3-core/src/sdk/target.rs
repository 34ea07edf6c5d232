//! Resolves host, path and signing region of the requests for a bucket with the SDK's endpoint rules, and caches them.
//!
//! Buckets below the path of a custom endpoint do not need the rules, which take longer to load than a request to a
//! nearby server.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_smithy_types::endpoint::Endpoint;
use futures_util::FutureExt;

use crate::sdk::proxies::Proxies;
use crate::sdk::regions::Regions;
use s3_wire::Origin;
use s3_wire::sign::encode_key;

/// Capacity of the cache. Callers choose the names of buckets, so a full cache is cleared.
const MAX_BUCKETS: usize = 1024;

/// Inputs of the endpoint rules besides the bucket: the settings of the generated client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sdk) struct EndpointSettings {
    pub(in crate::sdk) region: String,
    pub(in crate::sdk) endpoint: Option<String>,
    pub(in crate::sdk) path_style: bool,
    pub(in crate::sdk) fips: bool,
    pub(in crate::sdk) dual_stack: bool,
    pub(in crate::sdk) accelerate: bool,
}

/// Origin, base path and signing region of requests for one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Scheme, host and port to connect to.
    pub(crate) origin: Arc<Origin>,
    /// The `Host` header; the port is omitted if it is the scheme's default.
    pub(crate) host_header: Box<str>,
    /// The path before the slash and the key: empty, the endpoint's own path, the bucket, or both. Percent-encoded;
    /// begins with a slash if it is not empty, and does not end in one.
    pub(crate) base_path: Box<str>,
    /// The region to sign for. The service is always `s3`, the algorithm always Signature Version 4.
    pub(crate) region: Box<str>,
}

impl Target {
    /// Appends the path of an object; for requests to the bucket, the key is empty.
    pub(crate) fn write_path(&self, key: &str, path: &mut String) {
        path.reserve(self.base_path.len() + 1 + key.len());
        path.push_str(&self.base_path);
        path.push('/');
        encode_key(key, path);
    }
}

/// Cache of the targets of buckets.
#[derive(Debug)]
pub(crate) struct Targets {
    settings: EndpointSettings,
    regions: Arc<Regions>,
    proxies: Proxies,
    rules: LazyLock<DefaultResolver>,
    known: RwLock<HashMap<Box<str>, Option<Arc<Target>>>>,
}

impl Targets {
    pub(in crate::sdk) fn new(
        settings: EndpointSettings,
        regions: Arc<Regions>,
        proxies: Proxies,
    ) -> Self {
        Self {
            settings,
            regions,
            proxies,
            rules: LazyLock::new(DefaultResolver::new),
            known: RwLock::default(),
        }
    }

    /// Returns the target of requests for the bucket, or for the service if the name is empty. `None` if `s3-wire`
    /// cannot send them: access points, directory buckets, and everything that the rules reject. The SDK's client then
    /// sends them, or returns the error.
    pub(crate) fn get(&self, bucket: &str) -> Option<Arc<Target>> {
        loop {
            if let Some(known) = self.known(bucket) {
                return known;
            }
            let region = self.regions.of(bucket);
            let target = self.resolve(bucket, region.as_deref()).map(Arc::new);
            if self.remember(bucket, region.as_deref(), target.as_ref()) {
                return target;
            }
        }
    }

    /// Caches a target that was resolved for this region, and returns `true`. Returns `false` if another region was
    /// learned for the bucket in the meantime.
    fn remember(&self, bucket: &str, region: Option<&str>, target: Option<&Arc<Target>>) -> bool {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // The region is stored before `forget` is called: either this check sees the new region, or `forget` runs
        // later.
        if self.regions.of(bucket).as_deref() != region {
            return false;
        }
        if known.len() >= MAX_BUCKETS {
            known.clear();
        }
        known.insert(bucket.into(), target.cloned());
        true
    }

    /// Removes a bucket from the cache, because its region has changed. Call it after [`Regions::learn`].
    pub(crate) fn forget(&self, bucket: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.remove(bucket);
    }

    /// Returns the cached target. The outer `None` means not resolved yet.
    fn known(&self, bucket: &str) -> Option<Option<Arc<Target>>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(bucket).cloned()
    }

    fn resolve(&self, bucket: &str, region: Option<&str>) -> Option<Target> {
        // White space: the rules accept a missing bucket, the generated client does not. ARNs: whether the region in an
        // access point's ARN is used is a setting that the generated client does not expose.
        let is_service = bucket.is_empty();
        if (bucket.trim().is_empty() && !is_service) || bucket.starts_with("arn:") {
            return None;
        }
        let region = region.unwrap_or(&self.settings.region);
        if let Some(url) = self.settings.url_below_endpoint(bucket, region) {
            return self.target(&url, region);
        }
        let params = Params::builder()
            .set_bucket((!is_service).then(|| bucket.to_owned()))
            .region(region)
            .set_endpoint(self.settings.endpoint.clone())
            .force_path_style(self.settings.path_style)
            .use_fips(self.settings.fips)
            .use_dual_stack(self.settings.dual_stack)
            .accelerate(self.settings.accelerate)
            .build()
            .ok()?;
        let resolving = ResolveEndpoint::resolve_endpoint(&*self.rules, &params);
        // The rules need no I/O, so the future is ready at once.
        let endpoint = resolving.now_or_never()?.ok()?;
        let region = signing_region(&endpoint)?;
        self.target(endpoint.url(), region)
    }

    fn target(&self, url: &str, region: &str) -> Option<Target> {
        let mut target = read_url(url, region)?;
        if let Some(proxy) = self.proxies.proxy(url)? {
            Arc::make_mut(&mut target.origin).proxy = Some(Arc::new(proxy));
        }
        Some(target)
    }
}

impl EndpointSettings {
    /// Returns the URL of a bucket below the path of a custom endpoint; `None` if the rules are needed, because the
    /// settings or the bucket's name may have a special meaning.
    fn url_below_endpoint(&self, bucket: &str, region: &str) -> Option<String> {
        let endpoint = self.endpoint.as_deref()?;
        let has_variants = self.fips || self.dual_stack || self.accelerate;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_plain = bucket.bytes().any(|byte| byte.is_ascii_alphanumeric())
            && bucket.bytes().all(is_name)
            && !bucket.contains("--");
        // The rules sign for another region if the region is "aws-global".
        let is_region = is_graphic(region) && !region.is_empty() && region != "aws-global";
        if !self.path_style || has_variants || !is_plain || !is_region {
            return None;
        }
        let slash = if endpoint.ends_with('/') { "" } else { "/" };
        Some(format!("{endpoint}{slash}{bucket}"))
    }
}

/// Returns the region to sign for; `None` unless the endpoint requires a plain SigV4 signature for S3.
fn signing_region(endpoint: &Endpoint) -> Option<&str> {
    let [scheme] = endpoint.auth_schemes() else {
        return None;
    };
    let text = |name| scheme.get(name).and_then(|value| value.as_string());
    let encoded_once = scheme.get("disableDoubleEncoding")?.as_bool()?;
    let is_plain = scheme.name() == "sigv4"
        && text("signingName") == Some("s3")
        && encoded_once
        && endpoint.headers().next().is_none()
        && endpoint.properties().get("backend").is_none();
    let region = text("signingRegion").filter(|region| is_plain && is_graphic(region))?;
    Some(region)
}

/// Returns the scheme, host and port of a URL.
#[cfg(feature = "https")]
pub(in crate::sdk) fn origin_of(url: &str) -> Option<Origin> {
    let authority = url.find("://")? + "://".len();
    let end = url[authority..].find(['/', '?']);
    let target = read_url(&url[..end.map_or(url.len(), |end| authority + end)], "")?;
    Arc::into_inner(target.origin)
}

/// Parses `scheme://host:port/path`.
fn read_url(url: &str, region: &str) -> Option<Target> {
    let (scheme, rest) = url.split_once("://")?;
    let tls = match () {
        () if scheme.eq_ignore_ascii_case("https") => true,
        () if scheme.eq_ignore_ascii_case("http") => false,
        () => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = path.trim_end_matches('/');
    let is_odd = |byte: u8| b"@?#\\".contains(&byte);
    if authority.is_empty() || !is_graphic(rest) || rest.bytes().any(is_odd) {
        return None;
    }
    let (host, port) = split_port(authority)?;
    let default = if tls { 443 } else { 80 };
    let header = if port == Some(default) {
        host
    } else {
        authority
    };
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    Some(Target {
        origin: Arc::new(Origin::new(
            tls,
            address.unwrap_or(host),
            port.unwrap_or(default),
        )),
        host_header: header.into(),
        base_path: path.into(),
        region: region.into(),
    })
}

/// Splits off the port, if there is one; `None` if it is not a number.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    // The colons of an IPv6 address are in brackets.
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => Some((host, Some(port.parse().ok()?))),
        _ => Some((authority, None)),
    }
}

fn is_graphic(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
