//! ListBuckets, CreateBucket and DeleteBucket: sends the requests and parses the list of buckets.

use std::collections::HashSet;

use s3_wire::{Element, escape};

use super::client::Resolved;
use super::document::{self, XMLNS};
use super::errors;
use crate::{BucketInfo, BucketRequest, Operation, Result};

/// Maximum number of pages: ten times as many as for a million buckets, S3's limit per account, at 10,000 per page.
const MAX_PAGES: usize = 1000;

pub(super) async fn list(resolved: &Resolved) -> Result<Vec<BucketInfo>> {
    let operation = Operation::ListBuckets;
    let malformed = |text| errors::malformed(operation, text);
    let route = resolved.route("");
    let mut buckets = Vec::new();
    let mut seen = HashSet::new();
    let mut token: Option<String> = None;
    loop {
        let mut request = route.request("GET", "");
        if let Some(token) = &token {
            request.query.push("continuation-token", token);
        }
        let parse = |text: &str| Element::parse(text, "ListAllMyBucketsResult");
        let (_, page) = route
            .exchange_documents(operation, request, None, parse)
            .await?;
        let listed = page
            .children("Buckets")
            .flat_map(|all| all.children("Bucket"));
        for bucket in listed {
            let name = bucket.text("Name");
            let name = name.ok_or_else(|| malformed("an entry of the listing has no name"))?;
            let mut info = BucketInfo::new(name);
            info.created = document::time(bucket, "CreationDate");
            buckets.push(info);
        }
        let Some(next) = page.scalar("ContinuationToken") else {
            break;
        };
        if seen.len() >= MAX_PAGES {
            return Err(malformed("the listing has more than 1000 pages"));
        }
        if !seen.insert(next.to_owned()) {
            return Err(malformed("the server returned a continuation token twice"));
        }
        token = Some(next.to_owned());
    }
    buckets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(buckets)
}

pub(super) async fn create(resolved: &Resolved, request: BucketRequest) -> Result<()> {
    send(resolved, Operation::CreateBucket, "PUT", &request).await
}

pub(super) async fn delete(resolved: &Resolved, request: BucketRequest) -> Result<()> {
    send(resolved, Operation::DeleteBucket, "DELETE", &request).await
}

async fn send(
    resolved: &Resolved,
    operation: Operation,
    method: &'static str,
    BucketRequest { bucket }: &BucketRequest,
) -> Result<()> {
    let route = resolved.route(bucket);
    let mut request = route.request(method, "");
    // A second request fails if the first took effect.
    request.idempotent = false;
    let document = match operation {
        Operation::CreateBucket => location(resolved),
        _ => None,
    };
    let payload = document::attach(operation, &mut request, document)?;
    let sent = route.send_plain(operation, &mut request, payload.as_ref());
    sent.await
        .map(drop)
        .map_err(|error| error.with_resource(format!("s3://{bucket}")))
}

/// Returns the body of CreateBucket. AWS requires a location constraint except in `us-east-1`; other servers do not
/// accept one.
fn location(resolved: &Resolved) -> Option<String> {
    let region = resolved.region.as_deref()?;
    let is_named = region != "us-east-1" && !resolved.is_third_party();
    is_named.then(|| {
        let region = escape(region);
        format!(
            "<CreateBucketConfiguration {XMLNS}><LocationConstraint>{region}</LocationConstraint>\
             </CreateBucketConfiguration>"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, error_response, response};
    use super::*;
    use crate::{ErrorKind, SdkStore, Store};

    #[tokio::test]
    async fn buckets_are_listed_page_by_page_and_sorted() {
        let page = |name: &str, next: &str| {
            let body = format!(
                "<ListAllMyBucketsResult><Buckets><Bucket><Name>{name}</Name>\
                 <CreationDate>2015-10-21T07:28:00Z</CreationDate></Bucket></Buckets>{next}</ListAllMyBucketsResult>"
            );
            response(200, &[], body)
        };
        let more = "<ContinuationToken>t1</ContinuationToken>";
        let replay = Replay::new([page("b", more), page("a", "")]);
        let buckets = replay.store().list_buckets().await.unwrap();
        let names: Vec<&str> = buckets.iter().map(|bucket| &*bucket.name).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(buckets[0].created.is_some());
        let sent = replay.sent();
        assert_eq!(sent.len(), 2);
        assert!(
            sent[1].uri.contains("continuation-token=t1"),
            "{}",
            sent[1].uri
        );
    }

    #[tokio::test]
    async fn a_repeated_continuation_token_is_an_error() {
        let page = |token: &usize| {
            let body = format!(
                "<ListAllMyBucketsResult><Buckets></Buckets><ContinuationToken>t{token}</ContinuationToken>\
                 </ListAllMyBucketsResult>"
            );
            response(200, &[], body)
        };
        let endless: Vec<usize> = (0..=MAX_PAGES).collect();
        for tokens in [&[1, 1][..], &[1, 2, 1], &[1, 2, 3, 2], &endless] {
            let replay = Replay::new(tokens.iter().map(page));
            let error = replay.store().list_buckets().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
            assert_eq!(replay.sent().len(), tokens.len());
        }
    }

    #[tokio::test]
    async fn only_aws_gets_a_location_constraint() {
        let replay = Replay::new([response(200, &[], "")]);
        replay
            .store()
            .create_bucket(BucketRequest::new("new"))
            .await
            .unwrap();
        assert_eq!(replay.only().text(), "");

        let replay = Replay::new([response(200, &[], "")]);
        let store = replay
            .builder()
            .endpoint("https://s3.eu-west-1.amazonaws.com")
            .build();
        store
            .create_bucket(BucketRequest::new("new"))
            .await
            .unwrap();
        let sent = replay.only();
        assert!(
            sent.text().contains("<LocationConstraint>eu-west-1<"),
            "{}",
            sent.text()
        );
    }

    #[tokio::test]
    async fn without_an_endpoint_the_bucket_is_in_the_host_name() {
        let replay = Replay::new([response(204, &[], "")]);
        // A client from another store: no endpoint is set, and nothing is read from the environment.
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::v2026_01_12())
            .region(aws_sdk_s3::config::Region::new("eu-west-1"))
            .credentials_provider(aws_credential_types::Credentials::new(
                "a", "s", None, None, "test",
            ))
            .http_client(replay.clone())
            .build();
        let store = SdkStore::from_client(aws_sdk_s3::Client::from_conf(config));
        store
            .delete_bucket(BucketRequest::new("old"))
            .await
            .unwrap();
        assert_eq!(
            replay.only().line(),
            "DELETE https://old.s3.eu-west-1.amazonaws.com/"
        );
    }

    #[tokio::test]
    async fn a_bucket_that_is_not_empty_is_not_deleted() {
        let store = Replay::new([error_response(409, "BucketNotEmpty")]).store();
        let error = store
            .delete_bucket(BucketRequest::new("full"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.resource()),
            (ErrorKind::InvalidInput, Some("s3://full"))
        );
    }
}
