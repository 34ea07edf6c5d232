//! Hints that errors show (what to do about an error response or a failed connection), and the `Retry-After` delay.

use std::time::{Duration, SystemTime};

use super::causes::shortened;
use super::collected_response::CollectedResponse;
use crate::Operation;
use crate::error::ARCHIVED;
use s3_wire::ErrorDocument;

/// Hint for a refused connection.
pub(super) const CONNECTION_REFUSED: &str =
    "no server listens at the endpoint: check its host and port";
/// Hint for a proxy that rejects a connection.
pub(super) const PROXY: &str = "check HTTP_PROXY, HTTPS_PROXY or ALL_PROXY (http://user:password@host:port); NO_PROXY lists hosts to reach directly";
/// Hint for a host name that cannot be resolved.
pub(super) const UNKNOWN_HOST: &str =
    "check the endpoint's host name, and that this machine can resolve names";

/// Hint for an untrusted certificate of the endpoint.
pub(super) const UNTRUSTED_CERTIFICATE: &str = "name the endpoint's certificate authority with AWS_CA_BUNDLE or SSL_CERT_FILE: this machine does not trust its certificate";

/// Hint for a socket that could not be opened because the process has too many open files.
pub(super) const OUT_OF_DESCRIPTORS: &str =
    "raise the process's limit of open files (ulimit -n), or lower the concurrency";

/// Parses `Retry-After`: seconds, or a date.
pub(super) fn wait_of(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(text.trim()).ok()?;
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}

/// Returns the hint for an error response, if there is one.
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
            "a response to HEAD has no error code; expired credentials and a wrong region are common causes"
        }
        Some("InvalidAccessKeyId" | "NotSignedUp") => {
            "check that the credentials are for this endpoint: it does not know the access key"
        }
        Some("SignatureDoesNotMatch") => {
            "check the secret key; a proxy that changes requests causes this, too"
        }
        Some("ExpiredToken" | "TokenRefreshRequired") => {
            "the session credentials have expired; renew them"
        }
        Some("InvalidToken") => "check the session token: it does not belong to these credentials",
        Some("SecondLevelDomainForbidden") => {
            "use virtual-hosted addressing: Addressing::VirtualHost, or addressing_style = virtual in \
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
        Some("RequestTimeTooSkewed") => {
            "set this machine's clock: it differs too much from the server's"
        }
        _ => return None,
    };
    Some(fixed.to_owned())
}

/// Returns the hint that names the bucket's region or endpoint, if the response contains it.
fn redirection(collected: &CollectedResponse<'_>, said: &ErrorDocument) -> Option<String> {
    let region = collected.header("x-amz-bucket-region");
    if let Some(region) = region.or(said.region.as_deref()).map(shortened) {
        return Some(format!(
            "the bucket is in region {region}; set that as the region"
        ));
    }
    let endpoint = shortened(said.endpoint.as_deref()?);
    Some(format!("use the endpoint {endpoint} for this bucket"))
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
