//! Every operation through the SDK client.

use std::time::Duration;

use bytes::Bytes;
use s3_core::{
    AbortUpload, Attributes, BucketRequest, CompleteUpload, Conditions, CopyRequest, CreateUpload,
    DeleteRequest, ETag, ErrorKind, GetRequest, HeadRequest, ListParts, ListUploads, MemoryStore,
    Payload, PresignMethod, PresignRequest, PutMode, PutRequest, S3Prefix, S3Url, SdkStore, Store,
    StoreExt, UploadPart, UploadPartCopy,
};
use s3_testkit::{S3Server, assert_ramp, ramp};

use crate::raw_http;

async fn served() -> (S3Server, SdkStore) {
    let server = S3Server::start(MemoryStore::with_buckets(["bkt"]))
        .await
        .unwrap();
    let client = server.sdk_store();
    (server, client)
}

fn url(key: &str) -> S3Url {
    S3Url::from_parts("bkt", key).unwrap()
}

#[tokio::test]
async fn a_get_returns_bytes_and_attributes_of_the_put() {
    let (server, client) = served().await;
    let mut attributes = Attributes::default();
    attributes.content_type = Some("text/plain".into());
    attributes.content_encoding = Some("gzip".into());
    attributes
        .user
        .insert("note".to_owned(), "value".to_owned());
    let put = PutRequest::new(url("a//b"), Payload::from(ramp(0, 200_000)))
        .with_attributes(attributes.clone());
    let etag = client.put(put).await.unwrap().etag;

    let response = client
        .get(GetRequest::new(url("a//b")).with_range(100..300))
        .await
        .unwrap();
    assert_eq!(
        (response.meta.size, response.range.clone()),
        (200_000, 100..300)
    );
    assert_eq!(
        (response.meta.etag.clone(), response.meta.attributes.clone()),
        (etag, attributes)
    );
    assert_ramp(&response.body.collect().await.unwrap(), 100);
    assert_ramp(&server.store().get_bytes(url("a//b")).await.unwrap(), 0);
}

#[tokio::test]
async fn range_requests_get_the_responses_of_s3() {
    let (server, client) = served().await;
    client.put_bytes(url("k"), ramp(0, 1000)).await.unwrap();
    let error = client
        .get(GetRequest::new(url("k")).with_range(1000..))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.http_status()),
        (ErrorKind::InvalidRange, Some(416))
    );
    assert_eq!(
        server.request_log().requests()[1].range.as_deref(),
        Some("bytes=1000-")
    );
    assert_eq!(server.request_log().requests()[1].status, Some(416));
}

#[tokio::test]
async fn conditions_hold_on_reads_and_writes() {
    let (_server, client) = served().await;
    let absent = |body: &'static str| {
        PutRequest::new(url("k"), Payload::from(body)).with_mode(PutMode::IfAbsent)
    };
    let etag = client.put(absent("one")).await.unwrap().etag.unwrap();
    assert_eq!(
        client.put(absent("two")).await.unwrap_err().kind(),
        ErrorKind::PreconditionFailed
    );

    let stale = GetRequest::new(url("k")).with_if_match(ETag::new("0"));
    assert_eq!(
        client.get(stale).await.unwrap_err().kind(),
        ErrorKind::PreconditionFailed
    );
    let mut conditions = Conditions::default();
    conditions.if_none_match = Some(etag.clone());
    let mut head = HeadRequest::new(url("k"));
    head.conditions = conditions;
    assert_eq!(
        client.head(head).await.unwrap_err().kind(),
        ErrorKind::NotModified
    );

    let matching =
        PutRequest::new(url("k"), Payload::from("two")).with_mode(PutMode::IfMatch(etag));
    client.put(matching.clone()).await.unwrap();
    assert_eq!(
        client.put(matching).await.unwrap_err().kind(),
        ErrorKind::PreconditionFailed
    );
}

#[tokio::test]
async fn an_object_is_assembled_from_parts_and_copies() {
    let (server, client) = served().await;
    let five_mib = 5 << 20;
    client
        .put_bytes(url("source"), ramp(0, five_mib + 100))
        .await
        .unwrap();
    let upload = client
        .create_upload(CreateUpload::new(url("big"), Attributes::default()))
        .await
        .unwrap();
    let mut copy = UploadPartCopy::new(url("big"), upload.clone(), 1, url("source"));
    copy.range = Some((0..five_mib as u64).into());
    let first = client.upload_part_copy(copy).await.unwrap();
    let payload = Payload::from(ramp(five_mib as u64, 1000));
    let second = client
        .upload_part(UploadPart::new(url("big"), upload.clone(), 2, payload))
        .await
        .unwrap();

    let uploads = client
        .list_uploads(ListUploads::new(S3Prefix::parse("s3://bkt").unwrap()))
        .await
        .unwrap();
    assert_eq!(uploads.uploads.len(), 1);
    assert_eq!(uploads.uploads[0].upload, upload);
    assert_eq!(server.unfinished_uploads().await.unwrap(), 1);
    let mut list = ListParts::new(url("big"), upload.clone());
    list.max_parts = Some(1);
    let parts = client.list_parts(list).await.unwrap();
    assert_eq!(
        (parts.parts[0].size, parts.next),
        (five_mib as u64, Some(1))
    );

    let complete = CompleteUpload::new(url("big"), upload, vec![first, second]);
    let etag = client
        .complete_upload(complete)
        .await
        .unwrap()
        .etag
        .unwrap();
    assert!(etag.as_str().ends_with("-2"), "{etag}");
    assert_ramp(&client.get_bytes(url("big")).await.unwrap(), 0);
    assert_eq!(server.unfinished_uploads().await.unwrap(), 0);
    assert_eq!(server.request_log().count_of("UploadPartCopy"), 1);
    assert_eq!(server.request_log().count_of("CompleteMultipartUpload"), 1);
}

#[tokio::test]
async fn an_upload_can_be_aborted() {
    let (server, client) = served().await;
    let upload = client
        .create_upload(CreateUpload::new(url("k"), Attributes::default()))
        .await
        .unwrap();
    client
        .abort_upload(AbortUpload::new(url("k"), upload.clone()))
        .await
        .unwrap();
    assert_eq!(server.unfinished_uploads().await.unwrap(), 0);
    let part = UploadPart::new(url("k"), upload, 1, Payload::from("late"));
    assert_eq!(
        client.upload_part(part).await.unwrap_err().kind(),
        ErrorKind::NoSuchUpload
    );
}

#[tokio::test]
async fn objects_are_copied_and_deleted() {
    let (server, client) = served().await;
    client.put_bytes(url("from \u{e9}+"), "body").await.unwrap();
    client
        .copy(CopyRequest::new(url("from \u{e9}+"), url("to")))
        .await
        .unwrap();
    assert_eq!(client.get_bytes(url("to")).await.unwrap(), "body");

    let urls = vec![url("to"), url("never there"), url("from \u{e9}+")];
    let response = client
        .delete(DeleteRequest::new("bkt", urls))
        .await
        .unwrap();
    assert!(response.failures.is_empty());
    assert!(!client.exists(url("to")).await.unwrap());
    assert_eq!(server.request_log().count_of("DeleteObjects"), 1);
}

#[tokio::test]
async fn buckets_are_created_and_deleted() {
    let (_server, client) = served().await;
    client
        .create_bucket(BucketRequest::new("second"))
        .await
        .unwrap();
    let names: Vec<_> = client
        .list_buckets()
        .await
        .unwrap()
        .into_iter()
        .map(|bucket| bucket.name)
        .collect();
    assert_eq!(names, ["bkt".into(), "second".into()]);
    client
        .delete_bucket(BucketRequest::new("second"))
        .await
        .unwrap();
    let error = client
        .delete_bucket(BucketRequest::new("second"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchBucket);
}

#[tokio::test]
async fn a_presigned_url_needs_no_credentials() {
    let (server, client) = served().await;
    client
        .put_bytes(url("a b/\u{e9}"), Bytes::from_static(b"body"))
        .await
        .unwrap();
    let request = PresignRequest::new(
        url("a b/\u{e9}"),
        PresignMethod::Get,
        Duration::from_secs(60),
    );
    let presigned = client.presign(request).await.unwrap();
    let target = presigned.strip_prefix(&server.endpoint()).unwrap();
    let response = raw_http::send(&server, &format!("GET {target}"), &[], b"").await;
    assert_eq!((response.status, response.text().as_str()), (200, "body"));
    let tampered = target.replace("%C3%A9", "other");
    assert_eq!(
        raw_http::send(&server, &format!("GET {tampered}"), &[], b"")
            .await
            .status,
        403
    );
}
