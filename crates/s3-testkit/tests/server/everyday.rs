//! Features of S3 beyond the operations of a store: request ids, tags, parts by number, conditions, access lists.

use s3_core::{S3Url, StoreExt};
use s3_testkit::S3Server;

use crate::raw_http::{RawResponse, open_server, send};
use crate::signing::signed;

async fn put(server: &S3Server, key: &str, headers: &[&str], body: &[u8]) -> RawResponse {
    let response = send(server, &format!("PUT /bkt/{key}"), headers, body).await;
    assert_eq!(response.status, 200, "{}", response.text());
    response
}

async fn get(server: &S3Server, path: &str, headers: &[&str]) -> RawResponse {
    send(server, &format!("GET {path}"), headers, b"").await
}

#[tokio::test]
async fn every_response_has_an_id_and_every_error_a_message() {
    let server = open_server().await;
    let right = get(&server, "/bkt", &[]).await;
    let wrong = get(&server, "/none?policy", &[]).await;
    let id = wrong.header("x-amz-request-id").unwrap();
    assert_ne!(right.header("x-amz-request-id").unwrap(), id);
    let text = wrong.text();
    assert!(text.contains("<Code>NoSuchBucket</Code>"), "{text}");
    assert!(
        text.contains(&format!("<RequestId>{id}</RequestId>")),
        "{text}"
    );
    let unsupported = send(
        &server,
        "PUT /bkt?versioning",
        &[],
        b"<VersioningConfiguration/>",
    )
    .await;
    for response in [wrong, unsupported] {
        let text = response.text();
        let message = text.split_once("<Message>").unwrap().1;
        assert!(!message.starts_with('<'), "{text}");
    }
}

#[tokio::test]
async fn a_signature_for_another_region_is_rejected_with_the_right_one() {
    let server = open_server().await;
    let payload = "UNSIGNED-PAYLOAD";
    let ours = signed(&server, "GET", "us-east-1", "/bkt", payload, &[]);
    let ours: Vec<_> = ours.iter().map(String::as_str).collect();
    assert_eq!(get(&server, "/bkt", &ours).await.status, 200);
    let other = signed(&server, "GET", "eu-west-1", "/bkt", payload, &[]);
    let other: Vec<_> = other.iter().map(String::as_str).collect();
    let rejected = get(&server, "/bkt", &other).await;
    assert_eq!(rejected.status, 400);
    let text = rejected.text();
    assert!(
        text.contains("<Code>AuthorizationHeaderMalformed</Code>"),
        "{text}"
    );
    assert!(text.contains("<Region>us-east-1</Region>"), "{text}");
}

#[tokio::test]
async fn a_malformed_range_is_ignored_when_it_is_signed_too() {
    let server = open_server().await;
    put(&server, "k", &[], b"0123456789").await;
    for range in ["bytes=0-1,3-4", "bytes=9-0", "items=0-1"] {
        for method in ["GET", "HEAD"] {
            let extra = [("range", range)];
            let lines = signed(
                &server,
                method,
                "us-east-1",
                "/bkt/k",
                "UNSIGNED-PAYLOAD",
                &extra,
            );
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let whole = send(&server, &format!("{method} /bkt/k"), &lines, b"").await;
            assert_eq!(
                (whole.status, whole.header("content-length")),
                (200, Some("10")),
                "{range}"
            );
        }
        let mut forged = signed(
            &server,
            "GET",
            "us-east-1",
            "/bkt/k",
            "UNSIGNED-PAYLOAD",
            &[],
        );
        forged.push(format!("range: {range}"));
        forged.retain(|line| !line.starts_with("x-amz-date"));
        forged.push("x-amz-date: 20200101T000000Z".to_owned());
        let forged: Vec<_> = forged.iter().map(String::as_str).collect();
        assert_eq!(get(&server, "/bkt/k", &forged).await.status, 403, "{range}");
    }
}

#[tokio::test]
async fn the_head_of_a_range_is_a_206() {
    let server = open_server().await;
    put(&server, "k", &[], b"0123456789").await;
    let head = send(&server, "HEAD /bkt/k", &["Range: bytes=2-4"], b"").await;
    assert_eq!(head.status, 206);
    assert_eq!(head.header("content-range"), Some("bytes 2-4/10"));
}

#[tokio::test]
async fn a_bucket_is_created_again_by_its_owner_in_us_east_1_only() {
    let server = open_server().await;
    put(&server, "k", &[], b"kept").await;
    assert_eq!(send(&server, "PUT /bkt", &[], b"").await.status, 200);
    assert_eq!(get(&server, "/bkt/k", &[]).await.text(), "kept");
    let memory = s3_core::MemoryStore::with_buckets(["bkt"]);
    let builder = S3Server::builder(memory)
        .allow_anonymous()
        .region("eu-west-1");
    let elsewhere = builder.start().await.unwrap();
    let rejected = send(&elsewhere, "PUT /bkt", &[], b"").await;
    assert_eq!(rejected.status, 409);
    assert!(rejected.text().contains("BucketAlreadyOwnedByYou"));
}

#[tokio::test]
async fn tags_come_back_until_the_object_changes() {
    let server = open_server().await;
    put(&server, "k", &["x-amz-tagging: a=1&b=two"], b"one").await;
    assert_eq!(
        get(&server, "/bkt/k", &[])
            .await
            .header("x-amz-tagging-count"),
        Some("2")
    );
    let text = get(&server, "/bkt/k?tagging", &[]).await.text();
    assert!(text.contains("<Key>b</Key><Value>two</Value>"), "{text}");

    send(
        &server,
        "PUT /bkt/copy",
        &["x-amz-copy-source: /bkt/k"],
        b"",
    )
    .await;
    assert!(
        get(&server, "/bkt/copy?tagging", &[])
            .await
            .text()
            .contains("two")
    );

    // The store changes behind the server's back.
    let url = S3Url::parse("s3://bkt/k").unwrap();
    server.store().put_bytes(url, "other").await.unwrap();
    assert!(
        !get(&server, "/bkt/k?tagging", &[])
            .await
            .text()
            .contains("two")
    );
    let tagging = b"<Tagging><TagSet><Tag><Key>c</Key><Value>3</Value></Tag></TagSet></Tagging>";
    assert_eq!(
        send(&server, "PUT /bkt/k?tagging", &[], tagging)
            .await
            .status,
        200
    );
    assert!(
        get(&server, "/bkt/k?tagging", &[])
            .await
            .text()
            .contains("<Key>c</Key>")
    );
    assert_eq!(
        send(&server, "DELETE /bkt/k?tagging", &[], b"")
            .await
            .status,
        204
    );
    assert!(
        !get(&server, "/bkt/k?tagging", &[])
            .await
            .text()
            .contains("<Key>c</Key>")
    );
}

fn between(text: &str, from: &str, to: &str) -> String {
    text.split_once(from)
        .unwrap()
        .1
        .split_once(to)
        .unwrap()
        .0
        .to_owned()
}

#[tokio::test]
async fn a_multipart_object_knows_its_parts_and_its_checksum() {
    let server = open_server().await;
    // The CRC32 of the parts is in the catalogue and from zlib, as are those of their checksums and of the whole.
    for (kind, whole) in [("COMPOSITE", "u0/tJQ==-2"), ("FULL_OBJECT", "tbbDbA==")] {
        let kind_header = format!("x-amz-checksum-type: {kind}");
        let headers = ["x-amz-checksum-algorithm: CRC32", &kind_header];
        let created = send(&server, "POST /bkt/k?uploads", &headers, b"").await;
        assert_eq!(created.header("x-amz-checksum-type"), Some(kind));
        let id = between(&created.text(), "<UploadId>", "</UploadId>");
        let mut complete = "<CompleteMultipartUpload>".to_owned();
        let (first, second) = (vec![b'a'; 5 << 20], b"123456789".to_vec());
        for (number, body, sum) in [(1, first, "r/zBbw=="), (2, second, "y/Q5Jg==")] {
            let line = format!("PUT /bkt/k?partNumber={number}&uploadId={id}");
            let sum = format!("x-amz-checksum-crc32: {sum}");
            let part = send(&server, &line, &[&sum], &body).await;
            let etag = part.header("etag").unwrap();
            complete +=
                &format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
        }
        complete += "</CompleteMultipartUpload>";
        let line = format!("POST /bkt/k?uploadId={id}");
        if kind == "COMPOSITE" {
            let wrong = ["x-amz-checksum-crc32: AAAAAA==-2"];
            let rejected = send(&server, &line, &wrong, complete.as_bytes()).await;
            assert_eq!(rejected.status, 400, "{}", rejected.text());
        }
        let done = send(&server, &line, &[], complete.as_bytes()).await;
        let text = done.text();
        assert!(
            text.contains(&format!("<ChecksumCRC32>{whole}</ChecksumCRC32>")),
            "{text}"
        );

        let head = send(
            &server,
            "HEAD /bkt/k",
            &["x-amz-checksum-mode: ENABLED"],
            b"",
        )
        .await;
        assert_eq!(head.header("x-amz-checksum-crc32"), Some(whole));
        assert_eq!(head.header("x-amz-checksum-type"), Some(kind));
    }
    let part = get(&server, "/bkt/k?partNumber=2", &[]).await;
    assert_eq!((part.status, part.text().as_str()), (206, "123456789"));
    assert_eq!(part.header("x-amz-mp-parts-count"), Some("2"));
    let enabled = ["x-amz-checksum-mode: ENABLED"];
    let part = get(&server, "/bkt/k?partNumber=2", &enabled).await;
    assert_eq!(part.header("x-amz-checksum-crc32"), Some("y/Q5Jg=="));
    assert_eq!(
        part.header("content-range"),
        Some("bytes 5242880-5242888/5242889")
    );
    assert_eq!(get(&server, "/bkt/k?partNumber=3", &[]).await.status, 416);
    let asked = ["x-amz-object-attributes: ObjectParts,ObjectSize"];
    let text = get(&server, "/bkt/k?attributes", &asked).await.text();
    assert!(text.contains("<ObjectSize>5242889</ObjectSize>"), "{text}");
    assert!(text.contains("<PartsCount>2</PartsCount>"), "{text}");
    assert!(!text.contains("StorageClass"), "{text}");
    let asked = ["x-amz-object-attributes: ETag"];
    let text = get(&server, "/bkt/k?attributes", &asked).await.text();
    let etag = part.header("etag").unwrap().trim_matches('"').to_owned();
    assert!(text.contains(&format!("<ETag>{etag}</ETag>")), "{text}");
}

#[tokio::test]
async fn an_object_of_one_put_is_its_own_first_part() {
    let server = open_server().await;
    put(&server, "k", &[], b"one").await;
    let part = get(&server, "/bkt/k?partNumber=1", &[]).await;
    assert_eq!((part.status, part.text().as_str()), (206, "one"));
    assert_eq!(get(&server, "/bkt/k?partNumber=2", &[]).await.status, 416);
}

#[tokio::test]
async fn writes_and_deletes_have_conditions() {
    let server = open_server().await;
    let etag = put(&server, "k", &[], b"1")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let same = format!("If-None-Match: {etag}");
    let matched = format!("If-Match: {etag}");
    for (line, condition, status) in [
        ("PUT /bkt/k", same.as_str(), 412),
        ("PUT /bkt/k", "If-None-Match: \"other\"", 200),
        ("PUT /bkt/k", "If-Match: *", 200),
        ("PUT /bkt/none", "If-Match: *", 404),
        ("PUT /bkt/k", "If-Match: \"other\"", 412),
        ("DELETE /bkt/k", "If-Match: \"other\"", 412),
        ("DELETE /bkt/none", matched.as_str(), 404),
        ("DELETE /bkt/k", matched.as_str(), 204),
    ] {
        let response = send(&server, line, &[condition], b"1").await;
        assert_eq!(
            response.status,
            status,
            "{line} {condition}: {}",
            response.text()
        );
    }
    assert_eq!(get(&server, "/bkt/k", &[]).await.status, 404);
}

#[tokio::test]
async fn the_source_of_a_copy_has_conditions() {
    let server = open_server().await;
    let etag = put(&server, "k", &[], b"1")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let same = format!("x-amz-copy-source-if-none-match: {etag}");
    for (condition, status) in [
        (same.as_str(), 412),
        ("x-amz-copy-source-if-none-match: \"other\"", 200),
        (
            "x-amz-copy-source-if-unmodified-since: Wed, 01 Jan 2020 00:00:00 GMT",
            412,
        ),
        (
            "x-amz-copy-source-if-modified-since: Wed, 01 Jan 2020 00:00:00 GMT",
            200,
        ),
    ] {
        let headers = ["x-amz-copy-source: /bkt/k", condition];
        let response = send(&server, "PUT /bkt/to", &headers, b"").await;
        assert_eq!(response.status, status, "{condition}: {}", response.text());
    }
}

#[tokio::test]
async fn a_response_without_the_object_names_its_etag() {
    let server = open_server().await;
    let etag = put(&server, "k", &[], b"1")
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    let unchanged = get(&server, "/bkt/k", &[&format!("If-None-Match: {etag}")]).await;
    assert_eq!(
        (unchanged.status, unchanged.header("etag")),
        (304, Some(&*etag))
    );
    let head = send(&server, "HEAD /bkt/k", &[], b"").await;
    assert!(unchanged.header("last-modified").is_some());
    assert_eq!(
        unchanged.header("last-modified"),
        head.header("last-modified")
    );
    let changed = get(&server, "/bkt/k", &["If-Match: \"other\""]).await;
    assert_eq!(
        (changed.status, changed.header("etag")),
        (412, Some(&*etag))
    );
}

#[tokio::test]
async fn a_412_names_the_condition() {
    let server = open_server().await;
    put(&server, "k", &[], b"1").await;
    put(&server, "taken", &[], b"2").await;
    let old = "Wed, 01 Jan 2020 00:00:00 GMT";
    for (line, headers, condition) in [
        ("GET /bkt/k", vec!["If-Match: \"other\""], "If-Match"),
        (
            "GET /bkt/k",
            vec!["If-Unmodified-Since: Wed, 01 Jan 2020 00:00:00 GMT"],
            "If-Unmodified-Since",
        ),
        ("PUT /bkt/k", vec!["If-None-Match: *"], "If-None-Match"),
        ("PUT /bkt/k", vec!["If-Match: \"other\""], "If-Match"),
        ("DELETE /bkt/k", vec!["If-Match: \"other\""], "If-Match"),
        (
            "DELETE /bkt/k",
            vec!["x-amz-if-match-size: 7"],
            "x-amz-if-match-size",
        ),
        (
            "PUT /bkt/to",
            vec![
                "x-amz-copy-source: /bkt/k",
                "x-amz-copy-source-if-match: \"other\"",
            ],
            "x-amz-copy-source-If-Match",
        ),
        (
            "PUT /bkt/taken",
            vec!["x-amz-copy-source: /bkt/k", "If-None-Match: *"],
            "If-None-Match",
        ),
    ] {
        let response = send(&server, line, &headers, b"").await;
        let text = response.text();
        assert_eq!(response.status, 412, "{line} {headers:?}: {text}");
        assert_eq!(between(&text, "<Condition>", "<"), condition, "{text}");
        assert_eq!(response.header("x-error-detail"), None);
    }
    // An ETag takes precedence over a time.
    let etag = get(&server, "/bkt/k", &[]).await;
    let etag = etag.header("etag").unwrap();
    let headers = [
        "x-amz-copy-source: /bkt/k",
        &format!("x-amz-copy-source-if-match: {etag}"),
        &format!("x-amz-copy-source-if-unmodified-since: {old}"),
    ];
    let copied = send(&server, "PUT /bkt/to", &headers, b"").await;
    assert_eq!(copied.status, 200, "{}", copied.text());
}

#[tokio::test]
async fn a_customers_key_is_asked_for_again() {
    let server = open_server().await;
    // 32 bytes of 7, and their MD5.
    let key = [
        "x-amz-server-side-encryption-customer-algorithm: AES256",
        "x-amz-server-side-encryption-customer-key: BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        "x-amz-server-side-encryption-customer-key-md5: y4HAEFCYWuvAXWFTtA1Qpg==",
    ];
    let put = send(&server, "PUT /bkt/k", &key, b"secret").await;
    let text = put.text();
    assert_eq!(put.status, 200, "{text}");
    assert_eq!(get(&server, "/bkt/k", &key).await.text(), "secret");
    assert_eq!(get(&server, "/bkt/k", &[]).await.status, 400);
    assert_eq!(get(&server, "/bkt/k", &key[..2]).await.status, 400);
    assert_eq!(send(&server, "HEAD /bkt/k", &[], b"").await.status, 400);
}

#[tokio::test]
async fn configurations_and_access_lists_are_kept() {
    let server = open_server().await;
    assert_eq!(get(&server, "/bkt?policy", &[]).await.status, 404);
    let policy = b"{\"Version\":\"2012-10-17\",\"Statement\":[]}";
    send(&server, "PUT /bkt?policy", &[], policy).await;
    assert_eq!(get(&server, "/bkt?policy", &[]).await.body, policy);
    assert_eq!(
        send(&server, "DELETE /bkt?policy", &[], b"").await.status,
        204
    );
    assert_eq!(get(&server, "/bkt?policy", &[]).await.status, 404);
    assert_eq!(get(&server, "/none?policy", &[]).await.status, 404);

    put(&server, "k", &["x-amz-acl: public-read"], b"1").await;
    let text = get(&server, "/bkt/k?acl", &[]).await.text();
    assert!(
        text.contains("AllUsers") && text.contains("FULL_CONTROL"),
        "{text}"
    );
    assert!(
        !get(&server, "/bkt?acl", &[])
            .await
            .text()
            .contains("AllUsers")
    );
    send(&server, "PUT /bkt?acl", &["x-amz-acl: public-read"], b"").await;
    assert!(
        get(&server, "/bkt?acl", &[])
            .await
            .text()
            .contains("AllUsers")
    );
}

#[tokio::test]
async fn objects_are_listed_as_their_version_null() {
    let server = open_server().await;
    for key in ["a", "b", "c/1", "c/2"] {
        put(&server, key, &[], b"1").await;
    }
    let text = get(&server, "/bkt?versions&max-keys=2", &[]).await.text();
    assert!(text.contains("<NextKeyMarker>b</NextKeyMarker>"), "{text}");
    assert!(text.contains("<VersionId>null</VersionId>"), "{text}");
    let text = get(&server, "/bkt?versions&key-marker=b&delimiter=/", &[])
        .await
        .text();
    assert!(
        text.contains("<Prefix>c/</Prefix>") && !text.contains("<Key>b</Key>"),
        "{text}"
    );
    assert!(
        !get(&server, "/bkt?versioning", &[])
            .await
            .text()
            .contains("Status")
    );
}

#[tokio::test]
async fn uploads_below_a_delimiter_are_rolled_up() {
    let server = open_server().await;
    for key in ["a", "c/1", "c/2", "d"] {
        send(&server, &format!("POST /bkt/{key}?uploads"), &[], b"").await;
    }
    let text = get(&server, "/bkt?uploads&delimiter=/", &[]).await.text();
    assert_eq!(text.matches("<Upload>").count(), 2, "{text}");
    assert_eq!(
        text.matches("<CommonPrefixes><Prefix>c/</Prefix>").count(),
        1,
        "{text}"
    );
    let text = get(&server, "/bkt?uploads&delimiter=/&max-uploads=2", &[])
        .await
        .text();
    assert!(
        text.contains("<NextKeyMarker>c/2</NextKeyMarker>"),
        "{text}"
    );
    let rest = get(&server, "/bkt?uploads&delimiter=/&key-marker=c/2", &[])
        .await
        .text();
    assert!(
        rest.contains("<Key>d</Key>") && !rest.contains("<Prefix>c/"),
        "{rest}"
    );
}

#[tokio::test]
async fn a_page_has_owners_when_they_are_asked_for() {
    let server = open_server().await;
    put(&server, "k", &[], b"1").await;
    assert!(
        !get(&server, "/bkt?list-type=2", &[])
            .await
            .text()
            .contains("<Owner>")
    );
    assert!(
        get(&server, "/bkt?list-type=2&fetch-owner=true", &[])
            .await
            .text()
            .contains("<Owner>")
    );
    assert!(get(&server, "/bkt", &[]).await.text().contains("<Owner>"));
}

#[tokio::test]
async fn an_empty_token_or_delimiter_is_as_if_it_were_not_there() {
    let server = open_server().await;
    put(&server, "a/b", &[], b"1").await;
    let path = "/bkt?list-type=2&continuation-token=&delimiter=";
    let text = get(&server, path, &[]).await.text();
    assert!(text.contains("<Key>a/b</Key>"), "{text}");
    assert!(!text.contains("<Delimiter>"), "{text}");
}

#[tokio::test]
async fn buckets_are_listed_in_pages_and_by_prefix() {
    let server = open_server().await;
    for bucket in ["bkt-a", "bkt-b", "other"] {
        send(&server, &format!("PUT /{bucket}"), &[], b"").await;
    }
    let text = get(&server, "/?prefix=bkt-&max-buckets=1", &[])
        .await
        .text();
    assert!(
        text.contains("<Name>bkt-a</Name>") && !text.contains("bkt-b"),
        "{text}"
    );
    let token = between(&text, "<ContinuationToken>", "</ContinuationToken>");
    let path = format!("/?prefix=bkt-&continuation-token={token}");
    let text = get(&server, &path, &[]).await.text();
    assert!(
        text.contains("<Name>bkt-b</Name>") && !text.contains("other"),
        "{text}"
    );
    assert!(!text.contains("<ContinuationToken>"), "{text}");
}

#[tokio::test]
async fn encryption_is_echoed_and_has_a_default_in_the_bucket() {
    let server = open_server().await;
    let kms = [
        "x-amz-server-side-encryption: aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id: key-1",
    ];
    let names = [
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
    ];
    let written = put(&server, "k", &kms, b"1").await;
    let read = get(&server, "/bkt/k", &[]).await;
    let copy_headers = [kms[0], kms[1], "x-amz-copy-source: /bkt/k"];
    let copied = send(&server, "PUT /bkt/copy", &copy_headers, b"").await;
    for response in [written, read, copied] {
        let seen = names.map(|name| response.header(name));
        assert_eq!(seen, [Some("aws:kms"), Some("key-1")]);
    }
    let plain = put(&server, "plain", &[], b"1").await;
    assert_eq!(plain.header(names[0]), None);
    let rule = b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>\
        <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>\
        </ServerSideEncryptionConfiguration>";
    let set = send(&server, "PUT /bkt?encryption", &[], rule).await;
    assert_eq!(set.status, 200, "{}", set.text());
    let plain = put(&server, "plain", &[], b"1").await;
    assert_eq!(plain.header(names[0]), Some("AES256"));
}

#[tokio::test]
async fn a_read_overrides_headers_of_the_response() {
    let server = open_server().await;
    put(&server, "k", &[], b"1").await;
    let got = get(
        &server,
        "/bkt/k?response-content-type=text%2Fx&response-cache-control=no-store",
        &[],
    )
    .await;
    assert_eq!(got.header("content-type"), Some("text/x"));
    assert_eq!(got.header("cache-control"), Some("no-store"));
}
