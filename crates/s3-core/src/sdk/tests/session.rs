//! Tests of sessions of directory buckets (CreateSession), which the SDK creates.

use crate::sdk::replay::{Replay, response};
use crate::{DeleteRequest, GetRequest, S3Url, Store, StoreExt};

const SESSION: &str = "<CreateSessionResult><Credentials><SessionToken>t</SessionToken><SecretAccessKey>s</SecretAccessKey>\
         <AccessKeyId>a</AccessKeyId><Expiration>2040-01-01T01:00:00Z</Expiration></Credentials></CreateSessionResult>";

#[tokio::test]
async fn a_session_that_is_rejected_for_a_wrong_clock_is_begun_again() {
    let skewed = response(
        403,
        &[("date", "Sun, 01 Jan 2040 00:00:00 GMT")],
        "<Error><Code>RequestTimeTooSkewed</Code><Message>because</Message></Error>",
    );
    let object = response(200, &[("content-length", "5")], "hello");
    let replay = Replay::new([skewed, response(200, &[], SESSION), object]);
    let store = replay.builder().without_endpoint().region("us-east-1");
    let url = S3Url::from_parts("bucket--use1-az4--x-s3", "k").unwrap();
    store.build().get(GetRequest::new(url)).await.unwrap();
    let sent = replay.sent();
    let lines: Vec<_> = sent.iter().map(|sent| &*sent.uri).collect();
    assert!(lines[0].ends_with("?session"), "{lines:?}");
    assert!(lines[1].ends_with("?session"), "{lines:?}");
    let dates = sent.iter().map(|sent| sent.header("x-amz-date").unwrap());
    let right: Vec<_> = dates.map(|date| date.starts_with("20400101")).collect();
    assert_eq!(right, [false, true, true]);
}

#[tokio::test]
async fn a_directory_bucket_is_used_with_one_session() {
    let session = || response(200, &[], SESSION);
    let written = response(200, &[("etag", "\"e\"")], "");
    let object = response(200, &[("content-length", "5")], "hello");
    let gone = response(204, &[], "");
    let replay = Replay::new([session(), written, object, gone]);
    let store = replay.builder().without_endpoint().region("us-east-1");
    let store = store.build();
    let url = S3Url::from_parts("bucket--use1-az4--x-s3", "k").unwrap();
    store.put_bytes(url.clone(), "hello").await.unwrap();
    assert_eq!(store.get_bytes(url.clone()).await.unwrap(), "hello");
    let delete = DeleteRequest::new("bucket--use1-az4--x-s3", vec![url]);
    assert!(store.delete(delete).await.unwrap().failures.is_empty());
    let sent = replay.sent();
    let host = "bucket--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com";
    for (index, sent) in sent.iter().enumerate() {
        assert!(sent.uri.contains(host), "{}", sent.uri);
        let token = sent.header("x-amz-s3session-token");
        assert_eq!(token, Some("t").filter(|_| index > 0), "{}", sent.uri);
    }
    assert_eq!(sent.len(), 4);
}
