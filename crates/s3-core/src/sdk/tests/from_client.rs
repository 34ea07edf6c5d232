//! Tests of `SdkStore::from_client`: a ready SDK client also detects features that the server does not support.

use aws_credential_types::Credentials;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::{Client, Config};

use crate::sdk::replay::{Canned, Replay, error_response, response};
use crate::{
    DeleteRequest, GetRequest, HeadRequest, ListRequest, S3Prefix, S3Url, SdkStore, Store,
};

fn store(replay: &Replay) -> SdkStore {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .endpoint_url("http://127.0.0.1:9")
        .force_path_style(true)
        .credentials_provider(Credentials::new("a", "s", None, None, "test"))
        .http_client(replay.clone())
        .build();
    SdkStore::from_client(Client::from_conf(config))
}

fn url(key: &str) -> S3Url {
    S3Url::from_parts("bucket", key).unwrap()
}

fn hello() -> Canned {
    response(200, &[("content-length", "5"), ("etag", "\"e\"")], "hello")
}

#[tokio::test]
async fn a_rejected_checksum_request_is_repeated_without_it_once() {
    let replay = Replay::new([error_response(501, "NotImplemented"), hello(), hello()]);
    let store = store(&replay);
    for _ in 0..2 {
        store.get(GetRequest::new(url("k"))).await.unwrap();
    }
    let sent = replay.sent();
    let asks = |sent: &crate::sdk::replay::Sent| sent.header("x-amz-checksum-mode").is_some();
    assert_eq!(
        sent.iter().map(asks).collect::<Vec<_>>(),
        [true, false, false]
    );
}

#[tokio::test]
async fn a_server_without_batch_delete_deletes_one_by_one() {
    let gone = || response(204, &[], "");
    let rejected = error_response(501, "NotImplemented");
    let replay = Replay::new([rejected, gone(), gone(), gone(), gone()]);
    let store = store(&replay);
    for _ in 0..2 {
        let urls = vec![url("a"), url("b")];
        let done = store.delete(DeleteRequest::new("bucket", urls)).await;
        assert!(done.unwrap().failures.is_empty());
    }
    let sent = replay.sent();
    let batches = sent.iter().filter(|sent| sent.method == "POST");
    assert_eq!((batches.count(), sent.len()), (1, 5));
}

#[tokio::test]
async fn a_server_without_version_2_lists_in_version_1() {
    let page =
        "<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>";
    let rejected = || error_response(400, "InvalidArgument");
    let replay = Replay::new([
        rejected(),
        rejected(),
        response(200, &[], page),
        response(200, &[], page),
    ]);
    let store = store(&replay);
    for _ in 0..2 {
        let prefix = S3Prefix::parse("s3://bucket/").unwrap();
        store.list_page(ListRequest::new(prefix)).await.unwrap();
    }
    let sent = replay.sent();
    let version_2 = sent.iter().filter(|sent| sent.uri.contains("list-type"));
    assert!(version_2.count() <= 2, "{sent:?}");
    assert!(!sent.last().unwrap().uri.contains("list-type"), "{sent:?}");
}

#[tokio::test]
async fn a_bucket_of_another_region_is_found_and_remembered() {
    let moved = response(301, &[("x-amz-bucket-region", "us-west-2")], "");
    let replay = Replay::new([moved, hello(), hello()]);
    let store = store(&replay);
    for _ in 0..2 {
        store.head(HeadRequest::new(url("k"))).await.unwrap();
    }
    let sent = replay.sent();
    let regions = sent.iter().map(|sent| {
        let signed = sent.header("authorization").unwrap();
        signed.contains("/us-west-2/s3/")
    });
    assert_eq!(regions.collect::<Vec<_>>(), [false, true, true]);
}
