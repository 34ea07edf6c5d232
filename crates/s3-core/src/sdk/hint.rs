//! Hints for error responses, and the wait that `Retry-After` asks for.

use std::time::{Duration, SystemTime};

use super::causes::shortened;
use super::collected_response::CollectedResponse;
use crate::Operation;
use crate::error::ARCHIVED;
use s3_wire::ErrorDocument;

/// Nobody listens at the endpoint.
pub(super) const CONNECTION_REFUSED: &str =
    "nothing listens there; check the endpoint's host and port, and that the server runs";
/// The proxy does not connect.
pub(super) const PROXY: &str = "the proxy is named by HTTP_PROXY, HTTPS_PROXY or ALL_PROXY; a password stands in its URL, and NO_PROXY lists hosts that are reached without it";
/// The endpoint's host is not known.
pub(super) const UNKNOWN_HOST: &str =
    "check the endpoint's host name, and that this machine can resolve names";

/// No socket could be opened.
pub(super) const OUT_OF_DESCRIPTORS: &str = "this process may not open more files at once: raise its limit (ulimit -n), or lower the concurrency";

/// Reads `Retry-After`: seconds, or a date.
pub(super) fn wait_of(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text.trim()).ok()?;
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}

/// Returns what to do about a response, where that is clear.
pub(super) fn hint(
    operation: Operation,
    collected: &CollectedResponse<'_>,
    said: &ErrorDocument,
) -> Option<String> {
    let fixed = match said.code.as_deref() {
        Some(
            "PermanentRedirect" | "TemporaryRedirect" | "Redirect" | "AuthorizationHeaderMalformed",
        ) => {
            return redirection(collected, said);
        }
        None if matches!(collected.status, 301 | 302 | 307 | 308) => {
            return redirection(collected, said);
        }
        None if collected.status == 400 && operation == Operation::Head => {
            "a response to HEAD gives no reason; expired credentials and a wrong region are usual ones"
        }
        Some("InvalidAccessKeyId" | "NotSignedUp") => {
            "the server does not know the access key; are these credentials for this endpoint?"
        }
        Some("SignatureDoesNotMatch") => {
            "the secret key does not belong to the access key, or something on the way changed the request"
        }
        Some("ExpiredToken" | "TokenRefreshRequired") => {
            "the session's credentials have run out; renew them"
        }
        Some("InvalidToken") => "the session token does not belong to these credentials",
        Some("SecondLevelDomainForbidden") => {
            "the server wants the bucket's name in the host: Addressing::VirtualHost, or addressing_style = virtual in \
             the profile's s3 settings"
        }
        Some("InvalidObjectState") if operation != Operation::Restore => ARCHIVED,
        Some("ObjectNotInActiveTierError") => ARCHIVED,
        Some("NoSuchBucket") => {
            "check the bucket's name, and that the endpoint is the server that has it"
        }
        Some("ConditionalRequestConflict") if operation == Operation::CompleteUpload => {
            "the object was written or deleted meanwhile; start the upload again"
        }
        Some("RequestTimeTooSkewed") => "this machine's clock differs too much from the server's",
        _ => return None,
    };
    Some(fixed.to_owned())
}

/// Says where the bucket is, if the response does.
fn redirection(collected: &CollectedResponse<'_>, said: &ErrorDocument) -> Option<String> {
    let region = collected.header("x-amz-bucket-region");
    if let Some(region) = region.or(said.region.as_deref()).map(shortened) {
        return Some(format!(
            "the bucket is in region {region}; set that as the region"
        ));
    }
    let endpoint = shortened(said.endpoint.as_deref()?);
    Some(format!("the bucket is to be reached at {endpoint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        assert_eq!(wait_of("120", now), Some(Duration::from_secs(120)));
        assert_eq!(
            wait_of("Wed, 21 Oct 2015 07:28:05 GMT", now),
            Some(Duration::from_secs(5))
        );
        assert_eq!(
            wait_of("Wed, 21 Oct 2015 07:27:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(wait_of("soon", now), None);
    }
}
