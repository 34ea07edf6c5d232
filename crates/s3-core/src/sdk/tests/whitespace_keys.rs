//! Tests of keys that are only white space, which the SDK's generated client rejects as missing.

use std::time::Duration;

use crate::sdk::replay::{Canned, Replay, response};
use crate::{
    AbortUpload, Addressing, Attributes, CompleteUpload, CopyRequest, CreateUpload, DeleteRequest,
    ETag, GetRequest, HeadRequest, ListParts, PartTag, PresignMethod, PresignRequest, PutRequest,
    S3Url, SdkStore, Store, UploadId, UploadPart, UploadPartCopy,
};

fn url(key: &str) -> S3Url {
    S3Url::from_parts("bucket", key).unwrap()
}

fn upload() -> UploadId {
    UploadId::new("u")
}

fn empty() -> Canned {
    response(200, &[("content-length", "0"), ("etag", "\"e\"")], "")
}

#[tokio::test]
async fn a_whitespace_key_is_sent_as_it_is() {
    for (key, path) in [
        (" ", "/bucket/%20"),
        ("  ", "/bucket/%20%20"),
        ("\u{a0}", "/bucket/%C2%A0"),
        ("\n", "/bucket/%0A"),
        ("\t\r", "/bucket/%09%0D"),
        ("k", "/bucket/k"),
        (" k", "/bucket/%20k"),
        (" / ", "/bucket/%20/%20"),
    ] {
        let replay = Replay::new([empty()]);
        let head = HeadRequest::new(url(key));
        let meta = replay.store().head(head).await.unwrap();
        assert_eq!(meta.url.key(), key);
        let expected = format!("HEAD http://127.0.0.1:9{path}");
        assert_eq!(replay.only().line(), expected, "{key:?}");
    }
}

#[tokio::test]
async fn a_whitespace_key_is_signed_as_it_is_sent() {
    let expires = Duration::from_secs(60);
    for method in [
        PresignMethod::Get,
        PresignMethod::Head,
        PresignMethod::Put,
        PresignMethod::Delete,
    ] {
        let store = Replay::new([]).store();
        let signed = store.presign(PresignRequest::new(url(" "), method, expires));
        let signed = signed.await.unwrap();
        assert!(
            signed.starts_with("http://127.0.0.1:9/bucket/%20?"),
            "{signed}"
        );
    }
}

#[tokio::test]
async fn a_whitespace_key_goes_with_a_bucket_in_the_host_name_and_with_a_path_in_the_endpoint() {
    let line = async |endpoint: &str, addressing| {
        let replay = Replay::new([empty()]);
        let store = replay.builder().endpoint(endpoint).addressing(addressing);
        store
            .build()
            .head(HeadRequest::new(url(" ")))
            .await
            .unwrap();
        replay.only().line()
    };
    assert_eq!(
        line(
            "https://s3.eu-west-1.amazonaws.com",
            Addressing::VirtualHost
        )
        .await,
        "HEAD https://bucket.s3.eu-west-1.amazonaws.com/%20"
    );
    assert_eq!(
        line("http://127.0.0.1:9/base", Addressing::Path).await,
        "HEAD http://127.0.0.1:9/base/bucket/%20"
    );
}

#[tokio::test]
async fn every_operation_on_one_object_takes_a_whitespace_key() {
    const PATH: &str = "http://127.0.0.1:9/bucket/%20";
    let replay = Replay::new([
        empty(),
        empty(),
        response(200, &[], "<CopyObjectResult/>"),
        response(204, &[], ""),
    ]);
    objects(&replay.store()).await;
    let expected = [
        format!("PUT {PATH}"),
        format!("GET {PATH}"),
        format!("PUT {PATH}"),
        format!("DELETE {PATH}"),
    ];
    assert_eq!(lines(&replay), expected);

    let begun = "<R><UploadId>u</UploadId></R>".replace('R', "InitiateMultipartUploadResult");
    let replay = Replay::new([
        response(200, &[], begun),
        empty(),
        response(200, &[], "<CopyPartResult><ETag>e</ETag></CopyPartResult>"),
        response(200, &[], "<ListPartsResult/>"),
        response(200, &[], "<CompleteMultipartUploadResult/>"),
        response(204, &[], ""),
    ]);
    uploads(&replay.store()).await;
    let expected = [
        format!("POST {PATH}?uploads="),
        format!("PUT {PATH}?partNumber=1&uploadId=u"),
        format!("PUT {PATH}?partNumber=2&uploadId=u"),
        format!("GET {PATH}?uploadId=u"),
        format!("POST {PATH}?uploadId=u"),
        format!("DELETE {PATH}?uploadId=u"),
    ];
    assert_eq!(lines(&replay), expected);
}

fn lines(replay: &Replay) -> Vec<String> {
    let sent = replay.sent();
    sent.iter().map(crate::sdk::replay::Sent::line).collect()
}

async fn objects(store: &SdkStore) {
    let blank = || url(" ");
    store
        .put(PutRequest::new(blank(), "".into()))
        .await
        .unwrap();
    store.get(GetRequest::new(blank())).await.unwrap();
    store
        .copy(CopyRequest::new(url("\n"), blank()))
        .await
        .unwrap();
    let deleted = store.delete(DeleteRequest::new("bucket", vec![blank()]));
    assert!(deleted.await.unwrap().failures.is_empty());
}

async fn uploads(store: &SdkStore) {
    let blank = || url(" ");
    let create = CreateUpload::new(blank(), Attributes::default());
    store.create_upload(create).await.unwrap();
    let part = UploadPart::new(blank(), upload(), 1, "abc".into());
    store.upload_part(part).await.unwrap();
    let copy = UploadPartCopy::new(blank(), upload(), 2, url("from"));
    store.upload_part_copy(copy).await.unwrap();
    let list = ListParts::new(blank(), upload());
    store.list_parts(list).await.unwrap();
    let tags = vec![PartTag::new(1, ETag::new("e"))];
    let complete = CompleteUpload::new(blank(), upload(), tags);
    store.complete_upload(complete).await.unwrap();
    let abort = AbortUpload::new(blank(), upload());
    store.abort_upload(abort).await.unwrap();
}
