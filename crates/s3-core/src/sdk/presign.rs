//! URLs that carry their own permission.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use s3_wire::Request;
use s3_wire::sign::encode_key;

use super::client::Resolved;
use super::{errors, sdk_transport};
use crate::{Operation, PresignMethod, PresignRequest, Result};

pub(super) async fn presign(resolved: &Resolved, request: PresignRequest) -> Result<String> {
    let PresignRequest {
        url,
        method,
        expires,
    } = request;
    if resolved.anonymous {
        let text = "a URL cannot be signed without credentials".to_owned();
        return Err(errors::refused(Operation::Presign, text).with_resource(url.as_str()));
    }
    let on_url = |error: crate::Error| error.with_resource(url.as_str());
    let config = validity(expires, resolved.clock.now()).map_err(on_url)?;
    let method = match method {
        PresignMethod::Get => "GET",
        PresignMethod::Head => "HEAD",
        PresignMethod::Put => "PUT",
        PresignMethod::Delete => "DELETE",
    };
    let mut path = "/".to_owned();
    encode_key(url.key(), &mut path);
    let request = Request::new(method, "", path);
    let client = resolved.client(url.bucket());
    let signed = sdk_transport::presign(&client, url.bucket(), &request, config).await;
    signed.map_err(on_url)
}

fn validity(expires: Duration, now: SystemTime) -> Result<PresigningConfig> {
    if expires < Duration::from_secs(1) || expires > PresignRequest::MAX_EXPIRES {
        let text = format!("a URL can be valid for 1 second to 7 days, not for {expires:?}");
        return Err(errors::refused(Operation::Presign, text));
    }
    PresigningConfig::builder()
        .start_time(now)
        .expires_in(expires)
        .build()
        .map_err(|error| errors::refused(Operation::Presign, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::replay::Replay;
    use super::*;
    use crate::{ErrorKind, S3Url, Store};

    fn request(method: PresignMethod, expires: Duration) -> PresignRequest {
        PresignRequest::new(S3Url::parse("s3://bucket/a b").unwrap(), method, expires)
    }

    #[tokio::test]
    async fn a_url_carries_its_permission_and_no_secret() {
        let store = Replay::new([]).store();
        for method in [
            PresignMethod::Get,
            PresignMethod::Head,
            PresignMethod::Put,
            PresignMethod::Delete,
        ] {
            let url = store
                .presign(request(method, Duration::from_secs(60)))
                .await
                .unwrap();
            assert!(url.starts_with("http://127.0.0.1:9/bucket/a%20b?"), "{url}");
            assert!(url.contains("X-Amz-Expires=60"), "{url}");
            assert!(url.contains("X-Amz-SignedHeaders=host&"), "{url}");
            assert!(url.contains("X-Amz-Signature="), "{url}");
            assert!(!url.contains("the-secret-key"), "{url}");
        }
    }

    #[tokio::test]
    async fn a_validity_that_s3_does_not_know_is_refused() {
        let store = Replay::new([]).store();
        let too_long = PresignRequest::MAX_EXPIRES + Duration::from_secs(1);
        for expires in [Duration::ZERO, Duration::from_millis(999), too_long] {
            let error = store
                .presign(request(PresignMethod::Get, expires))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
}
