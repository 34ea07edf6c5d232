//! The server for benchmarks, through a real client.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a test's own helpers may fail it, as the tests themselves"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use s3_bench::bench_server::{BenchServer, BenchServerConfig};
use s3_core::{
    AbortUpload, Attributes, CompleteUpload, CreateUpload, ErrorKind, GetRequest, HeadRequest,
    Integrity, ListRequest, Payload, S3Prefix, S3Url, SdkStore, Store, StoreExt, UploadPart,
};
use s3_testkit::{assert_ramp, ramp};

fn client_of(server: &BenchServer) -> SdkStore {
    SdkStore::builder()
        .endpoint(&server.endpoint())
        .region("us-east-1")
        .credentials("AKIDORIGIN", "any-secret", None)
        .build()
}

fn started() -> (BenchServer, SdkStore) {
    let config = BenchServerConfig {
        pool_bytes: 1 << 20,
        ..BenchServerConfig::default()
    };
    let server = BenchServer::start(config).unwrap();
    let client = client_of(&server);
    (server, client)
}

fn url(bucket: &str, key: &str) -> S3Url {
    S3Url::from_parts(bucket, key).unwrap()
}

async fn read(client: &SdkStore, request: GetRequest) -> Bytes {
    let response = client.get(request).await.unwrap();
    response.body.collect().await.unwrap()
}

#[tokio::test]
async fn objects_are_what_the_server_says_they_are() {
    let (server, client) = started();
    for (key, size) in [
        ("small/000003", 4096),
        ("mid/000001", 1 << 20),
        ("big/3m", 3 << 20),
    ] {
        let bytes = client.get_bytes(url("bench", key)).await.unwrap();
        assert!(bytes == server.content(key, 0..size).unwrap(), "{key}");
        let head = client.head(HeadRequest::new(url("bench", key)));
        assert_eq!(head.await.unwrap().size, size, "{key}");
    }
    let (from, to) = ((1 << 20) - 7, (1 << 20) + 90_000);
    let part = GetRequest::new(url("bench", "big/3m")).with_range(from..to);
    assert!(read(&client, part).await == server.content("big/3m", from..to).unwrap());
    let error = client.get_bytes(url("bench", "other")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_ne!(
        server.content("small/000003", 0..4096),
        server.content("small/000004", 0..4096)
    );
}

#[tokio::test]
async fn what_is_put_into_keep_is_kept() {
    let (server, client) = started();
    let checked = SdkStore::builder()
        .endpoint(&server.endpoint())
        .region("us-east-1")
        .credentials("AKIDORIGIN", "any-secret", None)
        .integrity(Integrity::WhenSupported)
        .build();
    for (client, key) in [(&client, "plain"), (&checked, "in/chunks & more")] {
        let put = client.put_bytes(url("keep", key), ramp(0, 300_000));
        put.await.unwrap();
        let kept = client.get_bytes(url("keep", key)).await.unwrap();
        assert_eq!(kept.len(), 300_000, "{key}");
        assert_ramp(&kept, 0);
    }
    let list = ListRequest::new(S3Prefix::parse("s3://keep/in/").unwrap());
    let page = client.list_page(list).await.unwrap();
    let listed: Vec<_> = page.objects.iter().map(|o| (o.url.key(), o.size)).collect();
    assert_eq!(listed, [("in/chunks & more", 300_000)]);
}

#[tokio::test]
async fn a_kept_object_has_one_etag() {
    let (_server, client) = started();
    let put = client.put_bytes(url("keep", "put"), ramp(0, 300));
    let put = put.await.unwrap().etag.unwrap();
    let begin = client.create_upload(CreateUpload::new(url("keep", "up"), Attributes::default()));
    let upload = begin.await.unwrap();
    let part = UploadPart::new(url("keep", "up"), upload.clone(), 1, ramp(7, 900).into());
    let part = client.upload_part(part).await.unwrap();
    let complete = CompleteUpload::new(url("keep", "up"), upload, vec![part]);
    let uploaded = client.complete_upload(complete).await.unwrap();
    let uploaded = uploaded.etag.unwrap();
    assert_ne!(put, uploaded);

    let list = ListRequest::new(S3Prefix::parse("s3://keep").unwrap());
    let page = client.list_page(list).await.unwrap();
    let listed: Vec<_> = page.objects.into_iter().map(|o| o.etag.unwrap()).collect();
    assert_eq!(listed, [put, uploaded]);
    for (key, listed) in ["put", "up"].into_iter().zip(listed) {
        let head = client.head(HeadRequest::new(url("keep", key)));
        assert_eq!(head.await.unwrap().etag, Some(listed), "{key}");
    }
}

#[tokio::test]
async fn parts_become_an_object_or_nothing() {
    let (_server, client) = started();
    let begin = || client.create_upload(CreateUpload::new(url("keep", "k"), Attributes::default()));
    let upload = begin().await.unwrap();
    let part = |number, upload, from, len| {
        let payload = Payload::from(ramp(from, len));
        client.upload_part(UploadPart::new(url("keep", "k"), upload, number, payload))
    };
    let second = part(2, upload.clone(), 1000, 500).await.unwrap();
    let first = part(1, upload.clone(), 0, 1000).await.unwrap();
    let complete = CompleteUpload::new(url("keep", "k"), upload, vec![first, second]);
    client.complete_upload(complete).await.unwrap();
    let whole = client.get_bytes(url("keep", "k")).await.unwrap();
    assert_eq!(whole.len(), 1500);
    assert_ramp(&whole, 0);

    let upload = begin().await.unwrap();
    let abort = AbortUpload::new(url("keep", "k"), upload.clone());
    client.abort_upload(abort).await.unwrap();
    let error = part(1, upload, 0, 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchUpload);
}

#[tokio::test]
async fn other_buckets_count_and_forget() {
    let (server, client) = started();
    client
        .put_bytes(url("sink", "k"), ramp(0, 3_000_000))
        .await
        .unwrap();
    client
        .put_bytes(url("sink", "k"), ramp(0, 5))
        .await
        .unwrap();
    let stats = server.stats();
    for counted in [
        r#""put":2,"#,
        r#""bytes_in":3000005,"#,
        r#""max_put":3000000"#,
        r#""err":0,"#,
    ] {
        assert!(stats.contains(counted), "{counted} in {stats}");
    }
    let error = client.get_bytes(url("sink", "k")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_generated_bucket_is_listed_to_its_end() {
    let (_server, client) = started();
    let prefix = S3Prefix::parse("s3://list-2345-7").unwrap();
    let mut request = ListRequest::new(prefix.clone());
    let mut keys = Vec::new();
    loop {
        let page = client.list_page(request.clone()).await.unwrap();
        keys.extend(page.objects.iter().map(|o| o.url.key().to_owned()));
        match page.next {
            Some(next) => request = request.with_continuation(next),
            None => break,
        }
    }
    assert_eq!(keys.len(), 2345);
    assert!(keys.is_sorted_by(|a, b| a < b));
    let rolled = ListRequest::new(prefix).with_delimiter("/");
    let page = client.list_page(rolled).await.unwrap();
    assert_eq!((page.prefixes.len(), page.objects.len()), (7, 0));
}

#[tokio::test]
async fn latency_and_rate_are_felt() {
    let config = BenchServerConfig {
        latency: Duration::from_millis(40),
        connection_rate: Some(10_000_000),
        pool_bytes: 1 << 20,
    };
    let server = BenchServer::start(config).unwrap();
    let client = client_of(&server);
    let mut took = [Duration::ZERO; 2];
    for (key, took) in ["small/000000", "mid/000000"].into_iter().zip(&mut took) {
        let begin = Instant::now();
        client.get_bytes(url("bench", key)).await.unwrap();
        *took = begin.elapsed();
    }
    // Lower bounds only: a busy machine may take any time longer.
    assert!(took[0] >= Duration::from_millis(40), "{took:?}");
    assert!(took[1] >= Duration::from_millis(40 + 80), "{took:?}");
}
