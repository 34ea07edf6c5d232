//! [`Regions`]: cache of bucket regions learned from redirects, and of one SDK client per region.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;

/// Maximum number of buckets. Callers choose their names, so a full cache is cleared.
const MAX_BUCKETS: usize = 1024;

/// The regions of buckets that differ from the client's own.
#[derive(Debug, Default)]
pub(super) struct Regions {
    own: Option<String>,
    /// Whether any region is cached, so that the usual case takes no lock.
    any: AtomicBool,
    known: RwLock<HashMap<Box<str>, Arc<str>>>,
    clients: RwLock<HashMap<Arc<str>, Client>>,
}

impl Regions {
    pub(super) fn new(own: Option<String>) -> Self {
        Self {
            own,
            ..Self::default()
        }
    }

    /// Returns the region that was learned for a bucket; `None` if it is the client's own.
    pub(super) fn of(&self, bucket: &str) -> Option<Arc<str>> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(bucket).cloned()
    }

    /// Stores the region that an error response names. Returns whether it differs from `asked`, the region that
    /// [`of`](Self::of) returned before the request was sent: the request may then succeed if it is sent again.
    ///
    /// This applies to all requests in flight, not only to the first that learns the region.
    pub(super) fn learn(&self, bucket: &str, region: &str, asked: Option<&str>) -> bool {
        let is_region = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if region.is_empty() || !region.bytes().all(is_region) {
            return false;
        }
        if asked.or(self.own.as_deref()) == Some(region) {
            return false;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let current = known.get(bucket).map(|region| &**region);
        if current.or(self.own.as_deref()) == Some(region) {
            return true;
        }
        if known.len() >= MAX_BUCKETS {
            known.clear();
        }
        known.insert(bucket.into(), region.into());
        self.any.store(true, Ordering::Release);
        tracing::warn!(
            bucket,
            region,
            "the bucket is in another region; requests go there from now on"
        );
        true
    }

    /// Returns a copy of `client` for the region of a bucket.
    pub(super) fn client(&self, client: &Client, bucket: &str) -> Client {
        let Some(region) = self.of(bucket) else {
            return client.clone();
        };
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        let made = clients.entry(region).or_insert_with_key(|region| {
            let config = client.config().to_builder();
            Client::from_conf(config.region(Region::new(region.to_string())).build())
        });
        made.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, Sent, response};
    use super::*;
    use crate::{
        BucketRequest, DeleteRequest, ErrorKind, GetRequest, HeadRequest, ListRequest, S3Prefix,
        S3Url, SetVersioning, Store, Versioning,
    };

    #[test]
    fn only_a_different_region_is_learned() {
        let regions = Regions::new(Some("us-east-1".to_owned()));
        for (region, news) in [
            ("us-east-1", false),
            ("", false),
            ("evil.example.org/", false),
            ("eu-west-1", true),
            ("eu-west-1", false),
            ("eu-west-3", true),
        ] {
            let asked = regions.of("b");
            let learned = regions.learn("b", region, asked.as_deref());
            assert_eq!(learned, news, "{region}");
        }
        assert_eq!(regions.of("b").as_deref(), Some("eu-west-3"));
        // Another request was sent to the first region and gets the same redirect.
        assert!(regions.learn("b", "eu-west-3", None));
        assert_eq!(regions.of("b").as_deref(), Some("eu-west-3"));
        assert_eq!(regions.of("c"), None);
    }

    #[tokio::test]
    async fn the_generated_client_follows_a_redirection_once_and_remembers_it() {
        let url = || S3Url::parse("s3://bucket/key").unwrap();
        let redirect = |region: &str| {
            let body = format!(
                "<Error><Code>PermanentRedirect</Code><Message>m</Message><Region>{region}</Region></Error>"
            );
            response(301, &[("location", "https://evil.example.org/")], body)
        };
        let object = || response(200, &[("content-length", "0")], "");
        let replay = Replay::new([redirect("eu-west-3"), object(), object()]);
        let store = replay.store();
        store.get(GetRequest::new(url())).await.unwrap();
        store.get(GetRequest::new(url())).await.unwrap();
        let sent = replay.sent();
        let scope = |sent: &Sent| {
            let authorization = sent.header("authorization").unwrap();
            let rest = authorization.split("Credential=").nth(1).unwrap();
            rest.split('/').nth(2).unwrap().to_owned()
        };
        let scopes: Vec<String> = sent.iter().map(scope).collect();
        assert_eq!(scopes[1..], ["eu-west-3", "eu-west-3"]);
        assert_ne!(scopes[0], "eu-west-3");
        // The host stays the same: credentials are not sent to another host.
        assert!(sent.iter().all(|sent| sent.line().contains("127.0.0.1:9/")));

        let replay = Replay::new([redirect("eu-west-3"), redirect("eu-west-3")]);
        let error = replay
            .store()
            .get(GetRequest::new(url()))
            .await
            .unwrap_err();
        assert_eq!((error.kind(), replay.sent().len()), (ErrorKind::Config, 2));
    }

    #[tokio::test]
    async fn versioning_and_the_delete_of_a_bucket_are_redirected_too() {
        let moved = || response(301, &[("x-amz-bucket-region", "eu-west-3")], "");
        let state = "<VersioningConfiguration/>";
        let bucket = || BucketRequest::new("bucket");

        let replay = Replay::new([moved(), response(200, &[], state)]);
        let versioning = replay.store().versioning(bucket()).await.unwrap();
        assert_eq!(versioning, None);
        let replay = Replay::new([moved(), response(200, &[], "")]);
        let set = SetVersioning::new("bucket", Versioning::Enabled);
        replay.store().set_versioning(set).await.unwrap();
        let replay = Replay::new([moved(), response(204, &[], "")]);
        replay.store().delete_bucket(bucket()).await.unwrap();
    }

    #[tokio::test]
    async fn a_head_a_listing_and_a_delete_are_redirected_too() {
        let url = || S3Url::parse("s3://bucket/key").unwrap();
        let region = [("x-amz-bucket-region", "eu-west-3")];
        let malformed =
            "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>";
        let page = "<ListBucketResult><Name>bucket</Name></ListBucketResult>";

        let replay = Replay::new([
            response(400, &region, ""),
            response(200, &[("content-length", "0")], ""),
        ]);
        replay.store().head(HeadRequest::new(url())).await.unwrap();
        let replay = Replay::new([response(400, &[], malformed), response(200, &[], page)]);
        let prefix = S3Prefix::parse("s3://bucket/").unwrap();
        replay
            .store()
            .list_page(ListRequest::new(prefix))
            .await
            .unwrap();
        let replay = Replay::new([response(301, &region, ""), response(204, &[], "")]);
        let delete = DeleteRequest::new("bucket", vec![url()]);
        let done = replay.store().delete(delete).await.unwrap();
        assert!(done.failures.is_empty());
    }
}
