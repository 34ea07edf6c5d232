//! Headers that a store's settings add to its requests: requester pays, expected bucket owner, SSE-C keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use s3_wire::sign::{HeaderError, Headers, Query};

use crate::Operation;

/// A key of the customer (SSE-C), encoded for its headers.
#[derive(Clone)]
pub(super) struct CustomerKey {
    key: String,
    md5: String,
}

impl CustomerKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self {
            key: STANDARD.encode(key),
            md5: STANDARD.encode(Md5::digest(key)),
        }
    }
}

/// Headers that are added to requests.
#[derive(Clone, Default)]
pub(super) struct StandingHeaders {
    /// Whether to send `x-amz-request-payer`.
    pub(super) requester_pays: bool,
    /// The account that must own the bucket; the server rejects requests to other buckets.
    pub(super) bucket_owner: Option<String>,
    pub(super) customer_key: Option<CustomerKey>,
}

impl StandingHeaders {
    /// Adds the headers that a presigned URL contains as query parameters: requester pays and bucket owner. Users of
    /// the URL send no headers.
    pub(super) fn push_to_query(&self, query: &mut Query) {
        if let Some(owner) = &self.bucket_owner {
            query.push(BUCKET_OWNER, owner);
        }
        if self.requester_pays {
            query.push(PAYER.0, PAYER.1);
        }
    }

    /// Adds the headers of an operation, unless an earlier attempt has added them.
    pub(super) fn push(
        &self,
        operation: Operation,
        headers: &mut Headers,
    ) -> Result<(), HeaderError> {
        let mut push = |name: &'static str, value: &str| {
            let is_set = headers.iter().any(|(set, _)| set == name);
            if is_set {
                return Ok(());
            }
            headers.push(name, value)
        };
        if self.requester_pays {
            push(PAYER.0, PAYER.1)?;
        }
        if let Some(owner) = &self.bucket_owner
            && operation != Operation::ListBuckets
        {
            push(BUCKET_OWNER, owner)?;
        }
        let Some(CustomerKey { key, md5 }) = &self.customer_key else {
            return Ok(());
        };
        let is_copy = matches!(operation, Operation::Copy | Operation::UploadPartCopy);
        if is_copy {
            push(SOURCE[0], "AES256")?;
            push(SOURCE[1], key)?;
            push(SOURCE[2], md5)?;
        }
        // CompleteUpload and ListParts: S3 requires the key if the upload has a checksum algorithm, and otherwise
        // accepts it.
        let concerns_content = matches!(
            operation,
            Operation::Get
                | Operation::Head
                | Operation::ObjectAttributes
                | Operation::Put
                | Operation::CreateUpload
                | Operation::UploadPart
                | Operation::CompleteUpload
                | Operation::ListParts
        );
        if concerns_content || is_copy {
            push(OWN[0], "AES256")?;
            push(OWN[1], key)?;
            push(OWN[2], md5)?;
        }
        Ok(())
    }
}

const PAYER: (&str, &str) = ("x-amz-request-payer", "requester");
const BUCKET_OWNER: &str = "x-amz-expected-bucket-owner";
const OWN: [&str; 3] = [
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-customer-key-md5",
];
const SOURCE: [&str; 3] = [
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key-md5",
];

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, response};
    use crate::{CopyRequest, GetRequest, ListRequest, S3Prefix, S3Url, Store};

    #[tokio::test]
    async fn customer_keys_are_sent_with_content_and_the_owner_with_every_request() {
        let copied = "<CopyObjectResult><ETag>&quot;e&quot;</ETag></CopyObjectResult>";
        let page = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
        let replay = Replay::new([
            response(200, &[("content-length", "0")], ""),
            response(200, &[], copied),
            response(200, &[], page),
        ]);
        let store = replay
            .builder()
            .customer_key(&[7; 32])
            .bucket_owner("111122223333")
            .build();
        let url = |key| S3Url::from_parts("bucket", key).unwrap();
        store.get(GetRequest::new(url("k"))).await.unwrap();
        store
            .copy(CopyRequest::new(url("k"), url("l")))
            .await
            .unwrap();
        let list = ListRequest::new(S3Prefix::parse("s3://bucket/").unwrap());
        store.list_page(list).await.unwrap();
        let sent = replay.sent();
        let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        for (sent, own, source) in [
            (&sent[0], true, false),
            (&sent[1], true, true),
            (&sent[2], false, false),
        ] {
            assert_eq!(
                sent.header("x-amz-expected-bucket-owner"),
                Some("111122223333")
            );
            assert_eq!(sent.header(super::OWN[1]), Some(key).filter(|_| own));
            assert_eq!(sent.header(super::SOURCE[1]), Some(key).filter(|_| source));
        }
        assert_eq!(
            sent[0].header(super::OWN[2]),
            Some("y4HAEFCYWuvAXWFTtA1Qpg==")
        );
    }
}
