//! [`Target`]: bucket, key, range, query and signature of a request, for error documents and for checks before the
//! protocol layer.

use std::collections::HashMap;

use http::header::{HOST, ORIGIN, RANGE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use crate::Domains;
use crate::given_signature::GivenSignature;
use crate::response_completion::error_response;

/// The account ID of the owner of all buckets, as in `x-amz-expected-bucket-owner`.
const ACCOUNT: &str = "123456789012";

/// The canonical user ID of the same account, as the owner of objects.
pub(crate) const OWNER_ID: &str =
    "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a";

/// The resource and the parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Target {
    pub(crate) path: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) range: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) method: String,
    /// The parameters of the query.
    pub(crate) query: HashMap<String, String>,
    pub(crate) signature: GivenSignature,
}

impl Target {
    pub(crate) fn of<B>(request: &Request<B>, domains: &Domains) -> Self {
        let text = |name| {
            let value = request.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let decoded = percent_encoding::percent_decode_str(request.uri().path());
        let path = decoded.decode_utf8_lossy().into_owned();
        let below = path.strip_prefix('/').unwrap_or(&path).to_owned();
        let host = text(HOST);
        let of_host = host.as_deref().and_then(|host| domains.bucket_of(host));
        let (bucket, key) = match of_host {
            Some(bucket) => (bucket.to_owned(), below),
            None => match below.split_once('/') {
                Some((bucket, key)) => (bucket.to_owned(), key.to_owned()),
                None => (below, String::new()),
            },
        };
        let query = parameters(request.uri().query().unwrap_or_default());
        Self {
            path,
            bucket,
            key,
            range: text(RANGE),
            origin: text(ORIGIN),
            method: request.method().to_string(),
            signature: GivenSignature::of(request.headers(), &query),
            query,
        }
    }

    /// Returns the error response for a request that expects another bucket owner.
    pub(crate) fn owner_rejection(&self, headers: &HeaderMap) -> Option<Response<s3s::Body>> {
        let names = [
            "x-amz-expected-bucket-owner",
            "x-amz-source-expected-bucket-owner",
        ];
        let expected = names.iter().filter_map(|name| headers.get(*name));
        let is_ours = |value: &HeaderValue| {
            [ACCOUNT, OWNER_ID]
                .iter()
                .any(|own| value.as_bytes() == own.as_bytes())
        };
        if { expected }.all(is_ours) {
            return None;
        }
        let message = "The bucket has another owner than the request expects";
        Some(error_response(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            message,
        ))
    }
}

fn parameters(query: &str) -> HashMap<String, String> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy();
        decoded.into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str, uri: &str) -> Target {
        let request = Request::builder().uri(uri).header(HOST, host).body(());
        Target::of(&request.unwrap(), &Domains::new(["s3.localhost"]))
    }

    #[test]
    fn the_bucket_is_in_the_host_or_in_the_path() {
        for (host, uri, bucket, key) in [
            ("127.0.0.1", "/b/a%20b/c", "b", "a b/c"),
            ("b.s3.localhost:9", "/a/c?x", "b", "a/c"),
            ("127.0.0.1", "/b", "b", ""),
            ("127.0.0.1", "/", "", ""),
        ] {
            let target = target(host, uri);
            assert_eq!(
                (&*target.bucket, &*target.key),
                (bucket, key),
                "{host}{uri}"
            );
        }
    }

    #[test]
    fn another_owner_is_rejected() {
        let target = target("127.0.0.1", "/b/k");
        let mut headers = HeaderMap::new();
        assert!(target.owner_rejection(&headers).is_none());
        headers.insert("x-amz-expected-bucket-owner", ACCOUNT.parse().unwrap());
        assert!(target.owner_rejection(&headers).is_none());
        headers.insert(
            "x-amz-expected-bucket-owner",
            "111122223333".parse().unwrap(),
        );
        assert!(target.owner_rejection(&headers).is_some());
    }
}
