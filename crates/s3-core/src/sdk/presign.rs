//! Creates presigned URLs for get, head, put and delete; the SDK signs them.

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
        return Err(errors::invalid_input(Operation::Presign, text).with_resource(url.as_str()));
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
    let mut request = Request::new(method, "", path);
    resolved.standing.push_to_query(&mut request.query);
    let client = resolved.client(url.bucket());
    let signed = sdk_transport::presign(&client, url.bucket(), &request, config).await;
    signed.map_err(on_url)
}

fn validity(expires: Duration, now: SystemTime) -> Result<PresigningConfig> {
    if expires < Duration::from_secs(1) || expires > PresignRequest::MAX_EXPIRES {
        let text = format!("a URL can be valid for 1 second to 7 days, not for {expires:?}");
        return Err(errors::invalid_input(Operation::Presign, text));
    }
    PresigningConfig::builder()
        .start_time(now)
        .expires_in(expires)
        .build()
        .map_err(|error| errors::invalid_input(Operation::Presign, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, response};
    use super::*;
    use crate::{ErrorKind, HeadRequest, S3Url, Store};

    fn request(method: PresignMethod, expires: Duration) -> PresignRequest {
        PresignRequest::new(S3Url::parse("s3://bucket/a b").unwrap(), method, expires)
    }

    #[tokio::test]
    async fn a_url_contains_its_signature_and_no_secret() {
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
    async fn a_url_names_payer_and_owner_and_not_the_key() {
        let builder = Replay::new([]).builder().requester_pays();
        let store = builder.bucket_owner("111122223333").customer_key(&[7; 32]);
        let request = request(PresignMethod::Get, Duration::from_secs(60));
        let url = store.build().presign(request).await.unwrap();
        for part in [
            "x-amz-request-payer=requester",
            "x-amz-expected-bucket-owner=111122223333",
            "X-Amz-SignedHeaders=host&",
        ] {
            assert!(url.contains(part), "{part}: {url}");
        }
        assert!(!url.contains("customer"), "{url}");
    }

    #[tokio::test]
    async fn a_url_is_signed_for_the_region_learned_from_a_redirect() {
        let moved = response(301, &[("x-amz-bucket-region", "us-west-2")], "");
        let object = response(200, &[("content-length", "0")], "");
        let store = Replay::new([moved, object]).store();
        let url = S3Url::parse("s3://bucket/k").unwrap();
        store.head(HeadRequest::new(url)).await.unwrap();
        let request = request(PresignMethod::Get, Duration::from_secs(60));
        let url = store.presign(request).await.unwrap();
        assert!(url.contains("%2Fus-west-2%2Fs3%2F"), "{url}");
    }

    #[tokio::test]
    async fn a_validity_below_one_second_or_above_seven_days_is_rejected() {
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
